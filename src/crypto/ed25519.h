/* SPDX-License-Identifier: Apache-2.0 */
/* ed25519.h - signatures over OpenSSL.  Floor 1.  RFC 8032, pure Ed25519. */
#ifndef CRYPTO_ED25519_H
#define CRYPTO_ED25519_H

#include "base/base.h"
#include "base/err.h"

enum {
        ED25519_SEED = 32,
        ED25519_PUBLIC = 32,
        ED25519_SIG = 64,
};

struct ed25519; /* a key pair or a public key alone */

MUST_USE int ed25519_generate(uint8_t ret_seed[ED25519_SEED], struct err *err);
MUST_USE int ed25519_from_seed(const uint8_t seed[ED25519_SEED], struct ed25519 **ret,
                               struct err *err);
MUST_USE int ed25519_from_public(const uint8_t pub[ED25519_PUBLIC], struct ed25519 **ret,
                                 struct err *err);
struct ed25519 *ed25519_free(struct ed25519 *k);
DEFINE_CLEANUP(struct ed25519, ed25519_free)

void ed25519_public(const struct ed25519 *k, uint8_t out[ED25519_PUBLIC]);
MUST_USE int ed25519_sign(const struct ed25519 *k, struct span msg, uint8_t out[ED25519_SIG],
                          struct err *err);
/* 0, or -EBADMSG for a signature that does not hold. */
MUST_USE int ed25519_verify(const struct ed25519 *k, struct span msg,
                            const uint8_t sig[ED25519_SIG], struct err *err);

#endif
