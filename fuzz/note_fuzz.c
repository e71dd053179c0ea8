/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "wire/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was accepted can be written again, byte for byte. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf again = BUF_INIT(2 * NOTE_MAX);
        struct note_sig sig;
        struct note n;

        if (note_parse(span_of(data, size), &n, NULL) == 0) {
                buf_put(&again, n.text);
                buf_put_byte(&again, '\n');
                while (note_next_sig(&n.sigs, &sig))
                        note_put_sig(&again, sig.name, sig.keyid, span_of(sig.sig, sig.sig_n));
                assert(span_eq(buf_span(&again), span_of(data, size)));
        }
        buf_done(&again);
        return 0;
}
