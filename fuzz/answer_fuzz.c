/* SPDX-License-Identifier: Apache-2.0 */
/* Any answer of a back-end is refused, or is what the document has, masked for who asks. */
#include "fuzz_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT((size_t)1 << 26);
        struct http_header headers[ANSWER_WORLD_HEADERS];
        struct answer_world *w = fuzz_answer_world();
        struct answer_raw raw = { .status = 0 };

        fuzz_answer_read(w, span_of(data, size), headers, &raw);
        fuzz_answer_check(w, &raw, &arena);
        return 0;
}
