/* SPDX-License-Identifier: Apache-2.0 */
/* quarantine.h - what was put away when something else was put back: the evidence.  Floor 3.
 *
 *   <state>/quarantine/content/ab/cdef...   contents and attribute values, as content.h has them
 *   <state>/quarantine/items/<id>           what it was, where, when and why (quarantine_item.h)
 *   <state>/quarantine/items/new.<id>       being written; one that a crash left goes at the start
 *
 * An item is durable, its content before it, when quarantine_take() returns.  Nothing goes by
 * itself: an item goes when an administrator says so (quarantine_remove()).
 *
 * What is put away has ceilings, and evidence must not stand in the way of what it is kept for.  So
 * less is kept, in this order, and the item says what and why:
 *
 *   the whole content -> all its data without the holes, or the first of it (quarantine_part.h)
 *                     -> the record alone -> no item (-ENOSPC)
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
struct observe_calls;
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

/* How what is taken is opened and read (observe.h); borrowed. */
void quarantine_set_calls(struct quarantine *q, const struct observe_calls *calls);

struct quarantine_ask {
        int dirfd;
        const char *name;   /* below it */
        struct span path;   /* where that is for people */
        const char *reason; /* of QUARANTINE_REASON_MAX at most */
        int64_t wall_ns;
        const struct record *known; /* read before: its hash counts while it is the same; or NULL */
        bool record_alone;          /* also where nothing of the content can be kept */
};

/* Keep what is at a name: all that is known of it, and the content of a file, or what there is room
 * for.  *ret is valid until the next call.
 * -ENOENT: nothing is there.  -ENOSPC: a ceiling, or no room on the disk.  -ESTALE: somebody
 * removes the quarantine; look at it, and again.  -ETIMEDOUT, -EUSERS: by its calls, which somebody
 * keeps waiting.  Other errors: it cannot be read, or not be kept.  Then nothing was kept. */
MUST_USE int quarantine_take(struct quarantine *q, const struct quarantine_ask *a,
                             struct quarantine_item *ret, struct err *err);

/* Are its directories there?  0: they are.  1: somebody had removed them, and they are made again,
 * empty.  Below 0 they cannot be made: nothing is taken until a later look.  Not while another
 * thread takes. */
MUST_USE int quarantine_look(struct quarantine *q, struct err *err);

/* Many at once, a tree: until quarantine_sync() what is taken may not outlive a power cut.  To sync
 * each would take so long that nothing else is put back meanwhile. */
void quarantine_sync_later(struct quarantine *q);
MUST_USE int quarantine_sync(struct quarantine *q, struct err *err);

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
/* The content of an item's file to out_fd, a file, checked; where not all is kept, what is, at its
 * places.  -ENODATA: nothing of it is. */
MUST_USE int quarantine_copy(int dirfd, const struct quarantine_item *item, int out_fd,
                             struct err *err);

#endif
