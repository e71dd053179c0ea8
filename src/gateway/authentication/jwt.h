/* SPDX-License-Identifier: Apache-2.0 */
/* jwt.h - JSON Web Tokens.  Floor 3, pure.
 *
 * Source: RFC 7515, 7519, 8725, 9068, 9864.  Compact form with one signature.  The algorithm
 * belongs to the key (jwks.h): a token that names another is refused.  "none", HMAC, "crit", "b64",
 * "zip", encrypted tokens, a "typ" other than JWT and at+jwt (in any case, "application/" may stand
 * before it) are refused; "jku", "x5u", "jwk" and "x5c" are not looked at.
 *
 * Claims are not parsed before the signature holds.
 *
 * SECURITY: hostile bytes. */
#ifndef GATEWAY_JWT_H
#define GATEWAY_JWT_H

#include "base/arena.h"
#include "gateway/authentication/jwks.h"
#include "package/config/config.h"

enum {
        JWT_MAX = 16 * 1024, /* bytes of a token */
        JWT_GROUPS_MAX = 256,
        JWT_ARENA_MAX = 1024 * 1024, /* that one takes of an arena, whatever is in it */
};

enum jwt_fault {
        JWT_GOOD,
        JWT_MALFORMED,
        JWT_ALGORITHM, /* one that the package does not take, or not the key's */
        JWT_KEY,       /* no key of this kid: worth looking for new keys, once in a while */
        JWT_SIGNATURE,
        JWT_EXPIRED,
        JWT_NOT_YET, /* nbf or iat are in the future */
        JWT_ISSUER,
        JWT_AUDIENCE,
        JWT_CALLER, /* the claim that names the caller is not there, no string, or not what one may
                       be called (caller_id.h) */
        JWT_CLAIM, /* groups are no list of strings or one is not for tokens to say (caller_id.h), a
                      claim is no string, exp is not there, a time is no number of seconds until
                      the year 9999 */
        JWT_NO_MEMORY,
        JWT_FAULTS,
};
const char *jwt_fault_name(enum jwt_fault f); /* "expired" */

struct jwt_caller {
        struct span caller;
        const struct span *groups;
        uint32_t n_groups;
        struct span
                claims[CONFIG_CLAIMS_MAX]; /* as the configuration has them; p NULL: not there */
        int64_t until_s;                   /* exp plus leeway: good before that */
};

/* Everything: form, algorithm, key, signature, times, issuer, audience, claims, the first fault in
 * this order.  ret lies in arena and is untouched but for JWT_GOOD.  now_s: seconds since 1970. */
enum jwt_fault jwt_verify(struct span token, const struct jwks *keys,
                          const struct config_identity *identity, int64_t now_s,
                          struct arena *arena, struct jwt_caller *ret);

#endif
