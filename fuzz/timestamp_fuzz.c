/* SPDX-License-Identifier: Apache-2.0 */
/* A reply about the word "assay" holds, then with a time, or is refused in words. */
#include "crypto/timestamp.h"
#include "fuzz_timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t *copy = fuzz_copy(data, size);
        struct span reply = span_of(copy, size);
        struct err err = { 0 };
        int64_t at = -1;
        int r = timestamp_check(SPAN("assay"), SPAN_NONE, reply, span_str(fuzz_authority), &at,
                                &err);

        if (r == 0)
                assert(at != -1);
        else
                assert(at == -1 && r == err.code && strncmp(err.text, "time stamp: ", 12) == 0);
        assert(r == 0 || r == -EBADMSG);
        return free(copy), 0;
}
