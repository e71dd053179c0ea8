/* SPDX-License-Identifier: Apache-2.0 */
/* signer.h - keys of a log: key IDs, vkeys, signing and judging notes.  Floor 2.
 *
 * Where wire/note.h knows the text, this knows the cryptography.  Key ID = first 4 bytes of
 * SHA256(name || 0x0A || type || public key) (c2sp.org/signed-note). */
#ifndef LEDGER_SIGNER_H
#define LEDGER_SIGNER_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "crypto/ed25519.h"
#include "wire/note.h"

/* The key ID for a name, type and public key. */
void signer_keyid(struct span name, uint8_t alg, struct span pub, uint8_t out[NOTE_KEYID]);

/* ---- signing ---- */

struct signer;
/* A log key (NOTE_ED25519) or a cosigner's (NOTE_COSIGNATURE_V1) from its seed. */
MUST_USE int signer_new(struct span name, enum note_alg alg, const uint8_t seed[ED25519_SEED],
                        struct signer **ret, struct err *err);
struct signer *signer_free(struct signer *s);
DEFINE_CLEANUP(struct signer, signer_free)

/* Appends a signature line over text.  seconds counts for cosignatures only. */
MUST_USE int signer_sign(const struct signer *s, struct span text, uint64_t seconds,
                         struct buf *out, struct err *err);
/* Its public half. */
void signer_vkey(const struct signer *s, struct note_vkey *ret);

/* ---- judging ---- */

/* A parsed vkey whose key ID also fits its key; unknown types are -EPROTONOSUPPORT. */
MUST_USE int verifier_parse(struct span vkey, struct note_vkey *ret, struct err *err);

/* 0 when note carries a good signature of key; unknown signatures are ignored.  -ENOENT: no
 * signature of that key.  -EBADMSG: there is one and it does not hold.  *ret_seconds (may be NULL):
 * the time of a cosignature. */
MUST_USE int verifier_check(const struct note_vkey *key, const struct note *note,
                            uint64_t *ret_seconds, struct err *err);

/* note_parse, verifier_check and checkpoint_parse, and origin == the key's name for a log key. */
MUST_USE int verifier_open_checkpoint(const struct note_vkey *key, struct span bytes,
                                      struct checkpoint *ret, struct err *err);

/* A ledger's two copies of what it signed last: the kept one is written first, so the published one
 * is it, or an earlier one.  -EBADMSG: the kept one is older, or of another history. */
MUST_USE int verifier_compare(const struct checkpoint *published, const struct checkpoint *kept,
                              struct err *err);

#endif
