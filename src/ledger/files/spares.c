/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/files/spares.h"

#include "sys/names.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel gives such a lease only while nobody else has the file open, and counts whoever is
 * about to; who comes later waits until it is given back, by closing fd at the latest (he would be
 * let in before that after fs.lease-break-time, 45 seconds).  He has a signal sent to us, whose
 * default is to end the process: so one that is ignored. */
static bool keep_others_out(int fd)
{
        return fcntl(fd, F_SETSIG, SIGURG) == 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0;
}

bool spares_hold(int fd, mode_t mode)
{
        struct stat st;

        return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
               st.st_uid == geteuid() && (st.st_mode & 07777) == mode && keep_others_out(fd);
}

static void spare_name(uint64_t n, char out[4])
{
        snprintf(out, 4, "%u", (unsigned)(n % SPARES_MAX));
}

static int delete_one(void *ctx, int dirfd, const char *name)
{
        const struct io *io = ctx;

        return io->unlink(io->ctx, dirfd, name);
}

void spares_open(struct spares *s, const struct io *io, int dirfd, const char *dir, mode_t mode)
{
        int fd;

        *s = (struct spares){ .io = *io, .fd = -1, .mode = mode };
        if (!io->move || io_make_dirs(io, dirfd, dir, 0700, NULL) < 0)
                return;
        fd = io->open(io->ctx, dirfd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
        if (fd >= 0 && names_each(fd, ".", delete_one, &s->io) == 0)
                s->fd = fd;
        else
                fd_close(&fd);
}

void spares_close(struct spares *s)
{
        fd_close(&s->fd);
}

bool spares_give(struct spares *s, int dirfd, const char *name)
{
        char spare[4];

        spare_name(s->given, spare);
        if (s->fd < 0 || s->given - s->taken == SPARES_MAX ||
            s->io.move(s->io.ctx, dirfd, name, s->fd, spare) < 0)
                return false;
        s->given++;
        return true;
}

void spares_drop_last(struct spares *s, size_t n)
{
        char spare[4];

        assert(n <= s->given - s->taken);
        while (n-- > 0) {
                spare_name(--s->given, spare);
                (void)s->io.unlink(s->io.ctx, s->fd, spare); /* or the next life does */
        }
}

/* The file at s->fd/spare, open and empty, or -1. */
static int open_one(struct spares *s, const char *spare)
{
        int fd = s->io.open(s->io.ctx, s->fd, spare, O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0);

        if (fd >= 0 && (!spares_hold(fd, s->mode) || s->io.ftruncate(s->io.ctx, fd, 0) < 0))
                fd_close(&fd);
        return fd < 0 ? -1 : fd;
}

int spares_take(struct spares *s, int dirfd, const char *name)
{
        while (s->fd >= 0 && s->given > s->taken) {
                char spare[4];
                int fd;

                spare_name(s->taken++, spare);
                fd = open_one(s, spare);
                if (fd >= 0 && s->io.move(s->io.ctx, s->fd, spare, dirfd, name) == 0)
                        return fd;
                fd_close(&fd);
                (void)s->io.unlink(s->io.ctx, s->fd, spare);
        }
        return -ENOENT;
}
