/* SPDX-License-Identifier: Apache-2.0 */
/* access_priv.h - what the parts of access.h share.  Floor 2, pure. */
#ifndef PACKAGE_ACCESS_PRIV_H
#define PACKAGE_ACCESS_PRIV_H

#include "package/access.h"

/* A span of a package within a message, for "%.*s". */
#define SHOWN(s) (int)MIN_OF((s).n, (size_t)100), (const char *)(s).p

/* All kinds of callers of a package, or the one asked for, in arena.  -E2BIG, -ENOMEM. */
MUST_USE int access_find_who(const struct package *p, const struct access_who *asked,
                             struct arena *arena, struct access_who **ret, uint32_t *ret_n);

#endif
