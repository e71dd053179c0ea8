/* SPDX-License-Identifier: Apache-2.0 */
/* rights.h - a worker of nginx becomes the role "gateway".  Floor 4, in nginx.
 *
 * SECURITY: see worker.h for what is left.  Directories of logs are open to it, because nginx has
 * workers open their logs anew (SIGUSR1), and what assay_sandbox_read and assay_sandbox_write name
 * for the locations that are not ours. */
#ifndef NGINX_RIGHTS_H
#define NGINX_RIGHTS_H

#include "nginx/settings.h"

#include "base/err.h"
#include "sys/sandbox.h"

/* Before the first request, once everything is open that takes more rights. */
MUST_USE int rights_give_up(const struct settings *s, struct sandbox_state *ret, struct err *err);

#endif
