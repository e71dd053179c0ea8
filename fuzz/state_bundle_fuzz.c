/* SPDX-License-Identifier: Apache-2.0 */
#include "state/reading/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct state_part p;
        struct state_in in;

        if (bundle_open(span_of(data, size), &in, NULL) < 0)
                return 0;
        while (state_next(&in, &p))
                assert(p.name.n <= BUNDLE_NAME_MAX && p.name.p >= data &&
                       p.bytes.p + p.bytes.n <= data + size);
        return 0;
}
