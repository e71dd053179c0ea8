/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/upkeep/rotation_kept.h"

#include "base/buf.h"
#include "base/text.h"
#include "sys/names.h"
#include "wire/entry.h"
#include "wire/tile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUNDLE_MAX = TILE_WIDTH * (2 + ENTRY_MAX) };

int rotation_kept_next(struct span *rest, uint64_t after, struct rotation_kept *ret)
{
        const uint8_t *end, *blank;
        struct rotation_kept k;

        if (rest->n == 0)
                return 0;
        end = memchr(rest->p, '\n', rest->n);
        blank = end ? memchr(rest->p, ' ', (size_t)(end - rest->p)) : NULL;
        if (!blank || text_to_u64(span_of(rest->p, (size_t)(blank - rest->p)), &k.size) < 0 ||
            k.size <= after)
                return -EBADMSG;
        k.entry = span_of(blank + 1, (size_t)(end - blank - 1));
        *rest = span_from(*rest, (size_t)(end - rest->p) + 1);
        *ret = k;
        return 1;
}

/* What is kept already, and the last size in it. */
static int read_kept(int public_fd, const struct io *io, struct buf *out, uint64_t *ret_last,
                     struct err *err)
{
        struct rotation_kept k = { 0 };
        struct span rest;
        uint8_t *bytes;
        size_t n;
        int r;

        *ret_last = 0;
        r = io_read_file(io, public_fd, ROTATION_KEPT_PATH, ROTATION_KEPT_FILE_MAX, &bytes, &n,
                         err);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        buf_put(out, span_of(bytes, n));
        free(bytes);
        rest = buf_span(out);
        while ((r = rotation_kept_next(&rest, *ret_last, &k)) > 0)
                *ret_last = k.size;
        return r < 0 ? err_set(err, r, ROTATION_KEPT_PATH ": byte %zu: no size and entry",
                               out->n - rest.n)
                     : 0;
}

static int by_size(const void *a, const void *b)
{
        const uint64_t *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

struct sizes {
        uint64_t after, max;
        uint64_t *at;
        size_t n;
};

static int add_size(void *ctx, int dirfd, const char *name)
{
        struct sizes *s = ctx;
        uint64_t size;

        if (text_to_u64(span_str(name), &size) < 0 || size <= s->after || size > s->max)
                return 0;
        if (s->n == ROTATION_KEPT_MAX)
                return -E2BIG;
        s->at[s->n++] = size;
        return 0;
}

/* Sizes above `after` up to max, ascending.  -ENOENT: the key was never changed. */
static int list_sizes(int rotation_fd, uint64_t after, uint64_t max,
                      uint64_t ret[ROTATION_KEPT_MAX], size_t *ret_n, struct err *err)
{
        struct sizes s = { .after = after, .max = max, .at = ret };
        int r = names_each(rotation_fd, ".", add_size, &s);

        if (r == -E2BIG)
                return err_set(err, r, "rotation: more than %d changes of the key",
                               ROTATION_KEPT_MAX);
        if (r < 0)
                return err_sys(err, r, "rotation");
        qsort(ret, s.n, sizeof *ret, by_size);
        *ret_n = s.n;
        return 0;
}

static int put_entry(int public_fd, const struct io *io, uint64_t size, struct buf *out,
                     struct err *err)
{
        struct tile t = { TILE_LEVEL_ENTRIES, (size - 1) / TILE_WIDTH, TILE_WIDTH };
        char path[TILE_PATH_MAX];
        struct bundle_iter it;
        struct span entry = SPAN_NONE;
        uint8_t *bytes;
        size_t n;
        int r;

        tile_path(t, path);
        r = io_read_file(io, public_fd, path, BUNDLE_MAX, &bytes, &n, err);
        if (r < 0)
                return r;
        it = bundle_iter_of(span_of(bytes, n));
        r = 1;
        for (uint64_t i = 0; r > 0 && i <= (size - 1) % TILE_WIDTH; i++)
                r = bundle_next(&it, &entry);
        if (r <= 0 || memchr(entry.p, '\n', entry.n)) {
                r = err_set(err, -EBADMSG, "%s: has no entry %llu that could change the key", path,
                            (unsigned long long)size - 1);
        } else {
                buf_printf(out, "%llu ", (unsigned long long)size);
                buf_put(out, entry);
                buf_put_byte(out, '\n');
                r = 0;
        }
        free(bytes);
        return r;
}

static int store(int public_fd, int rotation_fd, const struct io *io, const struct buf *file,
                 struct err *err)
{
        if (buf_status(file) < 0)
                return err_set(err, buf_status(file) == -ENOMEM ? -ENOMEM : -E2BIG,
                               ROTATION_KEPT_PATH ": no room for the entries of all rotations");
        return io_replace_file(io, public_fd, ROTATION_KEPT_PATH, rotation_fd, 0644, buf_span(file),
                               err);
}

int rotation_keep(int public_fd, const struct io *io, uint64_t min_index, struct err *err)
{
        CLEANUP(buf_done) struct buf file = BUF_INIT(ROTATION_KEPT_FILE_MAX);
        CLEANUP_FD int fd = io->open(io->ctx, public_fd, "rotation", O_RDONLY | O_DIRECTORY, 0);
        uint64_t sizes[ROTATION_KEPT_MAX], last;
        size_t n = 0;
        int r;

        if (fd < 0)
                return fd == -ENOENT ? 0 : err_sys(err, fd, "rotation");
        r = read_kept(public_fd, io, &file, &last, err);
        if (r == 0)
                r = list_sizes(fd, last, min_index, sizes, &n, err);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = put_entry(public_fd, io, sizes[i], &file, err);
        return r < 0 || n == 0 ? r : store(public_fd, fd, io, &file, err);
}
