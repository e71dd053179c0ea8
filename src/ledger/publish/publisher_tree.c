/* SPDX-License-Identifier: Apache-2.0 */
/* publisher_tree.c - the published tree: grown entry by entry, written round by round. */
#include "crypto/sha256.h"
#include "ledger/publish/publisher_priv.h"

/* Verify and write once this much waits. */
enum { PENDING_SOFT = 4 * 1024 * 1024 };

/* ---- building ---- */

static void use_up_round(struct publisher *p, uint64_t bytes)
{
        p->round_left -= MIN_OF(p->round_left, bytes);
}

static int add_pending(struct publisher *p, struct tile t, struct span content)
{
        if (p->only_reading)
                return 0;
        if (t.level >= 0) /* of bundles, each entry was counted */
                use_up_round(p, content.n);
        if (p->n_pending == PUBLISHER_FILES_MAX)
                return -E2BIG;
        p->pending[p->n_pending] =
                (struct pending){ .tile = t, .at = p->pending_bytes.n, .n = content.n };
        buf_put(&p->pending_bytes, content);
        p->n_pending++;
        return buf_status(&p->pending_bytes);
}

static int tile_is_full(void *ctx, struct tile t, const struct hash h[TILE_WIDTH])
{
        return add_pending(ctx, t, span_of(h, TILE_BYTES));
}

/* Sealed rows of the open bundle. */
static int store_rows(struct publisher *p, uint64_t bundle, struct err *err)
{
        int r;

        if (p->only_reading || p->n_rows == 0)
                return 0;
        if (!p->vault)
                return err_set(err, -ENODATA,
                               "bundle %llu has sealed values and the ledger no vault: "
                               "keys/subjects is missing",
                               (unsigned long long)bundle);
        for (size_t i = 0; i < p->n_rows; i++)
                p->row[i].rows.p = p->rows.p + p->row_at[i];
        r = vault_store(p->vault, bundle, p->row, p->n_rows, err);
        if (r == -ENOSPC && publisher_drop_ballast(p))
                r = vault_store(p->vault, bundle, p->row, p->n_rows, err);
        return r;
}

int publisher_close_bundle(struct publisher *p, struct err *err)
{
        struct tile t = { .level = TILE_LEVEL_ENTRIES,
                          .n = p->state.size / TILE_WIDTH - 1,
                          .width = TILE_WIDTH };
        bool pruned = t.n < p->pruned / TILE_WIDTH; /* the WAL may have it longer: it stays gone */
        int r = 0;

        if (!pruned)
                r = add_pending(p, t, buf_span(&p->bundle));
        if (r < 0)
                return err_sys(err, r, "bundle %llu", (unsigned long long)t.n);
        if (!pruned)
                r = store_rows(p, t.n, err);
        if (r < 0)
                return r;
        buf_clear(&p->bundle);
        buf_clear(&p->rows);
        p->n_rows = 0;
        return 0;
}

int publisher_add_leaf(struct publisher *p, const struct hash *leaf)
{
        return tilestate_append(&p->state, leaf, tile_is_full, p);
}

int publisher_add_bundle_hash(struct publisher *p, const struct hash *h)
{
        return tilestate_append_tree(&p->state, 1, h, tile_is_full, p);
}

int publisher_add_entry(struct publisher *p, struct span entry, struct err *err)
{
        struct hash leaf;
        int r;

        buf_put_byte(&p->bundle, (uint8_t)(entry.n >> 8));
        buf_put_byte(&p->bundle, (uint8_t)entry.n);
        buf_put(&p->bundle, entry);
        use_up_round(p, entry.n + 2);
        sha256_leaf(entry, leaf.b);
        r = publisher_add_leaf(p, &leaf);
        if (r == 0)
                r = buf_status(&p->bundle);
        if (r < 0)
                return err_sys(err, r, "entry %llu", (unsigned long long)p->state.size - 1);
        return 0;
}

int publisher_add_rows(struct publisher *p, uint64_t index, struct span rows, struct err *err)
{
        assert(p->n_rows < TILE_WIDTH);
        p->row_at[p->n_rows] = p->rows.n;
        p->row[p->n_rows] = (struct vault_rows){ .index = index, .rows = { NULL, rows.n } };
        buf_put(&p->rows, rows);
        use_up_round(p, rows.n);
        if (buf_status(&p->rows) < 0)
                return err_sys(err, buf_status(&p->rows), "sealed rows of entry %llu",
                               (unsigned long long)index);
        p->n_rows++;
        return 0;
}

/* ---- writing ---- */

static int put_tile(struct publisher *p, struct tile t, struct span content, struct err *err)
{
        char path[TILE_PATH_MAX], dir[TILE_PATH_MAX];
        const char *name;
        int r;

        tile_path(t, path);
        tile_dir(t, dir);
        name = strrchr(path, '/') + 1;
        r = filewriter_put(p->writer, dir, name, content, FILEWRITER_IMMUTABLE, err);
        if (r == -ENOSPC && publisher_drop_ballast(p))
                r = filewriter_put(p->writer, dir, name, content, FILEWRITER_IMMUTABLE, err);
        return r;
}

/* Its directory of partial forms has to go; without any there is nothing to look for. */
static void note_dropped(struct publisher *p, struct tile t)
{
        if ((!p->caught_up || p->partial[t.level + 1] == t.n + 1) &&
            p->n_dropped < PUBLISHER_FILES_MAX)
                p->dropped[p->n_dropped++] = t;
}

int publisher_write_pending(struct publisher *p, struct err *err)
{
        int r;

        for (size_t i = 0; i < p->n_pending; i++) {
                const struct pending *f = &p->pending[i];

                r = put_tile(p, f->tile, span_of(p->pending_bytes.p + f->at, f->n), err);
                if (r < 0)
                        return r;
                note_dropped(p, f->tile);
        }
        p->n_pending = 0;
        buf_clear(&p->pending_bytes);
        return 0;
}

bool publisher_is_laden(const struct publisher *p)
{
        return p->pending_bytes.n >= PENDING_SOFT;
}

static int write_partials(struct publisher *p, struct err *err)
{
        uint64_t size = p->state.size;
        int r;

        for (int level = TILE_LEVEL_ENTRIES; level <= TILE_LEVEL_MAX; level++) {
                struct tile t = { .level = level,
                                  .n = tile_full_count(size, level),
                                  .width = tile_partial_width(size, level) };
                struct span content;

                if (t.width == 0)
                        continue;
                content = level < 0 ? buf_span(&p->bundle)
                                    : span_of(p->state.slot[level], t.width * HASH_LEN);
                p->partial[level + 1] = t.n + 1;
                r = put_tile(p, t, content, err);
                if (r < 0)
                        return r;
        }
        return store_rows(p, size / TILE_WIDTH, err);
}

int publisher_write_tree(struct publisher *p, struct err *err)
{
        int r = publisher_write_pending(p, err);

        if (r == 0)
                r = write_partials(p, err);
        if (r == 0)
                r = filewriter_sync(p->writer, err);
        if (r == 0 && p->vault)
                r = vault_store_sync(p->vault, err);
        return r;
}

void publisher_drop_partials(struct publisher *p)
{
        char dir[TILE_PATH_MAX];

        for (size_t i = 0; i < p->n_dropped; i++) {
                p->dropped[i].width = 1; /* any: the partial forms of a tile share a directory */
                tile_dir(p->dropped[i], dir);
                filewriter_drop_dir(p->writer, dir);
        }
        p->n_dropped = 0;
}

int publisher_check_root(struct publisher *p, const struct hash *want, struct err *err)
{
        struct hash root;

        tilestate_root(&p->state, &root);
        if (hash_eq(&root, want))
                return 0;
        return err_set(err, -EBADMSG,
                       "size %llu: the root computed again from the disk is another; the log stops",
                       (unsigned long long)p->state.size);
}
