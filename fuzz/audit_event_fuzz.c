/* SPDX-License-Identifier: Apache-2.0 */
/* Lines "1300 audit(...): ..." */
#include "fuzz.h"
#include "sys/audit_event.h"

static int hear(void *ctx, const struct attempt *a, struct span path)
{
        fuzz_check_path(path);
        assert(attempt_op_name(a->op) && a->error < 0 && a->pid >= 0);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(audit_events_freep) struct audit_events *e = NULL;
        struct span rest = span_of(data, size), line;
        uint64_t type;

        assert(audit_events_new(&e, NULL) == 0);
        for (int64_t now = 0; fuzz_cut_line(&rest, &line); now += 1000000)
                if (line.n > 4 && text_to_u64(span_of(line.p, 4), &type) == 0)
                        assert(audit_events_take(e, (unsigned)type, span_from(line, 5), now, hear,
                                                 NULL) == 0);
        return audit_events_expire(e, INT64_MAX, hear, NULL);
}
