/* SPDX-License-Identifier: Apache-2.0 */
/* ring.h - an io_uring by system calls alone, for a program that a test runs and for a measurement.
 *
 * Source of the layout: io_uring_setup(2).  Both rings and the requests stay mapped until the
 * process ends. */
#ifndef TESTS_RING_H
#define TESTS_RING_H

#include <linux/io_uring.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct ring {
        int fd;
        unsigned *sq_tail, *sq_mask, *sq_array, *sq_flags, *cq_head, *cq_tail, *cq_mask;
        struct io_uring_sqe *sqes;
        struct io_uring_cqe *cqes;
};

static inline void *ring_map(int fd, size_t n, long at)
{
        return mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, at);
}

/* p->flags say what sort.  NULL, or the call that failed, with errno. */
static inline const char *ring_open(struct ring *r, unsigned entries, struct io_uring_params *p)
{
        char *sq, *cq;

        r->fd = (int)syscall(SYS_io_uring_setup, entries, p);
        if (r->fd < 0)
                return "io_uring_setup";
        sq = ring_map(r->fd, p->sq_off.array + p->sq_entries * sizeof(unsigned),
                      IORING_OFF_SQ_RING);
        cq = ring_map(r->fd, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
                      IORING_OFF_CQ_RING);
        r->sqes = ring_map(r->fd, p->sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
        if (sq == MAP_FAILED || cq == MAP_FAILED || r->sqes == MAP_FAILED)
                return "mmap";
        r->sq_tail = (unsigned *)(sq + p->sq_off.tail);
        r->sq_mask = (unsigned *)(sq + p->sq_off.ring_mask);
        r->sq_array = (unsigned *)(sq + p->sq_off.array);
        r->sq_flags = (unsigned *)(sq + p->sq_off.flags);
        r->cq_head = (unsigned *)(cq + p->cq_off.head);
        r->cq_tail = (unsigned *)(cq + p->cq_off.tail);
        r->cq_mask = (unsigned *)(cq + p->cq_off.ring_mask);
        r->cqes = (struct io_uring_cqe *)(cq + p->cq_off.cqes);
        return NULL;
}

#endif
