/* SPDX-License-Identifier: Apache-2.0 */
#include "faulty.h"

static bool fails(struct faulty *f, enum faulty_kind k)
{
        bool now = __atomic_add_fetch(&f->count[k], 1, __ATOMIC_RELAXED) == f->at && f->kind == k;

        if (now)
                f->struck = true;
        return now || (f->dead && f->struck);
}

static int faulty_open(void *ctx, int dirfd, const char *path, int flags, mode_t mode)
{
        struct faulty *f = ctx;

        return fails(f, FAULTY_OPEN) ? f->error : io_kernel.open(NULL, dirfd, path, flags, mode);
}

static ssize_t faulty_pread(void *ctx, int fd, void *p, size_t n, off_t at)
{
        struct faulty *f = ctx;

        return fails(f, FAULTY_PREAD) ? f->error : io_kernel.pread(NULL, fd, p, n, at);
}

static ssize_t faulty_pwrite(void *ctx, int fd, const void *p, size_t n, off_t at)
{
        struct faulty *f = ctx;

        if (!fails(f, FAULTY_PWRITE))
                return io_kernel.pwrite(NULL, fd, p, n, at);
        if (f->half && io_kernel.pwrite(NULL, fd, p, n / 2, at) < 0)
                return -EIO;
        return f->error;
}

static int faulty_fdatasync(void *ctx, int fd)
{
        struct faulty *f = ctx;

        return fails(f, FAULTY_FDATASYNC) ? f->error : io_kernel.fdatasync(NULL, fd);
}

static int faulty_fsync(void *ctx, int fd)
{
        struct faulty *f = ctx;

        return fails(f, FAULTY_FSYNC) ? f->error : io_kernel.fsync(NULL, fd);
}

static int faulty_rename(void *ctx, int dirfd, const char *from, const char *to)
{
        struct faulty *f = ctx;

        return fails(f, FAULTY_RENAME) ? f->error : io_kernel.rename(NULL, dirfd, from, to);
}

static int faulty_symlink(void *ctx, const char *target, int dirfd, const char *path)
{
        struct faulty *f = ctx;

        return fails(f, FAULTY_SYMLINK) ? f->error : io_kernel.symlink(NULL, target, dirfd, path);
}

static int faulty_unlink(void *ctx, int dirfd, const char *path)
{
        struct faulty *f = ctx;

        return fails(f, FAULTY_UNLINK) ? f->error : io_kernel.unlink(NULL, dirfd, path);
}

static int faulty_mkdir(void *ctx, int dirfd, const char *path, mode_t mode)
{
        struct faulty *f = ctx;

        return fails(f, FAULTY_MKDIR) ? f->error : io_kernel.mkdir(NULL, dirfd, path, mode);
}

static int faulty_ftruncate(void *ctx, int fd, off_t n)
{
        struct faulty *f = ctx;

        return fails(f, FAULTY_FTRUNCATE) ? f->error : io_kernel.ftruncate(NULL, fd, n);
}

static int faulty_move(void *ctx, int fromfd, const char *from, int tofd, const char *to)
{
        struct faulty *f = ctx;

        return fails(f, FAULTY_RENAME) ? f->error : io_kernel.move(NULL, fromfd, from, tofd, to);
}

static int faulty_exchange(void *ctx, int dirfd, const char *path, int otherfd, const char *other)
{
        struct faulty *f = ctx;

        return fails(f, FAULTY_RENAME) ? f->error
                                       : io_kernel.exchange(NULL, dirfd, path, otherfd, other);
}

void faulty_init(struct faulty *f)
{
        *f = (struct faulty){ .io = { .open = faulty_open,
                                      .pread = faulty_pread,
                                      .pwrite = faulty_pwrite,
                                      .fdatasync = faulty_fdatasync,
                                      .fsync = faulty_fsync,
                                      .rename = faulty_rename,
                                      .link = io_kernel.link,
                                      .symlink = faulty_symlink,
                                      .unlink = faulty_unlink,
                                      .mkdir = faulty_mkdir,
                                      .ftruncate = faulty_ftruncate,
                                      .move = faulty_move,
                                      .exchange = faulty_exchange } };
        f->io.ctx = f;
}

const char *faulty_name(enum faulty_kind k)
{
        static const char *const name[] = {
                "open",   "pread",   "pwrite", "fdatasync", "fsync",
                "rename", "symlink", "unlink", "mkdir",     "ftruncate"
        };

        return name[k];
}
