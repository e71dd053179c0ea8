/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_target.h"

/* A target and, behind its line, the paths of a document. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
        struct span rest = span_of(data, size), line = SPAN_NONE;
        struct refusal refusal;
        struct target t;

        if (!fuzz_cut_line(&rest, &line) || target_read(line, &arena, &t, &refusal) < 0)
                return 0;
        fuzz_target_check(&t);
        fuzz_target_again(&t, &arena);
        fuzz_target_route(rest, &t);
        return 0;
}
