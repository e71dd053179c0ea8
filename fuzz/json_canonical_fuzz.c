/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical output is a fixed point, and under the strict rule for keys the checker accepts it. */
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        for (unsigned flags = 0; flags <= JSON_ANY_KEY; flags++) {
                struct buf once = BUF_INIT(1 << 20), twice = BUF_INIT(1 << 20);
                struct err err = { 0 };

                if (json_canonicalize(span_of(data, size), flags, &once, &err) < 0) {
                        assert(once.n == 0 && err.code < 0 && err.text[0]);
                } else {
                        assert(once.n <= size);
                        assert(flags || json_check_value(buf_span(&once), &err) == 0);
                        assert(json_canonicalize(buf_span(&once), flags, &twice, &err) == 0);
                        assert(span_eq(buf_span(&once), buf_span(&twice)));
                }
                buf_done(&once);
                buf_done(&twice);
        }
        return 0;
}
