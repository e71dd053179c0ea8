/* SPDX-License-Identifier: Apache-2.0 */
/* What is read is printed, read again and printed the same; whole numbers are read alike by both
 * readers. */
#include "fuzz.h"
#include "wire/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT((size_t)1 << 28);
        CLEANUP(buf_done) struct buf once = BUF_INIT((size_t)1 << 28), twice = once;
        struct err err = { 0 };
        struct tree t, again, whole;

        if (tree_read_real(span_of(data, size), TREE_DEPTH_MAX, &arena, &t, &err) < 0) {
                assert(err.code == -EINVAL && err.text[0]);
                assert(tree_read(span_of(data, size), &arena, &whole, NULL) < 0);
                return 0;
        }
        tree_print(&t, &once);
        assert(tree_read_real(buf_span(&once), TREE_DEPTH_MAX, &arena, &again, &err) == 0);
        tree_print(&again, &twice);
        assert(span_eq(buf_span(&once), buf_span(&twice)) && again.kind == t.kind);
        assert(tree_read(span_of(data, size), &arena, &whole, NULL) < 0 || whole.kind == t.kind);
        return 0;
}
