/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/restoring/quarantine_item.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf scratch = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
        struct quarantine_item i;
        struct err err;

        if (quarantine_item_parse(span_of(data, size), &scratch, &i, &err) == 0)
                quarantine_item_print(&i, &out);
        buf_done(&scratch);
        buf_done(&out);
        return 0;
}
