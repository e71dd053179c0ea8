/* SPDX-License-Identifier: Apache-2.0 */
/* discreet.h - keeps what callers send out of nginx's own logs.  Floor 4, in nginx.
 *
 * nginx writes the first line of a request, and with it ids and queries, into its access log and
 * behind most lines of its error log.  Of a server that has a location of ours:
 *
 *   error log    says server and client, and the call's id where the module has one: no request, no
 *                host, no referrer
 *   access log   variables of the request's target, headers and user are empty where a location of
 *                ours was found, or none yet: a request that is malformed has no location; or
 *                another one inside nginx, by error_page for one
 *
 * Both hold for all servers of its listeners as long as no Host was read, since that says whose a
 * request is.
 *
 * Not covered: what nginx logs at "info" and "debug" while it still reads the head.  Configurations
 * with such a level get a warning. */
#ifndef NGINX_DISCREET_H
#define NGINX_DISCREET_H

#include "nginx/settings.h"

/* Once for a configuration. */
MUST_USE bool discreet_add(ngx_conf_t *cf);

/* A location is ours: its logs are judged; a warning goes to nginx's output. */
void discreet_check(ngx_conf_t *cf, const ngx_http_core_loc_conf_t *core);

#endif
