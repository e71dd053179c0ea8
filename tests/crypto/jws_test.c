/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/jws.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../alloc_fail.h"
#include "../jose_rfc.h"
#include "base/text.h"
#include "crypto/ed25519.h"

enum { BYTES_MAX = 1100 };

struct bytes {
        uint8_t p[BYTES_MAX];
        size_t n;
};

static struct span decode(const char *text, struct bytes *b)
{
        assert_int_equal(text_from_base64url(span_str(text), b->p, sizeof b->p, &b->n), 0);
        return span_of(b->p, b->n);
}

static struct jws_key *key_of(enum jws_algorithm a)
{
        struct jws_key *k = NULL;
        struct bytes x, y;

        if (a == JWS_RS256)
                assert_int_equal(
                        jws_key_rsa(decode(RFC_RSA_N, &x), decode(RFC_RSA_E, &y), &k, NULL), 0);
        else if (a == JWS_ES256)
                assert_int_equal(jws_key_p256(decode(RFC_EC_X, &x), decode(RFC_EC_Y, &y), &k, NULL),
                                 0);
        else
                assert_int_equal(jws_key_ed25519(decode(RFC_ED_X, &x), &k, NULL), 0);
        assert_int_equal(jws_key_algorithm(k), a);
        return k;
}

static const struct {
        enum jws_algorithm a;
        const char *text, *sig;
} rfc[] = {
        { JWS_RS256, RFC_RSA_SIGNED, RFC_RSA_SIG },
        { JWS_ES256, RFC_EC_SIGNED, RFC_EC_SIG },
        { JWS_EDDSA, RFC_ED_SIGNED, RFC_ED_SIG },
};

/* A key is used over and over, between signatures that do not hold. */
static void signatures_of_the_rfcs(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(rfc); i++) {
                CLEANUP(jws_key_freep) struct jws_key *k = key_of(rfc[i].a);
                const struct span text = span_str(rfc[i].text);
                struct bytes b;
                struct span sig = decode(rfc[i].sig, &b);

                assert_int_equal(jws_verify(k, text, sig), 0);
                for (size_t bit = 0; bit < 8 * sig.n; bit++) {
                        b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
                        assert_int_equal(jws_verify(k, text, sig), -EBADMSG);
                        b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
                }
                assert_int_equal(jws_verify(k, span_of(text.p, text.n - 1), sig), -EBADMSG);
                assert_int_equal(jws_verify(k, SPAN_NONE, sig), -EBADMSG);
                for (size_t n = 0; n < sig.n; n++)
                        assert_int_equal(jws_verify(k, text, span_of(sig.p, n)), -EBADMSG);
                b.p[b.n] = 0;
                assert_int_equal(jws_verify(k, text, span_of(sig.p, sig.n + 1)), -EBADMSG);
                assert_int_equal(jws_verify(k, text, sig), 0);
        }
}

static void a_key_answers_for_its_own_algorithm(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(rfc); i++)
                for (size_t j = 0; j < ARRAY_LEN(rfc); j++) {
                        CLEANUP(jws_key_freep) struct jws_key *k = key_of(rfc[i].a);
                        struct bytes b;

                        assert_int_equal(
                                jws_verify(k, span_str(rfc[j].text), decode(rfc[j].sig, &b)),
                                i == j ? 0 : -EBADMSG);
                }
}

/* Of "short" by the key of RFC 7515 A.3, made by another implementation: r or s have a zero byte in
 * front, with the next bit set or not, which DER spells in fewer bytes or in as many. */
static void short_numbers(void **state)
{
        static const char *const sigs[] = {
                "AAgllCGTef0q3TMyv-X-rXc9F4M8ZbARstfX5QhJfu2UxurceCRdKJTodAwvyQIcJB3biZamMWDd8PNSgj"
                "ieAQ",
                "v5hGbwd2b-ij-aIoV4cxejrxziuAr4wVk2QDQiBNOkoAI-oAb78g4bJkPdmXyAgXo84bVHFRBRjCP0tVqa"
                "tx-w",
                "AODqMsxbz8yzN81t3MQguHIaOoG4yKIxUZrl1S0pWFgvraMPif8WVzwpBfb26Jy1XyUrMtCJOW2uEd4yKE"
                "Xfpw",
        };
        CLEANUP(jws_key_freep) struct jws_key *k = key_of(JWS_ES256);

        for (size_t i = 0; i < ARRAY_LEN(sigs); i++) {
                struct bytes b;

                assert_int_equal(jws_verify(k, SPAN("short"), decode(sigs[i], &b)), 0);
                assert_int_equal(jws_verify(k, SPAN("shorT"), decode(sigs[i], &b)), -EBADMSG);
        }
}

/* r and s must be 1 to n - 1, n being the order of P-256 (SEC 2, 2.4.2): a checker that forgets it
 * takes zeros for a signature of anything. */
static void numbers_out_of_range(void **state)
{
        static const char
                zero[] = "0000000000000000000000000000000000000000000000000000000000000000",
                one[] = "0000000000000000000000000000000000000000000000000000000000000001",
                n[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
                most[] = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
        static const char *const t[][2] = {
                { zero, zero }, { zero, one }, { one, zero }, { n, n },       { n, one },
                { one, n },     { one, one },  { zero, n },   { most, most }, { n, zero },
        };
        CLEANUP(jws_key_freep) struct jws_key *k = key_of(JWS_ES256);

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                uint8_t sig[2 * JWS_COORDINATE];

                assert_int_equal(text_from_hex(span_str(t[i][0]), sig, JWS_COORDINATE), 0);
                assert_int_equal(
                        text_from_hex(span_str(t[i][1]), sig + JWS_COORDINATE, JWS_COORDINATE), 0);
                assert_int_equal(jws_verify(k, SPAN(RFC_EC_SIGNED), span_of(sig, sizeof sig)),
                                 -EBADMSG);
        }
}

static void weak_rsa_keys(void **state)
{
        static const struct {
                size_t bits;
                uint8_t last;
                struct span e;
                const char *want; /* NULL: taken */
        } t[] = {
                { 2048, 1, SPAN_INIT("\x01\x00\x01"), NULL },
                { 2048, 1, SPAN_INIT("\xff\xff\xff\xff"), NULL },
                { 8192, 1, SPAN_INIT("\x01\x00\x01"), NULL },
                { 2047, 1, SPAN_INIT("\x01\x00\x01"), "2047 bits" },
                { 1024, 1, SPAN_INIT("\x01\x00\x01"), "1024 bits" },
                { 512, 1, SPAN_INIT("\x01\x00\x01"), "512 bits" },
                { 8193, 1, SPAN_INIT("\x01\x00\x01"), "8193 bits" },
                { 0, 1, SPAN_INIT("\x01\x00\x01"), "empty" },
                { 2048, 2, SPAN_INIT("\x01\x00\x01"), "even" },
                { 2048, 1, SPAN_INIT("\x01\x00\x02"), "even" },
                { 2048, 1, SPAN_INIT("\x01"), "below 65537" },
                { 2048, 1, SPAN_INIT("\x03"), "below 65537" },
                { 2048, 1, SPAN_INIT("\xff\xff"), "below 65537" },
                { 2048, 1, SPAN_INIT("\x01\x00\x00"), "below 65537" },
                { 2048, 1, SPAN_INIT("\x01\x00\x00\x00\x01"), "32 bits" },
                { 2048, 1, SPAN_INIT("\x00\x01\x00\x01"), "zero in front" },
                { 2048, 1, SPAN_INIT(""), "empty" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(jws_key_freep) struct jws_key *k = NULL;
                uint8_t n[BYTES_MAX];
                size_t bytes = (t[i].bits + 7) / 8;
                struct err err = { 0 };
                int rc;

                memset(n, 0xa5, sizeof n);
                if (bytes) {
                        n[0] = (uint8_t)(1 << (t[i].bits - 1) % 8);
                        n[bytes - 1] = t[i].last;
                }
                rc = jws_key_rsa(span_of(n, bytes), t[i].e, &k, &err);
                assert_int_equal(rc, t[i].want ? -EINVAL : 0);
                if (t[i].want && !strstr(err.text, t[i].want))
                        fail_msg("%zu: \"%s\", not \"%s\"", i, err.text, t[i].want);
        }
}

static void a_modulus_with_a_zero_in_front(void **state)
{
        struct jws_key *k = NULL;
        struct bytes n = { .p = { 0 } }, e;

        assert_int_equal(text_from_base64url(SPAN(RFC_RSA_N), n.p + 1, BYTES_MAX - 1, &n.n), 0);
        assert_int_equal(jws_key_rsa(span_of(n.p, n.n + 1), decode(RFC_RSA_E, &e), &k, NULL),
                         -EINVAL);
}

static void points_that_are_none(void **state)
{
        static const char zero[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                          most[] = "__________________________________________8";
        static const char *const t[][2] = {
                { RFC_EC_X, RFC_EC_X }, { RFC_EC_Y, RFC_EC_X }, { zero, zero },
                { most, most },         { RFC_EC_X, zero },     { RFC_EC_X, "" },
                { "", RFC_EC_Y },       { "AA", "AA" },         { RFC_EC_X, RFC_RSA_N },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct jws_key *k = NULL;
                struct err err = { 0 };
                struct bytes x, y;

                assert_int_equal(jws_key_p256(decode(t[i][0], &x), decode(t[i][1], &y), &k, &err),
                                 -EINVAL);
                assert_null(k);
                assert_true(err.text[0]);
        }
}

/* The eight points whose order divides eight, each with the sign of x both ways, and y beyond the
 * prime; made by arithmetic elsewhere. */
static const char *const weak_points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

static void weak_points_are_no_keys(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(weak_points); i++) {
                uint8_t point[JWS_ED25519];
                struct jws_key *k = NULL;

                assert_int_equal(text_from_hex(span_str(weak_points[i]), point, sizeof point), 0);
                if (jws_key_ed25519(span_of(point, sizeof point), &k, NULL) != -EINVAL)
                        fail_msg("%s is taken", weak_points[i]);
        }
}

/* Why: with the second of them R = (0, 1), S = 0 holds for whatever is said. */
static void what_a_weak_point_is_good_for(void **state)
{
        CLEANUP(ed25519_freep) struct ed25519 *weak = NULL;
        uint8_t point[ED25519_PUBLIC] = { 1 }, sig[ED25519_SIG] = { 1 };

        assert_int_equal(ed25519_from_public(point, &weak, NULL), 0);
        assert_int_equal(ed25519_verify(weak, SPAN("pay everybody"), sig, NULL), 0);
}

static void lengths_of_ed25519_keys(void **state)
{
        uint8_t point[JWS_ED25519 + 1] = { 7 };

        for (size_t n = 0; n <= sizeof point; n++) {
                CLEANUP(jws_key_freep) struct jws_key *k = NULL;

                assert_int_equal(jws_key_ed25519(span_of(point, n), &k, NULL),
                                 n == JWS_ED25519 ? 0 : -EINVAL);
        }
}

/* ---- keys that are made here ---- */

static struct span number_of(const EVP_PKEY *key, const char *name, size_t n, struct bytes *b)
{
        BIGNUM *v = NULL;

        assert_int_equal(EVP_PKEY_get_bn_param(key, name, &v), 1);
        b->n = n ? n : (size_t)BN_num_bytes(v);
        assert_int_equal(BN_bn2binpad(v, b->p, (int)b->n), b->n);
        BN_free(v);
        return span_of(b->p, b->n);
}

static struct span sign(EVP_PKEY *key, struct span text, struct bytes *b)
{
        EVP_MD_CTX *c = EVP_MD_CTX_new();

        b->n = sizeof b->p;
        assert_int_equal(EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key), 1);
        assert_int_equal(EVP_DigestSign(c, b->p, &b->n, text.p, text.n), 1);
        EVP_MD_CTX_free(c);
        return span_of(b->p, b->n);
}

static void rsa_keys_of_any_length(void **state)
{
        static const unsigned bits[] = { 2048, 2049, 2056, 3072 };

        for (size_t i = 0; i < ARRAY_LEN(bits); i++) {
                CLEANUP(jws_key_freep) struct jws_key *k = NULL;
                EVP_PKEY *key = EVP_RSA_gen(bits[i]);
                struct bytes n, e, sig;

                assert_int_equal(jws_key_rsa(number_of(key, OSSL_PKEY_PARAM_RSA_N, 0, &n),
                                             number_of(key, OSSL_PKEY_PARAM_RSA_E, 0, &e), &k,
                                             NULL),
                                 0);
                assert_int_equal(jws_verify(k, SPAN("text"), sign(key, SPAN("text"), &sig)), 0);
                assert_int_equal(jws_verify(k, SPAN("texts"), span_of(sig.p, sig.n)), -EBADMSG);
                EVP_PKEY_free(key);
        }
}

/* So many that coordinates and signatures with zeros in front are among them. */
static void many_p256_keys(void **state)
{
        for (int i = 0; i < 300; i++) {
                CLEANUP(jws_key_freep) struct jws_key *k = NULL;
                EVP_PKEY *key = EVP_EC_gen("P-256");
                struct bytes x, y, sig;
                const uint8_t *der = sig.p;
                uint8_t raw[2 * JWS_COORDINATE];
                ECDSA_SIG *rs;

                assert_int_equal(
                        jws_key_p256(number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, JWS_COORDINATE, &x),
                                     number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, JWS_COORDINATE, &y),
                                     &k, NULL),
                        0);
                sign(key, SPAN("text"), &sig);
                assert_int_equal(jws_verify(k, SPAN("text"), span_of(sig.p, sig.n)), -EBADMSG);
                rs = d2i_ECDSA_SIG(NULL, &der, (long)sig.n);
                BN_bn2binpad(ECDSA_SIG_get0_r(rs), raw, JWS_COORDINATE);
                BN_bn2binpad(ECDSA_SIG_get0_s(rs), raw + JWS_COORDINATE, JWS_COORDINATE);
                assert_int_equal(jws_verify(k, SPAN("text"), span_of(raw, sizeof raw)), 0);
                assert_int_equal(jws_verify(k, SPAN("texts"), span_of(raw, sizeof raw)), -EBADMSG);
                ECDSA_SIG_free(rs);
                EVP_PKEY_free(key);
        }
}

static void memory_runs_out(void **state)
{
        struct bytes x, y;

        decode(RFC_EC_X, &x);
        decode(RFC_EC_Y, &y);
        for (size_t nth = 1;; nth++) {
                CLEANUP(jws_key_freep) struct jws_key *k = NULL;
                int rc;

                alloc_fail_nth = nth;
                rc = jws_key_p256(span_of(x.p, x.n), span_of(y.p, y.n), &k, NULL);
                alloc_fail_nth = 0;
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
                assert_null(k);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(signatures_of_the_rfcs),
                cmocka_unit_test(a_key_answers_for_its_own_algorithm),
                cmocka_unit_test(short_numbers),
                cmocka_unit_test(numbers_out_of_range),
                cmocka_unit_test(weak_rsa_keys),
                cmocka_unit_test(a_modulus_with_a_zero_in_front),
                cmocka_unit_test(points_that_are_none),
                cmocka_unit_test(weak_points_are_no_keys),
                cmocka_unit_test(what_a_weak_point_is_good_for),
                cmocka_unit_test(lengths_of_ed25519_keys),
                cmocka_unit_test(rsa_keys_of_any_length),
                cmocka_unit_test(many_p256_keys),
                cmocka_unit_test(memory_runs_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
