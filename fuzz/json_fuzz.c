/* SPDX-License-Identifier: Apache-2.0 */
/* What the checker accepts is canonical: canonicalizing changes nothing, and walking it rebuilds
 * it. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct span s = span_of(data, size);
        struct buf same = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
        struct json_writer w;
        struct err err = { 0 };

        assert(json_check(s, &err) == 0 || (err.code < 0 && err.text[0]));
        if (size < 4096 && json_check_value(s, &err) == 0) {
                assert(json_canonicalize(s, 0, &same, &err) == 0);
                assert(span_eq(buf_span(&same), s));
                json_writer_init(&w, &again);
                fuzz_rewrite(json_value_of(s), &w);
                assert(span_eq(buf_span(&again), s));
        }
        buf_done(&same);
        buf_done(&again);
        return 0;
}
