/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/late.h"
#include "integrity/why/late_past.h"

static bool look(void *ctx, const struct source_change *c)
{
        *(size_t *)ctx += c->path.n + c->from.n + (c->is ? c->is->link.n : 0);
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        CLEANUP(late_freep) struct late *l = NULL;
        struct late_past p = LATE_PAST_INIT;
        size_t at = 0, sum = 0;
        char id[64];

        late_past_hear(&p, span_of(data, n));
        late_past_hear_waiting(&p, 1, 2, span_of(data, n));
        if (late_new(&l, NULL) == 0 && late_past_apply(&p, l, NULL) == 0)
                (void)!late_next(l, look, &sum, &at, id);
        late_past_done(&p);
        return 0;
}
