/* SPDX-License-Identifier: Apache-2.0 */
/* rights.h - a worker of nginx becomes the role "gateway".  Floor 4, in nginx.
 *
 * SECURITY: see worker.h for what is left.  Its memory stays out of swap.  Directories of logs are
 * open to it, because nginx has workers open their logs anew (SIGUSR1), and what assay_sandbox_read
 * and assay_sandbox_write name for the locations that are not ours. */
#ifndef NGINX_RIGHTS_H
#define NGINX_RIGHTS_H

#include "nginx/settings.h"

#include "base/err.h"
#include "sys/sandbox.h"

/* The master, for its workers: all of their memory may be locked. */
void rights_allow_locks(void);
/* A worker's: what a call consists of is in no file, so not in swap either.  False: it may be. */
bool rights_lock_memory(void);
/* Before the first request, once everything is open that takes more rights. */
MUST_USE int rights_give_up(const struct settings *s, struct sandbox_state *ret, struct err *err);

#endif
