/* SPDX-License-Identifier: Apache-2.0 */
#include "command/change/apt_hook.h"

static int take(void *ctx, const struct apt_hook_package *p)
{
        size_t *n = ctx;

        assert(p->name.n && p->name.n <= APT_HOOK_FIELD_MAX && p->path.n <= APT_HOOK_PATH_MAX);
        assert(p->path.n == 0 || p->path.p[0] == '/');
        assert(apt_hook_action_name(p->action));
        return ++*n > APT_HOOK_PACKAGES_MAX ? -EINVAL : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        size_t packages = 0;

        (void)!apt_hook_parse(span_of(data, n), take, &packages, NULL);
        return 0;
}
