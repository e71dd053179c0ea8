/* SPDX-License-Identifier: Apache-2.0 */
/* quarantine.h - what was put away when something else was put back: the evidence.  Floor 3.
 *
 *   <state>/quarantine/content/ab/cdef...   contents and attribute values, as content.h has them
 *   <state>/quarantine/items/<id>           what it was, where, when and why (quarantine_item.h)
 *   <state>/quarantine/items/new.<id>       being written; one that a crash left goes at the start
 *
 * An item is durable, its content before it, when quarantine_take() returns.  Nothing goes by
 * itself: at a ceiling nothing more is taken, and what would have been put away stays where it is.
 * An item goes when an administrator says so (quarantine_remove()).
 *
 * quarantine_take() belongs to one thread at a time; so does quarantine_remove(), and never both.
 *
 * SECURITY: contents are hostile bytes, compressed and hashed, never interpreted, and lie where
 * nobody but root comes; none of it can be run from here. */
#ifndef INTEGRITY_QUARANTINE_H
#define INTEGRITY_QUARANTINE_H

#include "base/base.h"
#include "base/err.h"
#include "integrity/restoring/quarantine_item.h"
#include "integrity/trusted/content.h"
#include "integrity/trusted/record.h"

struct io;
struct quarantine;

enum { QUARANTINE_ITEMS_MAX = 8192 };
#define QUARANTINE_FILE_MAX  (UINT64_C(256) << 20)
#define QUARANTINE_TOTAL_MAX (UINT64_C(1) << 30)

struct quarantine_limits {
        uint64_t items;                /* 0: QUARANTINE_ITEMS_MAX */
        struct content_limits content; /* 0: as above, and CONTENT_FREE_MIN */
};

struct quarantine_use {
        uint64_t items, items_max;
        uint64_t bytes, bytes_max; /* compressed */
};

/* Below dirfd (borrowed), the sensor's state directory. */
MUST_USE int quarantine_open(const struct io *io, int dirfd, const struct quarantine_limits *l,
                             struct quarantine **ret, struct err *err);
struct quarantine *quarantine_free(struct quarantine *q);
DEFINE_CLEANUP(struct quarantine, quarantine_free)

/* Keep what is at name below dirfd: all that is known of it, and the content of a file.  path is
 * where it is for people.  *ret is valid until the next call.
 * -ENOENT: nothing is there.  -ENOSPC: a ceiling, or no room on the disk.  -EFBIG: larger than a
 * file here may be.  Other errors: it cannot be read, or not be kept.  Then nothing was kept. */
MUST_USE int quarantine_take(struct quarantine *q, int dirfd, const char *name, struct span path,
                             const char *reason, int64_t wall_ns, struct quarantine_item *ret,
                             struct err *err);

struct quarantine_use quarantine_use(struct quarantine *q);

/* -ENOENT: there is no such item. */
MUST_USE int quarantine_remove(struct quarantine *q, const char *id, struct err *err);

/* ---- without opening it for writing: dirfd is the state directory ---- */

/* All items, in no order; a negative result of fn ends it.  One that cannot be read is told by its
 * id alone: item NULL and why. */
typedef int quarantine_each_fn(void *ctx, const char *id, const struct quarantine_item *item,
                               const struct err *why);
MUST_USE int quarantine_each(const struct io *io, int dirfd, quarantine_each_fn *fn, void *ctx,
                             struct err *err);
/* *ret's spans point into text, which it fills. */
MUST_USE int quarantine_read(const struct io *io, int dirfd, const char *id, struct buf *text,
                             struct quarantine_item *ret, struct err *err);
/* The content of an item's file to out_fd, checked. */
MUST_USE int quarantine_copy(int dirfd, const struct quarantine_item *item, int out_fd,
                             struct err *err);

#endif
