/* SPDX-License-Identifier: Apache-2.0 */
/* dirty.h - places to look at: what events said, each place once.  Floor 3, pure.
 *
 * A place is a directory's handle and a name in it, so it stays right when the directory moves.
 * Events on a place that waits already are merged into it; the last author stands for all.  A place
 * is ready at once, or waits for the end of what was seen to begin (a file being written). Bounded.
 */
#ifndef INTEGRITY_DIRTY_H
#define INTEGRITY_DIRTY_H

#include "base/base.h"
#include "base/err.h"
#include "integrity/table.h"

struct who;
struct dirty;

enum {
        DIRTY_MAX = 262144, /* places */
};

enum dirty_what {
        DIRTY_CONTENT = 1u << 0, /* was written to, or is new */
        DIRTY_STATE = 1u << 1,   /* attributes or links */
        DIRTY_WRITING = 1u << 2, /* written to and perhaps not closed yet */
        DIRTY_TREE = 1u << 3,    /* came with what is below it */
};

struct dirty_place {
        struct dirty_place *hash_next, *next, *prev;
        uint32_t hash;
        bool waits;    /* in the list of those that wait, else ready */
        uint8_t tries; /* the owner's: how often it was put back */
        unsigned what;
        int64_t due_ns;  /* monotonic */
        int64_t wall_ns; /* of the first event */
        struct who *who; /* a reference; may be NULL */
        struct table_handle dir;
        uint8_t name_n;
        uint8_t name[TABLE_NAME_MAX + 1]; /* with a NUL */
};

MUST_USE int dirty_new(struct dirty **ret, struct err *err);
struct dirty *dirty_free(struct dirty *d);
DEFINE_CLEANUP(struct dirty, dirty_free)

size_t dirty_count(const struct dirty *d);
bool dirty_full(const struct dirty *d);

/* Add or merge.  due_ns <= now_ns: ready.  A place that waits becomes ready when anything says so.
 * name longer than TABLE_NAME_MAX is our bug.  -ENOMEM, -ENOSPC: full, nothing was added. */
MUST_USE int dirty_add(struct dirty *d, const struct table_handle *dir, struct span name,
                       unsigned what, struct who *who, int64_t wall_ns, int64_t now_ns,
                       int64_t due_ns);
bool dirty_has(const struct dirty *d, const struct table_handle *dir, struct span name);

/* The first place that is ready or due, now the caller's (dirty_place_free); NULL: none. */
struct dirty_place *dirty_take(struct dirty *d, int64_t now_ns);
void dirty_place_free(struct dirty_place *p);
/* Give one back that was taken, to come again at due_ns; merged when the place is there anew. */
void dirty_put_back(struct dirty *d, struct dirty_place *p, int64_t now_ns, int64_t due_ns);

/* When dirty_take() will have something: now_ns or earlier, later, or -1 for never. */
int64_t dirty_due(const struct dirty *d, int64_t now_ns);

#endif
