/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/replace.h"

#include "ledger/spares.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SPARE_MODE = 0600 }; /* whatever it was before */

static bool is_another(const struct replace *p, int fd)
{
        struct stat spare, there;

        return fstat(fd, &spare) == 0 &&
               fstatat(p->dirfd, p->path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
               (spare.st_ino != there.st_ino || spare.st_dev != there.st_dev);
}

/* After a crash it may still have the mode of what it was. */
static bool is_free(const struct replace *p, int fd)
{
        return is_another(p, fd) && (spares_is_free(fd, SPARE_MODE) || spares_is_free(fd, p->mode));
}

/* The spare, or a new one. */
static int open_spare(const struct io *io, const struct replace *p)
{
        int fd = io->open(io->ctx, p->spare_dirfd, p->spare, O_RDWR | O_NOFOLLOW, 0), r;

        if (fd >= 0 && is_free(p, fd))
                return fd;
        if (fd >= 0) {
                fd_close(&fd);
                r = io->unlink(io->ctx, p->spare_dirfd, p->spare);
                if (r < 0)
                        return r;
        }
        return io->open(io->ctx, p->spare_dirfd, p->spare, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
                        SPARE_MODE);
}

static int write_spare(const struct io *io, const struct replace *p, struct span content,
                       struct err *err)
{
        CLEANUP_FD int fd = open_spare(io, p);
        ssize_t w;
        int r;

        if (fd < 0)
                return err_sys(err, fd, "%s", p->spare);
        w = io->pwrite(io->ctx, fd, content.p, content.n, 0);
        if (w < 0)
                return err_sys(err, (int)w, "%s: write %zu bytes", p->spare, content.n);
        r = io->ftruncate(io->ctx, fd, (off_t)content.n);
        if (r == 0 && fchmod(fd, p->mode) < 0)
                r = -errno;
        if (r < 0)
                return err_sys(err, r, "%s", p->spare);
        r = io->fsync(io->ctx, fd);
        return r < 0 ? err_sys(err, r, "%s: fsync", p->spare) : 0;
}

int replace_file(const struct io *io, const struct replace *p, struct span content, struct err *err)
{
        int r = -ENOSYS;

        if (io->exchange) {
                r = write_spare(io, p, content, err);
                if (r == 0)
                        r = io->exchange(io->ctx, p->spare_dirfd, p->spare, p->dirfd, p->path);
                else if (r == -EIO) /* it will not be better the other way, and may be a sync */
                        return r;
        }
        if (r < 0) {
                if (io->exchange)
                        (void)io->unlink(io->ctx, p->spare_dirfd, p->spare); /* may not be there */
                return io_replace_file(io, p->dirfd, p->path, p->dirfd, p->mode, content, err);
        }
        r = io->fsync(io->ctx, p->dirfd);
        if (r < 0)
                return err_sys(err, r, "%s: fsync of its directory", p->path);
        if (fchmodat(p->spare_dirfd, p->spare, SPARE_MODE, 0) < 0)
                return err_sys(err, -errno, "%s: mode", p->spare);
        return 0;
}
