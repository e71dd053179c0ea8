/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever an entry holds, it is shown as one line without a control character. */
#include "command/log/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct screen in_pipe = { 0 };
        struct buf out = BUF_INIT(1 << 24);
        struct view v;

        view_init(&v);
        if (view_open(&v, size, span_of(data, size), NULL) == 0) {
                line_put(&in_pipe, &v, &out);
                assert(out.n > 0 && out.p[out.n - 1] == '\n');
                for (size_t i = 0; i + 1 < out.n; i++)
                        assert(out.p[i] >= 0x20 && out.p[i] != 0x7f);
        }
        view_done(&v);
        buf_done(&out);
        return 0;
}
