/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a call consists of: its entries are such as the recorder takes. */
#include "fuzz_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct refusal refusal = { .reason = REFUSED_BODY };
        struct record_world w;
        struct records made;

        record_world_init(&w);
        fuzz_record_call(&w, span_of(data, size));
        fuzz_record_check(record_intent(&w.call, &w.arena, &made, NULL), &made);
        fuzz_record_check(record_outcome(&w.call, &w.outcome, &w.arena, &made, NULL), &made);
        fuzz_record_check(record_denied(&w.call, &refusal, size, &w.arena, &made, NULL), &made);
        w.call = (struct record_call){ .id = w.call.id, .now_ns = w.call.now_ns, .raw = &w.raw };
        fuzz_record_check(record_denied(&w.call, &refusal, size, &w.arena, &made, NULL), &made);
        record_world_done(&w);
        return 0;
}
