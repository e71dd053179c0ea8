/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/jws.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "crypto/ed25519.h"
#include "crypto/sha256.h"

enum {
        EXPONENT_BYTES_MAX = 4,
        P256_SIG = 2 * JWS_COORDINATE,
        /* SEQUENCE of two INTEGERs, each with a zero in front at most */
        P256_DER_MAX = 2 + 2 * (2 + 1 + JWS_COORDINATE),
        DER_SEQUENCE = 0x30,
        DER_INTEGER = 0x02,
        POINT_UNCOMPRESSED = 0x04,
};

struct jws_key {
        enum jws_algorithm algorithm;
        EVP_PKEY *key;       /* RS256, ES256 */
        EVP_PKEY_CTX *judge; /* made ready once: to look algorithms up takes as long as to hash */
        size_t sig_bytes;
        struct ed25519 *ed25519; /* EdDSA */
};

const char *jws_algorithm_name(enum jws_algorithm a)
{
        static const char *const names[JWS_ALGORITHMS] = {
                [JWS_RS256] = "RS256",
                [JWS_ES256] = "ES256",
                [JWS_EDDSA] = "EdDSA",
        };

        assert(a < JWS_ALGORITHMS);
        return names[a];
}

bool jws_algorithm_is(enum jws_algorithm a, struct span name)
{
        return span_eq_str(name, jws_algorithm_name(a)) ||
               (a == JWS_EDDSA && span_eq(name, SPAN("Ed25519")));
}

enum jws_algorithm jws_key_algorithm(const struct jws_key *k)
{
        return k->algorithm;
}

struct jws_key *jws_key_free(struct jws_key *k)
{
        if (k) {
                EVP_PKEY_CTX_free(k->judge);
                EVP_PKEY_free(k->key);
                ed25519_free(k->ed25519);
        }
        free(k);
        return NULL;
}

/* ---- keys ---- */

/* What OpenSSL queued is one line of ours, and the queue is empty. */
static int no_key(struct err *err)
{
        bool memory = ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;

        ERR_clear_error();
        return memory ? err_set(err, -ENOMEM, "no memory")
                      : err_set(err, -EINVAL, "OpenSSL takes it for no key");
}

/* The public key that OpenSSL makes of the parameters, which are taken. */
static int import(const char *type, OSSL_PARAM *params, EVP_PKEY **ret, struct err *err)
{
        EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
        EVP_PKEY *key = NULL;
        int rc = 0;

        if (!params || !c || EVP_PKEY_fromdata_init(c) != 1)
                rc = err_set(err, -ENOMEM, "no memory");
        else if (EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
                rc = no_key(err);
        else
                *ret = key;
        ERR_clear_error();
        EVP_PKEY_CTX_free(c);
        OSSL_PARAM_free(params);
        return rc;
}

/* Takes key, also on failure.  padding 0: it has none. */
static int wrap(enum jws_algorithm algorithm, EVP_PKEY *key, int padding, size_t sig_bytes,
                struct jws_key **ret, struct err *err)
{
        CLEANUP(jws_key_freep) struct jws_key *k = calloc(1, sizeof *k);

        if (!k) {
                EVP_PKEY_free(key);
                return err_set(err, -ENOMEM, "no memory");
        }
        k->algorithm = algorithm;
        k->key = key;
        k->sig_bytes = sig_bytes;
        k->judge = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
        if (!k->judge || EVP_PKEY_verify_init(k->judge) != 1 ||
            (padding && EVP_PKEY_CTX_set_rsa_padding(k->judge, padding) != 1) ||
            EVP_PKEY_CTX_set_signature_md(k->judge, EVP_sha256()) != 1) {
                ERR_clear_error();
                return err_set(err, -ENOMEM, "OpenSSL has no means to check with it");
        }
        *ret = k;
        k = NULL;
        return 0;
}

static size_t bits_of(struct span number)
{
        return number.n ? 8 * number.n - (size_t)(__builtin_clz(number.p[0] | 1u) - 24) : 0;
}

static int check_rsa(struct span modulus, struct span exponent, struct err *err)
{
        uint64_t e = 0;

        if (modulus.n == 0 || exponent.n == 0 || modulus.p[0] == 0 || exponent.p[0] == 0)
                return err_set(err, -EINVAL, "a number of it is empty or has a zero in front");
        if (bits_of(modulus) < JWS_RSA_BITS_MIN || bits_of(modulus) > JWS_RSA_BITS_MAX)
                return err_set(err, -EINVAL, "%zu bits: it must have %d to %d", bits_of(modulus),
                               JWS_RSA_BITS_MIN, JWS_RSA_BITS_MAX);
        if (exponent.n > EXPONENT_BYTES_MAX)
                return err_set(err, -EINVAL, "its exponent has more than 32 bits");
        for (size_t i = 0; i < exponent.n; i++)
                e = e << 8 | exponent.p[i];
        if (e < JWS_RSA_EXPONENT_MIN)
                return err_set(err, -EINVAL, "its exponent is below %d", JWS_RSA_EXPONENT_MIN);
        if (e % 2 == 0 || modulus.p[modulus.n - 1] % 2 == 0)
                return err_set(err, -EINVAL, "its exponent or modulus is even");
        return 0;
}

int jws_key_rsa(struct span modulus, struct span exponent, struct jws_key **ret, struct err *err)
{
        OSSL_PARAM_BLD *b;
        OSSL_PARAM *params = NULL;
        EVP_PKEY *key = NULL;
        BIGNUM *n, *e;
        int rc = check_rsa(modulus, exponent, err);

        if (rc < 0)
                return rc;
        b = OSSL_PARAM_BLD_new();
        n = BN_bin2bn(modulus.p, (int)modulus.n, NULL);
        e = BN_bin2bn(exponent.p, (int)exponent.n, NULL);
        if (b && n && e && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
            OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) == 1)
                params = OSSL_PARAM_BLD_to_param(b);
        rc = import("RSA", params, &key, err);
        if (rc == 0)
                rc = wrap(JWS_RS256, key, RSA_PKCS1_PADDING, modulus.n, ret, err);
        OSSL_PARAM_BLD_free(b);
        BN_free(n);
        BN_free(e);
        return rc;
}

int jws_key_p256(struct span x, struct span y, struct jws_key **ret, struct err *err)
{
        uint8_t point[1 + 2 * JWS_COORDINATE] = { POINT_UNCOMPRESSED };
        OSSL_PARAM_BLD *b;
        OSSL_PARAM *params = NULL;
        EVP_PKEY *key = NULL;
        int rc;

        if (x.n != JWS_COORDINATE || y.n != JWS_COORDINATE)
                return err_set(err, -EINVAL, "its coordinates have not %d bytes each",
                               JWS_COORDINATE);
        memcpy(point + 1, x.p, JWS_COORDINATE);
        memcpy(point + 1 + JWS_COORDINATE, y.p, JWS_COORDINATE);
        b = OSSL_PARAM_BLD_new();
        if (b &&
            OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
            OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
                params = OSSL_PARAM_BLD_to_param(b);
        rc = import("EC", params, &key, err);
        if (rc == 0)
                rc = wrap(JWS_ES256, key, 0, P256_SIG, ret, err);
        OSSL_PARAM_BLD_free(b);
        return rc;
}

/* y of 2^255 - 19 or above, or of one of the eight points whose order divides eight: with such a
 * key signatures of any message hold that nobody had to have a secret for.  The top bit is x's. */
static bool is_weak_point(const uint8_t point[JWS_ED25519])
{
        enum { PRIME_LOW = 0xed };
        static const uint8_t order_8[][JWS_ED25519] = {
                { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
                  0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
                  0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
                { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
                  0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
                  0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
        };
        uint8_t y[JWS_ED25519], middle_or = 0, middle_and = 0xff;

        memcpy(y, point, sizeof y);
        y[31] &= 0x7f;
        for (size_t i = 1; i < 31; i++) {
                middle_or |= y[i];
                middle_and &= y[i];
        }
        if (middle_or == 0 && y[31] == 0 && y[0] <= 1) /* orders 4 and 1 */
                return true;
        if (middle_and == 0xff && y[31] == 0x7f && y[0] >= PRIME_LOW - 1) /* order 2; too large */
                return true;
        return memcmp(y, order_8[0], sizeof y) == 0 || memcmp(y, order_8[1], sizeof y) == 0;
}

int jws_key_ed25519(struct span point, struct jws_key **ret, struct err *err)
{
        CLEANUP(jws_key_freep) struct jws_key *k = NULL;
        int rc;

        if (point.n != JWS_ED25519)
                return err_set(err, -EINVAL, "it has not %d bytes", JWS_ED25519);
        if (is_weak_point(point.p))
                return err_set(err, -EINVAL, "a point that no key may be");
        k = calloc(1, sizeof *k);
        if (!k)
                return err_set(err, -ENOMEM, "no memory");
        k->algorithm = JWS_EDDSA;
        k->sig_bytes = ED25519_SIG;
        rc = ed25519_from_public(point.p, &k->ed25519, err);
        if (rc < 0)
                return rc;
        *ret = k;
        k = NULL;
        return 0;
}

/* ---- signatures ---- */

static uint8_t *put_integer(uint8_t *at, const uint8_t number[JWS_COORDINATE])
{
        size_t from = 0;
        bool zero;

        while (from < JWS_COORDINATE - 1 && number[from] == 0)
                from++;
        zero = number[from] & 0x80; /* or it would be below zero */
        *at++ = DER_INTEGER;
        *at++ = (uint8_t)(JWS_COORDINATE - from + zero);
        if (zero)
                *at++ = 0;
        memcpy(at, number + from, JWS_COORDINATE - from);
        return at + (JWS_COORDINATE - from);
}

static size_t put_der(uint8_t der[P256_DER_MAX], const uint8_t sig[P256_SIG])
{
        uint8_t *end = put_integer(der + 2, sig);

        end = put_integer(end, sig + JWS_COORDINATE);
        der[0] = DER_SEQUENCE;
        der[1] = (uint8_t)(end - der - 2);
        return (size_t)(end - der);
}

int jws_verify(const struct jws_key *k, struct span message, struct span sig)
{
        uint8_t digest[SHA256_LEN], der[P256_DER_MAX];
        bool holds;

        if (sig.n != k->sig_bytes)
                return -EBADMSG;
        if (k->ed25519)
                return ed25519_verify(k->ed25519, message, sig.p, NULL) == 0 ? 0 : -EBADMSG;
        if (k->algorithm == JWS_ES256)
                sig = span_of(der, put_der(der, sig.p));
        sha256(message, digest);
        holds = EVP_PKEY_verify(k->judge, sig.p, sig.n, digest, sizeof digest) == 1;
        ERR_clear_error();
        return holds ? 0 : -EBADMSG;
}
