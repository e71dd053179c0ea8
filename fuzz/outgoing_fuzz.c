/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_outgoing.h"

/* A request, as fuzz_request.h has it: what goes on to a back-end means the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 22);
        struct http_header room[FUZZ_HEADERS_MAX];
        struct fuzz_outgoing first;
        struct request_raw raw;

        fuzz_request_put(span_of(data, size), room, &raw);
        if (fuzz_outgoing_make(&raw, &arena, &first) == 0)
                fuzz_outgoing_again(&first, &arena);
        return 0;
}
