/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/file_caps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf b = BUF_INIT(4096); /* all of them by name, twice, fit */
        struct file_caps c;
        struct err err;

        if (file_caps_decode(span_of(data, size), &c, &err) == 0) {
                file_caps_put_text(&c, &b);
                assert(buf_status(&b) == 0 && memchr(b.p, '=', b.n));
                assert((b.n == 1) == !(c.permitted | c.inheritable | c.root));
        }
        buf_done(&b);
        return 0;
}
