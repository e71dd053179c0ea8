/* SPDX-License-Identifier: Apache-2.0 */
/* jws.h - signatures of JSON Web Signature, and public keys made of the numbers that a JSON Web Key
 * has.  Floor 1.
 *
 * Source: RFC 7518, 3.3, 3.4, 6.2 and 6.3; RFC 8037, 3; RFC 8032, 5.1.3.  Numbers are unsigned, the
 * most significant byte first.
 *
 * A key is of one algorithm and answers for no other.  It is of one thread, as all of a worker is.
 *
 * SECURITY: keys are another server's, signatures anybody's. */
#ifndef CRYPTO_JWS_H
#define CRYPTO_JWS_H

#include "base/base.h"
#include "base/err.h"

enum jws_algorithm {
        JWS_RS256, /* RSASSA-PKCS1-v1_5, SHA-256 */
        JWS_ES256, /* ECDSA on P-256, SHA-256; a signature is r and s, 32 bytes each, and no DER */
        JWS_EDDSA, /* Ed25519 */
        JWS_ALGORITHMS,
};
const char *jws_algorithm_name(enum jws_algorithm a); /* "RS256" */
/* "EdDSA" and "Ed25519" (RFC 9864, which deprecates the former) are one. */
bool jws_algorithm_is(enum jws_algorithm a, struct span name);

enum {
        JWS_RSA_BITS_MIN = 2048,
        JWS_RSA_BITS_MAX = 8192,
        JWS_RSA_EXPONENT_MIN = 65537,
        JWS_COORDINATE = 32, /* bytes of one of a P-256 key's */
        JWS_ED25519 = 32,
        JWS_SIG_MAX = JWS_RSA_BITS_MAX / 8,
};

struct jws_key;

/* -EINVAL and why, in a few words without the number: too few or too many bits, an even modulus, an
 * exponent below 65537, even or above 32 bits, a zero in front; -ENOMEM. */
MUST_USE int jws_key_rsa(struct span modulus, struct span exponent, struct jws_key **ret,
                         struct err *err);
/* -EINVAL: of another length, or no point of the curve; -ENOMEM. */
MUST_USE int jws_key_p256(struct span x, struct span y, struct jws_key **ret, struct err *err);
/* -EINVAL: of another length, not spelled as it must be, or a point of small order, for which
 * anybody can make signatures; -ENOMEM. */
MUST_USE int jws_key_ed25519(struct span point, struct jws_key **ret, struct err *err);
struct jws_key *jws_key_free(struct jws_key *k);
DEFINE_CLEANUP(struct jws_key, jws_key_free)

enum jws_algorithm jws_key_algorithm(const struct jws_key *k);

/* 0, or -EBADMSG: it does not hold, or could not be looked at. */
MUST_USE int jws_verify(const struct jws_key *k, struct span message, struct span sig);

#endif
