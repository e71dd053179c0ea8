/* SPDX-License-Identifier: Apache-2.0 */
/* vault_walk.c - through the row files, one of them or all: whose rows are where, and without them.
 *
 * SECURITY: reads files only the recorder writes; still checked whole before use. */
#include "ledger/vault/vault_priv.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- every file ---- */

typedef int file_fn(struct vault *v, const struct rows_file *f, void *ctx, struct err *err);

static int compare_names(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *e)
{
        size_t n = strlen(e->d_name);

        return e->d_name[0] != '.' && !(n > 4 && strcmp(e->d_name + n - 4, ".tmp") == 0);
}

/* Depth first in the order of names.  Files ("005") come before directories ("x001") of higher
 * numbers on each level, which is ascending order of bundles. */
static int each_file(struct vault *v, const char *dir, file_fn *fn, void *ctx, struct err *err)
{
        struct dirent **names = NULL;
        int n, r = 0;

        n = scandirat(v->rows_fd, dir, &names, not_hidden, compare_names);
        if (n < 0)
                return err_sys(err, -errno, "vault/%s", dir);
        for (int i = 0; i < n; i++) {
                char path[ROWS_PATH_MAX];
                struct rows_file f;
                int len;

                len = snprintf(path, sizeof path, "%s%s%s", strcmp(dir, ".") ? dir : "",
                               strcmp(dir, ".") ? "/" : "", names[i]->d_name);
                if (r == 0 && (len < 0 || (size_t)len >= sizeof path))
                        r = err_set(err, -EBADMSG, "vault/%s: unexpected file", names[i]->d_name);
                if (r == 0 && names[i]->d_name[0] == 'x')
                        r = each_file(v, path, fn, ctx, err);
                else if (r == 0 && (r = vault_load_file(v, path, &f, err)) == 0) {
                        r = fn(v, &f, ctx, err);
                        free(f.bytes);
                }
                free(names[i]);
        }
        free(names);
        return r;
}

struct index_walk {
        uint32_t slot;
        int (*fn)(void *ctx, uint64_t index, size_t rows);
        void *ctx;
};

static int index_file(struct vault *v, const struct rows_file *f, void *ctx, struct err *err)
{
        struct index_walk *w = ctx;
        struct span items = f->items, rows;
        uint64_t index;
        int r, rr = 1;

        while ((r = vault_next_item(&items, &index, &rows)) == 1) {
                struct row row;
                size_t n = 0;

                while ((rr = vault_next_row(&rows, &row)) == 1)
                        n += row.slot == w->slot;
                if (rr < 0)
                        break;
                rr = n ? w->fn(w->ctx, index, n) : 0;
                if (rr < 0)
                        return rr;
        }
        if (r < 0 || rr < 0)
                return err_set(err, -EBADMSG, "vault: malformed rows of bundle %llu",
                               (unsigned long long)f->bundle);
        return 0;
}

struct held_walk {
        uint64_t min_index;
        bool held;
};

static int held_file(struct vault *v, const struct rows_file *f, void *ctx, struct err *err)
{
        struct held_walk *w = ctx;
        struct span items = f->items, rows;
        uint64_t index;
        struct slot slot;
        struct row row;
        int r, rr = 0;

        if (w->held || f->bundle * TILE_WIDTH >= w->min_index)
                return 0;
        while ((r = vault_next_item(&items, &index, &rows)) == 1 && !w->held) {
                while ((rr = vault_next_row(&rows, &row)) == 1 && !w->held) {
                        rr = vault_read_slot(v, row.slot, &slot, err);
                        if (rr < 0)
                                return rr;
                        w->held = slot.state == SLOT_HELD;
                        wipe(&slot, sizeof slot);
                }
                if (rr < 0)
                        break;
        }
        if (r < 0 || rr < 0)
                return err_set(err, -EBADMSG, "vault: malformed rows of bundle %llu",
                               (unsigned long long)f->bundle);
        return 0;
}

int vault_held_below(struct vault *v, uint64_t min_index, bool *ret, struct err *err)
{
        struct held_walk w = { .min_index = min_index };
        int r = each_file(v, ".", held_file, &w, err);

        if (r == 0)
                *ret = w.held;
        return r;
}

static int strip_file(struct vault *v, const struct rows_file *f, void *ctx, struct err *err)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(ROWS_FILE_MAX);
        uint32_t without = *(uint32_t *)ctx, count = 0;
        struct span items = f->items, rows;
        uint64_t index;
        int r;

        vault_begin_file(&out, f->bundle);
        while ((r = vault_next_item(&items, &index, &rows)) == 1) {
                r = vault_add_item(v, &out, index, rows, without, &count);
                if (r < 0)
                        break;
        }
        if (r < 0)
                return err_sys(err, r, "vault: rows of bundle %llu", (unsigned long long)f->bundle);
        if (buf_status(&out) == 0 && out.n == f->n - 4)
                return 0; /* nothing of this subject in it */
        r = vault_end_file(&out, f->bundle, count, err);
        if (r == 0)
                r = count ? vault_put_file(v, f->bundle, buf_span(&out), err)
                          : vault_remove_file(v, f->bundle, err);
        return r;
}

int vault_remove_rows(struct vault *v, uint32_t slot, struct err *err)
{
        /* Rows that still wait, after a disk without room, would come back later. */
        int r = vault_store_sync(v, err);

        if (r == 0)
                r = each_file(v, ".", strip_file, &slot, err);
        return r < 0 ? r : vault_store_sync(v, err);
}

/* ---- one file ---- */

/* 0 also when the bundle has none. */
static int of_bundle(struct vault *v, uint64_t bundle, file_fn *fn, void *ctx, struct err *err)
{
        char path[ROWS_PATH_MAX], dir[ROWS_PATH_MAX];
        struct err none = { 0 };
        struct rows_file f;
        int r;

        vault_rows_path(bundle, path, dir);
        r = vault_load_file(v, path, &f, &none);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return err_set(err, r, "%s", err_text(&none));
        r = fn(v, &f, ctx, err);
        free(f.bytes);
        return r;
}

int vault_bundle_indices(struct vault *v, uint32_t slot, uint64_t bundle,
                         int (*fn)(void *ctx, uint64_t index, size_t rows), void *ctx,
                         struct err *err)
{
        struct index_walk w = { .slot = slot, .fn = fn, .ctx = ctx };

        return of_bundle(v, bundle, index_file, &w, err);
}

int vault_bundle_is_held(struct vault *v, uint64_t bundle, bool *ret, struct err *err)
{
        struct held_walk w = { .min_index = UINT64_MAX };
        int r = of_bundle(v, bundle, held_file, &w, err);

        if (r == 0)
                *ret = w.held;
        return r;
}

int vault_erase_rows(struct vault *v, uint32_t slot, uint64_t bundle, struct err *err)
{
        return of_bundle(v, bundle, strip_file, &slot, err);
}
