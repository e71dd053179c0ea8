/* SPDX-License-Identifier: Apache-2.0 */
/* source_dir.c - a published log in a directory.
 *
 * SECURITY: the directory may be a stranger's.  Links are not followed, at the end of a path or on
 * the way (openat2() would say that in one call, and is not there for every unit of systemd's),
 * only regular files are read (a FIFO would hang), and the walk has a depth. */
#include "ledger/read/source.h"

#include "sys/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        DEPTH_MAX = 16, /* tile/<L>/ and seven groups are 10 */
        OPEN_TRIES = 100,
};

struct dir {
        struct source s;
        int fd;
        char name[256];
};

static int read_open_file(int fd, const struct stat *st, const char *path, struct buf *out,
                          struct err *err)
{
        uint8_t *at;
        ssize_t n;

        if (!S_ISREG(st->st_mode))
                return err_set(err, -EIO, "%s: not a regular file", path);
        if ((uint64_t)st->st_size > out->max - out->n)
                return err_set(err, -EFBIG, "%s: %lld bytes are more than such a file can have",
                               path, (long long)st->st_size);
        if (st->st_size == 0)
                return 0;
        at = buf_extend(out, (size_t)st->st_size);
        if (!at)
                return err_set(err, buf_status(out), "%s: no memory", path);
        n = io_kernel.pread(io_kernel.ctx, fd, at, (size_t)st->st_size, 0);
        if (n != st->st_size) {
                out->n -= (size_t)st->st_size;
                return n < 0 ? err_sys(err, (int)n, "%s", path)
                             : err_set(err, -EIO, "%s: became shorter while it was read", path);
        }
        return 0;
}

/* What open(2) says of a link depends on how it was asked. */
static int refuse_name(int dirfd, const char *name, const char *path, struct err *err)
{
        int code = errno;
        struct stat st;

        if ((code == ENOTDIR || code == ELOOP) &&
            fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
                return err_set(err, -ELOOP, "%s: %s is a link: it leads out of the ledger", path,
                               name);
        return err_sys(err, code == ENOTDIR ? -ENOENT : -code, "%s", path);
}

/* The directory of the last name in path; *ret_name is that name.  dirfd, or one to close. */
static int open_parent(int dirfd, const char *path, const char **ret_name, struct err *err)
{
        const char *whole = path, *slash;
        int at = dirfd, next;

        while ((slash = strchr(path, '/'))) {
                char name[NAME_MAX + 1];

                if (slash - path > NAME_MAX) {
                        next = err_set(err, -ENAMETOOLONG, "%s", whole);
                } else {
                        memcpy(name, path, (size_t)(slash - path));
                        name[slash - path] = '\0';
                        next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                        if (next < 0)
                                next = refuse_name(at, name, whole, err);
                }
                if (at != dirfd)
                        close(at);
                if (next < 0)
                        return next;
                at = next;
                path = slash + 1;
        }
        *ret_name = path;
        return at;
}

/* The file that has the name: one that had it while it was looked up, and then became the
 * recorder's spare, may have another content by now (ledger/files/spares.h).  While that is written
 * it says EAGAIN. What is open does not change. */
static int open_file(int dirfd, const char *name, const char *path, struct stat *st,
                     struct err *err)
{
        struct stat now;
        int fd;

        for (unsigned i = 0; i < OPEN_TRIES; i++) {
                fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
                if (fd < 0 && errno == EAGAIN)
                        continue;
                if (fd < 0)
                        return refuse_name(dirfd, name, path, err);
                if (fstat(fd, st) == 0 && fstatat(dirfd, name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
                    st->st_ino == now.st_ino && st->st_dev == now.st_dev)
                        return fd;
                close(fd);
        }
        return err_set(err, -EAGAIN, "%s: is another file each time that it is opened", path);
}

static int dir_read(struct source *s, const char *path, struct buf *out, struct err *err)
{
        struct dir *d = CONTAINER_OF(s, struct dir, s);
        CLEANUP_FD int fd = -1;
        const char *name;
        struct stat st;
        int at = open_parent(d->fd, path, &name, err);

        if (at < 0)
                return at;
        fd = open_file(at, name, path, &st, err);
        if (at != d->fd)
                close(at);
        return fd < 0 ? fd : read_open_file(fd, &st, path, out, err);
}

struct walk {
        int (*fn)(void *ctx, const char *path);
        void *ctx;
        char path[PATH_MAX];
        struct err *err;
};

static int walk_dir(struct walk *w, int fd, size_t n, unsigned depth);

/* One directory entry; w->path holds its path, n long. */
static int walk_entry(struct walk *w, DIR *dir, const struct dirent *e, size_t n, unsigned depth)
{
        struct stat st;
        int fd;

        if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : err_sys(w->err, -errno, "%s", w->path);
        if (!S_ISDIR(st.st_mode))
                return w->fn(w->ctx, w->path);
        if (depth == DEPTH_MAX)
                return err_set(w->err, -ELOOP, "%s: directories nested deeper than in any log",
                               w->path);
        fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return err_sys(w->err, -errno, "%s", w->path);
        w->path[n++] = '/';
        return walk_dir(w, fd, n, depth + 1);
}

/* Takes fd; n bytes of w->path are set, a slash last unless n is 0. */
static int walk_dir(struct walk *w, int fd, size_t n, unsigned depth)
{
        DIR *dir = fdopendir(fd);
        const struct dirent *e;
        size_t name_n;
        int r = 0;

        if (!dir) {
                r = -errno;
                close(fd);
                return err_sys(w->err, r, "%.*s", (int)n, w->path);
        }
        while (!r && (errno = 0, e = readdir(dir))) {
                name_n = strlen(e->d_name);
                if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                if (n + name_n + 2 > sizeof w->path) {
                        r = err_set(w->err, -ENAMETOOLONG, "%.*s: path too long", (int)n, w->path);
                        break;
                }
                memcpy(w->path + n, e->d_name, name_n + 1);
                r = walk_entry(w, dir, e, n + name_n, depth);
        }
        if (!r && errno)
                r = err_sys(w->err, -errno, "%.*s", (int)n, w->path);
        closedir(dir);
        return r;
}

static int dir_list(struct source *s, int (*fn)(void *ctx, const char *path), void *ctx,
                    struct err *err)
{
        struct dir *d = CONTAINER_OF(s, struct dir, s);
        struct walk w = { .fn = fn, .ctx = ctx, .err = err };
        int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return err_sys(err, -errno, "%s", d->name);
        return walk_dir(&w, fd, 0, 0);
}

static struct source *dir_free(struct source *s)
{
        free(CONTAINER_OF(s, struct dir, s));
        return NULL;
}

int source_dir(int dirfd, const char *name, struct source **ret, struct err *err)
{
        struct dir *d = calloc(1, sizeof *d);

        if (!d)
                return err_set(err, -ENOMEM, "directory %s: out of memory", name);
        d->fd = dirfd;
        snprintf(d->name, sizeof d->name, "directory %s", name);
        d->s = (struct source){
                .read = dir_read, .list = dir_list, .free = dir_free, .name = d->name
        };
        *ret = &d->s;
        return 0;
}
