/* SPDX-License-Identifier: Apache-2.0 */
/* verify_hash.c - the hash pass: every bundle in order, each byte hashed once.
 *
 *   bundle n -> 256 leaf hashes -> compared with tile/0/n -> one node for level 1
 *   256 nodes of level L        -> compared with tile/L/n -> one node for level L+1
 *
 * What goes up is what was computed, so damage in one file is told once.  Where bundle and tile
 * disagree, the level above (for the last ones the signed root) says which of them is wrong. */
#include "ledger/verify/verify_hasher.h"

#include "crypto/sha256.h"

#include <stdlib.h>

enum {
        TILE_FILE_MAX = 64 * 1024, /* read this much of a wrong tile, to tell its length */
        PROGRESS_EVERY = 64,       /* bundles */
};

static void node(const struct hash *l, const struct hash *r, struct hash *out)
{
        sha256_node(l->b, r->b, out->b);
}

/* Hash over n nodes of one level, n a power of two. */
static struct hash perfect(const struct hash *in, unsigned n)
{
        struct hash h[TILE_WIDTH / 2];
        unsigned i;

        if (n == 1)
                return *in;
        for (i = 0; i < n / 2; i++)
                node(&in[2 * i], &in[2 * i + 1], &h[i]);
        for (n /= 2; n > 1; n /= 2)
                for (i = 0; i < n / 2; i++)
                        node(&h[2 * i], &h[2 * i + 1], &h[i]);
        return h[0];
}

/* Put a level's nodes to the left of what lies right of them. */
static void fold(const struct hash *in, unsigned n, struct hash *sum, bool *have)
{
        unsigned bit;
        struct hash h;

        for (bit = 1; n; bit *= 2) {
                if (!(n & bit))
                        continue;
                n -= bit;
                h = perfect(in + n, bit);
                if (*have)
                        node(&h, sum, sum);
                else
                        *sum = h;
                *have = true;
        }
}

struct hash hasher_root_with(const struct hasher *h, const struct hash *leaf, unsigned w)
{
        struct hash sum;
        bool have = false;

        memcpy(sum.b, sha256_empty, HASH_LEN);
        fold(leaf, w, &sum, &have);
        for (int level = 1; level <= TILE_LEVEL_MAX + 1; level++)
                fold(h->level[level].node, h->level[level].n, &sum, &have);
        return sum;
}

/* ---- reading ---- */

/* The file of tile, or the full one that has replaced a partial since the checkpoint was read. */
static int read_tile(struct hasher *h, struct tile t, struct buf *out, char path[TILE_PATH_MAX],
                     bool *ret_wider)
{
        int r;

        *ret_wider = false;
        tile_path(t, path);
        r = t.width < TILE_WIDTH ? verify_read_partial(h->v, path, out)
                                 : verify_read(h->v, path, out);
        if (r != -ENOENT || t.width == TILE_WIDTH)
                return r;
        t.width = TILE_WIDTH;
        tile_path(t, path);
        r = verify_read(h->v, path, out);
        *ret_wider = r == 0;
        if (r == -ENOENT) {
                t.width = tile_partial_width(h->v->checkpoint.size, t.level);
                tile_path(t, path);
        }
        return r;
}

/* Is the file there, and of the right length?  Reports; silent about what may be pruned. */
static bool load_tile(struct hasher *h, struct tile t, bool may_miss)
{
        size_t want = (size_t)t.width * TILE_HASH;
        bool wider;
        int r;

        r = read_tile(h, t, &h->tile, h->tile_path, &wider);
        if (r == -ENOENT && !may_miss)
                verify_say(h->v, VERIFY_FILE_MISSING, h->tile_path, VERIFY_NOWHERE, VERIFY_NOWHERE,
                           "%s: missing", h->tile_path);
        if (r)
                return false;
        h->v->result->tiles++;
        if (wider ? h->tile.n == TILE_BYTES : h->tile.n == want)
                return true;
        verify_say(h->v, VERIFY_FILE_LENGTH, h->tile_path, MIN_OF(h->tile.n, want), VERIFY_NOWHERE,
                   "%s: %zu bytes, not %zu: too %s", h->tile_path, h->tile.n, want,
                   h->tile.n < want ? "short" : "long");
        return false;
}

static const struct hash *tile_hashes(const struct buf *file)
{
        STATIC_ASSERT(sizeof(struct hash) == TILE_HASH, "a tile is an array of hashes");
        return (const struct hash *)file->p;
}

/* Hash the entries of a bundle; says what is wrong with its shape. */
static void hash_bundle(struct hasher *h, struct bundle *b, uint64_t n, unsigned width, bool wider)
{
        struct bundle_iter it = bundle_iter_of(buf_span(&b->file));
        struct span entry;
        unsigned i;

        for (i = 0; i < width; i++) {
                b->at[i] = it.offset;
                if (bundle_next(&it, &entry) <= 0)
                        break;
                sha256_leaf(entry, b->leaf[i].b);
        }
        b->count = i;
        b->at[i] = it.offset;
        b->whole = i == width && (wider || it.rest.n == 0);
        if (i < width)
                verify_say(h->v, VERIFY_BUNDLE_TRUNCATED, b->path, it.offset, n * TILE_WIDTH + i,
                           "%s: bundle %llu: truncated at entry %u of %u, byte %zu of %zu", b->path,
                           (unsigned long long)n, i, width, it.offset, b->file.n);
        else if (!b->whole)
                verify_say(h->v, VERIFY_BUNDLE_TRAILING, b->path, it.offset, VERIFY_NOWHERE,
                           "%s: bundle %llu: %zu bytes behind the last entry, from byte %zu",
                           b->path, (unsigned long long)n, it.rest.n, it.offset);
}

static void load_bundle(struct hasher *h, uint64_t n, unsigned width, bool may_miss)
{
        struct tile t = { TILE_LEVEL_ENTRIES, n, width };
        struct bundle *b = &h->bundle;
        bool wider;
        int r;

        b->count = 0;
        b->present = b->whole = false;
        r = read_tile(h, t, &b->file, b->path, &wider);
        if (r == -ENOENT && !may_miss) {
                h->missing++;
                verify_say(h->v, VERIFY_FILE_MISSING, b->path, VERIFY_NOWHERE, n * TILE_WIDTH,
                           "%s: missing, entries %llu to %llu", b->path,
                           (unsigned long long)n * TILE_WIDTH,
                           (unsigned long long)n * TILE_WIDTH + width - 1);
        }
        if (r)
                return;
        b->present = true;
        h->v->result->bundles++;
        hash_bundle(h, b, n, width, wider);
        h->v->result->entries += b->count;
}

/* ---- who is wrong ---- */

static void say_entry(struct hasher *h, const struct bundle *b, const struct hash *good, uint64_t n,
                      unsigned width, const char *why)
{
        unsigned i, first = width, differ = 0;

        for (i = 0; i < b->count; i++)
                if (!hash_eq(&b->leaf[i], &good[i])) {
                        first = differ++ ? first : i;
                }
        if (!differ)
                return;
        verify_say(h->v, VERIFY_ENTRY_HASH, b->path, b->at[first], n * TILE_WIDTH + first,
                   "%s: bundle %llu, entry %u (index %llu), bytes %zu to %zu: %s; %u of %u entries "
                   "differ",
                   b->path, (unsigned long long)n, first,
                   (unsigned long long)n * TILE_WIDTH + first, b->at[first], b->at[first + 1] - 1,
                   why, differ, b->count);
}

static void say_slot(struct hasher *h, const char *path, const struct hash *got,
                     const struct hash *good, struct tile t)
{
        unsigned i, first = t.width, differ = 0;
        size_t byte = 0;

        for (i = 0; i < t.width; i++)
                if (!hash_eq(&got[i], &good[i])) {
                        first = differ++ ? first : i;
                }
        if (!differ)
                return;
        while (got[first].b[byte] == good[first].b[byte])
                byte++;
        byte += (size_t)first * TILE_HASH;
        verify_say(
                h->v, VERIFY_TILE_SLOT, path, byte,
                t.level ? VERIFY_NOWHERE : t.n * TILE_WIDTH + first,
                "%s: level %d, tile %llu, slot %u, byte %zu: not the hash of what lies below; %u of "
                "%u slots differ",
                path, t.level, (unsigned long long)t.n, first, byte, differ, t.width);
}

/* The level-1 hash above bundle n, as its tile has it; NULL when that cannot be had. */
static const struct hash *parent_of(struct hasher *h, uint64_t n)
{
        struct tile t;
        char path[TILE_PATH_MAX];
        bool wider;

        t = tile_of(1, n, h->v->checkpoint.size);
        if (h->parent_n != t.n || h->parent.n < (size_t)t.width * TILE_HASH) {
                h->parent_n = t.n;
                if (read_tile(h, t, &h->parent, path, &wider) ||
                    h->parent.n < (size_t)t.width * TILE_HASH) {
                        buf_clear(&h->parent);
                        return NULL;
                }
        }
        return &tile_hashes(&h->parent)[n % TILE_WIDTH];
}

/* Does this set of leaf hashes fit what is above it? */
static bool fits(struct hasher *h, const struct hash *leaf, uint64_t n, unsigned width)
{
        const struct hash *parent;
        struct hash got;

        if (width < TILE_WIDTH) {
                got = hasher_root_with(h, leaf, width);
                return !h->lost && hash_eq(&got, &h->v->checkpoint.root);
        }
        got = perfect(leaf, TILE_WIDTH);
        parent = parent_of(h, n);
        return parent && hash_eq(&got, parent);
}

/* Both are there and differ: name the culprit, return the good ones. */
static const struct hash *arbitrate(struct hasher *h, const struct hash *tile, uint64_t n,
                                    unsigned width)
{
        struct bundle *b = &h->bundle;

        if (b->count == width && fits(h, b->leaf, n, width)) {
                say_slot(h, h->tile_path, tile, b->leaf, (struct tile){ 0, n, width });
                return b->leaf;
        }
        if (fits(h, tile, n, width)) {
                say_entry(h, b, tile, n, width, "not what was hashed into the tree");
                return tile;
        }
        say_entry(h, b, tile, n, width,
                  "does not match its leaf hash, and neither fits the tree above");
        return b->count == width ? b->leaf : tile;
}

/* ---- superseded partial files ---- */

static void check_old_tiles(struct hasher *h, int level, uint64_t n, const struct hash *good)
{
        const struct tile *t;
        size_t i, k = verify_stale_of(h->v, level, n, &t);

        for (i = 0; i < k && !h->v->failed; i++)
                if (load_tile(h, t[i], true))
                        say_slot(h, h->tile_path, tile_hashes(&h->tile), good, t[i]);
}

static void check_old_bundles(struct hasher *h, uint64_t n, const struct hash *good)
{
        const struct tile *t;
        struct bundle *b = &h->old;
        size_t i, k = verify_stale_of(h->v, TILE_LEVEL_ENTRIES, n, &t);

        for (i = 0; i < k && !h->v->failed; i++) {
                tile_path(t[i], b->path);
                if (verify_read(h->v, b->path, &b->file))
                        continue;
                h->v->result->bundles++;
                hash_bundle(h, b, n, t[i].width, false);
                say_entry(h, b, good, n, t[i].width, "not what was hashed into the tree");
        }
}

static void cannot_check_old(struct hasher *h, uint64_t n)
{
        static const int levels[] = { TILE_LEVEL_ENTRIES, 0 };
        char path[TILE_PATH_MAX];
        const struct tile *t;

        for (size_t l = 0; l < ARRAY_LEN(levels); l++)
                for (size_t k = verify_stale_of(h->v, levels[l], n, &t); k > 0; k--) {
                        tile_path(t[k - 1], path);
                        verify_say(h->v, VERIFY_UNREADABLE, path, VERIFY_NOWHERE, VERIFY_NOWHERE,
                                   "%s: not judged, the hashes to judge it by are gone", path);
                }
}

/* ---- the walk ---- */

/* A level's nodes are complete, or all there will be: compare with the tile. */
static void check_level(struct hasher *h, int level)
{
        struct level *l = &h->level[level];
        struct tile t = { level, l->tile, l->n };

        if (load_tile(h, t, false) && !h->lost)
                say_slot(h, h->tile_path, tile_hashes(&h->tile), l->node, t);
        if (!h->lost)
                check_old_tiles(h, level, l->tile, l->node);
}

static void push(struct hasher *h, const struct hash *n)
{
        struct hash up = *n;
        struct level *l;
        int level;

        for (level = 1; level <= TILE_LEVEL_MAX; level++) {
                l = &h->level[level];
                l->node[l->n++] = up;
                if (l->n < TILE_WIDTH)
                        return;
                check_level(h, level);
                up = perfect(l->node, TILE_WIDTH);
                l->n = 0;
                l->tile++;
        }
        assert(!"a log of more than 2^63 entries");
}

/* Without its entries a tile can only be held against the one above. */
static void check_alone(struct hasher *h, const struct hash *tile, uint64_t n)
{
        if (!fits(h, tile, n, TILE_WIDTH))
                verify_say(h->v, VERIFY_TILE_SLOT, h->tile_path, 0, n * TILE_WIDTH,
                           "%s: level 0, tile %llu: does not fit its slot in the tile above; its "
                           "entries are pruned, one of the two tiles is damaged",
                           h->tile_path, (unsigned long long)n);
}

/* The leaf hashes of bundle n to go on with; NULL when neither bundle nor tile has them. */
static const struct hash *leaves(struct hasher *h, uint64_t n, unsigned width, bool may_miss)
{
        struct bundle *b = &h->bundle;
        bool tile;

        load_bundle(h, n, width, may_miss);
        tile = load_tile(h, (struct tile){ 0, n, width }, false);
        if (may_miss && !b->present)
                h->v->result->entries_pruned += width;
        if (may_miss && tile && b->count == 0)
                check_alone(h, tile_hashes(&h->tile), n);
        if (b->count == width && tile && memcmp(b->leaf, h->tile.p, width * sizeof *b->leaf) == 0)
                return b->leaf;
        if (b->count && tile)
                return arbitrate(h, tile_hashes(&h->tile), n, width);
        if (tile)
                return tile_hashes(&h->tile);
        return b->count == width ? b->leaf : NULL;
}

static void one_bundle(struct hasher *h, uint64_t n, unsigned width)
{
        bool may_miss = (n + 1) * TILE_WIDTH <= h->v->pruned;
        struct hash leaf[TILE_WIDTH], up;
        const struct hash *got, *parent;

        got = leaves(h, n, width, may_miss);
        if (got) {
                memcpy(leaf, got, width * sizeof *leaf); /* check_old_tiles() reads over h->tile */
                hasher_points(h, leaf, n * TILE_WIDTH, width);
                check_old_tiles(h, 0, n, leaf);
                check_old_bundles(h, n, leaf);
                if (width < TILE_WIDTH) {
                        h->v->root = hasher_root_with(h, leaf, width);
                        return;
                }
                up = perfect(leaf, TILE_WIDTH);
                push(h, &up);
                return;
        }
        hasher_points(h, NULL, n * TILE_WIDTH, width);
        cannot_check_old(h, n);
        h->missing += may_miss; /* its tile is: no pruning takes that */
        parent = width == TILE_WIDTH ? parent_of(h, n) : NULL;
        if (!parent)
                h->lost = true;
        memset(&up, 0, sizeof up);
        if (width == TILE_WIDTH)
                push(h, parent ? parent : &up);
}

static bool gives_up(struct hasher *h, uint64_t index)
{
        struct verify *v = h->v;

        if (verify_lead_ends(v, index) || verify_is_silent(v, index))
                return true;
        if (h->missing <= VERIFY_MISSING_MAX)
                return false;
        verify_say(
                v, VERIFY_UNREADABLE, "tile/entries", VERIFY_NOWHERE, index,
                "tile/entries: more than %d bundles missing, the hash pass stopped at entry %llu",
                VERIFY_MISSING_MAX, (unsigned long long)index);
        return true;
}

static void walk(struct hasher *h)
{
        struct verify *v = h->v;
        uint64_t size = v->checkpoint.size, n = 0;

        for (; n * TILE_WIDTH < size && !v->failed; n++) {
                if (gives_up(h, n * TILE_WIDTH)) {
                        h->lost = true;
                        v->end = n * TILE_WIDTH;
                        return;
                }
                one_bundle(h, n, (unsigned)MIN_OF(size - n * TILE_WIDTH, (uint64_t)TILE_WIDTH));
                if (v->o->on_progress && n % PROGRESS_EVERY == 0)
                        v->o->on_progress(v->o->ctx, VERIFY_HASH, n * TILE_WIDTH, size);
        }
        for (int level = 1; level <= TILE_LEVEL_MAX && !v->failed; level++)
                if (h->level[level].n)
                        check_level(h, level);
}

static void check_root(struct hasher *h)
{
        struct verify *v = h->v;
        uint64_t size = v->checkpoint.size;

        if (h->lost || v->failed) {
                if (!v->failed)
                        verify_say(
                                v, VERIFY_UNREADABLE, "checkpoint", VERIFY_NOWHERE, VERIFY_NOWHERE,
                                "checkpoint: its root could not be compared, hashes are missing");
                return;
        }
        if (size % TILE_WIDTH == 0)
                v->root = hasher_root_with(h, NULL, 0);
        v->has_root = true;
        if (!hash_eq(&v->root, &v->checkpoint.root))
                verify_say(v, VERIFY_ROOT, "checkpoint", (uint64_t)strlen(v->checkpoint.origin) + 1,
                           VERIFY_NOWHERE,
                           "checkpoint: the root of the %llu entries here is not the one signed",
                           (unsigned long long)size);
}

void verify_hashes(struct verify *v)
{
        struct hasher *h = calloc(1, sizeof *h);

        if (!h) {
                v->failed = err_set(v->err, -ENOMEM, "verify: out of memory");
                return;
        }
        h->v = v;
        h->bundle.file = BUF_INIT(VERIFY_BUNDLE_MAX);
        h->old.file = BUF_INIT(VERIFY_BUNDLE_MAX);
        h->tile = BUF_INIT(TILE_FILE_MAX);
        h->parent = BUF_INIT(TILE_FILE_MAX);
        walk(h);
        check_root(h);
        if (v->result->entries_pruned)
                verify_say(
                        v, VERIFY_PRUNED, "pruned", VERIFY_NOWHERE, VERIFY_NOWHERE,
                        "pruned: %llu entries below %llu are gone and could not be hashed again; "
                        "their hashes are covered by the root",
                        (unsigned long long)v->result->entries_pruned,
                        (unsigned long long)v->pruned);
        if (v->o->on_progress)
                v->o->on_progress(v->o->ctx, VERIFY_HASH, v->checkpoint.size, v->checkpoint.size);
        buf_done(&h->bundle.file);
        buf_done(&h->old.file);
        buf_done(&h->tile);
        buf_done(&h->parent);
        free(h);
}
