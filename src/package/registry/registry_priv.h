/* SPDX-License-Identifier: Apache-2.0 */
/* registry_priv.h - what registry.c (looking) and registry_act.c (changing) share.  Floor 2. */
#ifndef PACKAGE_REGISTRY_PRIV_H
#define PACKAGE_REGISTRY_PRIV_H

#include "package/registry/registry.h"

enum { REGISTRY_PATH_MAX = 256, REGISTRY_APPROVALS_MAX = 64 /* of one package */ };

void registry_package_path(const uint8_t sha256[PACKAGE_HASH], char out[REGISTRY_PATH_MAX]);
void registry_approval_path(const uint8_t sha256[PACKAGE_HASH], unsigned n,
                            char out[REGISTRY_PATH_MAX]);
MUST_USE int registry_read_record(const struct registry *r, const char *path,
                                  struct registry_record *ret, struct err *err);

static inline bool registry_is_deployment(enum registry_act_kind k)
{
        return k == REGISTRY_DEPLOYED || k == REGISTRY_ROLLED_BACK || k == REGISTRY_WITHDRAWN;
}

#endif
