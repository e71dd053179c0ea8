/* SPDX-License-Identifier: Apache-2.0 */
/* Strict decoders of bytes: what decodes encodes to the same text. */
#include "base/text.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct span s = span_of(data, size);
        struct buf exact = BUF_INIT(1 << 20), hex = BUF_INIT(2 << 20), b = BUF_INIT(2 << 20);
        uint8_t *out = buf_extend(&exact, size + 1); /* enough for every decoder below */
        char *text = (char *)buf_extend(&hex, 2 * size + 1);
        size_t n = 0;

        assert(out && text);
        if (text_from_hex(s, out, size / 2) == 0)
                text_hex(span_of(out, size / 2), text), assert(span_eq_str(s, text));
        if (text_from_base64(s, out, size, &n) == 0)
                text_put_base64(&b, span_of(out, n)), assert(span_eq(buf_span(&b), s));
        buf_clear(&b);
        if (text_from_base64url(s, out, size, &n) == 0)
                text_put_base64url(&b, span_of(out, n)), assert(span_eq(buf_span(&b), s));
        buf_done(&exact), buf_done(&hex), buf_done(&b);
        return 0;
}
