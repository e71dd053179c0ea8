/* SPDX-License-Identifier: Apache-2.0 */
/* source_tar.c - a published log in an archive.
 *
 * SECURITY: archives come from strangers and libarchive parses them, in a process without keys.
 * Only the formats named below are switched on (others would start helper programs); only regular
 * files below the archive's root are written, into a fresh directory of ours, under three ceilings.
 */
#include "ledger/source.h"

#include "sys/io.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        READ_BLOCK = 128 * 1024,
        WALK_FDS = 16,
};

struct tar {
        struct source s;
        struct source *dir; /* of what was unpacked */
        char tmp[PATH_MAX];
        int tmp_fd, log_fd;
        char name[256];
        uint64_t left; /* bytes that may still be unpacked */
        uint64_t files;
        char prefix[PATH_MAX]; /* directory of the best checkpoint so far, "" for the root */
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
        snprintf(t->prefix, sizeof t->prefix, "%.*s", slash ? (int)(slash - path) : 0, path);
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

static int copy_data(struct tar *t, struct archive *a, const char *path, int fd, struct err *err)
{
        const void *p;
        size_t n;
        la_int64_t at, end = 0;
        ssize_t put;
        int r;

        while ((r = archive_read_data_block(a, &p, &n, &at)) == ARCHIVE_OK) {
                if (at < 0 || at > SOURCE_FILE_MAX || n > (size_t)(SOURCE_FILE_MAX - at))
                        return err_set(err, -EFBIG, "%s: %s is larger than any file of a log",
                                       t->name, path);
                if (n > t->left)
                        return err_set(err, -EFBIG, "%s: more bytes than may be unpacked", t->name);
                put = io_kernel.pwrite(io_kernel.ctx, fd, p, n, at);
                if (put < 0)
                        return err_sys(err, (int)put, "%s: unpacking %s", t->name, path);
                t->left -= n;
                end = at + (la_int64_t)n;
        }
        if (r != ARCHIVE_EOF)
                return bad_archive(t, a, err);
        /* a hole at the end */
        return ftruncate(fd, end) < 0 ? err_sys(err, -errno, "%s: unpacking %s", t->name, path) : 0;
}

static int make_parents(const struct tar *t, const char *path, struct err *err)
{
        char dir[PATH_MAX];
        const char *slash;

        for (slash = path; (slash = strchr(slash, '/')); slash++) {
                snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path);
                if (mkdirat(t->tmp_fd, dir, 0700) < 0 && errno != EEXIST)
                        return err_sys(err, -errno, "%s: unpacking %s", t->name, path);
        }
        return 0;
}

static int unpack_file(struct tar *t, struct archive *a, const char *path, struct err *err)
{
        int fd, r;

        if (++t->files > SOURCE_TAR_FILES)
                return err_set(err, -EFBIG, "%s: more than %d files", t->name, SOURCE_TAR_FILES);
        r = make_parents(t, path, err);
        if (r)
                return r;
        /* Never through a link: none is ever made here. */
        fd = openat(t->tmp_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return errno == EEXIST
                               ? err_set(err, -EBADMSG, "%s: %s is there twice", t->name, path)
                               : err_sys(err, -errno, "%s: unpacking %s", t->name, path);
        r = copy_data(t, a, path, fd, err);
        close(fd);
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

static int tar_read(struct source *s, const char *path, struct buf *out, struct err *err)
{
        struct tar *t = CONTAINER_OF(s, struct tar, s);

        return t->dir->read(t->dir, path, out, err);
}

static int tar_list(struct source *s, int (*fn)(void *ctx, const char *path), void *ctx,
                    struct err *err)
{
        struct tar *t = CONTAINER_OF(s, struct tar, s);

        return t->dir->list(t->dir, fn, ctx, err);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)remove(path); /* best effort: what stays is in a private directory */
        return 0;
}

static struct source *tar_free(struct source *s)
{
        struct tar *t = CONTAINER_OF(s, struct tar, s);

        source_free(t->dir);
        fd_close(&t->log_fd);
        fd_close(&t->tmp_fd);
        if (t->tmp[0])
                nftw(t->tmp, remove_one, WALK_FDS, FTW_DEPTH | FTW_PHYS);
        free(t);
        return NULL;
}

static int make_tmp(struct tar *t, const char *tmp, struct err *err)
{
        char path[PATH_MAX];
        int n;

        if (!tmp)
                tmp = getenv("TMPDIR");
        n = snprintf(path, sizeof path, "%s/assay-verify-XXXXXX", tmp && *tmp ? tmp : "/tmp");
        if (n < 0 || (size_t)n >= sizeof path)
                return err_set(err, -ENAMETOOLONG, "%s: the temporary directory's path is too long",
                               t->name);
        if (!mkdtemp(path))
                return err_sys(err, -errno, "%s: temporary directory %s", t->name, path);
        memcpy(t->tmp, path, (size_t)n + 1);
        t->tmp_fd = open(t->tmp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return t->tmp_fd < 0 ? err_sys(err, -errno, "%s: %s", t->name, t->tmp) : 0;
}

static int find_log(struct tar *t, struct err *err)
{
        if (!t->found)
                return err_set(err, -ENOENT, "%s: no file named checkpoint in it", t->name);
        if (t->ambiguous)
                return err_set(err, -EBADMSG, "%s: more than one log in it", t->name);
        t->log_fd = openat(t->tmp_fd, t->prefix[0] ? t->prefix : ".",
                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (t->log_fd < 0)
                return err_sys(err, -errno, "%s: %s", t->name, t->prefix);
        return source_dir(t->log_fd, t->prefix, &t->dir, err);
}

int source_tar(int fd, const char *name, const char *tmp, uint64_t max_bytes, struct source **ret,
               struct err *err)
{
        struct tar *t = calloc(1, sizeof *t);
        int r;

        if (!t)
                return err_set(err, -ENOMEM, "archive %s: out of memory", name);
        snprintf(t->name, sizeof t->name, "archive %s", name);
        t->tmp_fd = t->log_fd = -1;
        t->left = max_bytes ? max_bytes : SOURCE_TAR_BYTES;
        t->s = (struct source){
                .read = tar_read, .list = tar_list, .free = tar_free, .name = t->name
        };
        r = make_tmp(t, tmp, err);
        if (!r)
                r = unpack(t, fd, err);
        if (!r)
                r = find_log(t, err);
        if (r)
                tar_free(&t->s);
        else
                *ret = &t->s;
        return r;
}
