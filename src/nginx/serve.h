/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h - a call through a location with assay_gateway, as gateway/exchange/exchange.h has it
 * done. Floor 4, in nginx.
 *
 * nginx's other modules have their say before: limit_req, allow, auth_request, return.  What they
 * refuse never gets here and is no entry; neither is what nginx itself answers: a request line or
 * headers that are malformed or too large (400, 414, 431), a body above client_max_body_size (413),
 * a TLS handshake or a certificate that fails (400).
 *
 * Not served, with 500 and a line in the log: subrequests and what was redirected or rewritten
 * inside nginx, because the target that was sent is another one than that which chose the location.
 */
#ifndef NGINX_SERVE_H
#define NGINX_SERVE_H

#include "nginx/settings.h"

/* The content handler. */
ngx_int_t serve_handler(ngx_http_request_t *r);

/* As the entries have it; empty: it is no call, or none yet. */
struct span serve_call_id(ngx_http_request_t *r);

#endif
