/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/authentication/jwt.h"

#include <strings.h>

#include "base/text.h"
#include "gateway/authentication/caller_id.h"
#include "package/call/caller.h"
#include "wire/tree.h"

enum {
        DEPTH_MAX = 32,
        SIG_TEXT_MAX = (JWS_SIG_MAX * 4 + 2) / 3, /* base64url without padding */
};

#define TIME_MAX INT64_C(253402300799) /* the last second of the year 9999 */

/* As the package names the algorithms that it takes: one bit each. */
STATIC_ASSERT(JWT_RS256 == 1u << JWS_RS256, "bit of RS256");
STATIC_ASSERT(JWT_ES256 == 1u << JWS_ES256, "bit of ES256");
STATIC_ASSERT(JWT_EDDSA == 1u << JWS_EDDSA, "bit of EdDSA");
STATIC_ASSERT((int)JWT_GROUPS_MAX <= (int)CALLER_GROUPS_MAX, "groups of a caller");

struct reading {
        struct span token, header, claims, sig; /* the last three as they are spelled */
        const struct jwks *keys;
        const struct config_identity *identity;
        int64_t now_s;
        struct arena *arena;
};

const char *jwt_fault_name(enum jwt_fault f)
{
        static const char *const names[JWT_FAULTS] = {
                [JWT_GOOD] = "good",           [JWT_MALFORMED] = "malformed",
                [JWT_ALGORITHM] = "algorithm", [JWT_KEY] = "key",
                [JWT_SIGNATURE] = "signature", [JWT_EXPIRED] = "expired",
                [JWT_NOT_YET] = "not yet",     [JWT_ISSUER] = "issuer",
                [JWT_AUDIENCE] = "audience",   [JWT_CALLER] = "caller",
                [JWT_CLAIM] = "claim",         [JWT_NO_MEMORY] = "no memory",
        };

        assert(f < JWT_FAULTS);
        return names[f];
}

/* ---- form ---- */

static bool cut(struct span *rest, struct span *ret)
{
        const uint8_t *dot = rest->n ? memchr(rest->p, '.', rest->n) : NULL;

        if (!dot || dot == rest->p)
                return false;
        *ret = span_of(rest->p, (size_t)(dot - rest->p));
        *rest = span_from(*rest, ret->n + 1);
        return true;
}

/* More dots, padding, blanks: the decoder takes none of them. */
static bool split(struct reading *r)
{
        struct span rest = r->token;

        if (r->token.n > JWT_MAX || !cut(&rest, &r->header) || !cut(&rest, &r->claims))
                return false;
        r->sig = rest;
        return rest.n > 0 && rest.n <= SIG_TEXT_MAX;
}

static enum jwt_fault decode(struct reading *r, struct span text, struct tree *ret)
{
        size_t max = text.n / 4 * 3 + 3, n;
        uint8_t *bytes = arena_alloc(r->arena, max);
        int rc;

        if (!bytes)
                return JWT_NO_MEMORY;
        if (text_from_base64url(text, bytes, max, &n) < 0)
                return JWT_MALFORMED;
        rc = tree_read_real(span_of(bytes, n), DEPTH_MAX, r->arena, ret, NULL);
        if (rc == -ENOMEM)
                return JWT_NO_MEMORY;
        return rc == 0 && ret->kind == TREE_OBJECT ? JWT_GOOD : JWT_MALFORMED;
}

/* ---- header and signature ---- */

static bool is_type(const struct tree *typ)
{
        static const char prefix[] = "application/";
        static const char *const types[] = { "jwt", "at+jwt" };
        struct span text = typ->text;

        if (typ->kind != TREE_STRING)
                return false;
        if (text.n >= sizeof prefix - 1 &&
            strncasecmp((const char *)text.p, prefix, sizeof prefix - 1) == 0)
                text = span_from(text, sizeof prefix - 1);
        for (size_t i = 0; i < ARRAY_LEN(types); i++)
                if (text.n == strlen(types[i]) &&
                    strncasecmp((const char *)text.p, types[i], text.n) == 0)
                        return true;
        return false;
}

/* What would change how the rest is to be read. */
static bool asks_for_more(const struct tree *header)
{
        static const char *const names[] = { "crit", "b64", "zip", "enc" };

        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (tree_get(header, names[i]))
                        return true;
        return false;
}

static enum jwt_fault find_algorithm(const struct tree *header, unsigned taken,
                                     enum jws_algorithm *ret)
{
        const struct tree *alg = tree_get(header, "alg");

        if (!alg || alg->kind != TREE_STRING)
                return JWT_MALFORMED;
        for (int a = 0; a < JWS_ALGORITHMS; a++)
                if (taken & 1u << a && jws_algorithm_is((enum jws_algorithm)a, alg->text)) {
                        *ret = (enum jws_algorithm)a;
                        return JWT_GOOD;
                }
        return JWT_ALGORITHM;
}

static enum jwt_fault find_key(const struct reading *r, const struct tree *header,
                               const struct jws_key **ret)
{
        const struct tree *typ = tree_get(header, "typ"), *kid = tree_get(header, "kid");
        enum jws_algorithm a = JWS_ALGORITHMS;
        enum jwt_fault f;

        if (asks_for_more(header) || (typ && !is_type(typ)) ||
            (kid && (kid->kind != TREE_STRING || kid->text.n == 0 || kid->text.n > JWKS_KID_MAX)))
                return JWT_MALFORMED;
        f = find_algorithm(header, r->identity->algorithms, &a);
        if (f != JWT_GOOD)
                return f;
        switch (jwks_find(r->keys, kid ? kid->text : SPAN_NONE, a, ret)) {
        case JWKS_FOUND:
                return JWT_GOOD;
        case JWKS_OTHER:
                return JWT_ALGORITHM;
        default:
                return JWT_KEY;
        }
}

static enum jwt_fault check_signature(struct reading *r)
{
        const struct jws_key *key = NULL;
        uint8_t sig[JWS_SIG_MAX];
        struct tree header;
        enum jwt_fault f = decode(r, r->header, &header);
        size_t n;

        if (f == JWT_GOOD)
                f = find_key(r, &header, &key);
        if (f != JWT_GOOD)
                return f;
        if (text_from_base64url(r->sig, sig, sizeof sig, &n) < 0)
                return JWT_MALFORMED;
        if (jws_verify(key, span_of(r->token.p, r->header.n + 1 + r->claims.n), span_of(sig, n)))
                return JWT_SIGNATURE;
        return JWT_GOOD;
}

/* ---- claims ---- */

static const struct tree *claim_of(const struct tree *claims, struct span name)
{
        uint32_t low = 0, high = claims->n;

        while (low < high) {
                uint32_t middle = low + (high - low) / 2;
                int c = span_cmp(name, claims->members[middle].key);

                if (c == 0)
                        return &claims->members[middle].value;
                if (c < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}

static bool is_text(const struct tree *t, struct span text)
{
        return t && t->kind == TREE_STRING && span_eq(t->text, text);
}

/* A fraction of a second is cut off; exponents are nobody's. */
static bool read_seconds(const struct tree *t, int64_t *ret)
{
        const uint8_t *point;
        uint64_t v;

        if (t->kind == TREE_NUMBER) {
                *ret = t->number;
                return t->number >= 0 && t->number <= TIME_MAX;
        }
        if (t->kind != TREE_REAL || memchr(t->text.p, 'e', t->text.n) ||
            memchr(t->text.p, 'E', t->text.n))
                return false;
        point = memchr(t->text.p, '.', t->text.n);
        if (!point || text_to_u64(span_of(t->text.p, (size_t)(point - t->text.p)), &v) < 0 ||
            v > (uint64_t)TIME_MAX)
                return false;
        *ret = (int64_t)v;
        return true;
}

static enum jwt_fault check_times(const struct reading *r, const struct tree *claims,
                                  int64_t *ret_until_s)
{
        static const char *const starts[] = { "nbf", "iat" };
        const struct tree *exp = tree_get(claims, "exp");
        const int64_t leeway = r->identity->leeway_s;
        int64_t at;

        if (!exp || !read_seconds(exp, &at))
                return JWT_CLAIM;
        *ret_until_s = at + leeway;
        if (r->now_s >= *ret_until_s)
                return JWT_EXPIRED;
        for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
                const struct tree *start = tree_get(claims, starts[i]);

                if (start && !read_seconds(start, &at))
                        return JWT_CLAIM;
                if (start && at - leeway > r->now_s)
                        return JWT_NOT_YET;
        }
        return JWT_GOOD;
}

static bool is_for(const struct tree *aud, struct span audience)
{
        bool found = false;

        if (!aud || aud->kind != TREE_ARRAY)
                return is_text(aud, audience);
        for (uint32_t i = 0; i < aud->n; i++) {
                if (aud->items[i].kind != TREE_STRING)
                        return false;
                found = found || span_eq(aud->items[i].text, audience);
        }
        return found;
}

static enum jwt_fault take_groups(const struct reading *r, const struct tree *claims,
                                  struct jwt_caller *out)
{
        const struct tree *list =
                r->identity->groups.n ? claim_of(claims, r->identity->groups) : NULL;
        struct span *groups;

        if (!list)
                return JWT_GOOD;
        if (list->kind != TREE_ARRAY || list->n > JWT_GROUPS_MAX)
                return JWT_CLAIM;
        groups = arena_alloc(r->arena, list->n * sizeof *groups);
        if (!groups)
                return JWT_NO_MEMORY;
        for (uint32_t i = 0; i < list->n; i++) {
                if (list->items[i].kind != TREE_STRING || !caller_group_fits(list->items[i].text))
                        return JWT_CLAIM;
                groups[i] = list->items[i].text;
        }
        out->groups = groups;
        out->n_groups = list->n;
        return JWT_GOOD;
}

static enum jwt_fault take_claims(const struct reading *r, const struct tree *claims,
                                  struct jwt_caller *out)
{
        for (uint32_t i = 0; i < r->identity->n_claims; i++) {
                const struct tree *t = claim_of(claims, r->identity->claims[i]);

                if (t && (t->kind != TREE_STRING || t->text.n > CALLER_TEXT_MAX))
                        return JWT_CLAIM;
                if (t)
                        out->claims[i] = t->text;
        }
        return JWT_GOOD;
}

static enum jwt_fault take_caller(const struct reading *r, const struct tree *claims,
                                  struct jwt_caller *out)
{
        const struct tree *caller = claim_of(claims, r->identity->caller);
        enum jwt_fault f;

        if (!caller || caller->kind != TREE_STRING || !caller_id_fits(caller->text))
                return JWT_CALLER;
        out->caller = caller->text;
        f = take_groups(r, claims, out);
        return f == JWT_GOOD ? take_claims(r, claims, out) : f;
}

/* ---- the whole ---- */

enum jwt_fault jwt_verify(struct span token, const struct jwks *keys,
                          const struct config_identity *identity, int64_t now_s,
                          struct arena *arena, struct jwt_caller *ret)
{
        struct reading r = {
                .token = token, .keys = keys, .identity = identity, .now_s = now_s, .arena = arena
        };
        struct jwt_caller out = { 0 };
        struct tree claims;
        enum jwt_fault f;

        assert(identity->kind == CONFIG_JWT && identity->n_claims <= CONFIG_CLAIMS_MAX);
        if (!split(&r))
                return JWT_MALFORMED;
        f = check_signature(&r);
        if (f == JWT_GOOD)
                f = decode(&r, r.claims, &claims);
        if (f == JWT_GOOD)
                f = check_times(&r, &claims, &out.until_s);
        if (f != JWT_GOOD)
                return f;
        if (!is_text(tree_get(&claims, "iss"), identity->issuer))
                return JWT_ISSUER;
        if (!is_for(tree_get(&claims, "aud"), identity->audience))
                return JWT_AUDIENCE;
        f = take_caller(&r, &claims, &out);
        if (f == JWT_GOOD)
                *ret = out;
        return f;
}
