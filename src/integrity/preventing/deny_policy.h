/* SPDX-License-Identifier: Apache-2.0 */
/* deny_policy.h - where an approved change takes the flags off.  Floor 3, pure.
 *
 * Exactly its paths, in its window: the files that it names, and of directories those that it
 * covers and those that hold a file it names, for whoever writes a file anew makes another beside
 * it and renames that.  What else is made in such a directory is a change like any other. */
#ifndef INTEGRITY_DENY_POLICY_H
#define INTEGRITY_DENY_POLICY_H

#include "base/base.h"
#include "integrity/why/approval.h"

/* The window only, not the grace that judging has: at its end the flags return. */
bool deny_is_open(const struct approvals *a, struct span path, bool is_dir, int64_t wall_ns);

/* Another number when other changes are in their windows. */
uint64_t deny_open_set(const struct approvals *a, int64_t wall_ns);

#endif
