/* SPDX-License-Identifier: Apache-2.0 */
#include "package/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was accepted is written again byte for byte, and its note is judged. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct span key =
                SPAN_INIT("release.example+4ef12784+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4");
        CLEANUP(buf_done) struct buf again = BUF_INIT(PACKAGE_FILE_MAX);
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
        struct package_file f;
        size_t which;

        if (package_file_read(span_of(data, size), &arena, &f, NULL))
                return 0;
        assert(package_file_put(&again, &f, NULL) == 0 && span_eq(buf_span(&again), f.body));
        assert(f.body.n + f.note.n == size);
        if (package_file_verify(&f, &key, 1, &which, NULL) == 0)
                assert(which == 0 && f.note.n > 0);
        return 0;
}
