/* SPDX-License-Identifier: Apache-2.0 */
/* testlog.h - makes a published log in a directory, straight from the definitions and with none of
 * the code that reads or writes logs: tiles by MTH of 256 nodes, paths by printf.  For logs below
 * 256^3 entries.  Any failure fails the test. */
#ifndef TESTS_LEDGER_TESTLOG_H
#define TESTS_LEDGER_TESTLOG_H

#include "base/base.h"
#include "base/text.h"
#include "crypto/ed25519.h"
#include "crypto/sha256.h"
#include "wire/proof.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct testlog {
        char dir[64];
        int fd;
        char name[64]; /* origin and key name */
        uint8_t seed[ED25519_SEED];
        char vkey[256];
        uint64_t size;
        struct hash *leaf;
        uint8_t *entries; /* u16be length, bytes; all of them */
        size_t *at;       /* where entry i begins; size + 1 of them */
        size_t cap;
};

#define TESTLOG_REQUIRE(x)                                                                         \
        do {                                                                                       \
                if (!(x)) {                                                                        \
                        perror("testlog: " #x);                                                    \
                        abort();                                                                   \
                }                                                                                  \
        } while (0)

static inline void testlog_keyid(const char *name, uint8_t alg, const uint8_t pub[32],
                                 uint8_t out[4])
{
        uint8_t text[512], digest[32];
        size_t n = strlen(name);

        memcpy(text, name, n);
        text[n++] = '\n';
        text[n++] = alg;
        memcpy(text + n, pub, 32);
        sha256(span_of(text, n + 32), digest);
        memcpy(out, digest, 4);
}

static inline void testlog_vkey(const char *name, uint8_t alg, const uint8_t seed[32],
                                char out[256])
{
        struct buf b = BUF_INIT(256);
        struct ed25519 *key = NULL;
        uint8_t raw[33] = { alg }, id[4];
        char hex[9];

        TESTLOG_REQUIRE(ed25519_from_seed(seed, &key, NULL) == 0);
        ed25519_public(key, raw + 1);
        testlog_keyid(name, alg, raw + 1, id);
        text_hex(span_of(id, 4), hex);
        buf_printf(&b, "%s+%s+", name, hex);
        text_put_base64(&b, span_of(raw, 33));
        snprintf(out, 256, "%s", buf_cstr(&b));
        buf_done(&b);
        ed25519_free(key);
}

static inline void testlog_write(struct testlog *l, const char *path, struct span s)
{
        char dir[256];
        int fd;

        for (const char *p = path; (p = strchr(p, '/')); p++) {
                snprintf(dir, sizeof dir, "%.*s", (int)(p - path), path);
                TESTLOG_REQUIRE(mkdirat(l->fd, dir, 0755) == 0 || errno == EEXIST);
        }
        fd = openat(l->fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        TESTLOG_REQUIRE(fd >= 0 && write(fd, s.p, s.n) == (ssize_t)s.n);
        close(fd);
}

static inline void testlog_new(struct testlog *l, const char *name)
{
        *l = (struct testlog){ .dir = "/tmp/assay-testlog-XXXXXX" };
        TESTLOG_REQUIRE(mkdtemp(l->dir));
        l->fd = open(l->dir, O_RDONLY | O_DIRECTORY);
        TESTLOG_REQUIRE(l->fd >= 0);
        snprintf(l->name, sizeof l->name, "%s", name);
        memset(l->seed, 0x5a, sizeof l->seed);
        testlog_vkey(name, 0x01, l->seed, l->vkey);
        l->at = calloc(1, sizeof *l->at);
        TESTLOG_REQUIRE(l->at);
}

static inline int testlog_rm(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

static inline void testlog_done(struct testlog *l)
{
        close(l->fd);
        nftw(l->dir, testlog_rm, 16, FTW_DEPTH | FTW_PHYS);
        free(l->leaf);
        free(l->entries);
        free(l->at);
}

static inline void testlog_add(struct testlog *l, struct span entry)
{
        size_t n = l->at[l->size];

        if (n + entry.n + 2 > l->cap) {
                l->cap = 2 * (n + entry.n + 2);
                l->entries = realloc(l->entries, l->cap);
                TESTLOG_REQUIRE(l->entries);
        }
        if ((l->size & (l->size + 1)) == 0) { /* room doubles at 2^k - 1 */
                l->leaf = realloc(l->leaf, (2 * l->size + 2) * sizeof *l->leaf);
                l->at = realloc(l->at, (2 * l->size + 3) * sizeof *l->at);
                TESTLOG_REQUIRE(l->leaf && l->at);
        }
        l->entries[n] = (uint8_t)(entry.n >> 8);
        l->entries[n + 1] = (uint8_t)entry.n;
        if (entry.n)
                memcpy(l->entries + n + 2, entry.p, entry.n);
        sha256_leaf(entry, l->leaf[l->size].b);
        l->at[++l->size] = n + 2 + entry.n;
}

/* n entries that look like a recorder's, of one run. */
static inline void testlog_fill(struct testlog *l, uint64_t n)
{
        char text[512];
        int len;

        for (uint64_t i = 0; i < n; i++) {
                unsigned long long seq = l->size + 1;

                len = snprintf(
                        text, sizeof text,
                        "{\"id\":\"01JD8Z3R9M-web1-4-%llu\",\"k\":\"integrity.change\",\"src\":"
                        "{\"host\":\"web1\",\"proc\":\"sensor\",\"run\":4,\"seq\":%llu},"
                        "\"t\":\"2026-11-21T18:%02llu:%02llu.123456789Z\",\"v\":1,\"what\":"
                        "{\"path\":\"/etc/file%llu\"}}",
                        seq, seq, seq / 60 % 60, seq % 60, seq);
                testlog_add(l, span_of(text, (size_t)len));
        }
}

static inline struct hash testlog_mth(const struct hash *leaf, uint64_t n)
{
        struct hash l, r;
        uint64_t k = 1;

        if (n == 1)
                return leaf[0];
        while (k * 2 < n)
                k *= 2;
        l = testlog_mth(leaf, k);
        r = testlog_mth(leaf + k, n - k);
        sha256_node(l.b, r.b, l.b);
        return l;
}

static inline struct hash testlog_root(const struct testlog *l, uint64_t size)
{
        struct hash h;

        if (size)
                return testlog_mth(l->leaf, size);
        memcpy(h.b, sha256_empty, 32);
        return h;
}

static inline void testlog_path(char out[64], const char *level, uint64_t n, unsigned width)
{
        int at = n < 1000 ? snprintf(out, 64, "tile/%s/%03u", level, (unsigned)n)
                          : snprintf(out, 64, "tile/%s/x%03u/%03u", level, (unsigned)(n / 1000),
                                     (unsigned)(n % 1000));

        if (width < 256)
                snprintf(out + at, 64 - (size_t)at, ".p/%u", width);
}

/* Tiles of one level at a size: slot i of level L is MTH of its 256^L leaves. */
static inline void testlog_put_level(struct testlog *l, int level, uint64_t size)
{
        uint64_t per = UINT64_C(1) << (8 * level), nodes = size / per;
        struct hash slot[256];
        char path[64], name[8];

        snprintf(name, sizeof name, "%d", level);
        for (uint64_t n = 0; n * 256 < nodes; n++) {
                unsigned w = nodes - n * 256 < 256 ? (unsigned)(nodes - n * 256) : 256;

                for (unsigned i = 0; i < w; i++)
                        slot[i] = testlog_mth(l->leaf + (n * 256 + i) * per, per);
                testlog_path(path, name, n, w);
                testlog_write(l, path, span_of(slot, w * sizeof *slot));
        }
}

static inline void testlog_put_bundles(struct testlog *l, uint64_t size)
{
        char path[64];

        for (uint64_t lo = 0; lo < size; lo += 256) {
                uint64_t hi = lo + 256 < size ? lo + 256 : size;

                testlog_path(path, "entries", lo / 256, (unsigned)(hi - lo));
                testlog_write(l, path, span_of(l->entries + l->at[lo], l->at[hi] - l->at[lo]));
        }
}

/* A signature line over text by an Ed25519 key of that name. */
static inline void testlog_sign(struct buf *b, size_t text_n, const char *name,
                                const uint8_t seed[32])
{
        struct ed25519 *key = NULL;
        uint8_t raw[68], pub[32];

        TESTLOG_REQUIRE(ed25519_from_seed(seed, &key, NULL) == 0);
        ed25519_public(key, pub);
        testlog_keyid(name, 0x01, pub, raw);
        TESTLOG_REQUIRE(ed25519_sign(key, span_of(b->p, text_n), raw + 4, NULL) == 0);
        ed25519_free(key);
        buf_printf(b, "\xe2\x80\x94 %s ", name);
        text_put_base64(b, span_of(raw, sizeof raw));
        buf_put_str(b, "\n");
}

/* The note of a size, appended to b (empty before); returns where its text ends. */
static inline size_t testlog_note(const struct testlog *l, uint64_t size, struct buf *b)
{
        struct hash root = testlog_root(l, size);
        size_t text_n;

        buf_printf(b, "%s\n%llu\n", l->name, (unsigned long long)size);
        text_put_base64(b, span_of(root.b, 32));
        buf_put_str(b, "\n");
        text_n = b->n;
        buf_put_str(b, "\n");
        testlog_sign(b, text_n, l->name, l->seed);
        TESTLOG_REQUIRE(buf_status(b) == 0);
        return text_n;
}

static inline void testlog_publish(struct testlog *l, uint64_t size)
{
        struct buf b = BUF_INIT(4096);

        for (int level = 0; level < 8 && size >> (8 * level); level++)
                testlog_put_level(l, level, size);
        testlog_put_bundles(l, size);
        testlog_note(l, size, &b);
        testlog_write(l, "checkpoint", buf_span(&b));
        buf_done(&b);
}

#endif
