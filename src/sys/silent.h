/* SPDX-License-Identifier: Apache-2.0 */
/* silent.h - mounted filesystems whose server does not answer.  Floor 1.
 *
 * Who touches one waits until it does, and nothing ends that wait.  So a thread of its own is sent
 * to ask, and is left behind where it does not come back.  The process has a list of places that
 * are not to be touched; any thread may ask it. */
#ifndef SYS_SILENT_H
#define SYS_SILENT_H

#include "base/base.h"
#include "base/err.h"

enum { SILENT_MAX = 64 };

struct silent_ask;

/* Send a thread to a mount point.  It is back, with an answer or an error, when the eventfd (which
 * it has a copy of) is written to. */
MUST_USE int silent_ask(const char *point, int eventfd, struct silent_ask **ret, struct err *err);
bool silent_is_back(const struct silent_ask *a);
/* Nobody waits for it any more, back or not; returns NULL. */
struct silent_ask *silent_leave(struct silent_ask *a);

/* Its place is not to be touched from now on.  -EAGAIN: it hangs on the way there.  -ENOSPC. */
MUST_USE int silent_put(const struct silent_ask *a);
/* It may be touched again; or it never was in the list. */
void silent_drop(struct span point);

/* Is the path at or below such a place?  A path without links in it. */
bool silent_at(struct span path);
/* Is such a place what has this name in the open directory? */
bool silent_name(int dirfd, const char *name);

#endif
