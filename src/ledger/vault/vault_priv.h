/* SPDX-License-Identifier: Apache-2.0 */
/* vault_priv.h - the vault's inside, shared by vault.c (opening, names, erasure),
 * vault_slots.c (keys/subjects), vault_ids.c (the same by id), vault_seal.c, vault_rows.c (row
 * files) and vault_walk.c (through all of them).
 *
 *   keys/subjects: slots of 256 bytes, the first is the header "ASYSUBJ1"; all little-endian
 *   off len
 *     0   1  state (enum slot_state)
 *     1   1  bytes of the sealed label
 *     2   2  0
 *     4   4  CRC-32C of the slot with this field zero
 *     8  16  id, random
 *    24  32  key, random                        } zero once erased
 *    56  16  HMAC-SHA256(vault key, label)[:16] }
 *    72 156  label sealed under the key         }
 *   228  28  0
 *
 *   Behind the last one in use there may be slots of zeros, written ahead, so that what a new
 *   subject has to sync is no change of the file's length.
 *
 *   vault/<N>: "ASYROWS1", u64 bundle, u32 count, then count times { u64 index, u32 n, n bytes of
 *   rows }, u32 CRC-32C of everything before.  Rows: { u32 slot, u16 n, n bytes sealed disclosure
 * }. */
#ifndef LEDGER_VAULT_PRIV_H
#define LEDGER_VAULT_PRIV_H

#include "base/buf.h"
#include "crypto/seal.h"
#include "crypto/sha256.h"
#include "crypto/siphash.h"
#include "ledger/files/filewriter.h"
#include "ledger/vault/vault.h"
#include "wire/tile.h"

#include <sys/stat.h>

enum slot_state {
        SLOT_FREE,
        SLOT_LIVE,
        SLOT_HELD,
        SLOT_ERASED,
        SLOT_ERASING, /* the key is gone; row files may still have rows of it */
};

enum {
        SLOT_BYTES = 256,
        SUBJECT_ID = 16,
        SUBJECT_KEY = 32,
        SUBJECT_TAG = 16,
        TAG_PARTS = 256,
        VAULT_SETS = 256, /* subjects made ready: a row for each hash, the oldest of it gives way */
        VAULT_WAYS = 8,
        VAULT_CACHE = VAULT_SETS * VAULT_WAYS,
        DISCLOSURE_MAX = 96 * 1024,
        ROWS_FILE_MAX = 32 * 1024 * 1024,
        ROW_HEADER = 6,
};

/* What keys/subjects begins with. */
extern const uint8_t vault_header[8];

struct slot {
        enum slot_state state;
        uint8_t id[SUBJECT_ID];
        uint8_t key[SUBJECT_KEY];
        uint8_t tag[SUBJECT_TAG];
        uint8_t label[VAULT_LABEL_MAX + SEAL_EXTRA];
        uint8_t label_n;
};

/* A subject made ready: found by label when sealing, by slot when disclosing (then without one). */
struct subject {
        bool ready;
        uint64_t hash; /* of that */
        uint32_t slot;
        uint64_t used;
        char label[VAULT_LABEL_MAX];
        size_t label_n;
        uint8_t id[SUBJECT_ID];
        struct hmac_key *salts;
        struct seal *seal;
};

/* A row file in memory, its frame checked. */
struct rows_file {
        uint8_t *bytes;
        size_t n;
        uint64_t bundle;
        uint32_t count;
        struct span items;
};

struct vault {
        struct io io;
        bool writable;
        int private_fd; /* borrowed */
        int subjects_fd;
        int rows_fd;               /* directory vault/ */
        struct filewriter *writer; /* of row files; vault_store()'s alone */
        struct syncer *syncer;     /* for it; borrowed, may be NULL */
        struct hmac_key *tags;
        uint32_t n_slots;    /* slots in use and free ones between them; slot 0 is the header */
        uint32_t room_slots; /* that the file has */
        uint32_t most;       /* subjects */

        /* Lookup by tag, a part for each first byte of one, so that none takes long to grow: open
         * addressing, slot 0 means empty. */
        struct tag_part {
                struct tag_entry {
                        uint32_t tag, slot;
                } * at;
                uint32_t n, cap;
        } part[TAG_PARTS];

        /* Lookup by id, for who asks after many: the first four bytes of one are its tag.  Empty
         * until somebody does. */
        struct tag_part ids;
        uint32_t ids_end; /* slots below it are in there; 0: none yet */

        struct subject cache[VAULT_CACHE];
        struct buf scratch;             /* vault_seal()'s, for a disclosure */
        uint8_t cache_key[SIPHASH_KEY]; /* who chooses labels does not choose the row */
        uint64_t round;

        struct rows_file
                shown; /* a reader's last one, or .bytes NULL; of this state of the file: */
        struct stat shown_stat;

        uint8_t *erased; /* a bit a slot; vault_store() reads it in the publisher's thread */

        bool unsynced; /* slots were written since the last vault_sync() */
        bool syncing;  /* between vault_sync_begin() and _end() */
        bool broken;   /* a sync failed: what the file holds is not known */
};

/* ---- vault_slots.c ---- */

void vault_slot_put(uint8_t out[SLOT_BYTES], const struct slot *s);
/* Slot n; -EBADMSG. */
MUST_USE int vault_slot_get(const uint8_t in[SLOT_BYTES], uint32_t n, struct slot *ret,
                            struct err *err);
MUST_USE int vault_read_slot(struct vault *v, uint32_t n, struct slot *ret, struct err *err);
/* The slot in use with this id: 1, or 0 when there is none. */
MUST_USE int vault_find_id(struct vault *v, const uint8_t id[SUBJECT_ID], uint32_t *ret_n,
                           struct slot *ret, struct err *err);
/* The same, for who asks again and again: keeps where each id is, eight to eighteen bytes a
 * subject. Sees what a writer beside has added since. */
MUST_USE int vault_look_up_id(struct vault *v, const uint8_t id[SUBJECT_ID], uint32_t *ret_n,
                              struct slot *ret, struct err *err);
/* All of them, into the table and erased[]. */
MUST_USE int vault_load_slots(struct vault *v, struct err *err);
/* Durable after vault_sync(). */
MUST_USE int vault_write_slot(struct vault *v, uint32_t n, const struct slot *s, struct err *err);
bool vault_slot_is_erased(const struct vault *v, uint32_t n);
void vault_mark_erased(struct vault *v, uint32_t n);
/* Room in the file for one more, and for some that come after it. */
MUST_USE int vault_make_room(struct vault *v, struct err *err);
/* Into one table, of which an eighth stays empty at least.  -ENOMEM. */
MUST_USE int vault_part_add(struct tag_part *p, uint32_t tag, uint32_t slot);
/* An erased subject's tag stays: its slot says so, and the chain behind it must hold. */
MUST_USE int vault_add_tag(struct vault *v, const uint8_t tag[SUBJECT_TAG], uint32_t slot);
/* The live slot of this tag: 1, or 0 when there is none. */
MUST_USE int vault_find_tag(struct vault *v, const uint8_t tag[SUBJECT_TAG], uint32_t *ret_n,
                            struct slot *ret, struct err *err);

static inline bool slot_is_gone(const struct slot *s)
{
        return s->state == SLOT_ERASED || s->state == SLOT_ERASING;
}

/* ---- vault_seal.c ---- */

void vault_label_tag(struct vault *v, struct span label, uint8_t tag[SUBJECT_TAG]);
MUST_USE int vault_subject_by_slot(struct vault *v, uint32_t n, struct subject **ret,
                                   struct err *err);
void vault_drop_subject(struct subject *s);

/* ---- vault.c ---- */

MUST_USE int vault_find_slot(struct vault *v, struct span id, uint32_t *ret_n, struct slot *ret,
                             struct err *err);

/* ---- vault_rows.c ---- */

enum { ROWS_PATH_MAX = TILE_PATH_MAX };

struct row {
        uint32_t slot;
        struct span sealed;
};

/* "x001/234", as bundles are named, and its directory. */
void vault_rows_path(uint64_t bundle, char out[ROWS_PATH_MAX], char dir[ROWS_PATH_MAX]);
/* -ENOENT: there is none.  f->bytes is the caller's to free. */
MUST_USE int vault_load_file(struct vault *v, const char *path, struct rows_file *f,
                             struct err *err);
/* Take the first off: 1, 0 at the end, -EBADMSG. */
MUST_USE int vault_next_item(struct span *items, uint64_t *ret_index, struct span *ret_rows);
MUST_USE int vault_next_row(struct span *rows, struct row *ret);

/* A file made anew: begin, the rows of each entry but those of the subject `without` (0: nobody)
 * and of those that were erased, end. */
void vault_begin_file(struct buf *out, uint64_t bundle);
MUST_USE int vault_add_item(const struct vault *v, struct buf *out, uint64_t index,
                            struct span rows, uint32_t without, uint32_t *count);
MUST_USE int vault_end_file(struct buf *out, uint64_t bundle, uint32_t count, struct err *err);
/* In its place after vault_store_sync(). */
MUST_USE int vault_put_file(struct vault *v, uint64_t bundle, struct span content, struct err *err);
/* At once. */
MUST_USE int vault_remove_file(struct vault *v, uint64_t bundle, struct err *err);

/* ---- vault_walk.c ---- */

/* Rewrite every row file without this slot's rows. */
MUST_USE int vault_remove_rows(struct vault *v, uint32_t slot, struct err *err);

#endif
