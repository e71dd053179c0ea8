/* SPDX-License-Identifier: Apache-2.0 */
/* sha256.c - the low-level interface, on purpose: it needs no lookup, no allocation and cannot
 * fail, and is a third faster on nodes (docs/decisions/0002-sha256-route.md).  OpenSSL 3 marks it
 * deprecated, so the notice is silenced here and nowhere else. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/sha256.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>

enum { HMAC_BLOCK = SHA256_CBLOCK };

STATIC_ASSERT(SHA256_LEN == SHA256_DIGEST_LENGTH, "digest length");

const uint8_t sha256_empty[SHA256_LEN] = {
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
        0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
        0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
};

struct sha256_ctx {
        SHA256_CTX c;
};

struct hmac_key {
        SHA256_CTX inner; /* after the key xor ipad */
        SHA256_CTX outer; /* after the key xor opad */
};

/* These return an int for history's sake; with a memory block they have no way to fail. */
static void start(SHA256_CTX *c)
{
        int ok = SHA256_Init(c);

        assert(ok == 1);
}

static void add(SHA256_CTX *c, const void *p, size_t n)
{
        int ok = SHA256_Update(c, p, n);

        assert(ok == 1);
}

static void end(SHA256_CTX *c, uint8_t out[SHA256_LEN])
{
        int ok = SHA256_Final(out, c);

        assert(ok == 1);
}

void sha256(struct span s, uint8_t out[SHA256_LEN])
{
        SHA256_CTX c;

        start(&c);
        add(&c, s.p, s.n);
        end(&c, out);
}

void sha256_leaf(struct span entry, uint8_t out[SHA256_LEN])
{
        static const uint8_t prefix = 0x00;
        SHA256_CTX c;

        start(&c);
        add(&c, &prefix, 1);
        add(&c, entry.p, entry.n);
        end(&c, out);
}

void sha256_node(const uint8_t l[SHA256_LEN], const uint8_t r[SHA256_LEN], uint8_t out[SHA256_LEN])
{
        uint8_t block[1 + 2 * SHA256_LEN];
        SHA256_CTX c;

        block[0] = 0x01;
        memcpy(block + 1, l, SHA256_LEN);
        memcpy(block + 1 + SHA256_LEN, r, SHA256_LEN);
        start(&c);
        add(&c, block, sizeof block);
        end(&c, out);
}

struct sha256_ctx *sha256_new(void)
{
        struct sha256_ctx *c = malloc(sizeof *c);

        if (c)
                start(&c->c);
        return c;
}

struct sha256_ctx *sha256_free(struct sha256_ctx *c)
{
        free(c);
        return NULL;
}

void sha256_begin(struct sha256_ctx *c)
{
        start(&c->c);
}

void sha256_add(struct sha256_ctx *c, struct span s)
{
        add(&c->c, s.p, s.n);
}

void sha256_end(struct sha256_ctx *c, uint8_t out[SHA256_LEN])
{
        end(&c->c, out);
}

/* ---- HMAC, RFC 2104 ---- */

static void start_padded(SHA256_CTX *c, const uint8_t block[HMAC_BLOCK], uint8_t pad)
{
        uint8_t padded[HMAC_BLOCK];
        size_t i;

        for (i = 0; i < HMAC_BLOCK; i++)
                padded[i] = block[i] ^ pad;
        start(c);
        add(c, padded, sizeof padded);
        OPENSSL_cleanse(padded, sizeof padded);
}

struct hmac_key *hmac_key_new(struct span key)
{
        uint8_t block[HMAC_BLOCK] = { 0 };
        struct hmac_key *k = malloc(sizeof *k);

        if (!k)
                return NULL;
        if (key.n > HMAC_BLOCK)
                sha256(key, block);
        else if (key.n)
                memcpy(block, key.p, key.n);
        start_padded(&k->inner, block, 0x36);
        start_padded(&k->outer, block, 0x5c);
        OPENSSL_cleanse(block, sizeof block);
        return k;
}

struct hmac_key *hmac_key_free(struct hmac_key *k)
{
        if (k)
                OPENSSL_cleanse(k, sizeof *k);
        free(k);
        return NULL;
}

void hmac_sha256(const struct hmac_key *k, const struct span *parts, size_t n,
                 uint8_t out[SHA256_LEN])
{
        SHA256_CTX c = k->inner;
        uint8_t digest[SHA256_LEN];
        size_t i;

        for (i = 0; i < n; i++)
                add(&c, parts[i].p, parts[i].n);
        end(&c, digest);
        c = k->outer;
        add(&c, digest, sizeof digest);
        end(&c, out);
        OPENSSL_cleanse(&c, sizeof c);
}
