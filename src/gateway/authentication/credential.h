/* SPDX-License-Identifier: Apache-2.0 */
/* credential.h - who calls: what the operation asks to be shown, and whether it was.  Floor 3,
 * pure.
 *
 * An operation has alternatives of schemes (api_operation.security), each of which must be shown
 * together; the first that is good counts, one without schemes (anybody may call) last, and only
 * if nothing was shown that is bad.  No alternatives: anybody, as Caller::"" in no group.
 *
 * The caller is the one that the first verified identity of the alternative names: JWT, opaque
 * token, certificate in this order; groups and claims are those of that one.  Two that name
 * different callers are refused.  Where nothing but a pass-through is asked for, which only the
 * back-end can judge, the caller is "unverified:<user>" of basic credentials, "unverified:" of
 * others, in the group "unverified" and no other.
 *
 * One Authorization header at most; its scheme in any case, one blank, then token68 (RFC 9110).
 *
 * SECURITY: hostile bytes; credentials are never in a refusal's text. */
#ifndef GATEWAY_CREDENTIAL_H
#define GATEWAY_CREDENTIAL_H

#include "gateway/authentication/jwt_memory.h"
#include "gateway/authentication/tokens.h"
#include "gateway/request/request.h"
#include "package/call/caller.h"

/* Where keys and tokens come from: the owner's, looked at again whenever it likes. */
struct credential_keys {
        /* The key set of this identity of the package; NULL: none was read yet. */
        const struct jwks *(*jwks)(void *ctx, const struct config_identity *identity);
        /* There is no set, or a token named a key that is not in it, and nothing else was good:
         * have it fetched, once in a while.  At most once a call and identity. */
        void (*refetch)(void *ctx, const struct config_identity *identity);
        const struct tokens *tokens; /* NULL: there are none */
        struct jwt_memory *memory;   /* NULL: nothing is remembered */
        void *ctx;
};

/* Lies in arena, or is borrowed from the request or the package: keys and tokens may be others once
 * credential_check() is done. */
struct credential {
        struct caller_proof proof; /* identity NULL: nobody was asked for */
        struct span scheme;        /* of the document, by which the caller is known; empty */
        /* The value of the back-end's Authorization; empty.  Nobody here has judged it: an answer
         * that was made for it must not be kept for a caller who shows another. */
        struct span pass;
        /* Beside a verified caller the user that pass names, whom nobody has verified; empty. */
        struct span passed;
        bool verified; /* false: unverified, or nobody */
};

/* -EACCES with REFUSED_NO_CREDENTIAL, REFUSED_CREDENTIAL, or REFUSED_KEYS: it cannot be judged,
 * since no key set of the issuer was read yet; -ENOMEM. */
MUST_USE int credential_check(const struct package *p, const struct api_operation *operation,
                              const struct request *q, const struct credential_keys *keys,
                              struct arena *arena, struct credential *ret, struct refusal *refusal);

#endif
