/* SPDX-License-Identifier: Apache-2.0 */
/* jobrun.h - have a foreign format read by assay-job, a process without rights.  Floor 2.
 *
 *            start            pidfd readable
 *   job_start ----> RUNNING ------------------> ended: on_end(), freed
 *                      |  deadline, bad frame,      ^
 *                      |  on_fact() < 0             |
 *                      `----> KILLED ---------------'
 *
 * Whatever a job does - crash, lie, hang, flood - is an error of that job and nothing else. */
#ifndef LOOP_JOBRUN_H
#define LOOP_JOBRUN_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"
#include "loop/loop.h"

#include <limits.h>

struct job_run;

/* One fact, a checked canonical JSON object; valid during the call.  Negative: stop the job, which
 * then ends with that code. */
typedef int job_fact_fn(void *ctx, struct span json);
/* Exactly once, unless cancelled.  result 0: all facts were delivered and the job ended well.
 * -ETIMEDOUT; -E2BIG: more facts than allowed; -EBADMSG: it broke the protocol; -EIO: it failed or
 * crashed.  err says what; its words may be the job's: escape them.  Facts before a failure are not
 * the whole answer. */
typedef void job_end_fn(void *ctx, int result, const struct err *err);

enum { JOB_MORE_MAX = 24, JOB_ARGS_MAX = 24 };

struct job_spec {
        const char *program; /* absolute path of assay-job */
        const char *job;     /* its name in the table of jobs; borrowed until the end, as program */
        int input;           /* descriptor the job reads to its end; borrowed during the start */
        const int *more;     /* further ones, as its job says; borrowed likewise */
        size_t n_more;       /* at most JOB_MORE_MAX */
        const char *const *args; /* ended by NULL, as its job says; NULL: none; borrowed likewise */
        int64_t timeout_ns;
        uint32_t facts_max;
        const struct clock *clock; /* the loop's */
};

/* The process runs; *ret stays valid until on_end() or job_cancel(). */
MUST_USE int job_start(struct loop *l, const struct job_spec *spec, job_fact_fn *on_fact,
                       job_end_fn *on_end, void *ctx, struct job_run **ret, struct err *err);

/* Kill it and forget it; on_end() is not called.  Not from on_fact(). */
struct job_run *job_cancel(struct job_run *j);

/* For programs without a loop: start and wait. */
MUST_USE int job_run_wait(const struct job_spec *spec, job_fact_fn *on_fact, void *ctx,
                          struct err *err);

/* assay-job, which lies beside the program that runs.  -ENOENT. */
MUST_USE int job_program(char out[PATH_MAX], struct err *err);

/* A descriptor with these bytes for spec.input (a sealed memory file); the caller's to close. */
MUST_USE int job_input(struct span bytes, struct err *err);

#endif
