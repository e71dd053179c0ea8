/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/acl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf b = BUF_INIT(1 << 16);
        struct err err;
        size_t commas = 0;

        if (acl_put_text(span_of(data, size), &b, &err) < 0) {
                assert(b.n == 0);
        } else if (buf_status(&b) == 0 && b.n) { /* one text per entry, each of its shape */
                for (size_t i = 0; i < b.n; i++)
                        commas += b.p[i] == ',';
                assert(commas + 1 == acl_entries(size));
        }
        buf_done(&b);
        return 0;
}
