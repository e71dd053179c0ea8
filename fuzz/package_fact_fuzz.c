/* SPDX-License-Identifier: Apache-2.0 */
/* A fact that is taken is put as the same bytes; any other is refused with words. */
#include "fuzz.h"
#include "wire/package_fact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct package_fact f;
        static uint8_t room[64 * 1024];
        struct buf b = { .p = room, .cap = sizeof room, .max = sizeof room };
        struct span s = span_of(data, size);
        struct json_writer w;
        struct err e = { 0 };

        if (json_check(s, &e) < 0)
                return 0;
        if (package_fact_parse(s, &f, &e) < 0)
                return assert(e.text[0]), 0;
        json_writer_init(&w, &b);
        json_begin_object(&w);
        package_fact_put(&w, &f);
        json_end_object(&w);
        assert(buf_status(&b) == 0 && b.n <= s.n); /* members of others are not put */
        return 0;
}
