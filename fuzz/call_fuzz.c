/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_call.h"

/* Any request of one operation: what fits becomes a context that the derived schema allows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT((size_t)1 << 26);
        struct call_value values[FUZZ_CALL_PARAMETERS] = { 0 };
        const struct package *p = fuzz_call_package();
        struct tree body;
        struct call c;

        fuzz_call_read(p, span_of(data, size), &arena, &c, values, &body);
        if (call_check(p, &c, NULL) == 0)
                fuzz_call_check(p, &c, &arena);
        return 0;
}
