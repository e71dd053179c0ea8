/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/authentication/jwt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "base/text.h"
#include "token_maker.h"

enum { NOW = 1800000000, RFC_EXP = 1300819380, ARENA = 4 << 20 };

#define ISS    "\"iss\":\"https://id.example.org\""
#define AUD    ",\"aud\":\"accounts\""
#define SUB    ",\"sub\":\"ann\""
#define EXP    ",\"exp\":1800000060"
#define CLAIMS ISS AUD SUB EXP

static const struct span asked[] = { SPAN_INIT("branch"), SPAN_INIT("unit") };

static const struct config_identity identity = {
        .scheme = SPAN_INIT("token"),
        .kind = CONFIG_JWT,
        .issuer = SPAN_INIT("https://id.example.org"),
        .audience = SPAN_INIT("accounts"),
        .algorithms = JWT_RS256 | JWT_ES256 | JWT_EDDSA,
        .leeway_s = 30,
        .caller = SPAN_INIT("sub"),
        .groups = SPAN_INIT("groups"),
        .claims = asked,
        .n_claims = ARRAY_LEN(asked),
};

static struct token_maker *maker;
static struct jwks *keys;

static int set_up(void **state)
{
        maker = token_maker_new();
        return jwks_read(SPAN(MAKER_SET), &keys, NULL);
}

static int tear_down(void **state)
{
        maker = token_maker_free(maker);
        keys = jwks_free(keys);
        return 0;
}

static enum jwt_fault verify(struct span token)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(ARENA);
        struct jwt_caller caller, before;
        enum jwt_fault f;

        memset(&before, 0x5a, sizeof before);
        caller = before;
        f = jwt_verify(token, keys, &identity, NOW, &arena, &caller);
        if (f != JWT_GOOD)
                assert_memory_equal(&caller, &before, sizeof caller);
        assert_true(arena.used <= JWT_ARENA_MAX);
        return f;
}

static void expect(enum jwt_fault got, enum jwt_fault want, const char *what)
{
        if (got != want)
                fail_msg("%s: %s, not %s", what, jwt_fault_name(got), jwt_fault_name(want));
}

/* ---- vectors ---- */

/* Those of RFC 7515 are signed for an issuer "joe" and name no audience: that this is what is wrong
 * with them says that all before it was right.  That of RFC 8037 signs a text that is no JSON. */
static void tokens_of_the_rfcs(void **state)
{
        static const struct {
                const char *text, *sig;
                enum jwt_fault want;
        } t[] = {
                { RFC_RSA_SIGNED, RFC_RSA_SIG, JWT_AUDIENCE },
                { RFC_EC_SIGNED, RFC_EC_SIG, JWT_AUDIENCE },
                { RFC_ED_SIGNED, RFC_ED_SIG, JWT_MALFORMED },
                { RFC_RSA_SIGNED, RFC_EC_SIG, JWT_SIGNATURE },
                { RFC_EC_SIGNED, RFC_ED_SIG, JWT_SIGNATURE },
                { RFC_ED_SIGNED, RFC_EC_SIG, JWT_SIGNATURE },
        };
        struct config_identity joe = identity;

        joe.issuer = SPAN("joe");
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(ARENA);
                CLEANUP(buf_done) struct buf b = BUF_INIT(JWT_MAX);
                struct jwt_caller caller;

                buf_printf(&b, "%s.%s", t[i].text, t[i].sig);
                expect(jwt_verify(buf_span(&b), keys, &joe, RFC_EXP - 1, &arena, &caller),
                       t[i].want, t[i].text);
        }
}

/* ---- what is taken ---- */

static void tokens_that_are_good(void **state)
{
        static const struct {
                const char *more; /* behind alg */
                const char *claims, *caller, *groups[3], *branch;
                int64_t exp;
        } t[] = {
                { "}", "{" CLAIMS "}", "ann", { NULL }, NULL, 1800000060 },
                { ",\"typ\":\"JWT\"}", "{" CLAIMS "}", "ann", { NULL }, NULL, 1800000060 },
                { ",\"typ\":\"at+jwt\"}",
                  "{" CLAIMS ",\"groups\":[\"staff\",\"b \\u00e9\"],\"branch\":\"north\"}",
                  "ann",
                  { "staff", "b \xc3\xa9" },
                  "north",
                  1800000060 },
                { ",\"typ\":\"application/AT+JWT\"}",
                  "{" CLAIMS ",\"groups\":[],\"branch\":\"\"}",
                  "ann",
                  { NULL },
                  "",
                  1800000060 },
                { " , \"typ\" : \"jwt\"}\r\n",
                  "{" CLAIMS ",\"jti\":[1.5e9]}",
                  "ann",
                  { NULL },
                  NULL,
                  1800000060 },
                /* keys that a token brings along are not looked at */
                { ",\"jku\":\"https://evil.example/keys\",\"x5u\":\"file:///etc\","
                  "\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"},\"x5c\":[\"AA==\"],\"x5t\":\"AA\"}",
                  "{" CLAIMS "}",
                  "ann",
                  { NULL },
                  NULL,
                  1800000060 },
                /* several audiences, another caller, times */
                { "}",
                  "{" ISS
                  ",\"aud\":[\"other\",\"accounts\"],\"sub\":\"b\\u002fc\",\"exp\":1800000001.75,"
                  "\"nbf\":1800000030,\"iat\":1799999999.5}",
                  "b/c",
                  { NULL },
                  NULL,
                  1800000001 },
                { "}",
                  "{" ISS AUD SUB ",\"exp\":253402300799}",
                  "ann",
                  { NULL },
                  NULL,
                  253402300799 },
                /* over, but not by more than clocks may differ */
                { "}", "{" ISS AUD SUB ",\"exp\":1799999971}", "ann", { NULL }, NULL, 1799999971 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++)
                for (int a = 0; a < JWS_ALGORITHMS; a++) {
                        CLEANUP(arena_done) struct arena arena = ARENA_INIT(ARENA);
                        CLEANUP(buf_done) struct buf b = BUF_INIT(JWT_MAX);
                        struct jwt_caller c;
                        char header[512];
                        uint32_t n = 0;

                        snprintf(header, sizeof header, " {\"alg\":\"%s\"%s",
                                 jws_algorithm_name((enum jws_algorithm)a), t[i].more);
                        token_maker_put(maker, (enum jws_algorithm)a, header, t[i].claims, &b);
                        expect(jwt_verify(buf_span(&b), keys, &identity, NOW, &arena, &c), JWT_GOOD,
                               t[i].claims);
                        assert_true(span_eq_str(c.caller, t[i].caller));
                        for (; t[i].groups[n]; n++)
                                assert_true(span_eq_str(c.groups[n], t[i].groups[n]));
                        assert_int_equal(c.n_groups, n);
                        assert_true((c.claims[0].p != NULL) == (t[i].branch != NULL));
                        if (t[i].branch)
                                assert_true(span_eq_str(c.claims[0], t[i].branch));
                        assert_null(c.claims[1].p);
                        assert_int_equal(c.until_s, t[i].exp + 30);
                }
}

/* Its other name (RFC 9864), and whether a package takes it is still asked. */
static void ed25519_is_eddsa(void **state)
{
        static const char header[] = "{\"alg\":\"Ed25519\",\"kid\":\"d\"}";
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(ARENA);
        CLEANUP(buf_done) struct buf b = BUF_INIT(JWT_MAX);
        struct config_identity other = identity;
        struct jwt_caller c;

        token_maker_put(maker, JWS_EDDSA, header, "{" CLAIMS "}", &b);
        expect(jwt_verify(buf_span(&b), keys, &identity, NOW, &arena, &c), JWT_GOOD, header);
        other.algorithms = JWT_RS256 | JWT_ES256;
        expect(jwt_verify(buf_span(&b), keys, &other, NOW, &arena, &c), JWT_ALGORITHM, header);
}

/* ---- hostile tokens, signed with the issuer's own key: only one thing is wrong with each ---- */

#define HEADER "{\"alg\":\"EdDSA\",\"kid\":\"d\"}"
#define ALG    "{\"alg\":\"EdDSA\""

static const struct hostile {
        enum jws_algorithm signed_by;
        const char *header, *claims;
        enum jwt_fault want;
} hostiles[] = {
        /* the header's algorithm */
        { JWS_EDDSA, "{\"alg\":\"none\"}", "{" CLAIMS "}", JWT_ALGORITHM },
        { JWS_EDDSA, "{\"alg\":\"None\"}", "{" CLAIMS "}", JWT_ALGORITHM },
        { JWS_EDDSA, "{\"alg\":\"nOnE\",\"kid\":\"d\"}", "{" CLAIMS "}", JWT_ALGORITHM },
        { JWS_EDDSA, "{\"alg\":\"\"}", "{" CLAIMS "}", JWT_ALGORITHM },
        { JWS_RS256, "{\"alg\":\"HS256\",\"kid\":\"r\"}", "{" CLAIMS "}", JWT_ALGORITHM },
        { JWS_RS256, "{\"alg\":\"RS512\",\"kid\":\"r\"}", "{" CLAIMS "}", JWT_ALGORITHM },
        { JWS_RS256, "{\"alg\":\"PS256\",\"kid\":\"r\"}", "{" CLAIMS "}", JWT_ALGORITHM },
        { JWS_ES256, "{\"alg\":\"ES256K\",\"kid\":\"e\"}", "{" CLAIMS "}", JWT_ALGORITHM },
        { JWS_ES256, "{\"alg\":\"es256\",\"kid\":\"e\"}", "{" CLAIMS "}", JWT_ALGORITHM },
        { JWS_ES256, "{\"alg\":\"ES256\\u0000\",\"kid\":\"e\"}", "{" CLAIMS "}", JWT_ALGORITHM },
        { JWS_RS256, "{\"alg\":\"ES256\",\"kid\":\"r\"}", "{" CLAIMS "}", JWT_ALGORITHM },
        { JWS_ES256, "{\"alg\":\"RS256\",\"kid\":\"e\"}", "{" CLAIMS "}", JWT_ALGORITHM },
        { JWS_EDDSA, "{\"alg\":\"ES256\",\"kid\":\"d\"}", "{" CLAIMS "}", JWT_ALGORITHM },
        { JWS_EDDSA, "{\"alg\":\"Ed25519\",\"kid\":\"e\"}", "{" CLAIMS "}", JWT_ALGORITHM },
        { JWS_EDDSA, "{\"alg\":\"ed25519\",\"kid\":\"d\"}", "{" CLAIMS "}", JWT_ALGORITHM },
        { JWS_EDDSA, "{\"alg\":\"Ed448\",\"kid\":\"d\"}", "{" CLAIMS "}", JWT_ALGORITHM },
        { JWS_ES256, "{\"alg\":\"Ed25519\",\"kid\":\"d\"}", "{" CLAIMS "}", JWT_SIGNATURE },
        { JWS_EDDSA, "{\"kid\":\"d\"}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, "{\"alg\":null}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, "{\"alg\":[\"EdDSA\"]}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, "{\"alg\":\"none\",\"alg\":\"EdDSA\"}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, "{\"alg\":\"EdDSA\",\"\\u0061lg\":\"none\"}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, "{\"ALG\":\"EdDSA\"}", "{" CLAIMS "}", JWT_MALFORMED },
        /* the right algorithm, another one's key */
        { JWS_RS256, "{\"alg\":\"EdDSA\"}", "{" CLAIMS "}", JWT_SIGNATURE },
        { JWS_EDDSA, "{\"alg\":\"ES256\"}", "{" CLAIMS "}", JWT_SIGNATURE },
        { JWS_ES256, "{\"alg\":\"RS256\",\"kid\":\"r\"}", "{" CLAIMS "}", JWT_SIGNATURE },
        /* the header's kid */
        { JWS_EDDSA, ALG ",\"kid\":\"x\"}", "{" CLAIMS "}", JWT_KEY },
        { JWS_EDDSA, ALG ",\"kid\":\"D\"}", "{" CLAIMS "}", JWT_KEY },
        { JWS_EDDSA, ALG ",\"kid\":\"d\\u0000\"}", "{" CLAIMS "}", JWT_KEY },
        { JWS_EDDSA, ALG ",\"kid\":\"../../../../dev/null\"}", "{" CLAIMS "}", JWT_KEY },
        { JWS_EDDSA, ALG ",\"kid\":\"d' OR '1'='1\"}", "{" CLAIMS "}", JWT_KEY },
        { JWS_EDDSA, ALG ",\"kid\":\"\"}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"kid\":null}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"kid\":[\"d\"]}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"kid\":{\"kid\":\"d\"}}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"kid\":\"d\",\"kid\":\"d\"}", "{" CLAIMS "}", JWT_MALFORMED },
        /* the rest of it */
        { JWS_EDDSA, ALG ",\"crit\":[\"exp\"]}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"crit\":[]}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"b64\":false,\"crit\":[\"b64\"]}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"b64\":true}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"zip\":\"DEF\"}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"enc\":\"A128GCM\"}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"typ\":\"JOSE\"}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"typ\":\"dpop+jwt\"}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"typ\":\"secevent+jwt\"}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"typ\":\"logout+jwt\"}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"typ\":\"application/\"}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"typ\":\"application/application/jwt\"}", "{" CLAIMS "}",
          JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"typ\":\"JWT\\u0000\"}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"typ\":[\"JWT\"]}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, "[" ALG "}]", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, "\"EdDSA\"", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG "} ,", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, ALG ",\"x\":\"\xff\"}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, "{\"alg\":\"EdDSA\",}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, "{'alg':'EdDSA'}", "{" CLAIMS "}", JWT_MALFORMED },
        { JWS_EDDSA, "\xef\xbb\xbf" ALG "}", "{" CLAIMS "}", JWT_MALFORMED },
        /* claims as such */
        { JWS_EDDSA, HEADER, "", JWT_MALFORMED },
        { JWS_EDDSA, HEADER, "null", JWT_MALFORMED },
        { JWS_EDDSA, HEADER, "[{" CLAIMS "}]", JWT_MALFORMED },
        { JWS_EDDSA, HEADER, "{" CLAIMS "}{}", JWT_MALFORMED },
        { JWS_EDDSA, HEADER, "{" CLAIMS SUB "}", JWT_MALFORMED },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"s\\u0075b\":\"root\"}", JWT_MALFORMED },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"x\":{\"a\":1,\"a\":2}}", JWT_MALFORMED },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"x\":\"\\ud800\"}", JWT_MALFORMED },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"x\":NaN}", JWT_MALFORMED },
        /* exp */
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB "}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":null}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":true}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":\"1800000060\"}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":[1800000060]}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":-1}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":-1800000060.5}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":1.8e9}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":1.8E99}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":1800000060000}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":253402300800}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":9223372036854775807}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":-9223372036854775808}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":18446744073709551616}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":18446744073709551616.5}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":0}", JWT_EXPIRED },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":-0}", JWT_EXPIRED },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":1799999970}", JWT_EXPIRED },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"exp\":1799999970.999}", JWT_EXPIRED },
        { JWS_EDDSA, HEADER, "{" ISS AUD SUB ",\"Exp\":1800000060}", JWT_CLAIM },
        /* nbf, iat */
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"nbf\":1800000031}", JWT_NOT_YET },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"nbf\":253402300799}", JWT_NOT_YET },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"iat\":1800000031}", JWT_NOT_YET },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"nbf\":\"0\"}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"nbf\":null}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"nbf\":-5}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"iat\":9e99}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"iat\":{}}", JWT_CLAIM },
        /* iss */
        { JWS_EDDSA, HEADER, "{\"x\":1" AUD SUB EXP "}", JWT_ISSUER },
        { JWS_EDDSA, HEADER, "{\"iss\":\"https://id.example.org/\"" AUD SUB EXP "}", JWT_ISSUER },
        { JWS_EDDSA, HEADER, "{\"iss\":\"https://ID.example.org\"" AUD SUB EXP "}", JWT_ISSUER },
        { JWS_EDDSA, HEADER, "{\"iss\":\"https://id.example.org\\u0000\"" AUD SUB EXP "}",
          JWT_ISSUER },
        { JWS_EDDSA, HEADER, "{\"iss\":[\"https://id.example.org\"]" AUD SUB EXP "}", JWT_ISSUER },
        { JWS_EDDSA, HEADER, "{\"iss\":null" AUD SUB EXP "}", JWT_ISSUER },
        { JWS_EDDSA, HEADER, "{\"iss\":\"\"" AUD SUB EXP "}", JWT_ISSUER },
        /* aud */
        { JWS_EDDSA, HEADER, "{" ISS SUB EXP "}", JWT_AUDIENCE },
        { JWS_EDDSA, HEADER, "{" ISS ",\"aud\":\"account\"" SUB EXP "}", JWT_AUDIENCE },
        { JWS_EDDSA, HEADER, "{" ISS ",\"aud\":\"accounts2\"" SUB EXP "}", JWT_AUDIENCE },
        { JWS_EDDSA, HEADER, "{" ISS ",\"aud\":\"other accounts\"" SUB EXP "}", JWT_AUDIENCE },
        { JWS_EDDSA, HEADER, "{" ISS ",\"aud\":[]" SUB EXP "}", JWT_AUDIENCE },
        { JWS_EDDSA, HEADER, "{" ISS ",\"aud\":[\"other\"]" SUB EXP "}", JWT_AUDIENCE },
        { JWS_EDDSA, HEADER, "{" ISS ",\"aud\":[\"accounts\",7]" SUB EXP "}", JWT_AUDIENCE },
        { JWS_EDDSA, HEADER, "{" ISS ",\"aud\":[[\"accounts\"]]" SUB EXP "}", JWT_AUDIENCE },
        { JWS_EDDSA, HEADER, "{" ISS ",\"aud\":{\"accounts\":1}" SUB EXP "}", JWT_AUDIENCE },
        { JWS_EDDSA, HEADER, "{" ISS ",\"aud\":null" SUB EXP "}", JWT_AUDIENCE },
        /* the caller */
        { JWS_EDDSA, HEADER, "{" ISS AUD EXP "}", JWT_CALLER },
        { JWS_EDDSA, HEADER, "{" ISS AUD EXP ",\"sub\":\"\"}", JWT_CALLER },
        { JWS_EDDSA, HEADER, "{" ISS AUD EXP ",\"sub\":7}", JWT_CALLER },
        { JWS_EDDSA, HEADER, "{" ISS AUD EXP ",\"sub\":null}", JWT_CALLER },
        { JWS_EDDSA, HEADER, "{" ISS AUD EXP ",\"sub\":[\"ann\"]}", JWT_CALLER },
        { JWS_EDDSA, HEADER, "{" ISS AUD EXP ",\"sub\":{\"type\":\"Caller\",\"id\":\"ann\"}}",
          JWT_CALLER },
        { JWS_EDDSA, HEADER, "{" ISS AUD EXP ",\"sub\":\"unverified:ann\"}", JWT_CALLER },
        { JWS_EDDSA, HEADER, "{" ISS AUD EXP ",\"sub\":\"unverified:\"}", JWT_CALLER },
        { JWS_EDDSA, HEADER, "{" ISS AUD EXP ",\"sub\":\"\\u0075nverified:x\"}", JWT_CALLER },
        { JWS_EDDSA, HEADER, "{" ISS AUD EXP ",\"sub\":\"ann\\u0000\"}", JWT_CALLER },
        { JWS_EDDSA, HEADER, "{" ISS AUD EXP ",\"sub\":\"ann\\r\\nX: 1\"}", JWT_CALLER },
        { JWS_EDDSA, HEADER, "{" ISS AUD EXP ",\"sub\":\"ann\\u007f\"}", JWT_CALLER },
        /* groups and claims */
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"groups\":\"staff\"}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"groups\":null}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"groups\":{\"0\":\"staff\"}}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"groups\":[\"staff\",null]}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"groups\":[[\"staff\"]]}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"groups\":[\"\"]}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"groups\":[\"staff\",\"unverified\"]}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"groups\":[\"unv\\u0065rified\"]}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"groups\":[\"a\\u0000b\"]}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"branch\":7}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"unit\":null}", JWT_CLAIM },
        { JWS_EDDSA, HEADER, "{" CLAIMS ",\"unit\":[\"a\"]}", JWT_CLAIM },
};

static void hostile_tokens(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(hostiles); i++) {
                CLEANUP(buf_done) struct buf b = BUF_INIT(JWT_MAX);
                char what[512];

                token_maker_put(maker, hostiles[i].signed_by, hostiles[i].header,
                                hostiles[i].claims, &b);
                snprintf(what, sizeof what, "%s . %s", hostiles[i].header, hostiles[i].claims);
                expect(verify(buf_span(&b)), hostiles[i].want, what);
        }
}

/* ---- hostile spellings of a good token ---- */

static void hostile_spellings(void **state)
{
        static const struct {
                const char *form; /* h, c, s stand for the parts of a good token */
                enum jwt_fault want;
        } t[] = {
                { "h.c.s", JWT_GOOD },
                { "", JWT_MALFORMED },
                { ".", JWT_MALFORMED },
                { "..", JWT_MALFORMED },
                { "h", JWT_MALFORMED },
                { "h.c", JWT_MALFORMED },
                { "h.c.", JWT_MALFORMED },
                { "h..s", JWT_MALFORMED },
                { ".c.s", JWT_MALFORMED },
                { "h.c.s.", JWT_MALFORMED },
                { "h.c.s.s", JWT_MALFORMED },
                { "h.c.s.s.s", JWT_MALFORMED },
                { ".h.c.s", JWT_MALFORMED },
                { "h.c.s=", JWT_MALFORMED },
                { "h.c.s==", JWT_MALFORMED },
                { "h=.c.s", JWT_MALFORMED },
                { "h.c.s ", JWT_MALFORMED },
                { " h.c.s", JWT_MALFORMED },
                { "h. c.s", JWT_SIGNATURE },
                { "h.c.s\n", JWT_MALFORMED },
                { "h.c\n.s", JWT_SIGNATURE },
                { "h\r.c.s", JWT_MALFORMED },
                { "h.c.+", JWT_MALFORMED },
                { "h.c./", JWT_MALFORMED },
                { "h.c.c", JWT_SIGNATURE },
                { "h.c.h", JWT_SIGNATURE },
                { "h.h.s", JWT_SIGNATURE },
                { "c.c.s", JWT_MALFORMED },
                { "c.h.s", JWT_MALFORMED },
                { "h.c.A", JWT_MALFORMED },
                { "h.c.AA", JWT_SIGNATURE },
                { "h.c.AB", JWT_MALFORMED }, /* pad bits that are not zero */
                { "hA.c.s", JWT_MALFORMED },
                { "h.c.sA", JWT_SIGNATURE },
                { "h.c.sAA", JWT_SIGNATURE },
                { "h.c.sAAAA", JWT_SIGNATURE },
        };
        CLEANUP(buf_done) struct buf good = BUF_INIT(JWT_MAX);
        struct span parts[3], rest;

        token_maker_put(maker, JWS_EDDSA, HEADER, "{" CLAIMS "}", &good);
        rest = buf_span(&good);
        for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
                const uint8_t *dot = memchr(rest.p, '.', rest.n);

                parts[i] = span_of(rest.p, dot ? (size_t)(dot - rest.p) : rest.n);
                rest = span_from(rest, parts[i].n + 1);
        }
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(buf_done) struct buf b = BUF_INIT(JWT_MAX);

                for (const char *at = t[i].form; *at; at++) {
                        const char *part = strchr("hcs", *at);

                        if (part)
                                buf_put(&b, parts[part - "hcs"]);
                        else
                                buf_put_byte(&b, (uint8_t)*at);
                }
                expect(verify(buf_span(&b)), t[i].want, t[i].form);
        }
}

/* One bit anywhere in a token, of each algorithm: never good. */
static void flipped_bits(void **state)
{
        for (int a = 0; a < JWS_ALGORITHMS; a++) {
                CLEANUP(buf_done) struct buf b = BUF_INIT(JWT_MAX);
                char header[32];

                snprintf(header, sizeof header, "{\"alg\":\"%s\"}",
                         jws_algorithm_name((enum jws_algorithm)a));
                token_maker_put(maker, (enum jws_algorithm)a, header, "{" CLAIMS "}", &b);
                for (size_t bit = 0; bit < 8 * b.n; bit++) {
                        b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
                        if (verify(buf_span(&b)) == JWT_GOOD)
                                fail_msg("%s: bit %zu", header, bit);
                        b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
                }
                expect(verify(buf_span(&b)), JWT_GOOD, header);
        }
}

/* ---- what the package takes ---- */

/* A good token by each algorithm, by what the package takes. */
static void algorithms_of_the_package(void **state)
{
        for (unsigned taken = 0; taken < 8; taken++)
                for (int a = 0; a < JWS_ALGORITHMS; a++) {
                        CLEANUP(arena_done) struct arena arena = ARENA_INIT(ARENA);
                        CLEANUP(buf_done) struct buf b = BUF_INIT(JWT_MAX);
                        struct config_identity i = identity;
                        struct jwt_caller c;
                        char header[32];

                        i.algorithms = taken;
                        snprintf(header, sizeof header, "{\"alg\":\"%s\"}",
                                 jws_algorithm_name((enum jws_algorithm)a));
                        token_maker_put(maker, (enum jws_algorithm)a, header, "{" CLAIMS "}", &b);
                        expect(jwt_verify(buf_span(&b), keys, &i, NOW, &arena, &c),
                               taken & 1u << a ? JWT_GOOD : JWT_ALGORITHM, header);
                }
}

/* What another claim than "sub" says, and that nothing is asked for. */
static void other_claims_of_the_package(void **state)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(ARENA);
        CLEANUP(buf_done) struct buf b = BUF_INIT(JWT_MAX);
        struct config_identity i = identity;
        struct jwt_caller c;

        i.caller = SPAN("client_id");
        i.groups = SPAN_NONE;
        i.n_claims = 0;
        i.leeway_s = 0;
        token_maker_put(
                maker, JWS_EDDSA, HEADER,
                "{" CLAIMS ",\"client_id\":\"app\",\"groups\":7,\"branch\":7,\"\":[\"root\"]}", &b);
        expect(jwt_verify(buf_span(&b), keys, &i, 1800000059, &arena, &c), JWT_GOOD, "app");
        assert_true(span_eq_str(c.caller, "app"));
        assert_int_equal(c.n_groups, 0);
        assert_null(c.claims[0].p);
        assert_int_equal(c.until_s, 1800000060);
        expect(jwt_verify(buf_span(&b), keys, &i, 1800000060, &arena, &c), JWT_EXPIRED, "app");
}

/* ---- ceilings ---- */

static void put_claims(struct buf *b, const char *name, uint32_t n, const char *item)
{
        buf_printf(b, "{" CLAIMS ",\"%s\":[", name);
        for (uint32_t i = 0; i < n; i++)
                buf_printf(b, "%s%s", i ? "," : "", item);
        buf_put_str(b, "]}");
}

static void ceilings(void **state)
{
        static const struct {
                const char *name, *item;
                uint32_t n;
                enum jwt_fault want;
        } t[] = {
                { "groups", "\"g\"", JWT_GROUPS_MAX, JWT_GOOD },
                { "groups", "\"g\"", JWT_GROUPS_MAX + 1, JWT_CLAIM },
                { "x", "0", 5000, JWT_GOOD }, /* what takes most memory */
                { "x", "[[[[0]]]]", 1000, JWT_GOOD },
                { "x", "0", 6500, JWT_MALFORMED }, /* more than JWT_MAX */
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(buf_done) struct buf claims = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);

                put_claims(&claims, t[i].name, t[i].n, t[i].item);
                token_maker_put(maker, JWS_EDDSA, HEADER, buf_cstr(&claims), &b);
                expect(verify(buf_span(&b)), t[i].want, t[i].item);
        }
}

static void texts_that_are_too_long(void **state)
{
        static const struct {
                const char *claim;
                size_t n;
                enum jwt_fault want;
        } t[] = {
                { "branch", 1024, JWT_GOOD }, { "branch", 1025, JWT_CLAIM },
                { "groups", 1024, JWT_GOOD }, { "groups", 1025, JWT_CLAIM },
                { "sub", 1024, JWT_GOOD },    { "sub", 1025, JWT_CALLER },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(buf_done) struct buf b = BUF_INIT(JWT_MAX);
                const char *quote = strcmp(t[i].claim, "groups") ? "\"" : "[\"";
                const char *sub = strcmp(t[i].claim, "sub") ? SUB : "";
                char text[1026] = { 0 }, claims[2048];

                memset(text, 'a', t[i].n);
                snprintf(claims, sizeof claims, "{%s%s,\"%s\":%s%s\"%s}", ISS AUD EXP, sub,
                         t[i].claim, quote, text, quote[0] == '[' ? "]" : "");
                token_maker_put(maker, JWS_EDDSA, HEADER, claims, &b);
                expect(verify(buf_span(&b)), t[i].want, t[i].claim);
        }
}

static void memory_runs_out(void **state)
{
        CLEANUP(buf_done) struct buf claims = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);
        size_t most = 0;

        put_claims(&claims, "groups", 200, "\"a\\u0062\"");
        token_maker_put(maker, JWS_ES256, "{\"alg\":\"ES256\"}", buf_cstr(&claims), &b);
        for (size_t nth = 1;; nth++) {
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(ARENA);
                struct jwt_caller c;
                enum jwt_fault f;

                alloc_fail_nth = nth;
                f = jwt_verify(buf_span(&b), keys, &identity, NOW, &arena, &c);
                alloc_fail_nth = 0;
                most = arena.used;
                if (f == JWT_GOOD)
                        break;
                expect(f, JWT_NO_MEMORY, "allocation");
        }
        for (size_t max = 0; max < most; max += 64) {
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(max);
                struct jwt_caller c;

                expect(jwt_verify(buf_span(&b), keys, &identity, NOW, &arena, &c), JWT_NO_MEMORY,
                       "arena");
        }
}

static void faults_have_names(void **state)
{
        for (int i = 0; i < JWT_FAULTS; i++)
                for (int j = 0; j < i; j++)
                        assert_string_not_equal(jwt_fault_name((enum jwt_fault)i),
                                                jwt_fault_name((enum jwt_fault)j));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(tokens_of_the_rfcs),
                cmocka_unit_test(tokens_that_are_good),
                cmocka_unit_test(ed25519_is_eddsa),
                cmocka_unit_test(hostile_tokens),
                cmocka_unit_test(hostile_spellings),
                cmocka_unit_test(flipped_bits),
                cmocka_unit_test(algorithms_of_the_package),
                cmocka_unit_test(other_claims_of_the_package),
                cmocka_unit_test(ceilings),
                cmocka_unit_test(texts_that_are_too_long),
                cmocka_unit_test(memory_runs_out),
                cmocka_unit_test(faults_have_names),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
