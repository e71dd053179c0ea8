/* SPDX-License-Identifier: Apache-2.0 */
/* Any text is of some kind, and of the same with a blank around it; the long ones are of none. */
#include "fuzz.h"
#include "gateway/masking/find.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t *text = fuzz_copy(data, size), *wider = malloc(size + 2);
        bool weak, again;
        enum find_kind kind = find_personal(span_of(text, size), &weak);

        assert(wider && kind < FIND_KINDS && (kind != FIND_NONE || !weak));
        assert(size <= FIND_TEXT_MAX || kind == FIND_NONE);
        memset(wider, ' ', size + 2);
        if (size > 0)
                memcpy(wider + 1, text, size);
        if (size + 2 <= FIND_TEXT_MAX)
                assert(find_personal(span_of(wider, size + 2), &again) == kind && again == weak);
        free(text);
        free(wider);
        return 0;
}
