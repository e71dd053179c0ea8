/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/frozen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(frozen_freep) struct frozen *f = NULL, *again = NULL;
        struct buf text = BUF_INIT(1 << 22);
        bool torn;

        assert(frozen_new(&f, NULL) == 0 && frozen_new(&again, NULL) == 0);
        if (frozen_parse(f, span_of(data, size), &torn, NULL) == 0) {
                frozen_print(f, &text);
                assert(frozen_parse(again, buf_span(&text), &torn, NULL) == 0 && !torn);
                assert(frozen_count(f) == frozen_count(again));
                for (size_t i = 0; i < frozen_count(f); i++)
                        assert(frozen_find(again, frozen_path(frozen_at(f, i))));
        }
        buf_done(&text);
        return 0;
}
