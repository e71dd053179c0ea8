/* SPDX-License-Identifier: Apache-2.0 */
/* Escaped text is UTF-8 without controls, and nothing of it is lost. */
#include "base/text.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf b = BUF_INIT(4 << 20);

        text_put_safe(&b, span_of(data, size));
        assert(b.n >= size && text_is_utf8(buf_span(&b), NULL));
        for (size_t i = 0; i < b.n; i++)
                assert(b.p[i] >= ' ' && b.p[i] != 0x7f);
        buf_done(&b);
        return 0;
}
