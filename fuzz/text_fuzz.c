/* SPDX-License-Identifier: Apache-2.0 */
/* Strict decoders: what decodes encodes to the same bytes.  Escaped text is UTF-8 without controls.
 */
#include "base/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct span s = span_of(data, size);
        uint8_t *out = malloc(size + 1); /* exact for every decoder below */
        char time[TEXT_TIME_LEN + 1], number[TEXT_U64_MAX + 1], *hex = malloc(2 * size + 1);
        struct buf b = BUF_INIT(1 << 20);
        int64_t ns;
        uint64_t u;
        size_t n = 0, at = size;

        assert(out && hex);
        if (text_to_u64(s, &u) == 0)
                assert(span_eq(span_of(number, text_u64(u, number)), s));
        if (text_to_time(s, &ns) == 0) {
                text_time(ns, time);
                assert(span_eq(span_of(time, TEXT_TIME_LEN), s));
        }
        if (text_from_hex(s, out, size / 2) == 0) {
                text_hex(span_of(out, size / 2), hex);
                assert(span_eq_str(s, hex));
        }
        if (text_from_base64(s, out, size, &n) == 0) {
                text_put_base64(&b, span_of(out, n));
                assert(span_eq(buf_span(&b), s));
        }
        buf_clear(&b);
        if (text_from_base64url(s, out, size, &n) == 0) {
                text_put_base64url(&b, span_of(out, n));
                assert(span_eq(buf_span(&b), s));
        }
        buf_clear(&b);
        text_put_safe(&b, s);
        assert(b.n >= size && text_is_utf8(buf_span(&b), NULL));
        for (size_t i = 0; i < b.n; i++)
                assert(b.p[i] >= ' ' && b.p[i] != 0x7f);
        assert(text_is_utf8(s, &at) == (at == size) && text_is_utf8(span_of(s.p, at), NULL));
        buf_done(&b);
        free(out);
        free(hex);
        return 0;
}
