/* SPDX-License-Identifier: Apache-2.0 */
/* An object has as many bytes as it says, or is none. */
#include "job/loose.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct loose l;
        uint8_t *out;

        if (loose_header(span_of(data, size), &l) < 0 || l.size > 1 << 20)
                return 0;
        out = malloc(l.size ? l.size : 1); /* exactly, so that one more is seen */
        assert(out && l.header <= LOOSE_HEADER_MAX);
        assert(loose_content(span_of(data, size), &l, out) <= 0);
        free(out);
        return 0;
}
