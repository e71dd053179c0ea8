/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - the life of the process assay-job.  Floor 3. */
#ifndef JOB_RUN_H
#define JOB_RUN_H

/* Give every right away, read `in` to its end, run the job of that name, send frames to the
 * seqpacket socket `out`.  args is ended by NULL; further descriptors follow from 3 on without a
 * hole.  The exit status: 0 when an end was sent, 1 when a failure was told, 2 when not even that
 * was possible. */
int job_run(const char *name, const char *const *args, int in, int out);

#endif
