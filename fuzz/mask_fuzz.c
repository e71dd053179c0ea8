/* SPDX-License-Identifier: Apache-2.0 */
/* A schema, a value and what policies say of its classes: what is not in clear is not there. */
#include "fuzz_mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT((size_t)1 << 26);
        struct fuzz_masks m = { .says = SPAN_NONE };
        struct tree document, value;

        if (fuzz_masks_read(&m, span_of(data, size), &arena, &document, &value))
                fuzz_masks_twice(&m, &value, &arena);
        class_world_done(&m.w);
        return 0;
}
