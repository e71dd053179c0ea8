/* SPDX-License-Identifier: Apache-2.0 */
/* reach.h - whether another user gets to a place in the file system.  Floor 1. */
#ifndef SYS_REACH_H
#define SYS_REACH_H

#include "base/base.h"
#include "base/err.h"

#include <sys/types.h>

/* path is absolute and a directory.  -EACCES: err names the first directory on the way that the
 * user may not enter.  Needs root, whose further groups count for the user as well.  The calling
 * thread has the user's rights on files meanwhile. */
MUST_USE int reach_directory(const char *path, uid_t uid, gid_t gid, struct err *err);

#endif
