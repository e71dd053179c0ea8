/* SPDX-License-Identifier: Apache-2.0 */
/* verify_priv.h - what the parts of verification share.  Private to verify*.c. */
#ifndef LEDGER_VERIFY_PRIV_H
#define LEDGER_VERIFY_PRIV_H

#include "ledger/read/tree.h"
#include "ledger/upkeep/rotation_kept.h"
#include "ledger/verify/verify.h"
#include "wire/entry.h"
#include "wire/tile.h"

enum {
        VERIFY_BUNDLE_MAX = TILE_WIDTH * (2 + ENTRY_MAX),
        VERIFY_STALE_MAX = 1 << 20, /* superseded partial files that are remembered */
        VERIFY_ROTATIONS_MAX = ROTATION_KEPT_MAX,
        VERIFY_STAMPS_MAX = 1 << 17, /* hourly ones of 14 years */
        VERIFY_RUNS_MAX = 1 << 16,
        VERIFY_REPLY_MAX = 256 * 1024, /* an RFC 3161 reply */
        VERIFY_MISSING_MAX = 1000,     /* bundles missing before the pass gives up */
        VERIFY_SILENT_MAX = 8,         /* files that a web server fails to send, one by one */
        VERIFY_PARTIAL_TRIES = 4,
        VERIFY_LEAD_ENTRIES = 1 << 24, /* read in search of the key that has signed */
};

#define VERIFY_LEAD_BYTES (UINT64_C(4) << 30) /* likewise */

/* A size whose root is wanted on the way. */
struct verify_point {
        uint64_t size;
        bool has_root;
        struct hash root;
};

struct verify_rotation {
        struct verify_point at;
        bool has_key;         /* the entry at size - 1 named a usable one */
        struct note_vkey key; /* the next one */
        struct span kept;     /* that entry, out of rotation/pruned */
};

struct verify_stamp {
        struct verify_point at;
        bool note, reply; /* which files are there */
};

struct verify {
        const struct verify_options *o;
        struct verify_result *result;
        const struct note_vkey *log_key; /* pinned */
        struct err *err;
        int failed; /* our own failure: stop */

        struct buf note; /* the checkpoint file */
        bool has_checkpoint;
        struct checkpoint checkpoint;
        uint64_t pruned; /* entries that may be gone */
        uint64_t end;    /* entries that are walked: the size, unless the hash pass gave up */

        uint64_t beyond; /* files past the checkpoint's size, and the first of them in order */
        struct tile first_beyond;
        struct tile *stale; /* superseded partial tiles and bundles, sorted */
        size_t n_stale, cap_stale;
        struct verify_rotation *rotation; /* by size */
        size_t n_rotation, cap_rotation;
        struct verify_stamp *stamp; /* by size */
        size_t n_stamp, cap_stamp;

        struct buf kept; /* rotation/pruned */

        bool unlisted;         /* a web server: it may say that there is more than anybody has */
        unsigned silent;       /* files of it that could not be read, since the last that could */
        bool leading;          /* its checkpoint is not signed by a key that is known yet */
        struct note_vkey lead; /* the last that was proven */
        bool astray;           /* and the one that signed was not found */

        struct hash root; /* what the files say */
        bool has_root;
        struct verify_point *earlier; /* n_earlier, in the options' order */
};

/* Report; fmt is the whole text. */
void verify_say(struct verify *v, enum verify_issue issue, const char *path, uint64_t offset,
                uint64_t index, const char *fmt, ...) PRINTF_LIKE(6, 7);

/* Read into out (cleared).  0; -ENOENT without a word; anything else is reported as unreadable and
 * returned; -ENOMEM also ends verification. */
MUST_USE int verify_read(struct verify *v, const char *path, struct buf *out);

/* The same of a file that may go and be another's spare (ledger/files/spares.h): a web server that
 * is late to open it sends that one's content, once.  It is asked until it says the same twice. */
MUST_USE int verify_read_partial(struct verify *v, const char *path, struct buf *out);

/* verify_files.c: list the source, account for every file. */
void verify_files(struct verify *v);
/* The superseded partials of one tile: a slice of v->stale. */
size_t verify_stale_of(const struct verify *v, int level, uint64_t n, const struct tile **ret);

/* verify_lead.c.  May the entries be read that the checkpoint says there are?  Reports if not. */
bool verify_lead(struct verify *v);
/* A change of key that was met, with its root. */
void verify_lead_on(struct verify *v, const struct verify_rotation *r);
/* Is so much read already that the key will not be found?  Reports. */
bool verify_lead_ends(struct verify *v, uint64_t entries);
/* Has the server stopped to answer?  Reports. */
bool verify_is_silent(struct verify *v, uint64_t index);

/* verify_hash.c: fills v->root, the roots of points and the keys in rotations. */
void verify_hashes(struct verify *v);

/* verify_notes.c: signatures, rotations, stamps, earlier checkpoints. */
void verify_notes(struct verify *v);

/* verify_meaning.c */
void verify_meaning(struct verify *v);

/* verify_times.c: of each entry with a time, in order. */
struct verify_place {
        const char *path; /* of its bundle */
        uint64_t index;   /* of the entry */
        uint64_t offset;  /* in its bundle */
};
struct verify_times {
        int64_t tolerance;
        bool has_beat;    /* there was a heartbeat: */
        int64_t beat;     /* its time, */
        int64_t run;      /* its run, */
        int64_t jumps;    /* what the clock was set by since, all together, */
        int64_t earliest; /* and its time as a clock that was set back since would tell it */
        bool has_entry;   /* since then; that with the latest time, likewise: */
        int64_t latest;
        uint64_t latest_index, latest_offset;
};
void verify_time(struct verify *v, struct verify_times *s, const struct entry *e,
                 const struct verify_place *at, int64_t t);

/* verify_succession.c: the entries that name other ledgers; and whether this one goes on from the
 * one before. */
void verify_note_succeeded(struct verify *v, const struct entry *e);
void verify_note_opened(struct verify *v, const struct entry *e);
void verify_succession(struct verify *v);

#endif
