/* SPDX-License-Identifier: Apache-2.0 */
/* dirty.h - places to look at: what events said, each place once.  Floor 3, pure.
 *
 * A place is a directory's handle and a name in it, so it stays right when the directory moves.
 * Events on a place that waits already are merged into it; the last author stands first, and a few
 * before it are kept.  A thread of the kernel's that only closes a file stands behind who acted
 * before.  A place is ready at once, or waits for the end of what was seen to begin (a
 * file being written).  Bounded: about 150 bytes each, the handle of a directory kept once for all
 * places in it. */
#ifndef INTEGRITY_DIRTY_H
#define INTEGRITY_DIRTY_H

#include "base/base.h"
#include "base/err.h"
#include "integrity/trusted/table.h"

struct who;
struct dirty;

enum {
        DIRTY_MAX = 262144, /* places */
        DIRTY_AUTHORS = 4,  /* remembered of a place */
};

enum dirty_what {
        DIRTY_CONTENT = 1u << 0, /* was written to, or is new */
        DIRTY_STATE = 1u << 1,   /* attributes or links */
        DIRTY_WRITING = 1u << 2, /* written to and perhaps not closed yet */
        DIRTY_TREE = 1u << 3,    /* came with what is below it */
        DIRTY_BEGUN = 1u << 4,   /* created, and if it is a file perhaps not closed yet */
        DIRTY_ENDED = 1u << 5,   /* closed: ends the two before */
        DIRTY_CHECK = 1u << 6, /* nothing is known to have happened: stat() tells whether to read */
        /* What was seen happening, for what is gone before it is looked at. */
        DIRTY_CREATED = 1u << 8,
        DIRTY_WRITTEN = 1u << 9,
        DIRTY_CHANGED = 1u << 10, /* attributes */
        DIRTY_CAME = 1u << 11,    /* renamed to this */
        DIRTY_LEFT = 1u << 12,    /* renamed to something that is not watched */
        DIRTY_DELETED = 1u << 13,
        DIRTY_DIRECTORY = 1u << 14, /* it was one */
        DIRTY_BURY = 1u << 15,      /* the owner's: was told to be gone */
};

/* A directory with places in it; counted. */
struct dirty_dir {
        struct dirty_dir *next; /* in its bucket */
        size_t refs;
        uint32_t hash;
        struct table_handle h;
};

struct dirty_place {
        struct dirty_place *hash_next, *next, *prev;
        struct dirty_dir *dir;
        struct who *by[DIRTY_AUTHORS]; /* references, the latest first (but see above), each process
                                        * once for each program that it was; NULL behind the last */
        int64_t since_ns;              /* monotonic, of the first event */
        int64_t due_ns;                /* monotonic */
        int64_t wall_ns;               /* of the first event */
        unsigned what;                 /* enum dirty_what */
        uint32_t hash;
        bool waits;    /* in the list of those that wait, else ready */
        uint8_t tries; /* the owner's: how often it was put back */
        uint8_t name_n;
        uint8_t name[]; /* with a NUL */
};

MUST_USE int dirty_new(struct dirty **ret, struct err *err);
struct dirty *dirty_free(struct dirty *d);
DEFINE_CLEANUP(struct dirty, dirty_free)

size_t dirty_count(const struct dirty *d);
bool dirty_full(const struct dirty *d);

/* Add or merge.  due_ns <= now_ns: ready.  A place that waits becomes ready when anything says so.
 * name longer than TABLE_NAME_MAX is our bug.  -ENOMEM, -ENOSPC: full, nothing was added. */
MUST_USE int dirty_add(struct dirty *d, const struct table_handle *h, struct span name,
                       unsigned what, struct who *who, int64_t wall_ns, int64_t now_ns,
                       int64_t due_ns);
bool dirty_has(const struct dirty *d, const struct table_handle *h, struct span name);
/* What was seen of it (enum dirty_what), 0 when it has no place. */
unsigned dirty_what(const struct dirty *d, const struct table_handle *h, struct span name);
/* Who was seen there, DIRTY_AUTHORS of them, NULL behind the last; NULL: it has no place. */
struct who *const *dirty_authors(const struct dirty *d, const struct table_handle *h,
                                 struct span name);
/* Is there a place whose first event was not later than this?  Goes through all of them. */
bool dirty_since(const struct dirty *d, int64_t wall_ns);

/* The first place that is ready or due, now the caller's (dirty_place_free); NULL: none. */
struct dirty_place *dirty_take(struct dirty *d, int64_t now_ns);
void dirty_place_free(struct dirty *d, struct dirty_place *p);
/* Give one back that was taken, to come again at due_ns; merged when the place is there anew. */
void dirty_put_back(struct dirty *d, struct dirty_place *p, int64_t now_ns, int64_t due_ns);

/* What was at one place is at another now: what waits for it moves along. */
MUST_USE int dirty_move(struct dirty *d, const struct table_handle *from_dir, struct span from,
                        const struct table_handle *to_dir, struct span to, int64_t now_ns);

/* When dirty_take() will have something: now_ns or earlier, later, or -1 for never. */
int64_t dirty_due(const struct dirty *d, int64_t now_ns);

#endif
