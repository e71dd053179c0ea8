/* SPDX-License-Identifier: Apache-2.0 */
/* session_host.h - what this host says of sessions: /proc, sock_diag(7), utmp(5).  Floor 3. */
#ifndef INTEGRITY_SESSION_HOST_H
#define INTEGRITY_SESSION_HOST_H

#include "integrity/who/session.h"

struct session_host;

/* procs is borrowed. */
MUST_USE int session_host_new(struct procs *procs, const struct clock *clock,
                              struct session_host **ret, struct err *err);
struct session_host *session_host_free(struct session_host *h);
DEFINE_CLEANUP(struct session_host, session_host_free)

extern const struct session_ops session_host_ops; /* ctx is a struct session_host */

#endif
