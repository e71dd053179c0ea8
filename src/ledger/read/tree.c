/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c - hashes and proofs out of tiles.
 *
 * The cache holds tiles expanded: beside its 256 hashes each one has the 255 nodes above them, as a
 * heap (node[1] on top, children of i at 2i and 2i+1, slots at 256..511).  A proof is then a walk
 * of look-ups.  In a partial tile only nodes whose whole subtree is there are filled, and only
 * those belong to perfect ranges of the tree, so the others are never asked for.
 *
 * Replacement is second chance: a hit sets `used`, the hand clears it and takes the first slot it
 * finds clear. */
#include "ledger/read/tree.h"

#include "crypto/sha256.h"
#include "wire/entry.h"
#include "wire/tile.h"

#include <stdlib.h>

enum {
        NONE = -1,
        BUNDLE_MAX = TILE_WIDTH * (2 + ENTRY_MAX),
};

struct expanded {
        struct tile tile; /* width 0: the slot is free */
        int next;         /* in its bucket */
        bool used;
        struct hash node[2 * TILE_WIDTH];
};

struct tree {
        struct source *source;
        uint64_t size;
        struct buf file; /* one tile as read */
        struct buf bundle;
        struct tile bundle_tile; /* width 0: none */
        struct expanded *slot;
        int *bucket;
        size_t n_slots, n_buckets; /* n_buckets is a power of two */
        size_t hand;
};

static void node(const struct hash *l, const struct hash *r, struct hash *out)
{
        sha256_node(l->b, r->b, out->b);
}

int tree_new(struct source *source, uint64_t size, size_t max_tiles, struct tree **ret,
             struct err *err)
{
        CLEANUP(tree_freep) struct tree *t = calloc(1, sizeof *t);
        size_t i;

        assert(max_tiles >= 1 && max_tiles <= INT32_MAX / 2);
        if (!t)
                return err_set(err, -ENOMEM, "tree: out of memory");
        t->source = source;
        t->size = size;
        t->file = BUF_INIT(TILE_BYTES);
        t->bundle = BUF_INIT(BUNDLE_MAX);
        t->n_slots = max_tiles;
        for (t->n_buckets = 1; t->n_buckets < max_tiles; t->n_buckets *= 2)
                ;
        t->slot = calloc(t->n_slots, sizeof *t->slot);
        t->bucket = calloc(t->n_buckets, sizeof *t->bucket);
        if (!t->slot || !t->bucket)
                return err_set(err, -ENOMEM, "tree: no memory for %zu tiles", max_tiles);
        for (i = 0; i < t->n_buckets; i++)
                t->bucket[i] = NONE;
        *ret = t;
        t = NULL;
        return 0;
}

struct tree *tree_free(struct tree *t)
{
        if (t) {
                buf_done(&t->file);
                buf_done(&t->bundle);
                free(t->slot);
                free(t->bucket);
        }
        free(t);
        return NULL;
}

/* ---- files ---- */

/* The file of tile, or the full one that replaced it (tlog-tiles lets partials go once the full
 * tile exists).  *ret_found says which. */
static int read_tile_file(struct tree *t, struct tile tile, struct buf *out, struct tile *ret_found,
                          struct err *err)
{
        char path[TILE_PATH_MAX];
        struct tile full = tile;
        int r;

        buf_clear(out);
        tile_path(tile, path);
        r = t->source->read(t->source, path, out, err);
        if (r == -ENOENT && tile.width < TILE_WIDTH) {
                full.width = TILE_WIDTH;
                tile_path(full, path);
                buf_clear(out);
                if (t->source->read(t->source, path, out, NULL) == 0) {
                        r = 0;
                        tile = full;
                }
        }
        if (!r)
                *ret_found = tile;
        return r;
}

/* ---- the cache ---- */

static int *bucket_of(struct tree *t, int level, uint64_t n)
{
        uint64_t h = (n * UINT64_C(8) + (uint64_t)level) * UINT64_C(0x9e3779b97f4a7c15);

        return &t->bucket[(h >> 32) & (t->n_buckets - 1)];
}

static struct expanded *find(struct tree *t, int level, uint64_t n)
{
        for (int i = *bucket_of(t, level, n); i != NONE; i = t->slot[i].next)
                if (t->slot[i].tile.n == n && t->slot[i].tile.level == level)
                        return &t->slot[i];
        return NULL;
}

static void unlink_slot(struct tree *t, struct expanded *e)
{
        int *at = bucket_of(t, e->tile.level, e->tile.n);

        while (&t->slot[*at] != e)
                at = &t->slot[*at].next;
        *at = e->next;
        e->tile.width = 0;
}

/* A free slot, another's tile put out where need be. */
static struct expanded *take_slot(struct tree *t)
{
        struct expanded *e;

        for (;;) {
                e = &t->slot[t->hand];
                t->hand = (t->hand + 1) % t->n_slots;
                if (e->tile.width == 0)
                        return e;
                if (!e->used) {
                        unlink_slot(t, e);
                        return e;
                }
                e->used = false;
        }
}

static void expand(struct expanded *e)
{
        unsigned width, first, n;

        for (width = e->tile.width / 2, first = TILE_WIDTH / 2; width; width /= 2, first /= 2)
                for (n = 0; n < width; n++)
                        node(&e->node[2 * (first + n)], &e->node[2 * (first + n) + 1],
                             &e->node[first + n]);
}

static int load(struct tree *t, struct tile tile, struct expanded **ret, struct err *err)
{
        struct expanded *e;
        struct tile found;
        char path[TILE_PATH_MAX];
        int *head, r;

        r = read_tile_file(t, tile, &t->file, &found, err);
        if (r)
                return r;
        tile_path(found, path);
        if (t->file.n != (size_t)found.width * TILE_HASH)
                return err_set(err, -EBADMSG, "%s: %zu bytes, not %u", path, t->file.n,
                               found.width * TILE_HASH);
        e = take_slot(t);
        e->tile = tile;
        e->used = true;
        memcpy(&e->node[TILE_WIDTH], t->file.p, (size_t)tile.width * TILE_HASH);
        expand(e);
        head = bucket_of(t, tile.level, tile.n);
        e->next = *head;
        *head = (int)(e - t->slot);
        *ret = e;
        return 0;
}

/* The tile that holds a level's node `index`, from the cache or its file. */
static int get(struct tree *t, int level, uint64_t index, struct expanded **ret, struct err *err)
{
        struct expanded *e = find(t, level, index / TILE_WIDTH);

        if (!e)
                return load(t, tile_of(level, index, t->size), ret, err);
        e->used = true;
        *ret = e;
        return 0;
}

/* ---- hashes ---- */

/* A perfect subtree of 2^k leaves is one node of the tile k/8 levels up. */
static int perfect_hash(struct tree *t, struct proof_range r, struct hash *ret, struct err *err)
{
        unsigned k = (unsigned)__builtin_ctzll(r.hi - r.lo);
        int level = (int)(k / TILE_HEIGHT);
        uint64_t index = r.lo >> (level * TILE_HEIGHT);
        struct expanded *e = NULL;
        int status;

        status = get(t, level, index, &e, err);
        if (!status)
                *ret = e->node[(TILE_WIDTH + index % TILE_WIDTH) >> (k % TILE_HEIGHT)];
        return status;
}

int tree_range(struct tree *t, struct proof_range r, struct hash *ret, struct err *err)
{
        struct proof_range part[PROOF_MAX];
        struct hash sum, h;
        size_t n;
        int status;

        assert(r.lo < r.hi && r.hi <= t->size);
        n = proof_perfect_parts(r, part);
        status = perfect_hash(t, part[--n], &sum, err);
        while (!status && n > 0) {
                status = perfect_hash(t, part[--n], &h, err);
                if (!status)
                        node(&h, &sum, &sum);
        }
        if (!status)
                *ret = sum;
        return status;
}

int tree_root(struct tree *t, struct hash *ret, struct err *err)
{
        if (t->size)
                return tree_range(t, (struct proof_range){ 0, t->size }, ret, err);
        memcpy(ret->b, sha256_empty, HASH_LEN);
        return 0;
}

static int hash_ranges(struct tree *t, const struct proof_range *range, size_t n, struct hash *out,
                       size_t *ret_n, struct err *err)
{
        struct hash got[PROOF_MAX];
        int r;

        for (size_t i = 0; i < n; i++) {
                r = tree_range(t, range[i], &got[i], err);
                if (r)
                        return r;
        }
        memcpy(out, got, n * sizeof *got);
        *ret_n = n;
        return 0;
}

int tree_prove_inclusion(struct tree *t, uint64_t index, struct hash out[PROOF_MAX], size_t *ret_n,
                         struct err *err)
{
        struct proof_range range[PROOF_MAX];

        if (index >= t->size)
                return err_set(err, -ERANGE, "index %llu is not below the log's size %llu",
                               (unsigned long long)index, (unsigned long long)t->size);
        return hash_ranges(t, range, proof_inclusion_ranges(index, t->size, range), out, ret_n,
                           err);
}

int tree_prove_consistency(struct tree *t, uint64_t size1, struct hash out[PROOF_MAX],
                           size_t *ret_n, struct err *err)
{
        struct proof_range range[PROOF_MAX];

        if (size1 == 0 || size1 > t->size)
                return err_set(err, -ERANGE, "no consistency proof from size %llu to %llu",
                               (unsigned long long)size1, (unsigned long long)t->size);
        return hash_ranges(t, range, proof_consistency_ranges(size1, t->size, range), out, ret_n,
                           err);
}

/* ---- entries ---- */

static int load_bundle(struct tree *t, struct tile tile, struct err *err)
{
        struct tile found;
        int r;

        if (t->bundle_tile.width && t->bundle_tile.n == tile.n)
                return 0;
        t->bundle_tile.width = 0;
        r = read_tile_file(t, tile, &t->bundle, &found, err);
        if (!r)
                t->bundle_tile = tile;
        return r;
}

int tree_entry(struct tree *t, uint64_t index, struct span *ret, struct err *err)
{
        struct hash want, got;
        struct bundle_iter it;
        struct span entry;
        unsigned i = 0;
        int r;

        if (index >= t->size)
                return err_set(err, -ERANGE, "index %llu is not below the log's size %llu",
                               (unsigned long long)index, (unsigned long long)t->size);
        r = load_bundle(t, tile_of(TILE_LEVEL_ENTRIES, index, t->size), err);
        if (!r)
                r = tree_range(t, (struct proof_range){ index, index + 1 }, &want, err);
        if (r)
                return r;
        it = bundle_iter_of(buf_span(&t->bundle));
        do {
                if (bundle_next(&it, &entry) <= 0)
                        return err_set(err, -EBADMSG,
                                       "bundle %llu: truncated at entry %u, byte %zu",
                                       (unsigned long long)(index / TILE_WIDTH), i, it.offset);
        } while (i++ < index % TILE_WIDTH);
        sha256_leaf(entry, got.b);
        if (!hash_eq(&got, &want))
                return err_set(err, -EBADMSG, "bundle %llu: entry %u does not match its leaf hash",
                               (unsigned long long)(index / TILE_WIDTH),
                               (unsigned)(index % TILE_WIDTH));
        *ret = entry;
        return 0;
}
