/* SPDX-License-Identifier: Apache-2.0 */
/* A disclosure that parses has one spelling: written again it is the same. */
#include "fuzz.h"
#include "wire/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf scratch = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
        struct disclosure d;
        struct err err;

        if (disclosure_parse(span_of(data, size), &scratch, &d, &err) == 0) {
                disclosure_put(&again, d.salt, d.name, d.value.raw);
                assert(span_eq(buf_span(&again), span_of(data, size)));
        } else {
                assert(err.code == -EBADMSG);
        }
        /* The same bytes as JSON inside, so that the fuzzer need not invent base64. */
        buf_clear(&again);
        if (size > 2 && data[0] == '[' && data[size - 1] == ']')
                disclosure_put(&again, SPAN("c2FsdA"), SPAN("n"), span_of(data, size));
        if (again.n && disclosure_parse(buf_span(&again), &scratch, &d, &err) == 0)
                assert(span_eq(d.value.raw, span_of(data, size)));
        return buf_done(&scratch), buf_done(&again), 0;
}
