/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_wal.h - a segment's checksums made right, and its batches written again. */
#ifndef FUZZ_FUZZ_WAL_H
#define FUZZ_FUZZ_WAL_H

#include "fuzz.h"
#include "ledger/writer/wal.h"

/* As far as records can be followed, or no input would get past them. */
static inline void fuzz_wal_repair(uint8_t *p, size_t n)
{
        struct wal_segment h = { 0 };
        size_t at = WAL_SEGMENT_HEADER, len;

        le_put32(p + 60, crc32c(0, span_of(p, 60)));
        if (wal_get_segment(span_of(p, n), &h, NULL) < 0)
                return;
        for (; at + WAL_RECORD_HEADER <= n; at += wal_record_len(len)) {
                len = p[at + 8] | (size_t)p[at + 9] << 8 | (size_t)p[at + 10] << 16;
                if (len > n - at - WAL_RECORD_HEADER)
                        return;
                le_put32(p + at,
                         crc32c(wal_salt(&h), span_of(p + at + 4, WAL_RECORD_HEADER - 4 + len)));
        }
}

/* The records of a whole batch, written again, are its bytes.  Returns where it ends. */
static inline size_t fuzz_wal_same(struct span s, size_t at, const struct wal_segment *h,
                                   const struct wal_batch *b)
{
        CLEANUP(buf_done) struct buf again = BUF_INIT(1 << 24);
        struct wal_record rec;
        size_t len;

        for (; at < b->at + b->len; at += len) {
                assert(wal_get_record(s, at, wal_salt(h), &rec, &len, NULL) == 1);
                wal_put_record(&again, wal_salt(h), &rec);
        }
        assert(span_eq(span_of(again.p, b->len), span_of(s.p + b->at, b->len)));
        return at;
}

#endif
