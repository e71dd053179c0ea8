/* SPDX-License-Identifier: Apache-2.0 */
/* Batches from the start on; a reserved byte says whether the checksums are as they came. */
#include "fuzz_wal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t *copy = fuzz_copy(data, size);
        struct span s = span_of(copy, size);
        size_t at = WAL_SEGMENT_HEADER, bad = 0;
        struct wal_segment h = { 0 };
        struct wal_batch b = { 0 };

        if (size > WAL_SEGMENT_HEADER && data[12] == 0)
                fuzz_wal_repair(copy, size);
        if (wal_get_segment(s, &h, NULL) >= 0) {
                b.size = h.first;
                while (wal_get_batch(s, at, wal_salt(&h), b.size, &b, &bad, NULL) == 1)
                        at = fuzz_wal_same(s, at, &h, &b);
                assert(bad >= at && bad <= s.n);
                (void)wal_is_torn(s, at, bad, wal_salt(&h));
        }
        return free(copy), 0;
}
