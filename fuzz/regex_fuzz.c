/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern, a byte 0 and a text: a search ends. */
#include "fuzz.h"
#include "package/regex/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(regex_space_freep) struct regex_space *space = NULL;
        CLEANUP(regex_freep) struct regex *r = NULL;
        const uint8_t *end = size ? memchr(data, 0, size) : NULL;
        uint64_t left = 100000;
        struct err err = { 0 };
        int rc;

        if (!end || regex_new(span_of(data, (size_t)(end - data)), &r, &err) < 0) {
                fuzz_check_text(span_str(err.text));
                return 0;
        }
        assert(regex_space_new(&space) == 0);
        rc = regex_search(r, space, span_of(end + 1, size - (size_t)(end - data) - 1), &left);
        assert(rc == 0 || rc == 1 || rc == -EINVAL || rc == -E2BIG);
        return 0;
}
