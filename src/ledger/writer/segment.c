/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/writer/segment.h"

#include "base/text.h"
#include "sys/names.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CLEAR_CHUNK = 1024 * 1024, DIRECT_ALIGN = 4096 };

void segment_name(uint64_t number, char out[SEGMENT_NAME_MAX])
{
        snprintf(out, SEGMENT_NAME_MAX, "%012llu", (unsigned long long)number);
}

/* "000000000012" and nothing else. */
static bool parse_name(const char *name, uint64_t *ret)
{
        char again[SEGMENT_NAME_MAX];
        struct span s = span_str(name);

        while (s.n > 1 && s.p[0] == '0')
                s = span_from(s, 1);
        if (text_to_u64(s, ret) < 0)
                return false;
        segment_name(*ret, again);
        return *ret > 0 && strcmp(again, name) == 0;
}

static int compare_u64(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

static bool ends_with(const char *s, const char *tail)
{
        size_t n = strlen(s), m = strlen(tail);

        return n >= m && strcmp(s + n - m, tail) == 0;
}

struct listing {
        const struct io *io;
        int wal_fd;
        bool clean;
        uint64_t *numbers;
        size_t n;
        struct err *err;
        bool said; /* err has it */
};

static int list_one(void *ctx, int dirfd, const char *name)
{
        struct listing *l = ctx;
        uint64_t number;
        int r;

        if (l->clean && ends_with(name, ".tmp")) {
                r = l->io->unlink(l->io->ctx, l->wal_fd, name);
                l->said = r < 0;
                return r < 0 ? err_sys(l->err, r, "wal/%s", name) : 0;
        }
        if (!parse_name(name, &number))
                return 0;
        if (l->n == SEGMENTS_MAX) {
                l->said = true;
                return err_set(l->err, -E2BIG, "wal: more than %d segments", SEGMENTS_MAX);
        }
        l->numbers[l->n++] = number;
        return 0;
}

static int check_gaps(const uint64_t *numbers, size_t n, struct err *err)
{
        for (size_t i = 1; i < n; i++)
                if (numbers[i] != numbers[i - 1] + 1)
                        return err_set(err, -EBADMSG, "wal: segment %llu is missing",
                                       (unsigned long long)numbers[i - 1] + 1);
        return 0;
}

int segment_list(const struct io *io, int wal_fd, bool clean, uint64_t **ret, size_t *ret_n,
                 struct err *err)
{
        struct listing l = { .io = io,
                             .wal_fd = wal_fd,
                             .clean = clean,
                             .numbers = calloc(SEGMENTS_MAX, sizeof *l.numbers),
                             .err = err };
        int r = l.numbers ? names_each(wal_fd, ".", list_one, &l) : -ENOMEM;

        if (r < 0 && !l.said)
                err_sys(err, r, "wal");
        if (r == 0) {
                qsort(l.numbers, l.n, sizeof *l.numbers, compare_u64);
                r = check_gaps(l.numbers, l.n, err);
        }
        if (r < 0) {
                free(l.numbers);
                return r;
        }
        *ret = l.numbers;
        *ret_n = l.n;
        return 0;
}

static int open_uncached(const struct io *io, int wal_fd, const char *name)
{
        int fd = io->open(io->ctx, wal_fd, name, O_RDONLY | O_NONBLOCK | O_DIRECT, 0);

        if (fd == -EINVAL) { /* tmpfs and some others */
                fd = io->open(io->ctx, wal_fd, name, O_RDONLY | O_NONBLOCK, 0);
                if (fd >= 0)
                        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        }
        return fd;
}

int segment_read(const struct io *io, int wal_fd, uint64_t number, uint8_t **ret, size_t *ret_n,
                 struct err *err)
{
        char name[SEGMENT_NAME_MAX];
        CLEANUP_FD int fd = -1;
        struct stat st;
        void *bytes;
        ssize_t n;

        segment_name(number, name);
        fd = open_uncached(io, wal_fd, name);
        if (fd < 0)
                return err_sys(err, fd, "wal/%s", name);
        if (fstat(fd, &st) < 0)
                return err_sys(err, -errno, "wal/%s", name);
        if (st.st_size < WAL_SEGMENT_HEADER || st.st_size > LEDGER_SEGMENT_MAX ||
            st.st_size % DIRECT_ALIGN)
                return err_set(err, -EBADMSG, "wal/%s: %lld bytes is no segment's size", name,
                               (long long)st.st_size);
        bytes = aligned_alloc(DIRECT_ALIGN, (size_t)st.st_size);
        if (!bytes)
                return err_sys(err, -ENOMEM, "wal/%s", name);
        n = io->pread(io->ctx, fd, bytes, (size_t)st.st_size, 0);
        if (n != st.st_size) {
                free(bytes);
                return err_sys(err, n < 0 ? (int)n : -EIO, "wal/%s: read", name);
        }
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        *ret = bytes;
        *ret_n = (size_t)n;
        return 0;
}

int segment_clear(const struct io *io, int fd, uint64_t at, uint64_t n, struct err *err)
{
        static const uint8_t zeros[CLEAR_CHUNK];
        ssize_t w;
        int r;

        while (n > 0) {
                size_t part = (size_t)MIN_OF(n, (uint64_t)CLEAR_CHUNK);

                w = io->pwrite(io->ctx, fd, zeros, part, (off_t)at);
                if (w < 0)
                        return err_sys(err, (int)w, "wal: write");
                at += part;
                n -= part;
        }
        r = io->fdatasync(io->ctx, fd);
        return r < 0 ? err_sys(err, r, "wal: sync") : 0;
}

static int prepare(const struct segment_order *o, struct err *err)
{
        char temporary[SEGMENT_NAME_MAX + 8];
        CLEANUP_FD int fd = -1;
        int r;

        snprintf(temporary, sizeof temporary, "%s.tmp", o->to);
        if (o->from[0]) {
                r = o->io->rename(o->io->ctx, o->wal_fd, o->from, temporary);
                if (r < 0)
                        return err_sys(err, r, "wal/%s: rename", o->from);
                /* A crash must not leave the old name with the new zeros. */
                r = o->io->fsync(o->io->ctx, o->wal_fd);
                if (r < 0) {
                        o->io->unlink(o->io->ctx, o->wal_fd, temporary);
                        return err_sys(err, r, "wal: sync");
                }
        }
        fd = o->io->open(o->io->ctx, o->wal_fd, temporary, O_RDWR | O_CREAT, 0600);
        if (fd < 0)
                return err_sys(err, fd, "wal/%s", temporary);
        r = o->io->ftruncate(o->io->ctx, fd, o->bytes);
        if (r < 0)
                r = err_sys(err, r, "wal/%s", temporary);
        else
                r = segment_clear(o->io, fd, 0, o->bytes, err);
        if (r == 0) {
                r = o->io->rename(o->io->ctx, o->wal_fd, temporary, o->to);
                if (r < 0)
                        err_sys(err, r, "wal/%s: rename", temporary);
        }
        if (r == 0) {
                r = o->io->fsync(o->io->ctx, o->wal_fd);
                if (r < 0)
                        err_sys(err, r, "wal: sync");
        }
        if (r < 0) /* give the room back; a later try begins anew */
                o->io->unlink(o->io->ctx, o->wal_fd, temporary);
        return r;
}

void segment_prepare(struct segment_order *o)
{
        o->result = prepare(o, &o->err);
}
