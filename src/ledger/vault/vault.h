/* SPDX-License-Identifier: Apache-2.0 */
/* vault.h - sensitive values: sealed, disclosed to those entitled, erased for good.  Floor 2.
 *
 * The leaf of an entry holds digests only.  The values are disclosures (RFC 9901) sealed under a
 * key of their subject: salt       = HMAC-SHA256(subject key, u16be len || entry id || u16be len ||
 * name), 16 bytes of it disclosure = base64url(["<base64url salt>","<name>",<value>]) digest     =
 * base64url(SHA256(disclosure)) Destroying a subject's 32 bytes makes its salts, hence its digests,
 * unguessable and its rows unreadable; tiles and proofs do not change.
 *
 * On disk, below the ledger's private directory:
 *   keys/subjects    fixed slots: id, key, lookup tag, sealed label, state (see vault_priv.h for
 * offsets) keys/vault       key of the lookup tags; both files stay out of a ledger's backups
 *   vault/<N>        sealed rows of entries N*256 .. N*256+255, as in the WAL
 * A subject's id is random; its label ("uid:1000") is never in the ledger. */
#ifndef LEDGER_VAULT_H
#define LEDGER_VAULT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "sys/io.h"
#include "sys/syncer.h"
#include "wire/entry.h"

struct vault;

enum {
        /* 256 bytes on disk each, 9 to 18 of memory: docs/decisions/0018. */
        VAULT_SUBJECTS_MAX = 7 << 21,
        VAULT_LABEL_MAX = 128,
        VAULT_FIELDS_MAX = 16,
};

MUST_USE int vault_create(int private_fd, const struct io *io, struct err *err);
/* One writer (the recorder); any number of readers that may read the files.  -ENOENT: there is no
 * vault.  -ENODATA: a file of it is missing.  -EBADMSG: one is damaged, or keys/vault belongs to
 * other names than those in keys/subjects. */
MUST_USE int vault_open(int private_fd, const struct io *io, bool writable, struct vault **ret,
                        struct err *err);
struct vault *vault_free(struct vault *v); /* wipes keys */
DEFINE_CLEANUP(struct vault, vault_free)

struct vault_field {
        struct span subject; /* label */
        struct span name;    /* dotted path */
        struct span value;   /* canonical JSON */
};

/* What entry_compose() needs. */
struct vault_sealed {
        size_t n_digests;
        char digest[VAULT_FIELDS_MAX][ENTRY_DIGEST_LEN + 1];
        size_t n_subjects;
        char subject[VAULT_FIELDS_MAX][ENTRY_SUBJECT_LEN + 1];
};

/* Seal the fields of one entry; appends the rows to `rows`.  A new subject gets a slot, durable
 * only after vault_sync(), which must come before the entry is acknowledged.  An erased or held
 * subject's label simply gets a new id when it was erased.  -EBUSY: of new ones no more may be;
 * -ENOSPC: the disk is full. */
MUST_USE int vault_seal(struct vault *v, struct span entry_id, const struct vault_field *fields,
                        size_t n, struct vault_sealed *ret, struct buf *rows, struct err *err);
/* How many there are, erased ones too, and how many there may be: then sealing a new one says
 * -EBUSY.  At first VAULT_SUBJECTS_MAX, which is the most. */
uint32_t vault_subjects(const struct vault *v);
void vault_limit(struct vault *v, uint32_t most);
MUST_USE int vault_sync(struct vault *v, struct err *err);
/* The same in three steps, of which the one that waits for the disk may be taken in another thread
 * beside vault_seal(): begin, and only where that says true, flush, and end with what flush said.
 * A subject that is new in between is for the next time.  Nothing else of this header syncs slots
 * in between. */
MUST_USE bool vault_sync_begin(struct vault *v);
MUST_USE int vault_sync_flush(struct vault *v);
MUST_USE int vault_sync_end(struct vault *v, int flushed, struct err *err);

/* Put the rows of one bundle's entries on disk, replacing the file; durable after
 * vault_store_sync(). Idempotent.  These two may run in another thread than the rest, but not
 * beside an erasure. */
struct vault_rows {
        uint64_t index; /* of the entry */
        struct span rows;
};
MUST_USE int vault_store(struct vault *v, uint64_t bundle, const struct vault_rows *rows, size_t n,
                         struct err *err);
MUST_USE int vault_store_sync(struct vault *v, struct err *err);
/* Borrowed, for the row files of a round; before the first vault_store(). */
void vault_set_syncer(struct vault *v, struct syncer *syncer);

/* Call fn with each disclosure of an entry that is still there.  0 also when there is none;
 * *ret_erased (may be NULL) counts rows whose subject was erased.  A negative result of fn ends it.
 */
typedef int vault_disclosure_fn(void *ctx, struct span subject_id, struct span disclosure);
MUST_USE int vault_disclose(struct vault *v, uint64_t index, vault_disclosure_fn *fn, void *ctx,
                            size_t *ret_erased, struct err *err);

/* Ids: of a label (-ENOENT), and the label of an id (appended; -ENOENT when erased or unknown). */
MUST_USE int vault_subject_of(struct vault *v, struct span label,
                              char ret_id[ENTRY_SUBJECT_LEN + 1], struct err *err);
MUST_USE int vault_label_of(struct vault *v, struct span id, struct buf *ret, struct err *err);

/* Of an id: 1 erased, or in the middle of it; 0 not, or it is nobody's; negative: not to be told.
 * The first question reads keys/subjects and keeps where each id is; those after it read one slot,
 * so that all of a ledger's can be asked about. */
MUST_USE int vault_is_erased(struct vault *v, struct span id, struct err *err);

/* Legal hold.  -EBUSY from vault_erase_key() while it is set. */
MUST_USE int vault_hold(struct vault *v, struct span id, bool on, struct err *err);
bool vault_is_held(struct vault *v, struct span id);
/* Whether a held subject has rows of entries in bundles that begin below min_index. */
MUST_USE int vault_held_below(struct vault *v, uint64_t min_index, bool *ret, struct err *err);

/* ---- the same bundle by bundle, so that nobody has to wait for a large vault ----
 *
 * A subject is meant by its slot here, so that these need not look for it.  Those of a bundle may
 * run in another thread than the rest, as vault_store() may, but not beside that.  An erasure is
 * vault_erase_key(); vault_erase_rows() of every bundle, durable after vault_store_sync(); then
 * vault_erase_end().  One that is cut off is finished by vault_open(). */
MUST_USE int vault_slot_of(struct vault *v, struct span id, uint32_t *ret, struct err *err);
MUST_USE int vault_bundle_indices(struct vault *v, uint32_t slot, uint64_t bundle,
                                  int (*fn)(void *ctx, uint64_t index, size_t rows), void *ctx,
                                  struct err *err);
MUST_USE int vault_bundle_is_held(struct vault *v, uint64_t bundle, bool *ret, struct err *err);
MUST_USE int vault_erase_key(struct vault *v, uint32_t slot, struct err *err);
MUST_USE int vault_erase_rows(struct vault *v, uint32_t slot, uint64_t bundle, struct err *err);
MUST_USE int vault_erase_end(struct vault *v, uint32_t slot, struct err *err);

#endif
