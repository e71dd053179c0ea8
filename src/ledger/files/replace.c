/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/files/replace.h"

#include "ledger/files/spares.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_another(const struct replace *p, int fd)
{
        struct stat spare, there;

        return fstat(fd, &spare) == 0 &&
               fstatat(p->dirfd, p->path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
               (spare.st_ino != there.st_ino || spare.st_dev != there.st_dev);
}

/* The spare, held, or a new one, which nobody knows of. */
static int open_spare(const struct io *io, const struct replace *p)
{
        int fd = io->open(io->ctx, p->spare_dirfd, p->spare, O_RDWR | O_NOFOLLOW, 0), r;

        if (fd >= 0 && is_another(p, fd) && spares_hold(fd, p->mode))
                return fd;
        if (fd >= 0) {
                fd_close(&fd);
                r = io->unlink(io->ctx, p->spare_dirfd, p->spare);
                if (r < 0)
                        return r;
        }
        return io->open(io->ctx, p->spare_dirfd, p->spare, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
                        p->mode);
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
        if (r == 0 && fchmod(fd, p->mode) < 0) /* whatever the umask left of it */
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
        return r < 0 ? err_sys(err, r, "%s: fsync of its directory", p->path) : 0;
}
