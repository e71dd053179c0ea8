/* SPDX-License-Identifier: Apache-2.0 */
/* publisher_priv.h - the publisher's inside.
 *
 *   publisher.c       run: consume, check the root, write, sign; the ballast
 *   publisher_wal.c   consume: read batches back from the disk
 *   publisher_tree.c  grow the tree, and write it
 *   publisher_open.c  what was signed last, and the key
 *   publisher_restore.c  bring the published tree in line with the last signed checkpoint
 *   publisher_rotate.c   change the key
 *
 * Full tiles and bundles wait in `pending` until a root that covers them was found right; only then
 * are they written. */
#ifndef LEDGER_PUBLISHER_PRIV_H
#define LEDGER_PUBLISHER_PRIV_H

#include "base/buf.h"
#include "ledger/files/filewriter.h"
#include "ledger/publish/publisher.h"
#include "ledger/publish/tilestate.h"
#include "ledger/signing/signer.h"
#include "wire/entry.h"
#include "wire/note.h"

enum {
        PUBLISHER_CHUNK = 2 * 1024 * 1024, /* read from the WAL at a time */
        PUBLISHER_FILES_MAX = 65536,       /* that may wait to be written */
};

struct pending {
        struct tile tile;
        size_t at, n; /* in pending_bytes */
};

struct publisher {
        struct io io;
        struct vault *vault;
        struct syncer *syncer;     /* may be NULL */
        int public_fd, private_fd; /* borrowed */
        int wal_fd;
        char origin[NOTE_NAME_MAX + 1];
        struct signer *key;
        struct signer *next;  /* keys/log.next, NULL: there is none */
        struct buf next_vkey; /* its verifier key, as a value of JSON */
        uint64_t rotate_at;   /* 0, or the size that both must sign: the state's */
        uint64_t ballast_bytes;
        struct filewriter *writer;
        uint64_t signed_size;

        /* Where reading goes on in the WAL; fd is -1 until that segment is opened. */
        uint64_t segment;
        uint64_t offset;
        int fd;
        uint32_t salt;
        uint64_t segment_end; /* of the opened one, its size */
        uint8_t *chunk;       /* PUBLISHER_CHUNK */
        uint64_t pruned;      /* as it was at the start: bundles below are not made again */
        uint64_t skip_below;  /* entries of the WAL that are in full bundles already */
        struct hash root;     /* as the writer has it, behind the batch taken last */

        struct tilestate state;
        struct buf bundle; /* the open bundle's bytes */
        struct buf rows;   /* its sealed rows, one after the other */
        struct vault_rows row[TILE_WIDTH];
        size_t row_at[TILE_WIDTH], n_rows;

        uint64_t round_left; /* bytes of files until the round is to end */
        bool only_reading;   /* nothing waits to be written, nothing is */
        struct buf pending_bytes;
        struct pending *pending;
        size_t n_pending;
        struct tile *dropped; /* full tiles whose partials may go after the next checkpoint */
        size_t n_dropped;
        /* By level + 1: one more than the number of the last tile written in part.  Unless
         * `caught_up`, a life before this one may have written others, or begun to: up to where the
         * log was when it died. */
        uint64_t partial[TILE_LEVEL_MAX + 2];
        bool caught_up;
};

/* ---- publisher_tree.c ---- */

MUST_USE int publisher_add_entry(struct publisher *p, struct span entry, struct err *err);
/* Sealed rows of the entry added last. */
MUST_USE int publisher_add_rows(struct publisher *p, uint64_t index, struct span rows,
                                struct err *err);
/* Where the open bundle is full, it and its rows wait to be written and another is open. */
MUST_USE int publisher_close_bundle(struct publisher *p, struct err *err);
/* A leaf alone: its bundle is on disk already.  And a whole bundle that was pruned away. */
MUST_USE int publisher_add_leaf(struct publisher *p, const struct hash *leaf);
MUST_USE int publisher_add_bundle_hash(struct publisher *p, const struct hash *h);
MUST_USE int publisher_check_root(struct publisher *p, const struct hash *want, struct err *err);
/* What waits, and whether it is much. */
MUST_USE int publisher_write_pending(struct publisher *p, struct err *err);
bool publisher_is_laden(const struct publisher *p);
/* Everything up to the state's size, on disk and synced. */
MUST_USE int publisher_write_tree(struct publisher *p, struct err *err);
/* Partial forms of the tiles that have become full since the last time. */
void publisher_drop_partials(struct publisher *p);

/* ---- publisher_wal.c ---- */

/* Consume the WAL up to the first end of a batch at which `enough` entries of the log were seen, or
 * nothing of round_left is left and little is in the open bundle.  At `size` entries, which is not
 * less than enough, a batch must end.  count: seen so far. */
MUST_USE int publisher_consume(struct publisher *p, uint64_t count, uint64_t enough, uint64_t size,
                               struct err *err);

/* ---- publisher_restore.c ---- */

/* Also where some of it is missing, or `rebuild` says to look at all of it.  Nothing is written
 * that does not belong to c's root. */
MUST_USE int publisher_restore(struct publisher *p, const struct checkpoint *c, bool rebuild,
                               struct err *err);

/* ---- publisher_rotate.c ---- */

/* Is this the entry that changes the key to p->next? */
bool publisher_is_rotation(const struct publisher *p, struct span entry);
/* In the place of an ordinary checkpoint: the tree is written.  The next key is in use then. */
MUST_USE int publisher_sign_rotation(struct publisher *p, struct err *err);
/* What was signed last may be what both keys had to sign: then only taking the next is left. */
MUST_USE int publisher_resume_rotation(struct publisher *p, struct span signed_note,
                                       struct err *err);

/* ---- publisher.c ---- */

/* The state's checkpoint, also signed by `second` unless that is NULL, appended to note. */
MUST_USE int publisher_put_note(struct publisher *p, struct signer *second, struct buf *note,
                                struct err *err);
MUST_USE int publisher_put_signed(struct publisher *p, struct span note, struct err *err);
void publisher_make_ballast(struct publisher *p);
/* Give it up for what has no room; false: there was none. */
bool publisher_drop_ballast(struct publisher *p);

#endif
