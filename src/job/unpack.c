/* SPDX-License-Identifier: Apache-2.0 */
#include "job/unpack.h"

#include <iconv.h>
#include <langinfo.h>
#include <sys/stat.h>
#include <unistd.h>

void unpack_prepare(void)
{
        iconv_t cd = iconv_open(nl_langinfo(CODESET), "UTF-8");

        if (cd != (iconv_t)-1)
                iconv_close(cd);
}

/* ---- the file ---- */

int file_in_init(struct file_in *f, int fd, uint64_t max, struct err *err)
{
        struct sha256_ctx *sha;
        struct stat st;

        f->sha = NULL;
        if (fstat(fd, &st) < 0)
                return err_sys(err, -errno, "input");
        if (!S_ISREG(st.st_mode))
                return err_set(err, -EINVAL, "input is no regular file");
        if (st.st_size < 0 || (uint64_t)st.st_size > max)
                return err_set(err, -EFBIG, "input of more than %llu bytes",
                               (unsigned long long)max);
        sha = sha256_new();
        if (!sha)
                return err_sys(err, -ENOMEM, "input");
        sha256_begin(sha);
        f->fd = fd;
        f->at = 0;
        f->max = max;
        f->sha = sha;
        f->have = SPAN_NONE;
        return 0;
}

void file_in_done(struct file_in *f)
{
        f->sha = sha256_free(f->sha);
}

static int fill(struct file_in *f, struct err *err)
{
        ssize_t n;

        do {
                n = pread(f->fd, f->block, sizeof f->block, (off_t)f->at);
        } while (n < 0 && errno == EINTR);
        if (n < 0)
                return err_sys(err, -errno, "input");
        if ((uint64_t)n > f->max - f->at) /* it grew */
                return err_set(err, -EFBIG, "input of more than %llu bytes",
                               (unsigned long long)f->max);
        f->at += (uint64_t)n;
        f->have = span_of(f->block, (size_t)n);
        sha256_add(f->sha, f->have);
        return 0;
}

int file_in_take(struct file_in *f, size_t want, struct span *ret, struct err *err)
{
        struct span s;
        int r;

        if (f->have.n == 0) {
                r = fill(f, err);
                if (r < 0)
                        return r;
        }
        s = span_of(f->have.p, MIN_OF(f->have.n, want));
        f->have = span_from(f->have, s.n);
        *ret = s;
        return 0;
}

int file_in_read(struct file_in *f, void *to, size_t n, struct err *err)
{
        uint8_t *p = to;
        struct span s;
        int r;

        while (n > 0) {
                r = file_in_take(f, n, &s, err);
                if (r < 0)
                        return r;
                if (s.n == 0)
                        return err_set(err, -EBADMSG, "input ends in the middle");
                memcpy(p, s.p, s.n);
                p += s.n;
                n -= s.n;
        }
        return 0;
}

int file_in_skip(struct file_in *f, uint64_t n, struct err *err)
{
        bool all = n == UINT64_MAX;
        struct span s;
        int r;

        while (n > 0) {
                r = file_in_take(f, MIN_OF(n, (uint64_t)UNPACK_BLOCK), &s, err);
                if (r < 0)
                        return r;
                if (s.n == 0)
                        return all ? 0 : err_set(err, -EBADMSG, "input ends in the middle");
                n -= all ? 0 : s.n;
        }
        return 0;
}

void file_in_hash(struct file_in *f, uint8_t ret[SHA256_LEN])
{
        sha256_end(f->sha, ret);
}

/* ---- libarchive ---- */

static const struct {
        const char *suffix;
        int (*filter)(struct archive *a);
        int code;
} filters[] = {
        { "", archive_read_support_filter_none, ARCHIVE_FILTER_NONE },
        { ".gz", archive_read_support_filter_gzip, ARCHIVE_FILTER_GZIP },
        { ".xz", archive_read_support_filter_xz, ARCHIVE_FILTER_XZ },
        { ".zst", archive_read_support_filter_zstd, ARCHIVE_FILTER_ZSTD },
        { ".bz2", archive_read_support_filter_bzip2, ARCHIVE_FILTER_BZIP2 },
        { ".lzma", archive_read_support_filter_lzma, ARCHIVE_FILTER_LZMA },
        { ".lz4", archive_read_support_filter_lz4, ARCHIVE_FILTER_LZ4 },
};

static size_t find_filter(struct span suffix)
{
        size_t i = 0;

        while (i < ARRAY_LEN(filters) && !span_eq_str(suffix, filters[i].suffix))
                i++;
        return i;
}

static la_ssize_t on_read(struct archive *a, void *ctx, const void **ret)
{
        struct unpack *u = ctx;
        struct span s = SPAN_NONE;

        if (u->left > 0 &&
            file_in_take(u->from, MIN_OF(u->left, (uint64_t)UNPACK_BLOCK), &s, &u->read_err) < 0) {
                archive_set_error(a, EIO, "input");
                return -1;
        }
        if (u->left != UINT64_MAX)
                u->left -= s.n;
        *ret = s.p;
        return (la_ssize_t)s.n;
}

/* What libarchive says, or what its callback met before. */
static int failed(struct unpack *u, struct err *err)
{
        const char *why = archive_error_string(u->a);

        if (u->read_err.code < 0)
                return err_set(err, u->read_err.code, "%s", u->read_err.text);
        if (archive_errno(u->a) == ENOMEM)
                return err_sys(err, -ENOMEM, "unpacking");
        return err_set(err, -EBADMSG, "unpacking: %s", why ? why : "cut off");
}

/* libarchive takes plain bytes where it was told of a compression, and undoes one within another;
 * whom the name is for does neither. */
static int check_filter(struct unpack *u, int code, struct err *err)
{
        int want = code == ARCHIVE_FILTER_NONE ? 1 : 2; /* the last one counts, and is none */

        if (archive_filter_count(u->a) != want || archive_filter_code(u->a, 0) != code)
                return err_set(err, -EBADMSG, "unpacking: not compressed as its name says");
        return 0;
}

int unpack_open(struct unpack *u, struct file_in *f, uint64_t n, struct span suffix,
                enum unpack_form form, uint64_t out_max, struct err *err)
{
        size_t filter = find_filter(suffix);
        int r;

        if (filter == ARRAY_LEN(filters))
                return err_set(err, -EPROTONOSUPPORT, "a compression that is not known");
        *u = (struct unpack){ .from = f, .left = n, .out_left = out_max };
        u->a = archive_read_new();
        if (!u->a)
                return err_sys(err, -ENOMEM, "unpacking");
        r = filters[filter].filter(u->a);
        if (r == ARCHIVE_OK && form == UNPACK_TAR)
                r = archive_read_support_format_tar(u->a);
        if (r == ARCHIVE_OK && form == UNPACK_PLAIN)
                r = archive_read_support_format_raw(u->a);
        if (r == ARCHIVE_OK)
                r = archive_read_support_format_empty(u->a);
        if (r == ARCHIVE_OK)
                r = archive_read_open(u->a, u, NULL, on_read, NULL);
        r = r == ARCHIVE_OK ? check_filter(u, filters[filter].code, err) : failed(u, err);
        if (r < 0)
                unpack_done(u);
        return r;
}

void unpack_done(struct unpack *u)
{
        if (u->a)
                archive_read_free(u->a);
        u->a = NULL;
}

int unpack_next(struct unpack *u, struct err *err)
{
        int r = archive_read_next_header(u->a, &u->entry);

        u->pos = 0;
        if (r == ARCHIVE_EOF && u->read_err.code == 0)
                return 0;
        /* a warning is about a name or number that could not be understood as it is written */
        return r == ARCHIVE_OK ? 1 : failed(u, err);
}

int unpack_data(struct unpack *u, struct span *ret, struct err *err)
{
        const void *p = NULL;
        la_int64_t at = 0;
        size_t n = 0;
        int r;

        do {
                r = archive_read_data_block(u->a, &p, &n, &at);
        } while (r == ARCHIVE_OK && n == 0);
        if (r == ARCHIVE_EOF && u->read_err.code == 0) {
                *ret = SPAN_NONE;
                return 0;
        }
        if (r != ARCHIVE_OK)
                return failed(u, err);
        if (n > u->out_left)
                return err_set(err, -EFBIG, "unpacking: more bytes come out than may");
        if (at < 0 || (uint64_t)at != u->pos)
                return err_set(err, -EBADMSG, "unpacking: a file with a hole");
        u->pos += n;
        u->out_left -= n;
        *ret = span_of(p, n);
        return 0;
}
