/* SPDX-License-Identifier: Apache-2.0 */
/* The note of what was pruned: one number, a multiple of a tile's width, written in one way. */
#include "fuzz.h"
#include "ledger/upkeep/upkeep.h"
#include "wire/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(buf_done) struct buf again = BUF_INIT(64);
        uint8_t *copy = fuzz_copy(data, size);
        uint64_t min = 1;
        struct err err = { 0 };

        if (prune_parse(span_of(copy, size), &min, &err) == 0) {
                assert(min % TILE_WIDTH == 0);
                buf_printf(&again, "%llu\n", (unsigned long long)min);
                assert(span_eq(buf_span(&again), span_of(data, size)));
        } else {
                assert(min == 1 && err.code == -EBADMSG && err.text[0]);
        }
        return free(copy), 0;
}
