/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/parse/parse.h"
#include "policy/print/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct cedar_print_style style = { .width = size % 100, .indent = 1 };
        struct buf first = BUF_INIT((size_t)1 << 28), second = BUF_INIT((size_t)1 << 28);
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = NULL, *again = NULL;

        if (cedar_parse(span_of(data, size), &p, NULL) == 0) {
                cedar_print(p, style, &first);
                assert(cedar_parse(buf_span(&first), &again, NULL) == 0);
                assert(p->n == again->n && p->n_comments == again->n_comments);
                cedar_print(again, style, &second);
                assert(span_eq(buf_span(&first), buf_span(&second)));
        }
        buf_done(&first);
        buf_done(&second);
        return 0;
}
