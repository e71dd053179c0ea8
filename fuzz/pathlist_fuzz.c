/* SPDX-License-Identifier: Apache-2.0 */
/* What was accepted is found by its path, and is written as it was. */
#include "wire/pathlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct pathlist_entry e, found;
        struct buf b = BUF_INIT(size + 1);
        static struct pathlist l;
        struct err err = { 0 };
        struct span rest;

        if (pathlist_split(span_of(data, size), &l, &err) < 0 || pathlist_parse(&l, &err) < 0)
                return 0;
        for (rest = l.body; pathlist_next(&rest, &e);) {
                assert(pathlist_find(&l, e.path, &found) && strcmp(e.path, found.path) == 0);
                pathlist_put_entry(&b, &e);
        }
        assert(span_eq(buf_span(&b), l.body));
        buf_done(&b);
        return 0;
}
