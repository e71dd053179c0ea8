/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_io.h - an io table whose files all have the bytes of one span, and a real file. */
#ifndef FUZZ_FUZZ_IO_H
#define FUZZ_FUZZ_IO_H

#include "fuzz.h"
#include "sys/io.h"

#include <sys/mman.h>
#include <unistd.h>

static inline int fuzz_io_open(void *ctx, int dirfd, const char *path, int flags, mode_t mode)
{
        return 1 << 20; /* no descriptor */
}

static inline ssize_t fuzz_io_pread(void *ctx, int fd, void *to, size_t n, off_t at)
{
        struct span s = span_from(*(struct span *)ctx, (size_t)at);

        n = MIN_OF(n, s.n);
        if (n)
                memcpy(to, s.p, n);
        return (ssize_t)n;
}

/* Borrows it. */
static inline struct io fuzz_io(struct span *bytes)
{
        return (struct io){ .open = fuzz_io_open, .pread = fuzz_io_pread, .ctx = bytes };
}

/* The caller's to close. */
static inline int fuzz_file(const uint8_t *data, size_t size)
{
        int fd = memfd_create("input", MFD_CLOEXEC);

        assert(pwrite(fd, data, size, 0) == (ssize_t)size);
        return fd;
}

#endif
