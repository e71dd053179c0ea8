/* SPDX-License-Identifier: Apache-2.0 */
#include "cedar_shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A schema, a byte 0, and entities that are read by it and without it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(cedar_schema_freep) struct cedar_schema *s = NULL;
        CLEANUP(cedar_entities_freep) struct cedar_entities *by = NULL, *free = NULL;
        const uint8_t *end = size ? memchr(data, 0, size) : NULL;
        struct span json =
                end ? span_from(span_of(data, size), (size_t)(end - data) + 1) : SPAN_NONE;
        struct err err = { 0 };

        if (!end || cedar_schema_parse(span_of(data, (size_t)(end - data)), &s, &err))
                return 0;
        assert(cedar_entities_new(&by) == 0 && cedar_entities_new(&free) == 0);
        if (cedar_entities_read(json, s, by, &err) == 0)
                cedar_shape_data(s, by);
        if (cedar_entities_read(json, NULL, free, &err) == 0 && cedar_entities_seal(free, &err))
                assert(err.code == -ELOOP);
        return 0;
}
