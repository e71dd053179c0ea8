/* SPDX-License-Identifier: Apache-2.0 */
/* Strict decoders of numbers and times: what decodes encodes to the same bytes. */
#include "base/text.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct span s = span_of(data, size);
        char time[TEXT_TIME_LEN + 1], number[TEXT_U64_MAX + 1];
        size_t at = size;
        uint64_t u;
        int64_t ns;

        if (text_to_u64(s, &u) == 0)
                assert(span_eq(span_of(number, text_u64(u, number)), s));
        if (text_to_time(s, &ns) == 0) {
                text_time(ns, time);
                assert(span_eq(span_of(time, TEXT_TIME_LEN), s));
        }
        assert(text_is_utf8(s, &at) == (at == size) && text_is_utf8(span_of(s.p, at), NULL));
        return 0;
}
