/* SPDX-License-Identifier: Apache-2.0 */
/* jwks.h - the keys of one issuer.  Floor 3, pure.
 *
 * Source: RFC 7517, 7518 and 8037.  A key has one algorithm: RS256 of an RSA key of 2048 to 8192
 * bits, ES256 of an EC key on P-256, EdDSA of an OKP key on Ed25519; its "alg" is that or is not
 * there ("Ed25519" is EdDSA, RFC 9864).  Keys for something else ("use", "key_ops", "alg"), of
 * another type or curve, too weak, malformed, or with their private half in them are left out, as
 * RFC 7517 has it, and counted.
 *
 * SECURITY: reads hostile bytes.  A set comes from another server, and is read first by a process
 * that can do nothing else, which hands on what jwks_put() writes. */
#ifndef GATEWAY_JWKS_H
#define GATEWAY_JWKS_H

#include "base/buf.h"
#include "base/err.h"
#include "crypto/jws.h"

enum {
        JWKS_MAX = 256 * 1024, /* bytes */
        JWKS_KEYS_MAX = 64,
        JWKS_KID_MAX = 256,
        JWKS_DIGEST = 32,
};

struct jwks;
/* -EINVAL: no set, no key in it that is any good, or one "kid" twice with the same algorithm (or
 * two of it without any); -E2BIG: more bytes or keys than that; -ENOMEM. */
MUST_USE int jwks_read(struct span json, struct jwks **ret, struct err *err);
struct jwks *jwks_free(struct jwks *k);
DEFINE_CLEANUP(struct jwks, jwks_free)

/* Canonical: {"keys":[...]} without blanks and with a newline behind it, ascending by kid and
 * algorithm, nothing but alg, crv, e, kid, kty, n, x and y.  jwks_read() makes the same set of it;
 * it never has more than JWKS_MAX bytes. */
void jwks_put(const struct jwks *k, struct buf *out);
/* SHA-256 of that: the same whatever order they came in, and whatever else was said of them. */
void jwks_digest(const struct jwks *k, uint8_t ret[JWKS_DIGEST]);

/* How many are in it.  *ret_left_out: how many are not; *ret_why: why the first of those is not,
 * "key 2: ...", for people.  Both may be NULL. */
uint32_t jwks_count(const struct jwks *k, uint32_t *ret_left_out, const char **ret_why);

enum jwks_found {
        JWKS_FOUND,
        JWKS_OTHER,   /* there is a key of this kid, for another algorithm */
        JWKS_UNKNOWN, /* there is none */
};
/* kid SPAN_NONE: a token that names no key; then it is the only one of this algorithm, if there is
 * only one. */
enum jwks_found jwks_find(const struct jwks *k, struct span kid, enum jws_algorithm algorithm,
                          const struct jws_key **ret);

#endif
