/* SPDX-License-Identifier: Apache-2.0 */
/* uring_write - open, write, and close a file through io_uring alone: no system call names the
 * file.
 *
 *   uring_write FILE TEXT [MODE]
 *
 *   sqpoll           a thread of the kernel's submits
 *   registered       the descriptor is closed once the ring has the file, which then gives it up
 *   registered-left  or keeps it to the end
 *   direct           the file is opened into the ring and never has a descriptor
 *   direct-left      and is not closed
 *
 * Raw system calls, so that nothing but the kernel is needed.  Prints its process id before it
 * exits. */
#include "../../ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what)
{
        fprintf(stderr, "uring_write: %s: %s\n", what, strerror(errno));
        exit(errno == ENOSYS || errno == EPERM ? 77 : 1);
}

static bool polled;

/* One request, and its result. */
static int submit(struct ring *r, const struct io_uring_sqe *sqe)
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

/* slot: in the ring's table, from 1 on; 0: a descriptor of the process, returned. */
static int open_file(struct ring *r, const char *name, unsigned slot)
{
        return submit(r, &(struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
                                                 .fd = AT_FDCWD,
                                                 .addr = (unsigned long)name,
                                                 .len = 0600,
                                                 .open_flags = O_WRONLY | O_CREAT | O_TRUNC,
                                                 .file_index = slot });
}

static void write_file(struct ring *r, int fd, const char *text, unsigned flags)
{
        submit(r, &(struct io_uring_sqe){ .opcode = IORING_OP_WRITE,
                                          .flags = (uint8_t)flags,
                                          .fd = fd,
                                          .addr = (unsigned long)text,
                                          .len = (unsigned)strlen(text) });
}

static void close_file(struct ring *r, int fd, unsigned slot)
{
        submit(r,
               &(struct io_uring_sqe){ .opcode = IORING_OP_CLOSE, .fd = fd, .file_index = slot });
}

static void change_table(const struct ring *r, unsigned how, const int *fds, unsigned n)
{
        if (syscall(SYS_io_uring_register, r->fd, how, fds, n) < 0)
                die("io_uring_register");
}

static void by_descriptor(struct ring *r, const char *name, const char *text)
{
        int fd = open_file(r, name, 0);

        write_file(r, fd, text, IOSQE_ASYNC);
        close_file(r, fd, 0);
}

static void by_registered(struct ring *r, const char *name, const char *text, bool left)
{
        int fd = open_file(r, name, 0);

        change_table(r, IORING_REGISTER_FILES, &fd, 1);
        close_file(r, fd, 0);
        write_file(r, 0, text, IOSQE_FIXED_FILE);
        if (!left)
                change_table(r, IORING_UNREGISTER_FILES, NULL, 0);
}

static void by_direct(struct ring *r, const char *name, const char *text, bool left)
{
        const int none = -1;

        change_table(r, IORING_REGISTER_FILES, &none, 1);
        open_file(r, name, 1);
        write_file(r, 0, text, IOSQE_FIXED_FILE);
        if (!left)
                close_file(r, 0, 1);
}

int main(int argc, char **argv)
{
        const char *mode = argc > 3 ? argv[3] : "", *failed;
        struct io_uring_params p = { .sq_thread_idle = 1000 };
        bool left = strstr(mode, "-left") != NULL;
        struct ring r;

        if (argc < 3)
                return 2;
        polled = strcmp(mode, "sqpoll") == 0;
        p.flags = polled ? IORING_SETUP_SQPOLL : 0;
        failed = ring_open(&r, 4, &p);
        if (failed)
                die(failed);
        if (strncmp(mode, "registered", 10) == 0)
                by_registered(&r, argv[1], argv[2], left);
        else if (strncmp(mode, "direct", 6) == 0)
                by_direct(&r, argv[1], argv[2], left);
        else
                by_descriptor(&r, argv[1], argv[2]);
        printf("%d\n", getpid());
        return 0;
}
