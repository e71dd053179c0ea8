/* SPDX-License-Identifier: Apache-2.0 */
/* Sources of a table, or its items with their files; of a target its settings and the answer. */
#include "fuzz_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const of_target[] = { STATE_GIVEN_NAME, "program" };
        struct span rest = span_of(data, size);
        const struct state_table *t = fuzz_table(&rest);
        struct buf b = BUF_INIT(1 << 20);
        size_t i = 0;

        if (!t)
                return 0;
        bundle_begin(&b);
        if (t->flags & STATE_TAKES_FILES)
                fuzz_put_items(&b, rest);
        while (i < t->n_sources && fuzz_put_part(&b, t->sources[i].where, 0100644, &rest))
                i++;
        for (i = 0; t->n_settings && i < 2 && fuzz_put_part(&b, of_target[i], 0100644, &rest);)
                i++;
        (void)!fuzz_read_table(t, buf_span(&b));
        return buf_done(&b), 0;
}
