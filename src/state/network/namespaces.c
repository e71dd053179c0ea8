/* SPDX-License-Identifier: Apache-2.0 */
#include "state/network/namespaces.h"

bool state_namespaces_unseen(struct state_out *out, const struct state_part *p, struct span kind,
                             uint64_t n, const char *sort, int *ret)
{
        if (span_eq_str(kind, "many"))
                *ret = state_fault(out, p, 0, "more %s namespaces than are looked into", sort);
        else if (span_eq_str(kind, "hidden"))
                *ret = state_fault(out, p, 0,
                                   "%llu process%s may be in %s namespaces that are not seen, "
                                   "which takes CAP_SYS_PTRACE",
                                   (unsigned long long)n, n == 1 ? "" : "es", sort);
        else
                return false;
        return true;
}
