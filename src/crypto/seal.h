/* SPDX-License-Identifier: Apache-2.0 */
/* seal.h - authenticated encryption of small values, and random bytes.  Floor 1.
 *
 * AES-256-GCM, 12-byte nonce, 16-byte tag: sealed = nonce || ciphertext || tag.  The first nonce of
 * a prepared key is drawn at random, each further one is one more (NIST SP 800-38D 8.2.2: no value
 * then asks the kernel).  A prepared key is not used on both sides of a fork.  A key seals at most
 * 2^32 values (8.3), which the caller's table ensures. */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include "base/base.h"
#include "base/err.h"

enum {
        SEAL_KEY = 32,
        SEAL_NONCE = 12,
        SEAL_TAG = 16,
        SEAL_EXTRA = SEAL_NONCE + SEAL_TAG,
};

struct seal;                                                 /* a prepared key, for one thread */
MUST_USE struct seal *seal_new(const uint8_t key[SEAL_KEY]); /* NULL: out of memory */
struct seal *seal_free(struct seal *s);                      /* wipes */
DEFINE_CLEANUP(struct seal, seal_free)

/* out has plain.n + SEAL_EXTRA bytes. */
MUST_USE int seal_close(struct seal *s, struct span plain, struct span context, uint8_t *out,
                        struct err *err);
/* out has sealed.n - SEAL_EXTRA bytes.  -EBADMSG: changed, another key or another context. */
MUST_USE int seal_open(struct seal *s, struct span sealed, struct span context, uint8_t *out,
                       struct err *err);

/* From the kernel's generator; cannot fail after start (asserted). */
void random_bytes(uint8_t *out, size_t n);
/* Overwrite so that the compiler cannot drop it. */
void wipe(void *p, size_t n);
/* Constant time. */
bool secret_eq(const void *a, const void *b, size_t n);

#endif
