/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watching/watchset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf text = BUF_INIT(1 << 22), twice = BUF_INIT(1 << 22);
        struct watchset w = { 0 }, again = { 0 };

        if (watchset_parse(&w, "f", span_of(data, size), NULL) == 0) {
                watchset_print(&w, &text);
                assert(watchset_parse(&again, "f", buf_span(&text), NULL) == 0);
                watchset_print(&again, &twice);
                assert(span_eq(buf_span(&text), buf_span(&twice)));
                for (size_t i = 0; i < w.n; i++) /* patterns are paths, too */
                        assert(watchset_rule(&w, w.rules[i].text) == NULL ||
                               watchset_rule(&again, w.rules[i].text) != NULL);
        }
        watchset_done(&w);
        watchset_done(&again);
        buf_done(&text);
        buf_done(&twice);
        return 0;
}
