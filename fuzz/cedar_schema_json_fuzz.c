/* SPDX-License-Identifier: Apache-2.0 */
#include "cedar_shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(cedar_schema_freep) struct cedar_schema *s = NULL;
        struct err err = { 0 };

        if (cedar_schema_parse_json(span_of(data, size), &s, &err))
                assert(err.code < 0 && err.text[0] && !s);
        else
                cedar_shape(s);
        return 0;
}
