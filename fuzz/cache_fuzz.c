/* SPDX-License-Identifier: Apache-2.0 */
/* Header, index and the begin of the ring of whatever bytes, over a cache that has something. */
#include "gateway/shared/cache.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static uint8_t buf[CACHE_MIN];
        struct cache_answer a = { 200, SPAN("a/b"), { buf, 999 }, 1, 9, 5 };
        uint8_t *memory = calloc(1, CACHE_MIN), key[32] = { 0 };
        struct cache *c = cache_init(memory, CACHE_MIN, key);
        uint64_t from = size;

        for (key[0] = 0; key[0] < 3; key[0]++)
                cache_keep(c, key, &a);
        for (size_t i = 0, at = 0; i + 3 < size; i += 3) /* each byte with the way to its place */
                at += data[i] | (size_t)data[i + 1] << 8, memory[at % CACHE_MIN] ^= data[i + 2];
        c = cache_again(memory, CACHE_MIN);
        for (key[0] = 0; c && key[0] < 6; cache_erase_of(c, ++key[0]), cache_sweep(c, 5, &from))
                if (!cache_find(c, key, 5, buf, sizeof buf, &a) && key[0] % 2)
                        a.body = span_of(buf, 999), cache_keep(c, key, &a);
        return free(memory), 0;
}
