/* SPDX-License-Identifier: Apache-2.0 */
/* A table of two rows of whatever bytes; the first says whether its checksums are right. */
#include "gateway/shared/limits.h"
#include "sys/crc32c.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct config_limit limit = { { NULL, 0 }, 3, 60, 5, 9, 3600 };
        size_t bytes = limits_bytes(16), n = MIN_OF(size, bytes);
        uint8_t *memory = calloc(1, bytes), *p = memory, key[32] = { 0 };
        struct limits *l;

        memcpy(memory, data, n);
        for (p += 64; n && data[n - 1] & 1 && p < memory + bytes; p += 64)
                *(uint32_t *)(void *)(p + 60) = crc32c(0, span_of(p, 60));
        l = limits_again(memory, bytes);
        for (int64_t i = 0; l && i < 64; i++) {
                memcpy(key, memory + 64 + 64 * (i % 16), 24 * (i % 3 != 0));
                assert(limits_take(l, key, &limit, i << (i / 2)).again_ns <= 3601 * 1000000000LL);
        }
        return free(memory), 0;
}
