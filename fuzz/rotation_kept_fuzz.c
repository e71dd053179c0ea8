/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/upkeep/rotation_kept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Lines are taken whole and in order, and nothing is read past the end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct span rest = span_of(data, size);
        struct rotation_kept k = { 0 };
        uint64_t last = 0;

        while (rotation_kept_next(&rest, last, &k) > 0) {
                assert(k.size > last);
                assert(k.entry.p + k.entry.n + 1 == rest.p);
                assert(rest.p + rest.n == data + size);
                last = k.size;
        }
        return 0;
}
