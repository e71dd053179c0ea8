/* SPDX-License-Identifier: Apache-2.0 */
/* mountlist.h - what is mounted, and what differs between two readings of it.  Floor 3, pure.
 *
 * One reading of /proc/<pid>/mountinfo, as facts of the job of that name (job/mountinfo.c).  A
 * mount is the same as before when its number, device, root, point, type and source are: one that
 * was moved is gone from where it was and new where it is; other options alone make no other mount.
 */
#ifndef INTEGRITY_MOUNTLIST_H
#define INTEGRITY_MOUNTLIST_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

enum { MOUNTLIST_BYTES = 16 << 20 };

struct mountlist {
        struct buf bytes; /* of each its texts, in this order, each ended by a NUL */
        size_t n;
};
#define MOUNTLIST_INIT ((struct mountlist){ .bytes = BUF_INIT(MOUNTLIST_BYTES) })

struct mount_texts {
        struct span id, dev, root, point, type, source, options, super;
};

void mountlist_done(struct mountlist *l);
void mountlist_clear(struct mountlist *l);

/* One fact, canonical JSON.  -EBADMSG: it is none of a mount, and was left out; -ENOMEM, -E2BIG:
 * there is no room, and the list is not to be compared. */
MUST_USE int mountlist_add(struct mountlist *l, struct span fact);

/* What is mounted nearest to this path is another one than before, although it may look the same:
 * what does is taken out of was, so that it is new in is.  Of several on one another, all. -ENOMEM.
 */
MUST_USE int mountlist_forget(struct mountlist *was, const struct mountlist *is, struct span path);

/* First those that are gone, then those that are new, each in the order of its list; until one call
 * fails.  -ENOMEM; -E2BIG: not all found room in one of the lists, and nothing was called. */
typedef int mountlist_fn(void *ctx, const struct mount_texts *m, bool gone);
MUST_USE int mountlist_compare(const struct mountlist *was, const struct mountlist *is,
                               mountlist_fn *fn, void *ctx);

#endif
