/* SPDX-License-Identifier: Apache-2.0 */
/* wake.h - tells when a file that a table is made of may have changed: inotify(7) on directories.
 * Floor 3.
 *
 * Directories are watched and not files, for most programs write beside a file and rename.  What is
 * told is a hint: the table is looked at, and looked at by time all the same, so an event that is
 * lost, a write through a mapping or another mount costs time and nothing else.
 *
 * SECURITY: names are anybody's, and so is the rate: events are read at most WAKE_REST_MS apart,
 * and what the kernel drops meanwhile is told as "everything". */
#ifndef MONITOR_WAKE_H
#define MONITOR_WAKE_H

#include "base/base.h"
#include "base/err.h"

enum { WAKE_OWNERS_MAX = 256, WAKE_PLACES_MAX = 16384, WAKE_REST_MS = 200 };

struct wake;

/* Something may have changed for this owner.  moved: where its files lie, too, so that its places
 * are to be said anew. */
typedef void wake_fn(void *ctx, size_t owner, bool moved);

MUST_USE int wake_new(wake_fn *fn, void *ctx, struct wake **ret, struct err *err);
struct wake *wake_free(struct wake *w);
DEFINE_CLEANUP(struct wake, wake_free)

int wake_fd(const struct wake *w);
/* Read what there is and tell it. */
void wake_read(struct wake *w);

/* All places of an owner, in the place of those before: (directory NUL pattern NUL)..., the pattern
 * one of fnmatch(3) for names in it.  A directory that cannot be watched is left out.  -ENOSPC: the
 * ceiling, here or of the kernel; -ENOMEM.  Those that fit are watched all the same. */
MUST_USE int wake_set(struct wake *w, size_t owner, struct span places);
/* Nobody's any more. */
void wake_clear(struct wake *w);
size_t wake_places(const struct wake *w);

#endif
