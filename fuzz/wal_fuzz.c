/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/wal.h"
#include "sys/crc32c.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_crc(uint8_t *p, uint32_t crc)
{
        for (int i = 0; i < 4; i++)
                p[i] = (uint8_t)(crc >> (8 * i));
}

/* Make the checksums fit, as far as records can be followed, or no input would get past them. */
static void repair(uint8_t *p, size_t n)
{
        struct wal_segment h = { 0 };
        size_t at = WAL_SEGMENT_HEADER, len;

        put_crc(p + 60, crc32c(0, span_of(p, 60)));
        if (wal_get_segment(span_of(p, n), &h, NULL) < 0)
                return;
        for (; at + WAL_RECORD_HEADER <= n; at += wal_record_len(len)) {
                len = p[at + 8] | (size_t)p[at + 9] << 8 | (size_t)p[at + 10] << 16;
                if (len > n - at - WAL_RECORD_HEADER)
                        return;
                put_crc(p + at,
                        crc32c(wal_salt(&h), span_of(p + at + 4, WAL_RECORD_HEADER - 4 + len)));
        }
}

/* Batches from the start on; the records of each that is whole, written again, are its bytes. */
static void read_all(struct span s, const struct wal_segment *h)
{
        size_t at = WAL_SEGMENT_HEADER, bad = 0, len;
        struct wal_batch b = { .size = h->first };
        struct wal_record rec;

        while (wal_get_batch(s, at, wal_salt(h), b.size, &b, &bad, NULL) == 1) {
                CLEANUP(buf_done) struct buf again = BUF_INIT(1 << 24);

                for (; at < b.at + b.len; at += len) {
                        assert(wal_get_record(s, at, wal_salt(h), &rec, &len, NULL) == 1);
                        wal_put_record(&again, wal_salt(h), &rec);
                }
                assert(span_eq(span_of(again.p, b.len), span_of(s.p + b.at, b.len)));
        }
        assert(bad >= at && bad <= s.n);
        (void)wal_is_torn(s, at, bad, wal_salt(h));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t *copy = malloc(size ? size : 1);
        struct wal_segment h = { 0 };

        if (!copy)
                return 0;
        memcpy(copy, data, size);
        if (size > WAL_SEGMENT_HEADER && data[12] == 0) /* a reserved byte: raw where it is set */
                repair(copy, size);
        if (wal_get_segment(span_of(copy, size), &h, NULL) >= 0)
                read_all(span_of(copy, size), &h);
        free(copy);
        return 0;
}
