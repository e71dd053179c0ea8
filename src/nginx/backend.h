/* SPDX-License-Identifier: Apache-2.0 */
/* backend.h - where a package's service is: addresses, TLS, connections kept open.  Floor 4, in
 * nginx.
 *
 * Addresses are those that backend.yaml lists: no name is resolved.  TLS 1.2 or later, the
 * certificate verified for tls.name (else the url's host) against tls.ca (else the system's).
 * A connection belongs to one package file: a new one begins with none, so nothing that a caller's
 * request left on one reaches another API. */
#ifndef NGINX_BACKEND_H
#define NGINX_BACKEND_H

#include "nginx/settings.h"

#include "package/registry/live.h"

enum {
        BACKEND_IDLE_MAX = 64,   /* connections kept open */
        BACKEND_IDLE_MS = 15000, /* for so long */
};

struct backend {
        unsigned refs;
        const struct package *package;
        const struct config_backend *config;
        ngx_pool_t *pool;
        ngx_addr_t *addresses;
        ngx_uint_t n_addresses, next;
        ngx_ssl_t *tls; /* NULL: none */
        ngx_str_t tls_name;
        ngx_queue_t idle;   /* newest first */
        ngx_queue_t places; /* for more of them */
};

/* One for each package of a generation; what is the same as in before is shared with it.  Counted:
 * a call keeps those it began with. */
struct backends;
MUST_USE int backends_new(struct generation *g, const struct backends *before, ngx_log_t *log,
                          struct backends **ret, struct err *err);
struct backends *backends_ref(struct backends *b);   /* NULL is fine */
struct backends *backends_unref(struct backends *b); /* NULL is fine; returns NULL */
/* No idle connection stays: the worker ends. */
void backends_close(struct backends *b); /* NULL is fine */

/* Of a package of this generation (asserted); the caller's to let go. */
struct backend *backend_hold(struct backends *b, const struct package *p);
void backend_let_go(struct backend *b);

/* One that was kept, or NULL; nothing waits to be read on it. */
ngx_connection_t *backend_take(struct backend *b, ngx_log_t *log);
/* Ready for the next request, or closed. */
void backend_keep(struct backend *b, ngx_connection_t *c);
void backend_close(ngx_connection_t *c);

#endif
