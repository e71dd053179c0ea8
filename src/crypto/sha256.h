/* SPDX-License-Identifier: Apache-2.0 */
/* sha256.h - SHA-256 over OpenSSL, and RFC 6962's leaf and node hashes.  Floor 1.
 *
 * One process-wide start; afterwards every call is safe in any thread and cannot fail. */
#ifndef CRYPTO_SHA256_H
#define CRYPTO_SHA256_H

#include "base/base.h"

enum { SHA256_LEN = 32 };

void sha256(struct span s, uint8_t out[SHA256_LEN]);
/* SHA256(0x00 || entry). */
void sha256_leaf(struct span entry, uint8_t out[SHA256_LEN]);
/* SHA256(0x01 || l || r); out may be l or r. */
void sha256_node(const uint8_t l[SHA256_LEN], const uint8_t r[SHA256_LEN], uint8_t out[SHA256_LEN]);
/* SHA256(""), the empty tree's root. */
extern const uint8_t sha256_empty[SHA256_LEN];

/* In pieces. */
struct sha256_ctx;
MUST_USE struct sha256_ctx *sha256_new(void); /* NULL: out of memory */
struct sha256_ctx *sha256_free(struct sha256_ctx *c);
void sha256_begin(struct sha256_ctx *c);
void sha256_add(struct sha256_ctx *c, struct span s);
void sha256_end(struct sha256_ctx *c, uint8_t out[SHA256_LEN]);
DEFINE_CLEANUP(struct sha256_ctx, sha256_free)

/* HMAC-SHA256 with a key prepared once: the vault makes two of these per sensitive field. */
struct hmac_key;
MUST_USE struct hmac_key *hmac_key_new(struct span key); /* NULL: out of memory */
struct hmac_key *hmac_key_free(struct hmac_key *k);      /* wipes */
/* Over the concatenation of n parts. */
void hmac_sha256(const struct hmac_key *k, const struct span *parts, size_t n,
                 uint8_t out[SHA256_LEN]);
DEFINE_CLEANUP(struct hmac_key, hmac_key_free)

#endif
