/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/authentication/jwt_memory.h"

#include <stdlib.h>

#include "base/le.h"
#include "crypto/seal.h"
#include "crypto/sha256.h"

enum { ROW = 8, LENGTH = 4, NOT_THERE = UINT32_MAX };

/* What is looked at to find a slot lies close together; what is in it elsewhere. */
struct row {
        uint8_t digest[ROW][JWT_MEMORY_DIGEST];
        int64_t until_s[ROW]; /* 0: empty */
        uint64_t used[ROW];
        uint32_t bytes[ROW]; /* of the slot */
};

/* The number of groups, then caller, groups and claims, each with its length before it (NOT_THERE:
 * no such claim); numbers are little-endian, of 32 bits. */
struct slot {
        uint8_t bytes[JWT_MEMORY_BYTES];
};

struct refused {
        uint8_t digest[JWT_MEMORY_DIGEST];
        int64_t until_s; /* 0: empty */
        enum jwt_fault fault;
};

struct jwt_memory {
        struct refused refused[JWT_MEMORY_REFUSED]; /* in rows of ROW */
        struct row *rows;
        struct slot *slots; /* of row 0, row 1, ... */
        uint32_t n_rows;
        uint32_t n_used;
        uint64_t turn;
        struct sha256_ctx *hash;
        uint8_t secret[SHA256_LEN];
};

STATIC_ASSERT((int)JWT_MEMORY_DIGEST == (int)SHA256_LEN, "digest length");
STATIC_ASSERT((int)JWT_MEMORY_REFUSED % (int)ROW == 0, "whole rows");

int jwt_memory_new(uint32_t slots, struct jwt_memory **ret)
{
        CLEANUP(jwt_memory_freep) struct jwt_memory *m = NULL;

        assert(slots > 0 && slots <= JWT_MEMORY_SLOTS_MAX);
        m = calloc(1, sizeof *m);
        if (!m)
                return -ENOMEM;
        m->n_rows = (slots + ROW - 1) / ROW;
        m->rows = calloc(m->n_rows, sizeof *m->rows);
        m->slots = calloc((size_t)m->n_rows * ROW, sizeof *m->slots);
        m->hash = sha256_new();
        if (!m->rows || !m->slots || !m->hash)
                return -ENOMEM;
        random_bytes(m->secret, sizeof m->secret);
        *ret = m;
        m = NULL;
        return 0;
}

/* Slots that were never filled are not touched: their pages are not there yet. */
static void wipe_slots(struct jwt_memory *m)
{
        for (uint32_t i = 0; m->rows && m->slots && i < m->n_rows * ROW; i++)
                if (m->rows[i / ROW].until_s[i % ROW])
                        wipe(&m->slots[i], sizeof m->slots[i]);
}

struct jwt_memory *jwt_memory_free(struct jwt_memory *m)
{
        if (m) {
                wipe_slots(m);
                wipe(m->secret, sizeof m->secret);
                sha256_free(m->hash);
                free(m->slots);
                free(m->rows);
        }
        free(m);
        return NULL;
}

/* ---- what a slot is known by ---- */

static void add_number(struct sha256_ctx *c, uint64_t v)
{
        uint8_t bytes[8];

        le_put64(bytes, v);
        sha256_add(c, span_of(bytes, sizeof bytes));
}

/* With its length before it, so that two texts are not one. */
static void add_text(struct sha256_ctx *c, struct span text)
{
        add_number(c, text.n);
        sha256_add(c, text);
}

void jwt_memory_digest(struct jwt_memory *m, struct span token,
                       const struct config_identity *identity, const struct jwks *keys,
                       uint8_t ret[JWT_MEMORY_DIGEST])
{
        uint8_t set[JWKS_DIGEST];

        jwks_digest(keys, set);
        sha256_begin(m->hash);
        sha256_add(m->hash, span_of(m->secret, sizeof m->secret));
        sha256_add(m->hash, span_of(set, sizeof set));
        add_number(m->hash, identity->algorithms);
        add_number(m->hash, identity->leeway_s);
        add_text(m->hash, identity->issuer);
        add_text(m->hash, identity->audience);
        add_text(m->hash, identity->caller);
        add_text(m->hash, identity->groups);
        add_number(m->hash, identity->n_claims);
        for (uint32_t i = 0; i < identity->n_claims; i++)
                add_text(m->hash, identity->claims[i]);
        add_text(m->hash, token);
        sha256_end(m->hash, ret);
}

static struct row *row_of(const struct jwt_memory *m, const uint8_t digest[JWT_MEMORY_DIGEST])
{
        return &m->rows[le_get64(digest) % m->n_rows];
}

/* ROW when it is not there. */
static unsigned place_in(const struct row *row, const uint8_t digest[JWT_MEMORY_DIGEST])
{
        unsigned i = 0;

        while (i < ROW &&
               (row->until_s[i] == 0 || memcmp(row->digest[i], digest, JWT_MEMORY_DIGEST) != 0))
                i++;
        return i;
}

static struct slot *slot_of(const struct jwt_memory *m, const struct row *row, unsigned place)
{
        return &m->slots[(size_t)(row - m->rows) * ROW + place];
}

/* ---- what is in one ---- */

static void put_text(uint8_t **at, struct span text)
{
        le_put32(*at, text.p ? (uint32_t)text.n : NOT_THERE);
        *at += LENGTH;
        if (text.n)
                memcpy(*at, text.p, text.n);
        *at += text.n;
}

static struct span get_text(const uint8_t **at)
{
        uint32_t n = le_get32(*at);
        struct span text = n == NOT_THERE ? SPAN_NONE : span_of(*at + LENGTH, n);

        *at += LENGTH + text.n;
        return text;
}

static size_t bytes_of(const struct jwt_caller *c)
{
        size_t n = LENGTH + LENGTH + c->caller.n;

        for (uint32_t i = 0; i < c->n_groups; i++)
                n += LENGTH + c->groups[i].n;
        for (size_t i = 0; i < ARRAY_LEN(c->claims); i++)
                n += LENGTH + c->claims[i].n;
        return n;
}

static void fill(struct slot *s, const struct jwt_caller *c)
{
        uint8_t *at = s->bytes;

        le_put32(at, c->n_groups);
        at += LENGTH;
        put_text(&at, c->caller);
        for (uint32_t i = 0; i < c->n_groups; i++)
                put_text(&at, c->groups[i]);
        for (size_t i = 0; i < ARRAY_LEN(c->claims); i++)
                put_text(&at, c->claims[i]);
}

/* A copy, since the slot may be another's before the call is over. */
static int copy(struct span slot, struct arena *arena, struct jwt_caller *out)
{
        uint32_t n_groups = le_get32(slot.p);
        struct span *groups = arena_alloc(arena, n_groups * sizeof *groups);
        const uint8_t *at = (const uint8_t *)arena_copy(arena, slot);

        if (!groups || !at)
                return -ENOMEM;
        at += LENGTH;
        out->caller = get_text(&at);
        for (uint32_t i = 0; i < n_groups; i++)
                groups[i] = get_text(&at);
        out->groups = groups;
        out->n_groups = n_groups;
        for (size_t i = 0; i < ARRAY_LEN(out->claims); i++)
                out->claims[i] = get_text(&at);
        return 0;
}

/* ---- finding and keeping ---- */

int jwt_memory_find(struct jwt_memory *m, const uint8_t digest[JWT_MEMORY_DIGEST], int64_t now_s,
                    struct arena *arena, struct jwt_caller *ret)
{
        struct row *row = row_of(m, digest);
        unsigned place = place_in(row, digest);
        struct jwt_caller out = { 0 };
        int rc;

        if (place == ROW || now_s >= row->until_s[place])
                return 0;
        rc = copy(span_of(slot_of(m, row, place)->bytes, row->bytes[place]), arena, &out);
        if (rc < 0)
                return rc;
        out.until_s = row->until_s[place];
        row->used[place] = ++m->turn;
        *ret = out;
        return 1;
}

uint32_t jwt_memory_count(const struct jwt_memory *m)
{
        return m->n_used;
}

void jwt_memory_keep(struct jwt_memory *m, const uint8_t digest[JWT_MEMORY_DIGEST],
                     const struct jwt_caller *c)
{
        struct row *row = row_of(m, digest);
        unsigned place = place_in(row, digest);
        size_t bytes = bytes_of(c);

        if (bytes > JWT_MEMORY_BYTES || c->until_s <= 0)
                return;
        if (place == ROW) {
                place = 0;
                for (unsigned i = 1; i < ROW; i++)
                        if (row->used[i] < row->used[place])
                                place = i;
        }
        m->n_used += row->until_s[place] == 0;
        fill(slot_of(m, row, place), c);
        memcpy(row->digest[place], digest, JWT_MEMORY_DIGEST);
        row->bytes[place] = (uint32_t)bytes;
        row->until_s[place] = c->until_s;
        row->used[place] = ++m->turn;
}

/* ---- refused ones ---- */

static size_t refused_row(const uint8_t digest[JWT_MEMORY_DIGEST])
{
        return le_get64(digest) % (JWT_MEMORY_REFUSED / ROW) * ROW;
}

/* What a clock that went back has left is not. */
static bool is_known(const struct refused *r, const uint8_t digest[JWT_MEMORY_DIGEST],
                     int64_t now_s)
{
        return now_s < r->until_s && r->until_s - now_s <= JWT_MEMORY_REFUSED_S &&
               memcmp(r->digest, digest, sizeof r->digest) == 0;
}

enum jwt_fault jwt_memory_refused(const struct jwt_memory *m,
                                  const uint8_t digest[JWT_MEMORY_DIGEST], int64_t now_s)
{
        const struct refused *row = &m->refused[refused_row(digest)];

        for (unsigned i = 0; i < ROW; i++)
                if (is_known(&row[i], digest, now_s))
                        return row[i].fault;
        return JWT_GOOD;
}

static bool is_for_good(enum jwt_fault f)
{
        return f == JWT_SIGNATURE || f == JWT_EXPIRED || f == JWT_ISSUER || f == JWT_AUDIENCE ||
               f == JWT_CALLER || f == JWT_CLAIM;
}

void jwt_memory_refuse(struct jwt_memory *m, const uint8_t digest[JWT_MEMORY_DIGEST],
                       enum jwt_fault fault, int64_t now_s)
{
        struct refused *row = &m->refused[refused_row(digest)], *oldest = row;

        if (!is_for_good(fault))
                return;
        for (unsigned i = 0; i < ROW; i++)
                if (row[i].until_s < oldest->until_s)
                        oldest = &row[i];
        memcpy(oldest->digest, digest, sizeof oldest->digest);
        oldest->until_s = now_s + JWT_MEMORY_REFUSED_S;
        oldest->fault = fault;
}
