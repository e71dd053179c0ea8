/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/io.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_FIRST = 4096 };

struct fd_path fd_path(int fd)
{
        struct fd_path p;

        snprintf(p.text, sizeof p.text, "/proc/self/fd/%d", fd);
        return p;
}

void fd_close(int *fd)
{
        if (*fd >= 0)
                close(*fd); /* nothing useful is left to do when it fails: writers sync first */
        *fd = -1;
}

/* ---- the kernel's ---- */

static int result(int r)
{
        return r < 0 ? -errno : r;
}

static int kernel_open(void *ctx, int dirfd, const char *path, int flags, mode_t mode)
{
        int fd;

        do {
                fd = openat(dirfd, path, flags | O_CLOEXEC, mode);
        } while (fd < 0 && errno == EINTR);
        return result(fd);
}

static ssize_t kernel_pread(void *ctx, int fd, void *p, size_t n, off_t at)
{
        size_t done = 0;
        ssize_t r;

        while (done < n) {
                r = pread(fd, (char *)p + done, n - done, at + (off_t)done);
                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return -errno;
                if (r == 0)
                        break;
                done += (size_t)r;
        }
        return (ssize_t)done;
}

static ssize_t kernel_pwrite(void *ctx, int fd, const void *p, size_t n, off_t at)
{
        size_t done = 0;
        ssize_t r;

        while (done < n) {
                r = pwrite(fd, (const char *)p + done, n - done, at + (off_t)done);
                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return -errno;
                if (r == 0)
                        return -EIO; /* would otherwise go on for ever */
                done += (size_t)r;
        }
        return (ssize_t)done;
}

static int kernel_fdatasync(void *ctx, int fd)
{
        return result(fdatasync(fd));
}

static int kernel_fsync(void *ctx, int fd)
{
        return result(fsync(fd));
}

static int kernel_rename(void *ctx, int dirfd, const char *from, const char *to)
{
        return result(renameat(dirfd, from, dirfd, to));
}

static int kernel_link(void *ctx, int dirfd, const char *from, const char *to)
{
        return result(linkat(dirfd, from, dirfd, to, 0));
}

static int kernel_symlink(void *ctx, const char *target, int dirfd, const char *path)
{
        return result(symlinkat(target, dirfd, path));
}

static int kernel_unlink(void *ctx, int dirfd, const char *path)
{
        return result(unlinkat(dirfd, path, 0));
}

static int kernel_mkdir(void *ctx, int dirfd, const char *path, mode_t mode)
{
        return result(mkdirat(dirfd, path, mode));
}

static int kernel_ftruncate(void *ctx, int fd, off_t n)
{
        int r;

        do {
                r = ftruncate(fd, n);
        } while (r < 0 && errno == EINTR);
        return result(r);
}

static int kernel_move(void *ctx, int fromfd, const char *from, int tofd, const char *to)
{
        return result(renameat(fromfd, from, tofd, to));
}

static int kernel_exchange(void *ctx, int dirfd, const char *path, int otherfd, const char *other)
{
        return result(renameat2(dirfd, path, otherfd, other, RENAME_EXCHANGE));
}

const struct io io_kernel = {
        .open = kernel_open,
        .pread = kernel_pread,
        .pwrite = kernel_pwrite,
        .fdatasync = kernel_fdatasync,
        .fsync = kernel_fsync,
        .rename = kernel_rename,
        .link = kernel_link,
        .symlink = kernel_symlink,
        .unlink = kernel_unlink,
        .mkdir = kernel_mkdir,
        .ftruncate = kernel_ftruncate,
        .move = kernel_move,
        .exchange = kernel_exchange,
};

/* ---- built on the table ---- */

/* Where to start for a file of which fstat says st_size: one byte more, so that its end is seen in
 * the same call; /proc says 0 and means anything. */
static size_t first_size(int fd, size_t max)
{
        struct stat st;

        if (fstat(fd, &st) < 0 || st.st_size <= 0)
                return MIN_OF((size_t)READ_FIRST, max + 1);
        return MIN_OF((size_t)st.st_size, max) + 1;
}

/* Reads to the end; *p is the caller's to free, whatever happens. */
static int read_all(const struct io *io, int fd, const char *path, size_t max, uint8_t **p,
                    size_t *ret_n, struct err *err)
{
        size_t cap = first_size(fd, max);
        size_t n = 0;
        uint8_t *more;
        ssize_t r;

        for (;;) {
                more = realloc(*p, cap + 1);
                if (!more)
                        return err_sys(err, -ENOMEM, "%s", path);
                *p = more;
                r = io->pread(io->ctx, fd, *p + n, cap - n, (off_t)n);
                if (r < 0)
                        return err_sys(err, (int)r, "%s: read at %zu", path, n);
                n += (size_t)r;
                if (n > max)
                        return err_set(err, -EFBIG, "%s: more than %zu bytes", path, max);
                if (n < cap)
                        break;
                cap = cap > max / 2 ? max + 1 : cap * 2;
        }
        (*p)[n] = '\0';
        *ret_n = n;
        return 0;
}

static bool is_file(int fd)
{
        struct stat st;

        return fstat(fd, &st) < 0 || S_ISREG(st.st_mode);
}

int io_read_file(const struct io *io, int dirfd, const char *path, size_t max, uint8_t **ret,
                 size_t *ret_n, struct err *err)
{
        CLEANUP_FD int fd = -1;
        uint8_t *p = NULL;
        size_t n = 0;
        int r;

        assert(max < SIZE_MAX / 2);
        fd = io->open(io->ctx, dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
        if (fd < 0)
                return err_sys(err, fd, "%s: open", path);
        if (!is_file(fd)) /* a pipe would be waited for */
                return err_set(err, -EINVAL, "%s: is no regular file", path);
        r = read_all(io, fd, path, max, &p, &n, err);
        if (r < 0) {
                free(p);
                return r;
        }
        *ret = p;
        *ret_n = n;
        return 0;
}

/* A pipe or a terminal, to its end; *p is the caller's to free, whatever happens. */
static int read_stream(int fd, const char *path, size_t max, uint8_t **p, size_t *ret_n,
                       struct err *err)
{
        size_t cap = 0, n = 0;

        for (;;) {
                ssize_t r;

                if (n == cap) {
                        uint8_t *more;

                        cap = cap ? 2 * cap : READ_FIRST;
                        more = realloc(*p, cap + 1);
                        if (!more)
                                return err_sys(err, -ENOMEM, "%s", path);
                        *p = more;
                }
                r = read(fd, *p + n, cap - n);
                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return err_sys(err, -errno, "%s: read at %zu", path, n);
                if (r == 0)
                        break;
                n += (size_t)r;
                if (n > max)
                        return err_set(err, -EFBIG, "%s: more than %zu bytes", path, max);
        }
        (*p)[n] = '\0';
        *ret_n = n;
        return 0;
}

int io_read_given(const char *path, size_t max, uint8_t **ret, size_t *ret_n, struct err *err)
{
        CLEANUP_FD int fd = -1;
        uint8_t *p = NULL;
        struct stat st;
        size_t n = 0;
        int r;

        assert(max < SIZE_MAX / 4);
        fd = kernel_open(NULL, AT_FDCWD, path, O_RDONLY | O_NOCTTY, 0);
        if (fd < 0)
                return err_sys(err, fd, "%s", path);
        if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
                return err_set(err, -EISDIR, "%s: it is a directory, and a file is wanted", path);
        r = is_file(fd) ? read_all(&io_kernel, fd, path, max, &p, &n, err)
                        : read_stream(fd, path, max, &p, &n, err);
        if (r < 0) {
                free(p);
                return r;
        }
        *ret = p;
        *ret_n = n;
        return 0;
}

static int open_new(const struct io *io, int dirfd, const char *path, mode_t mode)
{
        int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
        int fd = io->open(io->ctx, dirfd, path, flags, mode);
        int r;

        if (fd != -EEXIST)
                return fd;
        r = io->unlink(io->ctx, dirfd, path); /* left by a crash */
        if (r < 0 && r != -ENOENT)
                return r;
        return io->open(io->ctx, dirfd, path, flags, mode);
}

static int write_new(const struct io *io, int dirfd, const char *path, mode_t mode,
                     struct span content, struct err *err)
{
        CLEANUP_FD int fd = open_new(io, dirfd, path, mode);
        ssize_t w;
        int r;

        if (fd < 0)
                return err_sys(err, fd, "%s: create", path);
        w = content.n ? io->pwrite(io->ctx, fd, content.p, content.n, 0) : 0;
        if (w < 0)
                return err_sys(err, (int)w, "%s: write %zu bytes", path, content.n);
        if ((size_t)w != content.n)
                return err_set(err, -EIO, "%s: wrote %zd of %zu bytes", path, w, content.n);
        r = io->fsync(io->ctx, fd);
        return r < 0 ? err_sys(err, r, "%s: fsync", path) : 0;
}

int io_replace_file(const struct io *io, int dirfd, const char *path, int sync_dirfd, mode_t mode,
                    struct span content, struct err *err)
{
        char tmp[PATH_MAX];
        int n = snprintf(tmp, sizeof tmp, "%s.tmp", path);
        int r;

        if (n < 0 || (size_t)n >= sizeof tmp)
                return err_sys(err, -ENAMETOOLONG, "%s", path);
        r = write_new(io, dirfd, tmp, mode, content, err);
        if (r < 0)
                goto undo;
        r = io->rename(io->ctx, dirfd, tmp, path);
        if (r < 0) {
                err_sys(err, r, "%s: rename to %s", tmp, path);
                goto undo;
        }
        r = io->fsync(io->ctx, sync_dirfd);
        return r < 0 ? err_sys(err, r, "%s: fsync of its directory", path) : 0;
undo:
        (void)io->unlink(io->ctx, dirfd, tmp); /* the first failure is the one to tell */
        return r;
}

/* The directory that holds the name at the end of path (which is cut for a moment). */
static int sync_parent(const struct io *io, int dirfd, char *path, struct err *err)
{
        CLEANUP_FD int fd = -1;
        char *slash = strrchr(path, '/');
        const char *parent = !slash ? "." : slash == path ? "/" : path;
        int r;

        if (slash && slash != path)
                *slash = '\0';
        fd = io->open(io->ctx, dirfd, parent, O_RDONLY | O_DIRECTORY, 0);
        r = fd < 0 ? fd : io->fsync(io->ctx, fd);
        if (slash && slash != path)
                *slash = '/';
        return r < 0 ? err_sys(err, r, "%s: sync of its directory", path) : 0;
}

static int make_one(const struct io *io, int dirfd, char *path, mode_t mode, struct err *err)
{
        int r = io->mkdir(io->ctx, dirfd, path, mode);
        int fd;

        if (r == 0)
                return sync_parent(io, dirfd, path, err);
        if (r != -EEXIST)
                return err_sys(err, r, "%s: mkdir", path);
        fd = io->open(io->ctx, dirfd, path, O_PATH | O_DIRECTORY, 0);
        if (fd < 0)
                return err_sys(err, fd, "%s", path);
        fd_close(&fd);
        return 0;
}

int io_make_dirs(const struct io *io, int dirfd, const char *path, mode_t mode, struct err *err)
{
        size_t n = strlen(path);
        char part[PATH_MAX];
        int r;

        while (n > 1 && path[n - 1] == '/')
                n--;
        if (n == 0)
                return err_sys(err, -ENOENT, "mkdir of an empty path");
        if (n >= sizeof part)
                return err_sys(err, -ENAMETOOLONG, "%s", path);
        for (size_t i = 1; i <= n; i++) {
                if ((i < n && path[i] != '/') || path[i - 1] == '/')
                        continue;
                memcpy(part, path, i);
                part[i] = '\0';
                r = make_one(io, dirfd, part, mode, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

int io_join(char out[PATH_MAX], const char *dir, const char *name, struct err *err)
{
        if ((size_t)snprintf(out, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
                return err_set(err, -ENAMETOOLONG, "%s/%s: too long", dir, name);
        return 0;
}
