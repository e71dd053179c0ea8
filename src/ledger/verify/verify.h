/* SPDX-License-Identifier: Apache-2.0 */
/* verify.h - judge a whole published log, or one proof, against pinned keys.  Floor 2.
 *
 * Two passes over every byte.  Hash: bundles against level-0 tiles, upper tiles against what lies
 * below, root against the checkpoint, signatures against the pinned keys and those that followed
 * them by rotation/.  Meaning: entries well formed, sequences per run without gap or repeat, times.
 *
 * Beside checkpoint and tile/ a log may hold
 *   rotation/<size>    checkpoint right after an entry ledger.key_rotated, signed by old and new
 * key stamp/<size>.note  a checkpoint, and stamp/<size>.tsr, an RFC 3161 reply over that file
 *   rotation/pruned    entries of rotations whose bundles are gone, see rotation_kept.h
 *   pruned             "<n>\n": bundles wholly below entry n may be gone, n % 256 == 0; no tile may
 * Any other file is named.
 *
 * SECURITY: everything read from the source is hostile. */
#ifndef LEDGER_VERIFY_H
#define LEDGER_VERIFY_H

#include "base/base.h"
#include "base/err.h"
#include "ledger/read/source.h"
#include "wire/entry.h"
#include "wire/json.h"
#include "wire/note.h"

/* What can be wrong.  One line each in the table in verify_report.c. */
enum verify_issue {
        VERIFY_UNREADABLE,           /* a file could not be read: no judgement */
        VERIFY_CHECKPOINT_MALFORMED, /* also rotation/ and stamp/ notes */
        VERIFY_SIGNATURE_BAD,        /* of a known key */
        VERIFY_SIGNATURE_MISSING,    /* of a key that has to sign */
        VERIFY_SIGNATURE_UNKNOWN,    /* by a key that is not pinned: not judged */
        VERIFY_ORIGIN,               /* another log's checkpoint */
        VERIFY_ROOT,                 /* the tree is not the one that was signed */
        VERIFY_FORK,                 /* two signed checkpoints contradict each other */
        VERIFY_ROLLBACK,             /* a signed checkpoint is larger than the log */
        VERIFY_FILE_MISSING,
        VERIFY_FILE_UNEXPECTED,
        VERIFY_FILE_TEMPORARY,
        VERIFY_FILE_BEYOND, /* past the checkpoint's size: not covered by any signature.  One
                               report for all of them. */
        VERIFY_FILE_LENGTH, /* of a tile */
        VERIFY_BUNDLE_TRUNCATED,
        VERIFY_BUNDLE_TRAILING,  /* bytes behind the last entry */
        VERIFY_ENTRY_HASH,       /* an entry is not the one in the tree */
        VERIFY_TILE_SLOT,        /* a tile's hash is not the one in the tree */
        VERIFY_ROTATION,         /* rotation/ and its entry do not fit */
        VERIFY_ROTATION_AHEAD,   /* a note in rotation/ of a size not published, or not any more */
        VERIFY_STAMP,            /* a stamp does not hold */
        VERIFY_STAMP_NOT_JUDGED, /* no authority's certificate given, or the tree there is pruned */
        VERIFY_EARLIER_NOT_JUDGED, /* a kept checkpoint whose root cannot be computed */
        VERIFY_KEY_NOT_FOUND,   /* a server's checkpoint, of a key that its entries do not lead to
                                 */
        VERIFY_ROTATION_PRUNED, /* the entry that names the next key is gone: not followed */
        VERIFY_PRUNED,          /* entries that could not be hashed again */
        VERIFY_PRUNED_MALFORMED,
        VERIFY_NOT_LISTED,        /* the source cannot list: unexpected files go unseen */
        VERIFY_ENTRY_MALFORMED,   /* no restricted JCS, or no object */
        VERIFY_ENTRY_ENVELOPE,    /* one with a sequence has another part of the wrong type */
        VERIFY_SEQUENCE,          /* a gap or a repeat */
        VERIFY_SEQUENCE_START,    /* a run's first entry is not its first */
        VERIFY_TIME,              /* by more than the tolerance: an entry is from before the last
                                     heartbeat or from behind the next, or that does not come when
                                     it says */
        VERIFY_RUNS_FULL,         /* more runs than are followed */
        VERIFY_NOT_A_LOG,         /* neither a checkpoint nor a tile there: nothing to judge */
        VERIFY_SUCCESSION,        /* it is not the ledger that succeeded the one before */
        VERIFY_SUCCESSION_EMPTY,  /* it has no entry yet that could cite the one before */
        VERIFY_SUCCESSION_PRUNED, /* the entry that cites the one before is gone */
        VERIFY_ISSUES,
};

enum verify_severity {
        VERIFY_DAMAGE,  /* the log is not good */
        VERIFY_UNKNOWN, /* part of it could not be judged */
        VERIFY_WARNING, /* worth a look, proves nothing */
        VERIFY_NOTE,    /* what the reader of the result has to know */
};

enum verify_severity verify_severity(enum verify_issue issue);
const char *verify_issue_name(enum verify_issue issue); /* "entry_hash": stable, for --json */

#define VERIFY_NOWHERE UINT64_MAX

struct verify_report {
        enum verify_issue issue;
        const char *path; /* file, below the root */
        uint64_t offset;  /* in that file, or VERIFY_NOWHERE */
        uint64_t index;   /* of the entry, or VERIFY_NOWHERE */
        const char *text; /* complete: file, place and what is wrong.  May hold hostile bytes. */
};

enum { VERIFY_VKEY_MAX = 2048 };
enum verify_pass { VERIFY_HASH = 1u << 0, VERIFY_MEANING = 1u << 1 };

struct verify_earlier {
        const char *name;  /* where it comes from, for messages */
        struct span bytes; /* a signed checkpoint the auditor kept */
};

struct verify_result;

struct verify_options {
        struct source *source;
        const struct note_vkey *keys; /* exactly one log key; cosigners' keys have to have signed */
        size_t n_keys;
        unsigned passes;         /* enum verify_pass; 0: both */
        struct span authorities; /* PEM, for stamps; none: they are not judged */
        const struct verify_earlier *earlier;
        size_t n_earlier;
        bool is_log; /* known to be one: that nothing is there is damage */
        /* What was found of the ledger that this one has to have succeeded; NULL: of none. */
        const struct verify_result *predecessor;
        uint64_t max_reports;      /* of one issue; 0: 100.  All are counted. */
        int64_t time_tolerance_ns; /* 0: 15 minutes */
        void (*on_report)(void *ctx, const struct verify_report *r);
        /* Once, before anything is judged: the log's checkpoint as it was read.  NULL: not wanted.
         */
        void (*on_checkpoint)(void *ctx, struct span note);
        /* Now and then: entries done of total in this pass. */
        void (*on_progress)(void *ctx, enum verify_pass pass, uint64_t done, uint64_t total);
        void *ctx;
};

/* Another ledger, as one that was succeeded or is the successor names it. */
struct verify_link {
        bool there;
        char origin[NOTE_NAME_MAX + 1];
        char vkey[VERIFY_VKEY_MAX];
        uint64_t size; /* size and root: of the one before */
        struct hash root;
};

struct verify_result {
        enum verdict verdict;
        char origin[NOTE_NAME_MAX + 1];
        uint64_t size;
        struct hash root;
        char vkey[VERIFY_VKEY_MAX]; /* of the key the checkpoint has to be signed with, after
                                       rotations */
        bool listed;                /* every file of the source was seen */
        uint64_t entries;           /* hashed */
        uint64_t entries_pruned;
        uint64_t entries_meant; /* that the meaning pass read */
        uint64_t entries_free;  /* of those, without an envelope */
        uint64_t bundles, tiles, bytes;
        uint64_t signatures; /* verified */
        uint64_t rotations;  /* that held */
        uint64_t stamps, stamps_judged;
        uint64_t earlier; /* checkpoints that the log goes on from */
        uint64_t runs;
        struct verify_link next;     /* its last entry is ledger.succeeded; of the meaning pass */
        struct verify_link previous; /* its first entry cites one; likewise */
        bool succeeds;               /* the options' predecessor: each names the other */
        uint64_t count[VERIFY_ISSUES];
};

/* 0 when a judgement was made: it is in ret->verdict.  Negative: our own failure (-ENOMEM), or
 * options that make no sense (-EINVAL). */
MUST_USE int verify_log(const struct verify_options *o, struct verify_result *ret, struct err *err);

/* Does verify_log() take this entry for a change of the log's key, so that there has to be a file
 * of it?  Who appends what others say must not append that. */
bool verify_is_rotation(const struct entry *e, const char *origin);

/* ---- one proof ---- */

struct verify_disclosure {
        struct span name;
        struct json_value value;
};

struct verify_proof_options {
        struct span proof;            /* a .tlog-proof file */
        struct span entry;            /* the entry's own bytes */
        const struct note_vkey *keys; /* as above */
        size_t n_keys;
        /* Each disclosure whose digest is in the entry's _sd. */
        void (*on_disclosure)(void *ctx, const struct verify_disclosure *d);
        void *ctx;
};

struct verify_proof_result {
        struct checkpoint checkpoint; /* .extensions empty */
        uint64_t index;
        uint64_t signatures;
        uint64_t disclosures;
        uint64_t hidden; /* digests in _sd that nothing was disclosed for */
};

/* 0: the entry is at that index of the log whose checkpoint the keys signed, and every disclosure
 * in `extra` belongs to it.  -EBADMSG and why it is not so. */
MUST_USE int verify_proof(const struct verify_proof_options *o, struct verify_proof_result *ret,
                          struct err *err);

#endif
