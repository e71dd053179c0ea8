/* SPDX-License-Identifier: Apache-2.0 */
/* An approval of a deployment: what is read has names of an API, a version and a change. */
#include "fuzz.h"
#include "package/registry/approval.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct span key =
                SPAN_INIT("anna+835c5630+AQICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC");
        struct approval a;
        size_t which = 1;

        if (approval_read(span_of(data, size), &a, NULL) < 0)
                return 0;
        assert(package_api_ok(span_str(a.api)) && package_version_ok(span_str(a.version)));
        assert(approval_change_ok(span_str(a.change)));
        assert(approval_verify(span_of(data, size), &key, 1, &which, NULL) < 0 || which == 0);
        return 0;
}
