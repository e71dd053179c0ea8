/* SPDX-License-Identifier: Apache-2.0 */
/* sample.h - states of files to test with. */
#ifndef TESTS_INTEGRITY_SAMPLE_H
#define TESTS_INTEGRITY_SAMPLE_H

#include "integrity/trusted/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static inline struct record sample_file(uint64_t ino, uint8_t fill)
{
        struct record r = { .type = RECORD_FILE,
                            .hash = RECORD_HASH_KNOWN,
                            .mode = 0644,
                            .uid = 1,
                            .gid = 2,
                            .nlink = 1,
                            .size = 3,
                            .ino = ino,
                            .dev = 8ULL << 32 | 1,
                            .mtime_ns = 1000,
                            .ctime_ns = 2000,
                            .btime_ns = 500 };

        memset(r.sha256, fill, sizeof r.sha256);
        return r;
}

static inline struct record sample_dir(uint64_t ino)
{
        struct record r = sample_file(ino, 0);

        r.type = RECORD_DIR;
        r.hash = RECORD_HASH_SKIPPED;
        r.reason = RECORD_REASON_NOT_A_FILE;
        r.mode = 0755;
        return r;
}

static inline struct span sample_encode(struct buf *b, const struct record *r)
{
        buf_clear(b);
        record_encode(r, b);
        assert_int_equal(buf_status(b), 0);
        return buf_span(b);
}

#endif
