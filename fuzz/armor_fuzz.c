/* SPDX-License-Identifier: Apache-2.0 */
/* Keys come out that were in, or there are words why not. */
#include "job/armor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf out = BUF_INIT(size + 1);
        struct err err = { 0 };
        int r = armor_put_keys(span_of(data, size), &out, &err);

        assert(r == 0 ? out.n <= size : err.text[0] != '\0');
        buf_done(&out);
        return 0;
}
