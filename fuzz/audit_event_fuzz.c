/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "fuzz.h"
#include "sys/audit_event.h"

static int hear(void *ctx, const struct attempt *a, struct span path)
{
        assert(path.n == 0 || (path.p[0] == '/' && !memchr(path.p, 0, path.n)));
        assert(path.n < 2 || path.p[path.n - 1] != '/');
        assert(attempt_op_name(a->op) && a->error < 0 && a->pid >= 0);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(audit_events_freep) struct audit_events *e = NULL;
        struct span rest = span_of(data, size);
        uint64_t type;

        assert(audit_events_new(&e, NULL) == 0);
        for (int64_t now = 0; rest.n; now += 1000000) { /* lines "1300 audit(...): ..." */
                const uint8_t *end = memchr(rest.p, '\n', rest.n);
                struct span line = span_of(rest.p, end ? (size_t)(end - rest.p) : rest.n);

                if (line.n > 4 && text_to_u64(span_of(line.p, 4), &type) == 0)
                        assert(audit_events_take(e, (unsigned)type, span_from(line, 5), now, hear,
                                                 NULL) == 0);
                rest = span_from(rest, line.n + 1);
        }
        return audit_events_expire(e, INT64_MAX, hear, NULL);
}
