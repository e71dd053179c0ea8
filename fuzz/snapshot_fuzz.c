/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum of the head is made right, or nothing behind it would be reached. */
#include "fuzz_io.h"
#include "integrity/trusted/snapshot_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t file[4096];
        struct span s = span_of(file, MIN_OF(size, sizeof file));
        struct io io = fuzz_io(&s);
        struct watchset w = { 0 };
        struct snapshot_head h;
        struct table *t;
        size_t rules;

        if (s.n < SNAPSHOT_HEAD || table_new(&t, NULL) < 0)
                return 0;
        memcpy(file, data, s.n);
        memset(file + 25, 0, file[24] < 255 ? 7 : 0); /* room is made for the records it says */
        rules = MIN_OF((size_t)le_get32(file + 64), s.n - SNAPSHOT_HEAD);
        le_put32(file + 68, crc32c(crc32c(0, span_of(file, 68)), span_of(file + 72, rules)));
        if (snapshot_read(&io, -1, "s", &w, t, &h, NULL) == 0)
                table_assert_valid(t);
        return watchset_done(&w), table_free(t), 0;
}
