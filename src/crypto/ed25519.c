/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ed25519.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

struct ed25519 {
        EVP_PKEY *key;
        uint8_t pub[ED25519_PUBLIC];
};

/* OpenSSL queues what it has to say; the caller gets one line and the queue stays empty. */
static int fail(struct err *err, int code, const char *what)
{
        unsigned long e = ERR_get_error();
        const char *reason = e ? ERR_reason_error_string(e) : NULL;

        ERR_clear_error();
        return err_set(err, code, "Ed25519: %s%s%s", what, reason ? ": " : "",
                       reason ? reason : "");
}

int ed25519_generate(uint8_t ret_seed[ED25519_SEED], struct err *err)
{
        uint8_t seed[ED25519_SEED];

        if (RAND_priv_bytes(seed, sizeof seed) != 1)
                return fail(err, -EIO, "no random bytes for a key");
        memcpy(ret_seed, seed, sizeof seed);
        OPENSSL_cleanse(seed, sizeof seed);
        return 0;
}

/* Takes key, also on failure. */
static int wrap(EVP_PKEY *key, struct ed25519 **ret, struct err *err)
{
        size_t n = ED25519_PUBLIC;
        struct ed25519 *k;

        if (!key)
                return fail(err, -EINVAL, "not a key");
        k = calloc(1, sizeof *k);
        if (!k) {
                EVP_PKEY_free(key);
                return err_set(err, -ENOMEM, "Ed25519: out of memory");
        }
        k->key = key;
        if (EVP_PKEY_get_raw_public_key(key, k->pub, &n) != 1 || n != ED25519_PUBLIC) {
                ed25519_free(k);
                return fail(err, -EINVAL, "no public half");
        }
        *ret = k;
        return 0;
}

int ed25519_from_seed(const uint8_t seed[ED25519_SEED], struct ed25519 **ret, struct err *err)
{
        return wrap(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED), ret,
                    err);
}

int ed25519_from_public(const uint8_t pub[ED25519_PUBLIC], struct ed25519 **ret, struct err *err)
{
        return wrap(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub, ED25519_PUBLIC), ret,
                    err);
}

struct ed25519 *ed25519_free(struct ed25519 *k)
{
        if (k)
                EVP_PKEY_free(k->key); /* wipes the private half */
        free(k);
        return NULL;
}

void ed25519_public(const struct ed25519 *k, uint8_t out[ED25519_PUBLIC])
{
        memcpy(out, k->pub, ED25519_PUBLIC);
}

int ed25519_sign(const struct ed25519 *k, struct span msg, uint8_t out[ED25519_SIG],
                 struct err *err)
{
        EVP_MD_CTX *c = EVP_MD_CTX_new();
        uint8_t sig[ED25519_SIG];
        size_t n = sizeof sig;
        int r = 0;

        if (!c)
                return err_set(err, -ENOMEM, "Ed25519: out of memory");
        if (EVP_DigestSignInit(c, NULL, NULL, NULL, k->key) != 1 ||
            EVP_DigestSign(c, sig, &n, msg.p, msg.n) != 1 || n != sizeof sig)
                r = fail(err, -EIO, "signing failed");
        else
                memcpy(out, sig, sizeof sig);
        EVP_MD_CTX_free(c);
        return r;
}

int ed25519_verify(const struct ed25519 *k, struct span msg, const uint8_t sig[ED25519_SIG],
                   struct err *err)
{
        EVP_MD_CTX *c = EVP_MD_CTX_new();
        int r = 0;

        if (!c)
                return err_set(err, -ENOMEM, "Ed25519: out of memory");
        if (EVP_DigestVerifyInit(c, NULL, NULL, NULL, k->key) != 1)
                r = fail(err, -EIO, "cannot verify");
        else if (EVP_DigestVerify(c, sig, ED25519_SIG, msg.p, msg.n) != 1)
                r = err_set(err, -EBADMSG, "Ed25519: the signature does not hold");
        ERR_clear_error();
        EVP_MD_CTX_free(c);
        return r;
}
