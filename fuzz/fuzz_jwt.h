/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_jwt.h - tokens of a fuzzer, signed for it, since it would never find a signature. */
#ifndef FUZZ_FUZZ_JWT_H
#define FUZZ_FUZZ_JWT_H

#include "../tests/jose_rfc.h"
#include "base/text.h"
#include "crypto/ed25519.h"
#include "fuzz.h"
#include "gateway/authentication/caller_id.h"
#include "gateway/authentication/jwt_memory.h"

enum { FUZZ_NOW = 1800000000 };

static const struct span fuzz_asked[] = { SPAN_INIT("branch"), SPAN_INIT("unit") };

static const struct config_identity fuzz_identity = {
        .kind = CONFIG_JWT,
        .issuer = SPAN_INIT("https://id.example.org"),
        .audience = SPAN_INIT("accounts"),
        .algorithms = JWT_RS256 | JWT_ES256 | JWT_EDDSA,
        .leeway_s = 30,
        .caller = SPAN_INIT("sub"),
        .groups = SPAN_INIT("groups"),
        .claims = fuzz_asked,
        .n_claims = ARRAY_LEN(fuzz_asked),
};

/* A header, a line feed, claims: as a token signed by the key of RFC 8037.  Without a line feed the
 * input is a token as it is. */
static inline void fuzz_put_token(struct span input, struct buf *out)
{
        const uint8_t *end = input.n ? memchr(input.p, '\n', input.n) : NULL;
        uint8_t seed[ED25519_SEED], sig[ED25519_SIG];
        static struct ed25519 *key;
        size_t n;

        if (!end) {
                buf_put(out, input);
                return;
        }
        n = (size_t)(end - input.p);
        text_put_base64url(out, span_of(input.p, n));
        buf_put_byte(out, '.');
        text_put_base64url(out, span_from(input, n + 1));
        if (!key) {
                assert(text_from_base64url(SPAN(RFC_ED_D), seed, sizeof seed, &n) == 0);
                assert(ed25519_from_seed(seed, &key, NULL) == 0);
        }
        assert(ed25519_sign(key, buf_span(out), sig, NULL) == 0);
        buf_put_byte(out, '.');
        text_put_base64url(out, span_of(sig, sizeof sig));
}

/* What is remembered of a caller is that caller. */
static inline void fuzz_check_caller(const struct jwt_caller *c, struct arena *arena)
{
        static const uint8_t digest[JWT_MEMORY_DIGEST];
        struct jwt_memory *m = NULL;
        struct jwt_caller again;

        assert(caller_id_fits(c->caller) && c->n_groups <= JWT_GROUPS_MAX);
        assert(c->until_s > FUZZ_NOW);
        assert(jwt_memory_new(1, &m) == 0);
        jwt_memory_keep(m, digest, c);
        if (jwt_memory_find(m, digest, FUZZ_NOW, arena, &again) == 1) {
                assert(span_eq(c->caller, again.caller) && c->n_groups == again.n_groups);
                for (uint32_t i = 0; i < c->n_groups; i++)
                        assert(span_eq(c->groups[i], again.groups[i]));
                for (size_t i = 0; i < ARRAY_LEN(c->claims); i++)
                        assert(span_eq(c->claims[i], again.claims[i]));
        }
        jwt_memory_free(m);
}

#endif
