/* SPDX-License-Identifier: Apache-2.0 */
/* A schema, a byte 0 and a value: the answer comes within the steps, is said in plain text, and is
 * the same again for the value as it is printed. */
#include "../tests/package/schema/schema_maker.h"
#include "fuzz_schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT((size_t)1 << 26);
        CLEANUP(api_checker_freep) struct api_checker *c = NULL;
        const uint8_t *end = size ? memchr(data, 0, size) : NULL;
        struct tree document, value;
        struct api_schemas s;
        struct err err = { 0 };

        if (!end || fuzz_read(span_of(data, (size_t)(end - data)), &arena, &document) ||
            fuzz_read(span_of(end + 1, size - (size_t)(end - data) - 1), &arena, &value) ||
            schema_make(&document, &arena, &s, NULL))
                return 0;
        if (api_checker_new(&s, &c, &err) == 0)
                fuzz_check_twice(c, &value, &arena);
        else
                fuzz_check_text(span_str(err.text));
        return 0;
}
