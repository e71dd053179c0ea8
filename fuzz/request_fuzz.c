/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_request.h"
#include "fuzz_target.h"

/* Any request: what is read holds what request.h says. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
        struct http_header room[FUZZ_HEADERS_MAX];
        struct request_raw raw;
        struct refusal refusal = { 0 };
        struct request q;
        int rc;

        fuzz_request_put(span_of(data, size), room, &raw);
        rc = request_read(&raw, &arena, &q, &refusal);
        assert(rc == 0 || (rc == -EACCES && refusal.reason != REFUSED_NOT));
        if (rc == 0) {
                fuzz_request_check(&q);
                fuzz_target_check(&q.target);
        }
        return 0;
}
