/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/seal.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/random.h>

/* Both contexts hold the expanded key; a value then costs only its own bytes. */
struct seal {
        EVP_CIPHER_CTX *enc, *dec;
        uint8_t nonce[SEAL_NONCE]; /* of the last value */
};

struct seal *seal_new(const uint8_t key[SEAL_KEY])
{
        struct seal *s = calloc(1, sizeof *s);
        EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);

        if (!s || !cipher)
                goto fail;
        s->enc = EVP_CIPHER_CTX_new();
        s->dec = EVP_CIPHER_CTX_new();
        if (!s->enc || !s->dec || EVP_EncryptInit_ex2(s->enc, cipher, key, NULL, NULL) != 1 ||
            EVP_DecryptInit_ex2(s->dec, cipher, key, NULL, NULL) != 1)
                goto fail;
        EVP_CIPHER_free(cipher);
        random_bytes(s->nonce, sizeof s->nonce);
        return s;
fail:
        ERR_clear_error();
        EVP_CIPHER_free(cipher);
        return seal_free(s);
}

struct seal *seal_free(struct seal *s)
{
        if (s) {
                EVP_CIPHER_CTX_free(s->enc); /* cleanses the expanded key */
                EVP_CIPHER_CTX_free(s->dec);
        }
        free(s);
        return NULL;
}

static int fail(struct err *err, int code, const char *what)
{
        ERR_clear_error();
        return err_set(err, code, "seal: %s", what);
}

/* One more, as a number of 96 bits. */
static void next_nonce(uint8_t nonce[SEAL_NONCE])
{
        for (size_t i = SEAL_NONCE; i-- > 0 && ++nonce[i] == 0;)
                ;
}

int seal_close(struct seal *s, struct span plain, struct span context, uint8_t *out,
               struct err *err)
{
        uint8_t *text = out + SEAL_NONCE;
        int n = 0;

        if (plain.n > INT_MAX || context.n > INT_MAX)
                return err_set(err, -E2BIG, "seal: value over 2 GiB");
        next_nonce(s->nonce);
        if (EVP_EncryptInit_ex2(s->enc, NULL, NULL, s->nonce, NULL) != 1 ||
            (context.n && EVP_EncryptUpdate(s->enc, NULL, &n, context.p, (int)context.n) != 1) ||
            (plain.n && EVP_EncryptUpdate(s->enc, text, &n, plain.p, (int)plain.n) != 1) ||
            EVP_EncryptFinal_ex(s->enc, text + plain.n, &n) != 1 ||
            EVP_CIPHER_CTX_ctrl(s->enc, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG, text + plain.n) != 1)
                return fail(err, -EIO, "encryption failed");
        memcpy(out, s->nonce, sizeof s->nonce);
        return 0;
}

int seal_open(struct seal *s, struct span sealed, struct span context, uint8_t *out,
              struct err *err)
{
        uint8_t tag[SEAL_TAG];
        uint8_t none[1];
        const uint8_t *text;
        size_t text_n;
        int n = 0;

        if (sealed.n < SEAL_EXTRA || sealed.n > INT_MAX || context.n > INT_MAX)
                return err_set(err, -EBADMSG, "seal: %zu bytes are no sealed value", sealed.n);
        text = sealed.p + SEAL_NONCE;
        text_n = sealed.n - SEAL_EXTRA;
        memcpy(tag, text + text_n, SEAL_TAG);
        if (EVP_DecryptInit_ex2(s->dec, NULL, NULL, sealed.p, NULL) != 1 ||
            (context.n && EVP_DecryptUpdate(s->dec, NULL, &n, context.p, (int)context.n) != 1) ||
            (text_n && EVP_DecryptUpdate(s->dec, out, &n, text, (int)text_n) != 1) ||
            EVP_CIPHER_CTX_ctrl(s->dec, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG, tag) != 1)
                return fail(err, -EIO, "decryption failed");
        if (EVP_DecryptFinal_ex(s->dec, none, &n) != 1) {
                wipe(out, text_n); /* never leave unauthenticated text behind */
                return fail(err, -EBADMSG, "changed, another key or another context");
        }
        return 0;
}

void random_bytes(uint8_t *out, size_t n)
{
        ssize_t got;

        while (n) {
                got = getrandom(out, n, 0);
                assert(got > 0 || (got < 0 && errno == EINTR));
                if (got < 0)
                        continue;
                out += got;
                n -= (size_t)got;
        }
}

void wipe(void *p, size_t n)
{
        OPENSSL_cleanse(p, n);
}

bool secret_eq(const void *a, const void *b, size_t n)
{
        return CRYPTO_memcmp(a, b, n) == 0;
}
