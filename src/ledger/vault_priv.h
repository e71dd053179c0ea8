/* SPDX-License-Identifier: Apache-2.0 */
/* vault_priv.h - the vault's inside, shared by vault.c (opening, names, erasure),
 * vault_slots.c (keys/subjects), vault_seal.c and vault_rows.c (row files).
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
 *   vault/<N>: "ASYROWS1", u64 bundle, u32 count, then count times { u64 index, u32 n, n bytes of
 *   rows }, u32 CRC-32C of everything before.  Rows: { u32 slot, u16 n, n bytes sealed disclosure
 * }. */
#ifndef LEDGER_VAULT_PRIV_H
#define LEDGER_VAULT_PRIV_H

#include "base/buf.h"
#include "crypto/seal.h"
#include "crypto/sha256.h"
#include "ledger/filewriter.h"
#include "ledger/vault.h"

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
        VAULT_CACHE = 512,
        ROWS_FILE_MAX = 32 * 1024 * 1024,
        ROW_HEADER = 6,
};

struct slot {
        enum slot_state state;
        uint8_t id[SUBJECT_ID];
        uint8_t key[SUBJECT_KEY];
        uint8_t tag[SUBJECT_TAG];
        uint8_t label[VAULT_LABEL_MAX + SEAL_EXTRA];
        uint8_t label_n;
};

/* A subject made ready: found by label when sealing, by slot when disclosing. */
struct subject {
        bool ready;
        uint32_t slot;
        uint64_t used;
        char label[VAULT_LABEL_MAX];
        size_t label_n;
        uint8_t id[SUBJECT_ID];
        struct hmac_key *salts;
        struct seal *seal;
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
        uint32_t n_slots; /* slots in use and free ones between them; slot 0 is the header */

        /* Lookup by tag: open addressing, slot 0 means empty. */
        struct tag_entry {
                uint64_t tag;
                uint32_t slot;
        } * table;
        size_t table_n, table_cap;

        struct subject cache[VAULT_CACHE];
        uint64_t round;

        uint8_t *erased; /* a bit a slot; vault_store() reads it in the publisher's thread */

        bool unsynced; /* slots were written since the last vault_sync() */
        bool broken;   /* a sync failed: what the file holds is not known */
};

/* ---- vault_slots.c ---- */

MUST_USE int vault_read_slot(struct vault *v, uint32_t n, struct slot *ret, struct err *err);
/* Durable after vault_sync(). */
MUST_USE int vault_write_slot(struct vault *v, uint32_t n, const struct slot *s, struct err *err);
bool vault_slot_is_erased(const struct vault *v, uint32_t n);
void vault_mark_erased(struct vault *v, uint32_t n);
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

/* Rewrite every row file without this slot's rows. */
MUST_USE int vault_remove_rows(struct vault *v, uint32_t slot, struct err *err);

#endif
