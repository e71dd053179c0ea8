/* SPDX-License-Identifier: Apache-2.0 */
/* uring_write - open, write, and close a file through io_uring alone: no system call names the
 * file.
 *
 *   uring_write FILE TEXT [sqpoll]
 *
 * Raw system calls, so that nothing but the kernel is needed.  With sqpoll a thread of the kernel's
 * submits.  Prints its process id before it exits. */
#include "../../ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what)
{
        fprintf(stderr, "uring_write: %s: %s\n", what, strerror(errno));
        exit(errno == ENOSYS || errno == EPERM ? 77 : 1);
}

/* One request, and its result. */
static int submit(struct ring *r, bool polled, const struct io_uring_sqe *sqe)
{
        unsigned tail = *r->sq_tail, head = *r->cq_head, flags = IORING_ENTER_GETEVENTS;
        int res;

        r->sqes[tail & *r->sq_mask] = *sqe;
        r->sq_array[tail & *r->sq_mask] = tail & *r->sq_mask;
        __atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_SEQ_CST);
        if (polled && __atomic_load_n(r->sq_flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
                flags |= IORING_ENTER_SQ_WAKEUP;
        if (syscall(SYS_io_uring_enter, r->fd, polled ? 0 : 1, 1, flags, NULL, 0) < 0)
                die("io_uring_enter");
        while (__atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE) == head)
                ;
        res = r->cqes[head & *r->cq_mask].res;
        __atomic_store_n(r->cq_head, head + 1, __ATOMIC_RELEASE);
        if (res < 0) {
                errno = -res;
                die("request");
        }
        return res;
}

int main(int argc, char **argv)
{
        bool polled = argc == 4 && strcmp(argv[3], "sqpoll") == 0;
        struct io_uring_params p = { .flags = polled ? IORING_SETUP_SQPOLL : 0,
                                     .sq_thread_idle = 1000 };
        const char *failed;
        struct ring r;
        int fd;

        if (argc < 3)
                return 2;
        failed = ring_open(&r, 4, &p);
        if (failed)
                die(failed);
        fd = submit(&r, polled,
                    &(struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
                                            .fd = AT_FDCWD,
                                            .addr = (unsigned long)argv[1],
                                            .len = 0600,
                                            .open_flags = O_WRONLY | O_CREAT | O_TRUNC });
        submit(&r, polled,
               &(struct io_uring_sqe){ .opcode = IORING_OP_WRITE,
                                       .flags = IOSQE_ASYNC,
                                       .fd = fd,
                                       .addr = (unsigned long)argv[2],
                                       .len = (unsigned)strlen(argv[2]) });
        submit(&r, polled, &(struct io_uring_sqe){ .opcode = IORING_OP_CLOSE, .fd = fd });
        printf("%d\n", getpid());
        return 0;
}
