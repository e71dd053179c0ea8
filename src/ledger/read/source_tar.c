/* SPDX-License-Identifier: Apache-2.0 */
/* source_tar.c - a published log in an archive.
 *
 * The files go one after the other into one file without a name, which is gone with the process
 * however that ends, and are found by an index in memory.
 *
 * SECURITY: archives come from strangers and libarchive parses them, in a process without keys.
 * Only the formats named below are switched on (others would start helper programs); of regular
 * files below the archive's root the bytes are kept, under four ceilings, and no path of the
 * archive is ever opened. */
#include "ledger/read/source.h"

#include "sys/io.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
        READ_BLOCK = 128 * 1024,
        NAMES_MAX = 512 << 20,
};

struct tar_file {
        size_t path; /* where it begins in names */
        uint64_t at; /* in the file without a name */
        size_t size;
};

struct tar {
        struct source s;
        int fd; /* the file without a name */
        uint64_t end;
        struct buf names; /* each with its NUL */
        struct tar_file *file;
        size_t n, max;
        char name[256];
        uint64_t left;         /* bytes that may still be unpacked */
        char prefix[PATH_MAX]; /* directory of the best checkpoint so far and a slash, "" for none
                                */
        size_t depth;
        bool found, ambiguous;
};

/* ---- names ---- */

/* "./" in front and doubled slashes are how tar writes; "..", an absolute path or an empty one is
 * how archives attack.  Fills out with the plain form; false: refuse. */
static bool plain_path(const char *path, char out[PATH_MAX])
{
        size_t n = 0, part;

        if (*path == '/')
                return false;
        while (*path) {
                part = strcspn(path, "/");
                if (part == 2 && memcmp(path, "..", 2) == 0)
                        return false;
                if (part && !(part == 1 && *path == '.')) {
                        if (n + part + 2 > PATH_MAX)
                                return false;
                        if (n)
                                out[n++] = '/';
                        memcpy(out + n, path, part);
                        n += part;
                }
                path += part + (path[part] == '/');
        }
        out[n] = '\0';
        return n > 0;
}

/* Is this the checkpoint of a log less deep than the last one found? */
static void consider(struct tar *t, const char *path)
{
        const char *slash = strrchr(path, '/');
        size_t depth = 0;

        if (strcmp(slash ? slash + 1 : path, "checkpoint") != 0)
                return;
        for (const char *p = path; *p; p++)
                depth += *p == '/';
        if (t->found && depth >= t->depth) {
                t->ambiguous |= depth == t->depth;
                return;
        }
        t->found = true;
        t->ambiguous = false;
        t->depth = depth;
        snprintf(t->prefix, sizeof t->prefix, "%.*s", slash ? (int)(slash + 1 - path) : 0, path);
}

/* ---- unpacking ---- */

static int bad_archive(const struct tar *t, struct archive *a, struct err *err)
{
        const char *why = archive_error_string(a);

        return err_set(err, -EBADMSG, "%s: %s", t->name, why ? why : "not a tar archive");
}

/* What cannot be begun may be anything else. */
static int no_archive(const struct tar *t, struct archive *a, struct err *err)
{
        if (archive_errno(a) != EILSEQ) /* libarchive's code for a format it does not know */
                return bad_archive(t, a, err);
        return err_set(err, -ENOENT, "%s is not a ledger: not a tar archive", t->name);
}

/* Behind what is there already. */
static int copy_data(struct tar *t, struct archive *a, struct tar_file *f, const char *path,
                     struct err *err)
{
        const void *p;
        size_t n;
        la_int64_t at;
        ssize_t put;
        int r;

        while ((r = archive_read_data_block(a, &p, &n, &at)) == ARCHIVE_OK) {
                if (at < 0 || at > SOURCE_FILE_MAX || n > (size_t)(SOURCE_FILE_MAX - at))
                        return err_set(err, -EFBIG, "%s: %s is larger than any file of a log",
                                       t->name, path);
                if (n > t->left)
                        return err_set(err, -EFBIG, "%s: more bytes than may be unpacked", t->name);
                put = io_kernel.pwrite(io_kernel.ctx, t->fd, p, n, (off_t)(f->at + (uint64_t)at));
                if (put < 0)
                        return err_sys(err, (int)put, "%s: unpacking %s", t->name, path);
                t->left -= n;
                f->size = (size_t)at + n; /* a hole at the end is a block without bytes */
        }
        if (r != ARCHIVE_EOF)
                return bad_archive(t, a, err);
        t->end = f->at + f->size;
        return ftruncate(t->fd, (off_t)t->end) < 0
                       ? err_sys(err, -errno, "%s: unpacking %s", t->name, path)
                       : 0;
}

static int add_file(struct tar *t, const char *path, struct tar_file **ret)
{
        if (t->n == t->max) {
                size_t max = t->max ? 2 * t->max : 256;
                struct tar_file *p = realloc(t->file, max * sizeof *p);

                if (!p)
                        return -ENOMEM;
                t->file = p;
                t->max = max;
        }
        t->file[t->n] = (struct tar_file){ .path = t->names.n, .at = t->end };
        buf_put(&t->names, span_of(path, strlen(path) + 1));
        *ret = &t->file[t->n++];
        return buf_status(&t->names);
}

static int unpack_file(struct tar *t, struct archive *a, const char *path, struct err *err)
{
        struct tar_file *f;
        int r;

        if (t->n == SOURCE_TAR_FILES)
                return err_set(err, -EFBIG, "%s: more than %d files", t->name, SOURCE_TAR_FILES);
        r = add_file(t, path, &f);
        if (r)
                return err_set(err, r, "%s: no memory for the names of its files", t->name);
        r = copy_data(t, a, f, path, err);
        if (!r)
                consider(t, path);
        return r;
}

static int unpack_entry(struct tar *t, struct archive *a, struct archive_entry *e, struct err *err)
{
        const char *raw = archive_entry_pathname(e);
        char path[PATH_MAX];

        if (archive_entry_filetype(e) == AE_IFDIR)
                return 0;
        if (!raw || !plain_path(raw, path))
                return err_set(err, -EBADMSG, "%s: refused path %s", t->name, raw ? raw : "(none)");
        if (archive_entry_filetype(e) != AE_IFREG || archive_entry_hardlink(e))
                return err_set(err, -EBADMSG,
                               "%s: %s is a link or a device; a log has plain files only", t->name,
                               path);
        return unpack_file(t, a, path, err);
}

static int unpack(struct tar *t, int fd, struct err *err)
{
        struct archive *a = archive_read_new();
        struct archive_entry *e;
        int got = ARCHIVE_OK, r = 0;

        if (!a)
                return err_set(err, -ENOMEM, "%s: out of memory", t->name);
        if (archive_read_support_format_tar(a) != ARCHIVE_OK ||
            archive_read_support_filter_gzip(a) != ARCHIVE_OK ||
            archive_read_support_filter_bzip2(a) != ARCHIVE_OK ||
            archive_read_support_filter_xz(a) != ARCHIVE_OK ||
            archive_read_support_filter_zstd(a) != ARCHIVE_OK ||
            archive_read_open_fd(a, fd, READ_BLOCK) != ARCHIVE_OK)
                r = no_archive(t, a, err);
        while (!r && (got = archive_read_next_header(a, &e)) == ARCHIVE_OK)
                r = unpack_entry(t, a, e, err);
        if (!r && got != ARCHIVE_EOF)
                r = bad_archive(t, a, err);
        archive_read_free(a);
        return r;
}

/* ---- the source ---- */

static const char *path_of(const struct tar *t, const struct tar_file *f)
{
        return (const char *)t->names.p + f->path;
}

static int compare(const void *a, const void *b, void *ctx)
{
        return strcmp(path_of(ctx, a), path_of(ctx, b));
}

static int sort_files(struct tar *t, struct err *err)
{
        if (t->n)
                qsort_r(t->file, t->n, sizeof *t->file, compare, t);
        for (size_t i = 1; i < t->n; i++)
                if (compare(&t->file[i - 1], &t->file[i], t) == 0)
                        return err_set(err, -EBADMSG, "%s: %s is there twice", t->name,
                                       path_of(t, &t->file[i]));
        return 0;
}

/* The first whose path is not below this one. */
static size_t lower_bound(const struct tar *t, const char *path)
{
        size_t lo = 0, hi = t->n;

        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;

                if (strcmp(path_of(t, &t->file[mid]), path) < 0)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo;
}

static int tar_read(struct source *s, const char *path, struct buf *out, struct err *err)
{
        struct tar *t = CONTAINER_OF(s, struct tar, s);
        char whole[2 * PATH_MAX];
        const struct tar_file *f;
        uint8_t *at;
        ssize_t n;
        size_t i;

        if (snprintf(whole, sizeof whole, "%s%s", t->prefix, path) >= (int)sizeof whole)
                return err_sys(err, -ENAMETOOLONG, "%s", path);
        i = lower_bound(t, whole);
        f = &t->file[i];
        if (i == t->n || strcmp(path_of(t, f), whole) != 0)
                return err_sys(err, -ENOENT, "%s", path);
        if (f->size == 0)
                return 0;
        at = buf_extend(out, f->size);
        if (!at)
                return err_set(err, buf_status(out), "%s: no memory", path);
        n = io_kernel.pread(io_kernel.ctx, t->fd, at, f->size, (off_t)f->at);
        if (n == (ssize_t)f->size)
                return 0;
        out->n -= f->size;
        return err_sys(err, n < 0 ? (int)n : -EIO, "%s", path);
}

static int tar_list(struct source *s, int (*fn)(void *ctx, const char *path), void *ctx,
                    struct err *err)
{
        struct tar *t = CONTAINER_OF(s, struct tar, s);
        size_t n = strlen(t->prefix);
        int r = 0;

        for (size_t i = lower_bound(t, t->prefix); i < t->n && r >= 0; i++) {
                if (strncmp(path_of(t, &t->file[i]), t->prefix, n) != 0)
                        break;
                r = fn(ctx, path_of(t, &t->file[i]) + n);
        }
        return MIN_OF(r, 0);
}

static struct source *tar_free(struct source *s)
{
        struct tar *t = CONTAINER_OF(s, struct tar, s);

        fd_close(&t->fd);
        buf_done(&t->names);
        free(t->file);
        free(t);
        return NULL;
}

/* Where the filesystem knows no file without a name, one that loses it at once. */
static int named_room(const char *name, const char *tmp, struct err *err)
{
        CLEANUP_FD int fd = -1;
        char path[PATH_MAX];
        int n = snprintf(path, sizeof path, "%s/assay-verify-XXXXXX", tmp), r;

        if (n < 0 || (size_t)n >= sizeof path)
                return err_sys(err, -ENAMETOOLONG, "archive %s: unpacking into %s", name, tmp);
        fd = mkostemp(path, O_CLOEXEC);
        if (fd < 0)
                return err_sys(err, -errno, "archive %s: unpacking into %s", name, tmp);
        if (unlink(path) < 0)
                return err_sys(err, -errno, "archive %s: %s", name, path);
        r = fd;
        fd = -1;
        return r;
}

int source_tar_room(const char *name, const char *tmp, int *ret, struct err *err)
{
        int fd;

        if (!tmp)
                tmp = getenv("TMPDIR");
        if (!tmp || !*tmp)
                tmp = "/tmp";
        fd = open(tmp, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
                fd = named_room(name, tmp, err);
        else if (fd < 0)
                return err_sys(err, -errno, "archive %s: unpacking into %s", name, tmp);
        if (fd < 0)
                return fd;
        *ret = fd;
        return 0;
}

static int find_log(struct tar *t, struct err *err)
{
        if (!t->found)
                return err_set(err, -ENOENT, "%s: no file named checkpoint in it", t->name);
        return t->ambiguous ? err_set(err, -EBADMSG, "%s: more than one log in it", t->name) : 0;
}

int source_tar(int fd, const char *name, int room, uint64_t max_bytes, struct source **ret,
               struct err *err)
{
        struct tar *t = calloc(1, sizeof *t);
        int r;

        if (!t) {
                fd_close(&room);
                return err_set(err, -ENOMEM, "archive %s: out of memory", name);
        }
        snprintf(t->name, sizeof t->name, "archive %s", name);
        t->fd = room;
        t->names = BUF_INIT(NAMES_MAX);
        t->left = max_bytes ? max_bytes : SOURCE_TAR_BYTES;
        t->s = (struct source){
                .read = tar_read, .list = tar_list, .free = tar_free, .name = t->name
        };
        r = unpack(t, fd, err);
        if (!r)
                r = sort_files(t, err);
        if (!r)
                r = find_log(t, err);
        if (r)
                tar_free(&t->s);
        else
                *ret = &t->s;
        return r;
}
