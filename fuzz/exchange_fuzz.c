/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_exchange.h"

FUZZ_ALLOW_LOSSES_OF("libfyaml")

/* Any request and any answer: nothing is asked before an intent is recorded, nothing of an answer
 * is shown before the outcome is, and nothing that is withheld is shown at all. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t *copy = fuzz_copy(data, size);
        struct fuzz_call c;

        world_forget(fuzz_world());
        fuzz_read_call(span_of(copy, size), &c);
        fuzz_call_once(&c);
        if (c.how & FUZZ_TWICE) {
                fuzz_read_call(span_of(copy, size), &c);
                fuzz_call_once(&c);
        }
        free(copy);
        return 0;
}
