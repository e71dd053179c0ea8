/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/snapshot.h"
#include "sys/crc32c.h"
#include "sys/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int open_memory(void *ctx, int dirfd, const char *path, int flags, mode_t mode)
{
        return (void)ctx, (void)dirfd, (void)path, (void)flags, (void)mode, 1 << 20; /* none */
}

static ssize_t read_memory(void *ctx, int fd, void *p, size_t n, off_t at)
{
        struct span s = span_from(*(struct span *)ctx, (size_t)at);

        (void)fd;
        n = n < s.n ? n : s.n;
        return (void)(n ? memcpy(p, s.p, n) : p), (ssize_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t file[4096] = { 0 };
        struct span s = span_of(file, size < sizeof file ? size : sizeof file);
        struct io io = { .open = open_memory, .pread = read_memory, .ctx = &s };
        size_t rules;
        struct watchset w = { 0 };
        struct snapshot_head h;
        struct table *t;
        struct err err;
        uint32_t crc;

        if (s.n < 72 || table_new(&t, NULL) < 0)
                return 0;
        memcpy(file, data, s.n);
        rules = file[64] + 256u * file[65];
        rules = rules < s.n - 72 ? rules : 0;
        crc = crc32c(crc32c(0, span_of(file, 68)), span_of(file + 72, rules));
        memcpy(file + 68, &crc, 4); /* or nothing behind the head would be reached */
        if (snapshot_read(&io, -1, "s", &w, t, &h, &err) == 0)
                table_assert_valid(t);
        watchset_done(&w);
        table_free(t);
        return 0;
}
