/* SPDX-License-Identifier: Apache-2.0 */
/* uring_write - open, write, and close a file through io_uring alone: no system call names the
 * file.
 *
 *   uring_write FILE TEXT [sqpoll]
 *
 * Raw system calls, so that nothing but the kernel is needed.  With sqpoll a thread of the kernel's
 * submits.  Prints its process id before it exits. */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct ring {
        int fd;
        unsigned *sq_tail, *sq_mask, *sq_array, *sq_flags, *cq_head, *cq_tail, *cq_mask;
        struct io_uring_sqe *sqes;
        struct io_uring_cqe *cqes;
        int polled;
};

static void die(const char *what)
{
        fprintf(stderr, "uring_write: %s: %s\n", what, strerror(errno));
        exit(errno == ENOSYS || errno == EPERM ? 77 : 1);
}

static void *map(int fd, size_t n, long at)
{
        void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, at);

        if (p == MAP_FAILED)
                die("mmap");
        return p;
}

static void ring_open(struct ring *r)
{
        struct io_uring_params p = { .flags = r->polled ? IORING_SETUP_SQPOLL : 0,
                                     .sq_thread_idle = 1000 };
        char *sq, *cq;

        r->fd = (int)syscall(SYS_io_uring_setup, 4, &p);
        if (r->fd < 0)
                die("io_uring_setup");
        sq = map(r->fd, p.sq_off.array + p.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
        cq = map(r->fd, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
                 IORING_OFF_CQ_RING);
        r->sqes = map(r->fd, p.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
        r->sq_tail = (unsigned *)(sq + p.sq_off.tail);
        r->sq_mask = (unsigned *)(sq + p.sq_off.ring_mask);
        r->sq_array = (unsigned *)(sq + p.sq_off.array);
        r->sq_flags = (unsigned *)(sq + p.sq_off.flags);
        r->cq_head = (unsigned *)(cq + p.cq_off.head);
        r->cq_tail = (unsigned *)(cq + p.cq_off.tail);
        r->cq_mask = (unsigned *)(cq + p.cq_off.ring_mask);
        r->cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
}

/* One request, and its result. */
static int submit(struct ring *r, const struct io_uring_sqe *sqe)
{
        unsigned tail = *r->sq_tail, head = *r->cq_head, flags = IORING_ENTER_GETEVENTS;
        int res;

        r->sqes[tail & *r->sq_mask] = *sqe;
        r->sq_array[tail & *r->sq_mask] = tail & *r->sq_mask;
        __atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_SEQ_CST);
        if (r->polled && __atomic_load_n(r->sq_flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
                flags |= IORING_ENTER_SQ_WAKEUP;
        if (syscall(SYS_io_uring_enter, r->fd, r->polled ? 0 : 1, 1, flags, NULL, 0) < 0)
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
        struct ring r = { .polled = argc == 4 && strcmp(argv[3], "sqpoll") == 0 };
        int fd;

        if (argc < 3)
                return 2;
        ring_open(&r);
        fd = submit(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
                                                .fd = AT_FDCWD,
                                                .addr = (unsigned long)argv[1],
                                                .len = 0600,
                                                .open_flags = O_WRONLY | O_CREAT | O_TRUNC });
        submit(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_WRITE,
                                           .flags = IOSQE_ASYNC,
                                           .fd = fd,
                                           .addr = (unsigned long)argv[2],
                                           .len = (unsigned)strlen(argv[2]) });
        submit(&r, &(struct io_uring_sqe){ .opcode = IORING_OP_CLOSE, .fd = fd });
        printf("%d\n", getpid());
        return 0;
}
