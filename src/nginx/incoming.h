/* SPDX-License-Identifier: Apache-2.0 */
/* incoming.h - a request as nginx has it, in the words of the core, and its body.  Floor 4, in
 * nginx.
 *
 * The target is what was sent, before nginx decoded, merged or rewrote anything.  The address is
 * the connection's: a header says another one only where nginx.conf has set_real_ip_from.  Which
 * certificate counts: certificate.h.
 *
 * A body is read piece by piece into memory, as much as is asked for, whatever
 * client_body_buffer_size is: none of it is ever in a file.  One that another module had read into
 * a file before is refused.
 *
 * SECURITY: hostile bytes; the core reads them once more, strictly. */
#ifndef NGINX_INCOMING_H
#define NGINX_INCOMING_H

#include "nginx/settings.h"

#include "gateway/request/request.h"

/* Borrows from the request, and what has to be made lies in its pool.  Of more headers than
 * REQUEST_HEADERS_MAX one more is taken, which the core refuses.  -ENOMEM. */
MUST_USE int incoming_raw(ngx_http_request_t *r, int64_t now_ns, struct request_raw *ret);

struct incoming_body {
        u_char *p;
        size_t n, room, max; /* max: more is too large */
};
/* To begin with, and whenever there is more: 0: whole; -EAGAIN: the request's read handler will be
 * called; else -EFBIG: above max, or in a file; -ENOMEM; -EPIPE: the caller has gone; -ETIMEDOUT;
 * -EBADMSG: malformed chunks. */
MUST_USE int incoming_begin(ngx_http_request_t *r, size_t max, struct incoming_body *b);
MUST_USE int incoming_more(ngx_http_request_t *r, struct incoming_body *b);

/* Where nginx has what was sent, for as long as the request's pool lives. */
struct incoming_text {
        ngx_str_t line, uri;
};
void incoming_note(const ngx_http_request_t *r, struct incoming_text *ret);

/* Zeroed, once nobody needs it: first line, values of headers, the body. */
void incoming_wipe(const ngx_http_request_t *r, const struct incoming_text *text,
                   const struct request_raw *raw, const struct incoming_body *body);

#endif
