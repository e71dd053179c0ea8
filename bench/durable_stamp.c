/* SPDX-License-Identifier: Apache-2.0 */
/* durable_stamp.so - loaded into a recorder (LD_PRELOAD) by change_latency's row: writes down when
 * a certain entry was received, and when the last sync before its answer was over, which is when
 * the entry is durable.  Nobody is woken by it: what is measured is not slowed by measuring. */
#include "durable_stamp.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct stamp *stamp;
static int (*real_fdatasync)(int fd);
static ssize_t (*real_sendmsg)(int fd, const struct msghdr *m, int flags);
static int (*real_recvmmsg)(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *t);

static int64_t now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_BOOTTIME, &t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

__attribute__((constructor)) static void open_stamp(void)
{
        const char *path = getenv(STAMP_ENV);
        int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

        *(void **)&real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
        *(void **)&real_sendmsg = dlsym(RTLD_NEXT, "sendmsg");
        *(void **)&real_recvmmsg = dlsym(RTLD_NEXT, "recvmmsg");
        if (fd < 0)
                _exit(3);
        stamp = mmap(NULL, sizeof *stamp, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (stamp == MAP_FAILED || !real_fdatasync || !real_sendmsg || !real_recvmmsg)
                _exit(3);
}

/* Parameters are called as the system's headers call them. */

int recvmmsg(int fd, struct mmsghdr *vmessages, unsigned vlen, int flags, struct timespec *tmo)
{
        int got = real_recvmmsg(fd, vmessages, vlen, flags, tmo);

        for (int i = 0; i < got && stamp->state == STAMP_WANTED; i++) {
                const struct iovec *v = vmessages[i].msg_hdr.msg_iov;

                if (!memmem(v->iov_base, vmessages[i].msg_len, stamp->text, STAMP_TEXT))
                        continue;
                stamp->heard_ns = now();
                stamp->state = STAMP_HEARD;
        }
        return got;
}

int fdatasync(int fildes)
{
        int state = stamp->state, rc = real_fdatasync(fildes);

        if ((state == STAMP_HEARD || state == STAMP_SYNCED) && rc == 0) {
                stamp->durable_ns = now();
                stamp->state = STAMP_SYNCED;
        }
        return rc;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
        if (stamp->state == STAMP_SYNCED)
                stamp->state = STAMP_DURABLE;
        return real_sendmsg(fd, message, flags);
}
