/* SPDX-License-Identifier: Apache-2.0 */
/* notify.h - tell the service manager that we are ready (sd_notify(3), by hand).  Floor 2. */
#ifndef LOOP_NOTIFY_H
#define LOOP_NOTIFY_H

#include "base/base.h"
#include "base/err.h"

struct notify {
        int fd; /* -1: nobody wants to know */
};

/* Connect to what $NOTIFY_SOCKET names and unset it, so that children do not answer for us; do this
 * before role_enter().  Unset is fine; one that cannot be reached is an error. */
MUST_USE int notify_init(struct notify *n, struct err *err);
void notify_done(struct notify *n);

/* "READY=1", "STATUS=...", "STOPPING=1", "WATCHDOG=1"; several with newlines between. */
MUST_USE int notify_send(const struct notify *n, const char *state);

#endif
