/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/approval.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted, printed and read again is the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(approval_freep) struct approval *a = NULL, *again = NULL;
        struct buf first = BUF_INIT(APPROVAL_BYTES_MAX), second = BUF_INIT(APPROVAL_BYTES_MAX);
        struct err err = { 0 };

        if (approval_parse(span_of(data, size), &a, &err) == 0) {
                approval_print(a, &first);
                assert(approval_parse(buf_span(&first), &again, NULL) == 0);
                approval_print(again, &second);
                assert(span_eq(buf_span(&first), buf_span(&second)));
        }
        buf_done(&first);
        buf_done(&second);
        return 0;
}
