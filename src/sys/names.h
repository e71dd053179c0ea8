/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - each name in a directory, for those that want nothing else of it.  Floor 1.
 *
 * dirwalk.h is for many directories at once.  SECURITY: a name is any bytes but '/' and NUL. */
#ifndef SYS_NAMES_H
#define SYS_NAMES_H

#include "base/base.h"

/* dirfd is the directory, open and borrowed; name may be removed from it.  Other than 0 ends the
 * walk. */
typedef int names_fn(void *ctx, int dirfd, const char *name);

/* Calls fn for every name in path below dirfd (AT_FDCWD as in openat(2)) but "." and "..", in no
 * order.  Returns 0, what fn returned that was not 0, or a negative errno: the directory cannot be
 * opened, or (fn has then been called for some) not be read to its end. */
MUST_USE int names_each(int dirfd, const char *path, names_fn *fn, void *ctx);

#endif
