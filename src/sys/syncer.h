/* SPDX-License-Identifier: Apache-2.0 */
/* syncer.h - many descriptors synced at the same time.  Floor 1.
 *
 * A sync ends with the disk's cache being flushed.  One after the other, each waits for a flush of
 * its own; asked for at the same time, the kernel makes them few.  What is synced and what a
 * failure means stays as it is: every descriptor gets its own fsync(). */
#ifndef SYS_SYNCER_H
#define SYS_SYNCER_H

#include "base/base.h"
#include "base/err.h"
#include "sys/io.h"

struct syncer;

/* `helpers` threads beside the caller's own. */
MUST_USE int syncer_new(unsigned helpers, struct syncer **ret, struct err *err);
struct syncer *syncer_free(struct syncer *s);
DEFINE_CLEANUP(struct syncer, syncer_free)

/* io->fsync() of every descriptor, back when none is under way any more.  One caller at a time; io
 * is called from several threads.  With s NULL: in this thread, in order, up to the first failure.
 * A negative errno when any failed, and *ret_failed is then the place of one that did. */
MUST_USE int syncer_run(struct syncer *s, const struct io *io, const int *fd, size_t n,
                        size_t *ret_failed);

#endif
