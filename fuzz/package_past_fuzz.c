/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/package_info.h"
#include "integrity/why/package_past.h"

static void note(void *ctx, struct span path, bool changed)
{
        struct package_info n;

        (void)changed;
        assert(path.n && path.n < PACKAGE_INFO_MAX && span_starts(path, SPAN(PACKAGE_INFO_DIR)));
        *(size_t *)ctx += package_info_parse(path, &n) && n.name.n && n.what.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        CLEANUP(buf_done) struct buf kept = BUF_INIT(1 << 16);
        size_t parsed = 0;

        package_past_hear(&kept, 1, span_of(data, n), false);
        package_past_hear(&kept, 0, span_of(data, n), true);
        (void)!package_past_apply(buf_span(&kept), note, &parsed);
        return 0;
}
