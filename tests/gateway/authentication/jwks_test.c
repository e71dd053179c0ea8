/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/authentication/jwks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "crypto/sha256.h"
#include "token_maker.h"

#define SET(keys) "{\"keys\":[" keys "]}"
#define RSA(more) "{" MAKER_RSA more "}"
#define EC(more)  "{" MAKER_EC more "}"
#define ED(more)  "{" MAKER_ED more "}"
#define KID(kid)  ",\"kid\":\"" kid "\""

/* What stands in a canonical set, by hand. */
#define CANON_ED(kid)                                                                              \
        "{\"alg\":\"EdDSA\",\"crv\":\"Ed25519\"," kid "\"kty\":\"OKP\",\"x\":\"" RFC_ED_X "\"}"
#define CANON_EC(kid)                                                                              \
        "{\"alg\":\"ES256\",\"crv\":\"P-256\"," kid "\"kty\":\"EC\",\"x\":\"" RFC_EC_X             \
        "\",\"y\":\"" RFC_EC_Y "\"}"
#define CANON_RSA(kid)                                                                             \
        "{\"alg\":\"RS256\",\"e\":\"" RFC_RSA_E "\"," kid "\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\"}"

static struct jwks *read_good(const char *text)
{
        struct jwks *k = NULL;
        struct err err = { 0 };

        if (jwks_read(span_str(text), &k, &err) < 0)
                fail_msg("%s: %s", text, err.text);
        return k;
}

/* Sets that are taken, and what is handed on of them. */
static void sets_that_are_taken(void **state)
{
        static const struct {
                const char *text, *want;
                uint32_t n, left_out;
                const char *why;
        } t[] = {
                { SET(ED("")), SET(CANON_ED("")) "\n", 1, 0, "" },
                { SET(ED(KID("d"))), SET(CANON_ED("\"kid\":\"d\",")) "\n", 1, 0, "" },
                { MAKER_SET,
                  SET(CANON_ED("\"kid\":\"d\",") "," CANON_EC("\"kid\":\"e\",") "," CANON_RSA(
                          "\"kid\":\"r\",")) "\n",
                  3, 0, "" },
                /* one kid for two algorithms; none before any */
                { SET(EC(KID("a")) "," RSA(KID("a")) "," ED("")),
                  SET(CANON_ED("") "," CANON_RSA("\"kid\":\"a\",") "," CANON_EC(
                          "\"kid\":\"a\",")) "\n",
                  3, 0, "" },
                /* escapes are spelled in one way */
                { SET(ED(",\"alg\":\"Ed25519\"")), SET(CANON_ED("")) "\n", 1, 0, "" },
                { SET(ED(KID("\\u0061\\/\\u001f\\u00e9"))),
                  SET(CANON_ED("\"kid\":\"a/\\u001f\xc3\xa9\",")) "\n", 1, 0, "" },
                /* what is not looked at */
                { "{\"issuer\":1,\"keys\":[{\"x5c\":[\"MII\"],\"x5u\":\"http://x\",\"x5t\":null," MAKER_ED
                  ",\"alg\":\"EdDSA\",\"use\":\"sig\",\"key_ops\":[\"sign\",\"verify\"],"
                  "\"nbf\":1.5e3}]}",
                  SET(CANON_ED("")) "\n", 1, 0, "" },
                /* what is left out */
                { SET(RSA(",\"use\":\"enc\"") "," ED("")), SET(CANON_ED("")) "\n", 1, 1,
                  "key 1: its use is not sig" },
                { SET(ED("") "," RSA(",\"alg\":\"PS256\"")), SET(CANON_ED("")) "\n", 1, 1,
                  "key 2: its alg is not RS256" },
                { SET("{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"},7," ED("")), SET(CANON_ED("")) "\n", 1,
                  2, "key 1: neither RSA nor EC on P-256 nor OKP on Ed25519" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(jwks_freep) struct jwks *k = read_good(t[i].text), *again = NULL;
                CLEANUP(buf_done) struct buf out = BUF_INIT(JWKS_MAX);
                uint8_t one[JWKS_DIGEST], two[JWKS_DIGEST], by_hand[SHA256_LEN];
                uint32_t left_out;
                const char *why;

                jwks_put(k, &out);
                assert_string_equal(buf_cstr(&out), t[i].want);
                assert_int_equal(jwks_count(k, &left_out, &why), t[i].n);
                assert_int_equal(left_out, t[i].left_out);
                assert_string_equal(why, t[i].why);
                again = read_good(t[i].want);
                jwks_digest(k, one);
                jwks_digest(again, two);
                sha256(span_str(t[i].want), by_hand);
                assert_memory_equal(one, two, sizeof one);
                assert_memory_equal(one, by_hand, sizeof one);
                assert_int_equal(jwks_count(again, NULL, NULL), t[i].n);
        }
}

static void order_does_not_matter(void **state)
{
        static const char *const keys[] = { RSA(KID("r")), EC(KID("e")), ED(KID("d")),
                                            RSA(KID("d")) };
        static const uint8_t orders[][4] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 1, 3, 0, 2 },
                                             { 2, 0, 3, 1 }, { 0, 3, 2, 1 }, { 1, 0, 3, 2 } };
        uint8_t first[JWKS_DIGEST], other[JWKS_DIGEST];

        for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
                CLEANUP(buf_done) struct buf text = BUF_INIT(JWKS_MAX);
                CLEANUP(jwks_freep) struct jwks *k = NULL;

                buf_put_str(&text, "{\"keys\":[");
                for (size_t j = 0; j < 4; j++)
                        buf_printf(&text, "%s%s", j ? ", " : "", keys[orders[i][j]]);
                buf_put_str(&text, "]}");
                k = read_good(buf_cstr(&text));
                jwks_digest(k, i ? other : first);
                if (i)
                        assert_memory_equal(first, other, sizeof first);
        }
}

/* Another kid, another key, one less: another digest. */
static void what_matters(void **state)
{
        static const char *const sets[] = {
                SET(ED("")),
                SET(ED(KID("a"))),
                SET(ED(KID("b"))),
                SET(EC(KID("a"))),
                SET(ED(KID("a")) "," EC("")),
                SET(RSA(KID("a"))),
                SET(ED(KID("a")) "," EC(KID("a"))),
        };
        uint8_t digests[ARRAY_LEN(sets)][JWKS_DIGEST];

        for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
                CLEANUP(jwks_freep) struct jwks *k = read_good(sets[i]);

                jwks_digest(k, digests[i]);
                for (size_t j = 0; j < i; j++)
                        assert_memory_not_equal(digests[i], digests[j], JWKS_DIGEST);
        }
}

/* One key each, and why it is none; with a good one beside it the set is that one. */
static void keys_that_are_no_good(void **state)
{
        static const char small[] =
                "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP"
                "1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63ko\"}";
        static const struct {
                const char *key, *why;
        } t[] = {
                { "null", "null, and no object" },
                { "\"key\"", "a string, and no object" },
                { "{}", "neither RSA" },
                { "{\"kty\":\"rsa\"}", "neither RSA" },
                { "{\"kty\":1}", "neither RSA" },
                { "{\"kty\":\"oct\",\"k\":\"AAAA\",\"alg\":\"HS256\"}", "neither RSA" },
                { "{\"kty\":\"EC\",\"crv\":\"P-384\"}", "neither RSA" },
                { "{\"kty\":\"EC\",\"crv\":\"secp256k1\"}", "neither RSA" },
                { "{\"kty\":\"EC\"}", "neither RSA" },
                { "{\"kty\":\"OKP\",\"crv\":\"X25519\"}", "neither RSA" },
                { "{\"kty\":\"OKP\",\"crv\":\"Ed448\"}", "neither RSA" },
                { RSA(",\"alg\":\"RS512\""), "its alg is not RS256" },
                { RSA(",\"alg\":\"HS256\""), "its alg is not RS256" },
                { RSA(",\"alg\":\"none\""), "its alg is not RS256" },
                { RSA(",\"alg\":null"), "its alg is not RS256" },
                { EC(",\"alg\":\"RS256\""), "its alg is not ES256" },
                { ED(",\"alg\":\"ES256\""), "its alg is not EdDSA" },
                { ED(",\"alg\":\"Ed448\""), "its alg is not EdDSA" },
                { EC(",\"alg\":\"Ed25519\""), "its alg is not ES256" },
                { ED(",\"use\":\"enc\""), "its use is not sig" },
                { ED(",\"use\":[\"sig\"]"), "its use is not sig" },
                { ED(",\"key_ops\":[\"sign\"]"), "verify is none of its key_ops" },
                { ED(",\"key_ops\":[]"), "verify is none of its key_ops" },
                { ED(",\"key_ops\":\"verify\""), "verify is none of its key_ops" },
                { ED(",\"d\":\"" RFC_ED_D "\""), "its secret part is in it" },
                { EC(",\"d\":\"" RFC_EC_D "\""), "its secret part is in it" },
                { RSA(",\"d\":\"" RFC_RSA_D "\""), "its secret part is in it" },
                { ED(",\"kid\":1"), "its kid is no text" },
                { ED(",\"kid\":\"\""), "its kid is no text" },
                { ED(",\"kid\":null"), "its kid is no text" },
                { "{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\"}", "its e is no text" },
                { "{\"kty\":\"RSA\",\"e\":\"AQAB\"}", "its n is no text" },
                { "{\"kty\":\"RSA\",\"e\":65537,\"n\":\"" RFC_RSA_N "\"}", "its e is no text" },
                { "{\"kty\":\"RSA\",\"e\":\"AQ\",\"n\":\"" RFC_RSA_N "\"}", "below 65537" },
                { "{\"kty\":\"RSA\",\"e\":\"Aw\",\"n\":\"" RFC_RSA_N "\"}", "below 65537" },
                { "{\"kty\":\"RSA\",\"e\":\"AQAB=\",\"n\":\"" RFC_RSA_N "\"}",
                  "its e is no base64url" },
                { "{\"kty\":\"RSA\",\"e\":\"AAEAAQ\",\"n\":\"" RFC_RSA_N "\"}", "zero in front" },
                { small, "1024 bits" },
                { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X "\"}", "its y is no text" },
                { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X "\",\"y\":\"" RFC_EC_X
                  "\"}",
                  "OpenSSL takes it for no key" },
                { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X "\",\"y\":\"" RFC_RSA_N
                  "\"}",
                  "its y is too long" },
                { "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X "\",\"y\":\"AAAA\"}",
                  "coordinates" },
                { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", "32 bytes" },
                { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
                  "\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
                  "a point that no key may be" },
                { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC_ED_X " \"}",
                  "its x is no base64url" },
                /* the pad bits are not zero */
                { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
                  "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp\"}",
                  "its x is no base64url" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(buf_done) struct buf text = BUF_INIT(JWKS_MAX);
                CLEANUP(jwks_freep) struct jwks *k = NULL;
                struct err err = { 0 };

                buf_printf(&text, "{\"keys\":[%s]}", t[i].key);
                assert_int_equal(jwks_read(buf_span(&text), &k, &err), -EINVAL);
                if (!strstr(err.text, "no key that is any good: key 1: ") ||
                    !strstr(err.text, t[i].why))
                        fail_msg("%s: \"%s\", not \"%s\"", t[i].key, err.text, t[i].why);
                buf_clear(&text);
                buf_printf(&text, "{\"keys\":[%s,{%s}]}", t[i].key, MAKER_ED ",\"kid\":\"good\"");
                k = read_good(buf_cstr(&text));
                assert_int_equal(jwks_count(k, NULL, NULL), 1);
        }
}

static void sets_that_are_none(void **state)
{
        static const struct {
                const char *text;
                int rc;
                const char *why;
        } t[] = {
                { "", -EINVAL, "key set: line 1" },
                { "[]", -EINVAL, "no list \"keys\"" },
                { "{}", -EINVAL, "no list \"keys\"" },
                { "{\"keys\":{}}", -EINVAL, "no list \"keys\"" },
                { "{\"Keys\":[" ED("") "]}", -EINVAL, "no list \"keys\"" },
                { SET(""), -EINVAL, "no key that is any good" },
                { "{\"keys\":[],\"keys\":[" ED("") "]}", -EINVAL, "key set: line 1" },
                { SET("{" MAKER_ED ",\"kty\":\"OKP\"}"), -EINVAL, "key set: line 1" },
                { SET(ED(KID("\\ud800"))), -EINVAL, "surrogate" },
                { SET(ED(KID("\xff"))), -EINVAL, "key set: line 1" },
                { SET(ED("")) "x", -EINVAL, "key set: line 1" },
                { "\xef\xbb\xbf" SET(ED("")), -EINVAL, "key set: line 1" },
                { SET(ED(KID("a")) "," ED(KID("a"))), -EINVAL, "two keys for EdDSA have one kid" },
                { SET(ED(KID("a")) "," EC("") "," EC("")), -EINVAL,
                  "two keys for ES256 have no kid" },
                { SET("[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]"), -EINVAL, "key set: line 1" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct jwks *k = NULL;
                struct err err = { 0 };

                assert_int_equal(jwks_read(span_str(t[i].text), &k, &err), t[i].rc);
                assert_null(k);
                if (!strstr(err.text, t[i].why))
                        fail_msg("%zu: \"%s\", not \"%s\"", i, err.text, t[i].why);
                assert_int_equal(jwks_read(span_str(t[i].text), &k, NULL), t[i].rc);
        }
}

static void ceilings(void **state)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(4 * JWKS_MAX), out = BUF_INIT(JWKS_MAX);
        CLEANUP(jwks_freep) struct jwks *k = NULL, *again = NULL;
        char kid[JWKS_KID_MAX * 6 + 1];

        /* kids that need most characters: they still fit when they are handed on */
        for (size_t i = 0; i < JWKS_KID_MAX; i++)
                memcpy(kid + 6 * i, "\\u0001", 7);
        buf_put_str(&text, "{\"keys\":[");
        for (int i = 0; i < JWKS_KEYS_MAX; i++)
                buf_printf(&text, "%s{%s,\"kid\":\"%02d%s\"}", i ? "," : "", MAKER_RSA, i,
                           kid + 2 * 6);
        buf_put_str(&text, "]}");
        k = read_good(buf_cstr(&text));
        assert_int_equal(jwks_count(k, NULL, NULL), JWKS_KEYS_MAX);
        jwks_put(k, &out);
        assert_int_equal(buf_status(&out), 0);
        again = read_good(buf_cstr(&out));

        text.n -= 2;
        buf_put_str(&text, ",{}]}");
        assert_int_equal(jwks_read(buf_span(&text), &again, NULL), -E2BIG);
        buf_clear(&text);
        buf_put_str(&text, SET(ED("")));
        while (text.n < JWKS_MAX)
                buf_put_byte(&text, ' ');
        jwks_free(again);
        again = NULL;
        assert_int_equal(jwks_read(buf_span(&text), &again, NULL), 0);
        buf_put_byte(&text, ' ');
        assert_int_equal(jwks_read(buf_span(&text), &k, NULL), -E2BIG);
}

/* 256 bytes and one more. */
static void kids_that_are_too_long(void **state)
{
        char text[4096], kid[JWKS_KID_MAX + 2] = { 0 };
        CLEANUP(jwks_freep) struct jwks *k = NULL;

        memset(kid, 'k', JWKS_KID_MAX);
        snprintf(text, sizeof text, "{\"keys\":[{%s,\"kid\":\"%s\"}]}", MAKER_ED, kid);
        k = read_good(text);
        kid[JWKS_KID_MAX] = 'k';
        snprintf(text, sizeof text, "{\"keys\":[{%s,\"kid\":\"%s\"}]}", MAKER_ED, kid);
        assert_int_equal(jwks_read(span_str(text), &k, NULL), -EINVAL);
}

static void finding(void **state)
{
        static const char three[] = SET(RSA(KID("a")) "," EC(KID("a")) "," ED(KID("b"))),
                          bare[] = SET(RSA("") "," ED(KID("b"))),
                          pair[] = SET(ED(KID("a")) "," ED(KID("b")));
        static const struct {
                const char *set, *kid; /* NULL: the token names none */
                enum jws_algorithm a;
                enum jwks_found want;
        } t[] = {
                { three, "a", JWS_RS256, JWKS_FOUND },   { three, "a", JWS_ES256, JWKS_FOUND },
                { three, "a", JWS_EDDSA, JWKS_OTHER },   { three, "b", JWS_EDDSA, JWKS_FOUND },
                { three, "b", JWS_RS256, JWKS_OTHER },   { three, "c", JWS_RS256, JWKS_UNKNOWN },
                { three, "", JWS_RS256, JWKS_UNKNOWN },  { three, NULL, JWS_RS256, JWKS_FOUND },
                { bare, "a", JWS_RS256, JWKS_UNKNOWN },  { bare, NULL, JWS_RS256, JWKS_FOUND },
                { bare, "", JWS_RS256, JWKS_UNKNOWN },   { bare, NULL, JWS_ES256, JWKS_OTHER },
                { pair, NULL, JWS_EDDSA, JWKS_UNKNOWN }, { pair, "b", JWS_EDDSA, JWKS_FOUND },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(jwks_freep) struct jwks *k = read_good(t[i].set);
                const struct jws_key *key = NULL;

                assert_int_equal(
                        jwks_find(k, t[i].kid ? span_str(t[i].kid) : SPAN_NONE, t[i].a, &key),
                        t[i].want);
                assert_true((key != NULL) == (t[i].want == JWKS_FOUND));
                if (key)
                        assert_int_equal(jws_key_algorithm(key), t[i].a);
        }
}

static void memory_runs_out(void **state)
{
        for (size_t nth = 1;; nth++) {
                CLEANUP(jwks_freep) struct jwks *k = NULL;
                struct err err = { 0 };
                int rc;

                alloc_fail_nth = nth;
                rc = jwks_read(SPAN(MAKER_SET), &k, &err);
                alloc_fail_nth = 0;
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
                assert_true(err.text[0]);
                assert_null(k);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(sets_that_are_taken),    cmocka_unit_test(order_does_not_matter),
                cmocka_unit_test(what_matters),           cmocka_unit_test(keys_that_are_no_good),
                cmocka_unit_test(sets_that_are_none),     cmocka_unit_test(ceilings),
                cmocka_unit_test(kids_that_are_too_long), cmocka_unit_test(finding),
                cmocka_unit_test(memory_runs_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
