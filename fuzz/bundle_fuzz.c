/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Entries lie one behind the other, inside, and account for every byte of a clean bundle. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct bundle_iter it = bundle_iter_of(span_of(data, size));
        struct span entry;
        size_t at = 0;
        int r;

        while ((r = bundle_next(&it, &entry)) > 0) {
                assert(entry.p == data + at + 2 && entry.n <= size - at - 2);
                at += 2 + entry.n;
                assert(it.offset == at);
        }
        assert(r == 0 ? at == size : at < size);
        return 0;
}
