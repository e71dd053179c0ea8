/* SPDX-License-Identifier: Apache-2.0 */
/* vault_rows.c - sealed rows on disk, one file a bundle.  Format in vault_priv.h.
 *
 * SECURITY: reads files only the recorder writes; still checked whole before use. */
#include "base/le.h"
#include "base/text.h"
#include "ledger/vault/vault_priv.h"
#include "sys/crc32c.h"
#include "wire/tile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const uint8_t magic[8] = { 'A', 'S', 'Y', 'R', 'O', 'W', 'S', '1' };

enum { FILE_HEADER = 20, ITEM_HEADER = 12 };

void vault_rows_path(uint64_t bundle, char out[ROWS_PATH_MAX], char dir[ROWS_PATH_MAX])
{
        struct tile t = { .level = TILE_LEVEL_ENTRIES, .n = bundle, .width = TILE_WIDTH };
        char path[TILE_PATH_MAX];
        size_t skip = strlen("tile/entries/");
        char *slash;

        tile_path(t, path);
        snprintf(out, ROWS_PATH_MAX, "%s", path + skip);
        snprintf(dir, ROWS_PATH_MAX, "%s", path + skip);
        slash = strrchr(dir, '/');
        if (slash)
                *slash = '\0';
        else
                snprintf(dir, ROWS_PATH_MAX, ".");
}

/* ---- rows ---- */

int vault_next_row(struct span *rows, struct row *ret)
{
        size_t n;

        if (rows->n == 0)
                return 0;
        if (rows->n < ROW_HEADER)
                return -EBADMSG;
        n = (size_t)le_get(rows->p + 4, 2);
        if (n > rows->n - ROW_HEADER || n < SEAL_EXTRA)
                return -EBADMSG;
        ret->slot = (uint32_t)le_get(rows->p, 4);
        ret->sealed = span_of(rows->p + ROW_HEADER, n);
        *rows = span_from(*rows, ROW_HEADER + n);
        return 1;
}

/* Append the rows whose subject still exists, and that are not `without`'s. */
static int copy_rows(const struct vault *v, struct span rows, uint32_t without, struct buf *out)
{
        const uint8_t *from;
        struct row row;
        int r;

        for (from = rows.p; (r = vault_next_row(&rows, &row)) == 1; from = rows.p)
                if (row.slot != without && !vault_slot_is_erased(v, row.slot))
                        buf_put(out, span_of(from, ROW_HEADER + row.sealed.n));
        return r;
}

/* ---- files ---- */

void vault_begin_file(struct buf *out, uint64_t bundle)
{
        buf_clear(out);
        buf_put(out, span_of(magic, sizeof magic));
        le_append(out, bundle, 8);
        le_append(out, 0, 4); /* count, filled in by end_file */
}

int vault_add_item(const struct vault *v, struct buf *out, uint64_t index, struct span rows,
                   uint32_t without, uint32_t *count)
{
        size_t begun = out->n, n;
        int r;

        le_append(out, index, 8);
        le_append(out, 0, 4);
        r = copy_rows(v, rows, without, out);
        if (r < 0 || buf_status(out) < 0)
                return r < 0 ? r : buf_status(out);
        n = out->n - begun - ITEM_HEADER;
        if (n == 0) {
                out->n = begun;
                return 0;
        }
        le_put32(out->p + begun + 8, (uint32_t)n);
        ++*count;
        return 0;
}

int vault_end_file(struct buf *out, uint64_t bundle, uint32_t count, struct err *err)
{
        if (out->n >= FILE_HEADER)
                le_put32(out->p + 16, count);
        le_append(out, crc32c(0, buf_span(out)), 4);
        if (buf_status(out) < 0)
                return err_sys(err, buf_status(out), "vault/%llu", (unsigned long long)bundle);
        return 0;
}

/* The file calls know only what the file is called below vault/. */
static int in_vault(int r, struct err *err)
{
        if (r < 0 && err && err->code)
                (void)err_wrap(err, "vault");
        return r;
}

static const char *last_part(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

int vault_put_file(struct vault *v, uint64_t bundle, struct span content, struct err *err)
{
        char path[ROWS_PATH_MAX], dir[ROWS_PATH_MAX];
        int r = 0;

        if (!v->writer)
                r = filewriter_new(v->rows_fd, &v->io, v->syncer, 0600, 0700, &v->writer, err);
        if (r < 0)
                return in_vault(r, err);
        vault_rows_path(bundle, path, dir);
        /* Without room, the rows of other bundles wait on: the publisher tries again, from here. */
        r = filewriter_put(v->writer, dir, last_part(path), content, FILEWRITER_REPLACE, err);
        if (r < 0 && r != -ENOSPC)
                v->writer = filewriter_free(v->writer);
        return in_vault(r, err);
}

int vault_store(struct vault *v, uint64_t bundle, const struct vault_rows *rows, size_t n,
                struct err *err)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(ROWS_FILE_MAX);
        uint32_t count = 0;
        int r;

        vault_begin_file(&out, bundle);
        for (size_t i = 0; i < n; i++) {
                r = vault_add_item(v, &out, rows[i].index, rows[i].rows, 0, &count);
                if (r < 0)
                        return err_sys(err, r, "sealed rows of entry %llu",
                                       (unsigned long long)rows[i].index);
        }
        if (count == 0)
                return 0;
        r = vault_end_file(&out, bundle, count, err);
        return r < 0 ? r : vault_put_file(v, bundle, buf_span(&out), err);
}

void vault_set_syncer(struct vault *v, struct syncer *syncer)
{
        v->syncer = syncer;
}

int vault_store_sync(struct vault *v, struct err *err)
{
        int r = v->writer ? filewriter_sync(v->writer, err) : 0;

        if (r < 0)
                v->writer = filewriter_free(v->writer);
        return in_vault(r, err);
}

int vault_remove_file(struct vault *v, uint64_t bundle, struct err *err)
{
        char path[ROWS_PATH_MAX], dir[ROWS_PATH_MAX];
        CLEANUP_FD int dirfd = -1;
        int r;

        vault_rows_path(bundle, path, dir);
        dirfd = v->io.open(v->io.ctx, v->rows_fd, dir, O_RDONLY | O_DIRECTORY, 0);
        if (dirfd < 0)
                return err_sys(err, dirfd, "vault/%s", dir);
        r = v->io.unlink(v->io.ctx, v->rows_fd, path);
        if (r == 0)
                r = v->io.fsync(v->io.ctx, dirfd);
        return r < 0 ? err_sys(err, r, "vault/%s", path) : 0;
}

static int check_file(struct rows_file *f, const char *path, struct err *err)
{
        uint32_t crc;

        if (f->n < FILE_HEADER + 4 || memcmp(f->bytes, magic, sizeof magic) != 0)
                return err_set(err, -EBADMSG, "vault/%s: no file of sealed rows", path);
        crc = (uint32_t)le_get(f->bytes + f->n - 4, 4);
        if (crc != crc32c(0, span_of(f->bytes, f->n - 4)))
                return err_set(err, -EBADMSG, "vault/%s: the checksum is wrong", path);
        f->bundle = le_get(f->bytes + 8, 8);
        f->count = (uint32_t)le_get(f->bytes + 16, 4);
        f->items = span_of(f->bytes + FILE_HEADER, f->n - FILE_HEADER - 4);
        return 0;
}

int vault_load_file(struct vault *v, const char *path, struct rows_file *f, struct err *err)
{
        int r = io_read_file(&v->io, v->rows_fd, path, ROWS_FILE_MAX, &f->bytes, &f->n, err);

        if (r < 0)
                return in_vault(r, err);
        r = check_file(f, path, err);
        if (r < 0)
                free(f->bytes);
        return r;
}

int vault_next_item(struct span *items, uint64_t *ret_index, struct span *ret_rows)
{
        size_t n;

        if (items->n == 0)
                return 0;
        if (items->n < ITEM_HEADER)
                return -EBADMSG;
        n = (size_t)le_get(items->p + 8, 4);
        if (n > items->n - ITEM_HEADER)
                return -EBADMSG;
        *ret_index = le_get(items->p, 8);
        *ret_rows = span_of(items->p + ITEM_HEADER, n);
        *items = span_from(*items, ITEM_HEADER + n);
        return 1;
}

/* ---- disclosing ---- */

static int disclose_row(struct vault *v, const struct row *row, vault_disclosure_fn *fn, void *ctx,
                        size_t *erased, struct err *err)
{
        CLEANUP(buf_done) struct buf id = BUF_INIT(ENTRY_SUBJECT_LEN + 1);
        CLEANUP(buf_done) struct buf text = BUF_INIT(UINT16_MAX);
        struct subject *s;
        uint8_t *p;
        int r;

        r = vault_subject_by_slot(v, row->slot, &s, err);
        if (r == -ENOENT) {
                ++*erased;
                return 0;
        }
        if (r < 0)
                return r;
        p = buf_extend(&text, row->sealed.n - SEAL_EXTRA);
        if (!p)
                return err_sys(err, -ENOMEM, "disclosure");
        r = seal_open(s->seal, row->sealed, span_of(s->id, SUBJECT_ID), p, err);
        if (r < 0)
                return r;
        text_put_base64url(&id, span_of(s->id, SUBJECT_ID));
        r = fn(ctx, buf_span(&id), buf_span(&text));
        wipe(text.p, text.n);
        return r;
}

/* Readers ask for one entry after the other, and a file has those of 256. */
static bool is_shown(const struct vault *v, const struct stat *st)
{
        const struct stat *s = &v->shown_stat;

        return v->shown.bytes && st->st_dev == s->st_dev && st->st_ino == s->st_ino &&
               st->st_size == s->st_size && st->st_mtim.tv_sec == s->st_mtim.tv_sec &&
               st->st_mtim.tv_nsec == s->st_mtim.tv_nsec;
}

/* The bundle's file as it is now; *ret is borrowed until the next call.  The writer, who asks for a
 * proof now and then, reads it each time. */
static int show_file(struct vault *v, uint64_t bundle, const struct rows_file **ret,
                     struct err *err)
{
        char path[ROWS_PATH_MAX], dir[ROWS_PATH_MAX];
        struct rows_file f;
        struct stat st = { 0 };
        int r;

        vault_rows_path(bundle, path, dir);
        if (!v->writable && fstatat(v->rows_fd, path, &st, 0) < 0)
                return errno == ENOENT ? -ENOENT : err_sys(err, -errno, "vault/%s", path);
        if (v->writable || !is_shown(v, &st)) {
                r = vault_load_file(v, path, &f, err);
                if (r < 0)
                        return r;
                free(v->shown.bytes);
                v->shown = f;
                v->shown_stat = st; /* one put there meanwhile is another one the next time */
        }
        *ret = &v->shown;
        return 0;
}

static int disclose_rows(struct vault *v, struct span rows, vault_disclosure_fn *fn, void *ctx,
                         size_t *erased, struct err *err)
{
        struct row row;
        int r;

        while ((r = vault_next_row(&rows, &row)) == 1) {
                r = disclose_row(v, &row, fn, ctx, erased, err);
                if (r < 0)
                        return r;
        }
        return r;
}

int vault_disclose(struct vault *v, uint64_t index, vault_disclosure_fn *fn, void *ctx,
                   size_t *ret_erased, struct err *err)
{
        const struct rows_file *f = NULL;
        struct span items = SPAN_NONE, rows;
        size_t erased = 0;
        uint64_t at;
        int r = show_file(v, index / TILE_WIDTH, &f, err);

        if (r < 0 && r != -ENOENT)
                return r;
        if (f)
                items = f->items;
        while ((r = vault_next_item(&items, &at, &rows)) == 1)
                if (at == index && (r = disclose_rows(v, rows, fn, ctx, &erased, err)) < 0)
                        break;
        if (r == -EBADMSG && err && err->code == 0)
                err_set(err, r, "vault: malformed rows of bundle %llu",
                        (unsigned long long)index / TILE_WIDTH);
        if (r == 0 && ret_erased)
                *ret_erased = erased;
        return r;
}
