/* SPDX-License-Identifier: Apache-2.0 */
#include "token_maker.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>

#include "base/text.h"

enum { NUMBER_MAX = 256 };

struct token_maker {
        EVP_PKEY *keys[JWS_ALGORITHMS];
};

static size_t decode(const char *text, uint8_t out[NUMBER_MAX])
{
        size_t n = 0;
        int rc = text_from_base64url(span_str(text), out, NUMBER_MAX, &n);

        assert(rc == 0);
        return n;
}

static void push(OSSL_PARAM_BLD *b, const char *name, const char *number, BIGNUM **keep)
{
        uint8_t bytes[NUMBER_MAX];
        size_t n = decode(number, bytes);
        int ok;

        *keep = BN_bin2bn(bytes, (int)n, NULL);
        ok = OSSL_PARAM_BLD_push_BN(b, name, *keep);
        assert(ok == 1);
}

static EVP_PKEY *import(const char *type, OSSL_PARAM_BLD *b, BIGNUM **numbers, size_t n)
{
        OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
        EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
        EVP_PKEY *key = NULL;
        int ok = EVP_PKEY_fromdata_init(c) == 1 &&
                 EVP_PKEY_fromdata(c, &key, EVP_PKEY_KEYPAIR, params) == 1;

        assert(ok);
        for (size_t i = 0; i < n; i++)
                BN_free(numbers[i]);
        EVP_PKEY_CTX_free(c);
        OSSL_PARAM_free(params);
        OSSL_PARAM_BLD_free(b);
        return key;
}

static EVP_PKEY *rsa_key(void)
{
        OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
        BIGNUM *numbers[3];

        push(b, OSSL_PKEY_PARAM_RSA_N, RFC_RSA_N, &numbers[0]);
        push(b, OSSL_PKEY_PARAM_RSA_E, RFC_RSA_E, &numbers[1]);
        push(b, OSSL_PKEY_PARAM_RSA_D, RFC_RSA_D, &numbers[2]);
        return import("RSA", b, numbers, ARRAY_LEN(numbers));
}

static EVP_PKEY *ec_key(void)
{
        OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
        uint8_t point[1 + NUMBER_MAX + NUMBER_MAX] = { 4 };
        size_t n = 1 + decode(RFC_EC_X, point + 1);
        BIGNUM *d;

        n += decode(RFC_EC_Y, point + n);
        OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
        OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, n);
        push(b, OSSL_PKEY_PARAM_PRIV_KEY, RFC_EC_D, &d);
        return import("EC", b, &d, 1);
}

struct token_maker *token_maker_new(void)
{
        struct token_maker *s = calloc(1, sizeof *s);
        uint8_t seed[NUMBER_MAX];

        assert(s);
        s->keys[JWS_RS256] = rsa_key();
        s->keys[JWS_ES256] = ec_key();
        s->keys[JWS_EDDSA] =
                EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, decode(RFC_ED_D, seed));
        assert(s->keys[JWS_EDDSA]);
        return s;
}

struct token_maker *token_maker_free(struct token_maker *s)
{
        for (int a = 0; s && a < JWS_ALGORITHMS; a++)
                EVP_PKEY_free(s->keys[a]);
        free(s);
        return NULL;
}

/* r and s, 32 bytes each, of the DER that OpenSSL makes. */
static size_t spread(const uint8_t *der, size_t n, uint8_t out[2 * JWS_COORDINATE])
{
        ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);

        assert(sig);
        BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, JWS_COORDINATE);
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + JWS_COORDINATE, JWS_COORDINATE);
        ECDSA_SIG_free(sig);
        return 2 * JWS_COORDINATE;
}

void token_maker_put(const struct token_maker *s, enum jws_algorithm a, const char *header,
                     const char *claims, struct buf *out)
{
        const EVP_MD *md = a == JWS_EDDSA ? NULL : EVP_sha256();
        uint8_t sig[JWS_SIG_MAX], raw[2 * JWS_COORDINATE];
        EVP_MD_CTX *c = EVP_MD_CTX_new();
        size_t begin = out->n, n = sizeof sig;
        int ok;

        text_put_base64url(out, span_str(header));
        buf_put_byte(out, '.');
        text_put_base64url(out, span_str(claims));
        ok = EVP_DigestSignInit(c, NULL, md, NULL, s->keys[a]) == 1 &&
             EVP_DigestSign(c, sig, &n, out->p + begin, out->n - begin) == 1;
        assert(ok);
        EVP_MD_CTX_free(c);
        if (a == JWS_ES256)
                n = spread(sig, n, raw);
        buf_put_byte(out, '.');
        text_put_base64url(out, span_of(a == JWS_ES256 ? raw : sig, n));
}
