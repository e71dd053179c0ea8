/* SPDX-License-Identifier: Apache-2.0 */
/* restore_places.h - the paths that are not, or were not, as they should be, and in which order
 * they are put back.  Floor 3, pure.
 *
 * What is in the table (table.h) is good until a change that nothing explains.  So only paths where
 * that is not so are remembered here, each with the state that is good there:
 *
 *           unexplained change              put back
 *   (none) -------------------> DEVIANT ----------------> (none)
 *      |                        |  ^
 *      | explained change       |  | unexplained change
 *      '-------------------> EXPLAINED     its good state is not the baseline's
 *
 * A deviant one that is WANTED waits in a lane: root's, or one that a part of the other users
 * share. Lanes take turns, and what was changed or deleted comes before what was added, in all of
 * them: so whoever adds thousands of files puts off his own.  The next one is its first that is
 * due, or rather the topmost of the directories above it that is wanted too: a directory comes
 * before what was in it.  Where a wanted path was renamed from another one, that one comes first.
 *
 * Bounded: RESTORE_PLACES_MAX, the last RESTORE_PLACES_ROOT of them root's; what finds no room is
 * not put back, which its caller tells. */
#ifndef INTEGRITY_RESTORE_PLACES_H
#define INTEGRITY_RESTORE_PLACES_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "integrity/restoring/restore_disk.h"

enum {
        RESTORE_PLACES_MAX = 65536,
        RESTORE_PLACES_ROOT = 8192,
        RESTORE_LANES = 64,
        RESTORE_THRICE = 3, /* within RESTORE_WINDOW_S: it is no use */
        RESTORE_WINDOW_S = 60,
        RESTORE_REST_S = 600, /* then it is left alone for so long */
};

enum restore_place_flags {
        RESTORE_HAS_GOOD = 1u << 0,
        RESTORE_EXPLAINED = 1u << 1,
        RESTORE_WANTED = 1u << 2,
        RESTORE_SUSPENDED = 1u << 3, /* told that an approved change owns it */
        RESTORE_TOLD = 1u << 4,      /* told that it could not be */
        RESTORE_KEEP = 1u << 5,      /* its explained content is still to be kept */
        RESTORE_SEEN = 1u << 6,      /* the owner's */
        RESTORE_PACKAGED = 1u << 7,  /* the owner's: see package_did() */
        RESTORE_BEHIND = 1u << 8,    /* the owner's: not wanted as long as something is mounted */
        RESTORE_STALLED = 1u << 9,   /* the owner's: somebody keeps it locked */
        RESTORE_RACED = 1u << 10,    /* the owner's: so, while it was put back */
        RESTORE_LATE = 1u << 11,     /* the owner's: what was given up may have been done since */
};

struct restore_place {
        struct restore_place *hash_next, *next, *prev; /* next, prev: of those that are wanted */
        uint32_t hash;
        unsigned flags;
        uint8_t tries, lane, rank;       /* lane, rank: in which list it is wanted */
        int64_t due_ns, since_ns;        /* monotonic; since: wanted */
        int64_t rest_ns;                 /* monotonic: left alone until then */
        int64_t done_ns[RESTORE_THRICE]; /* the last times it was put back, latest first */
        char temp[RESTORE_TEMP];         /* the name beside, while it is under way; "": none */
        int64_t sweep_ns;                /* monotonic: what is there is not put away before */
        uint8_t stalls;                  /* times that it was kept locked */
        uint8_t *good;                   /* encoded; NULL with HAS_GOOD: nothing is to be there */
        uint32_t good_n;
        uint8_t *moved_to; /* where it was renamed to */
        uint32_t moved_to_n;
        size_t path_n;
        uint8_t path[];
};

static inline struct span restore_place_path(const struct restore_place *p)
{
        return span_of(p->path, p->path_n);
}
static inline struct span restore_place_good(const struct restore_place *p)
{
        return span_of(p->good, p->good_n);
}

struct restore_places;

MUST_USE int restore_places_new(struct restore_places **ret, struct err *err);
struct restore_places *restore_places_free(struct restore_places *s);
DEFINE_CLEANUP(struct restore_places, restore_places_free)

size_t restore_places_wanted(const struct restore_places *s);

struct restore_place *restore_places_find(const struct restore_places *s, struct span path);
/* Made when missing; NULL: no room. */
struct restore_place *restore_places_make(struct restore_places *s, struct span path);
/* Nothing is remembered of it any more. */
void restore_places_drop(struct restore_places *s, struct restore_place *p);
/* The first, and the one after p, in no order; p may be dropped before the next is asked for. */
struct restore_place *restore_places_first(struct restore_places *s);
struct restore_place *restore_places_after(struct restore_places *s, const struct restore_place *p);

/* good empty: nothing is to be there.  -ENOMEM. */
MUST_USE int restore_place_set_good(struct restore_place *p, struct span good, bool explained);
/* Only while it is not wanted: asserted. */
MUST_USE int restore_place_set_moved(struct restore_place *p, struct span to);

/* The directory above a path; empty at the root and right below it. */
struct span restore_above(struct span path);

/* Is there something above that should not be there, or be no directory?  Then nothing is good
 * below it. */
bool restore_places_none_below(const struct restore_places *s, struct span path);

/* Is there room for one more, of a change that this user made? */
bool restore_places_room(const struct restore_places *s, uint32_t uid);

/* In this user's lane, not before due_ns; or not any more. */
void restore_place_want(struct restore_places *s, struct restore_place *p, uint32_t uid,
                        int64_t now_ns, int64_t due_ns);
void restore_place_unwant(struct restore_places *s, struct restore_place *p);
/* The next, and the turn is the next lane's; NULL: none is due. */
struct restore_place *restore_places_next(struct restore_places *s, int64_t now_ns);
/* When there is one: now_ns or earlier, later, or -1 for never. */
int64_t restore_places_due(const struct restore_places *s, int64_t now_ns);

/* It was put back now; how often within RESTORE_WINDOW_S, this time included. */
unsigned restore_place_count(struct restore_place *p, int64_t now_ns);
/* How often it was within that time. */
unsigned restore_place_recent(const struct restore_place *p, int64_t now_ns);

/* ---- how much at once ---- */

/* So many a second, and so many bytes; what was not used is saved up to a burst. */
struct restore_budget {
        int64_t at_ns;
        int64_t tokens, bytes;
};
enum { RESTORE_PER_S = 100, RESTORE_BURST = 400 };
#define RESTORE_BYTES_PER_S (INT64_C(64) << 20)
#define RESTORE_BYTES_BURST (INT64_C(512) << 20)
/* When the next may be; now_ns: at once. */
int64_t restore_budget_due(struct restore_budget *b, int64_t now_ns);
void restore_budget_take(struct restore_budget *b, uint64_t bytes);

/* ---- the file that remembers them ----
 *
 * Records: u32 bytes, u32 CRC-32C of them, the bytes: u8 op, u32 bytes of path, path, rest.
 *   GOOD      u8 explained, then the record; none: nothing is to be there
 *   WANTED
 *   TEMP      the name beside
 *   ENDED     it is not wanted any more, and there is nothing beside
 *   FORGOTTEN all of it
 * A record that does not check ends the file: behind it is what a crash left half written. */
enum restore_op {
        RESTORE_OP_GOOD = 1,
        RESTORE_OP_WANTED,
        RESTORE_OP_TEMP,
        RESTORE_OP_ENDED,
        RESTORE_OP_FORGOTTEN,
        RESTORE_OP_END,
};

void restore_log_put(struct buf *out, enum restore_op op, struct span path, struct span rest);
/* All that is to be known of p. */
void restore_log_put_place(struct buf *out, const struct restore_place *p);
/* The file's records into s.  *ret_n: bytes that were whole.  -ENOMEM. */
MUST_USE int restore_log_read(struct span file, struct restore_places *s, size_t *ret_n);

#endif
