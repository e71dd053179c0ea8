/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "wire/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf again = BUF_INIT(2 * NOTE_MAX);
        struct note_vkey k;

        if (note_vkey_parse(span_of(data, size), &k, NULL) == 0) {
                note_vkey_put(&again, &k);
                assert(span_eq(buf_span(&again), span_of(data, size)));
        }
        buf_done(&again);
        return 0;
}
