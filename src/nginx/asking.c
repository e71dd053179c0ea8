/* SPDX-License-Identifier: Apache-2.0 */
/* asking.c - see asking.h: connecting, sending, the end. */
#include "nginx/asking_priv.h"

#include "package/model/model.h"

static void on_write(ngx_event_t *ev);

static void set_state(struct asking *a, enum asking_state state)
{
        a->state = state;
}

/* ---- the request ---- */

static u_char *put(u_char *p, struct span s)
{
        return ngx_cpymem(p, s.p, s.n);
}

static size_t head_size(const struct outgoing *o)
{
        size_t n = sizeof("OPTIONS  HTTP/1.1\r\nHost: \r\nContent-Length: \r\n\r\n") +
                   NGX_SIZE_T_LEN + o->target.n + o->host.n;

        for (uint32_t i = 0; i < o->n_headers; i++)
                n += o->headers[i].name.n + o->headers[i].value.n + sizeof(": \r\n");
        return n;
}

static bool has_length(const struct outgoing *o)
{
        return o->body.p || o->method == API_POST || o->method == API_PUT || o->method == API_PATCH;
}

static u_char *put_head(u_char *p, const struct outgoing *o)
{
        p = put(p, span_str(api_method_name(o->method)));
        *p++ = ' ';
        p = put(p, o->target);
        p = put(p, SPAN(" HTTP/1.1\r\nHost: "));
        p = put(p, o->host);
        p = put(p, SPAN("\r\n"));
        for (uint32_t i = 0; i < o->n_headers; i++) {
                p = put(p, o->headers[i].name);
                p = put(p, SPAN(": "));
                p = put(p, o->headers[i].value);
                p = put(p, SPAN("\r\n"));
        }
        if (has_length(o))
                p = ngx_sprintf(p, "Content-Length: %uz\r\n", o->body.n);
        return put(p, SPAN("\r\n"));
}

static ngx_chain_t *add_link(ngx_pool_t *pool, u_char *from, u_char *to)
{
        ngx_chain_t *link = ngx_alloc_chain_link(pool);
        ngx_buf_t *b = link ? ngx_calloc_buf(pool) : NULL;

        if (!b)
                return NULL;
        b->start = b->pos = from;
        b->last = b->end = to;
        b->memory = 1;
        link->buf = b;
        link->next = NULL;
        return link;
}

static bool make_request(struct asking *a)
{
        const struct outgoing *o = a->what.outgoing;
        u_char *head = ngx_pnalloc(a->r->pool, head_size(o));

        a->out = head ? add_link(a->r->pool, head, put_head(head, o)) : NULL;
        if (a->out && o->body.n > 0)
                a->out->next = add_link(a->r->pool, (u_char *)(uintptr_t)o->body.p,
                                        (u_char *)(uintptr_t)o->body.p + o->body.n);
        if (!a->out || (o->body.n > 0 && !a->out->next))
                return false;
        (a->out->next ? a->out->next : a->out)->buf->flush = 1; /* TLS holds it back else */
        return true;
}

/* All of it again: sending moved the positions. */
static void rewind_request(struct asking *a)
{
        for (ngx_chain_t *link = a->out; link; link = link->next)
                link->buf->pos = link->buf->start;
        a->left = a->out;
}

/* ---- the end ---- */

static void close_connection(struct asking *a)
{
        if (a->peer.connection)
                backend_close(a->peer.connection);
        a->peer.connection = NULL;
}

static void let_go(struct asking *a)
{
        bool reusable = a->answer.part == ANSWER_WHOLE && !a->answer.closes && !a->left &&
                        a->answer.head.pos == a->answer.head.last;

        if (a->peer.connection && reusable && a->state == ASKING_READING)
                backend_keep(a->what.backend, a->peer.connection);
        else
                close_connection(a);
        a->peer.connection = NULL;
        backend_let_go(a->what.backend);
        set_state(a, ASKING_OVER);
}

void asking_end(struct asking *a, enum refusal_reason fault, const char *text)
{
        const struct asking_answer *got = &a->answer;
        ngx_connection_t *caller = a->r->connection;
        struct asking_end end = {
                .fault = fault,
                .text = text,
                .answer = { .status = (uint16_t)got->status.code,
                            .headers = got->headers,
                            .n_headers = got->n_headers,
                            .body = span_of(got->body, got->n_body),
                            .head = a->what.outgoing->method == API_HEAD },
        };

        let_go(a);
        a->what.done(a->what.ctx, &end);
        ngx_http_run_posted_requests(caller);
}

void asking_cancel(struct asking *a)
{
        if (a->state != ASKING_OVER) {
                a->answer.part = ANSWER_STATUS; /* in the midst of something: not to be kept */
                let_go(a);
        }
}

/* Of the request's links the first is ours; the second, its body, is who asked's. */
void asking_wipe(struct asking *a)
{
        if (a->out)
                ngx_explicit_memzero(a->out->buf->start,
                                     (size_t)(a->out->buf->end - a->out->buf->start));
        asking_read_wipe(a);
}

/* ---- sending ---- */

static void send_request(struct asking *a)
{
        ngx_connection_t *c = a->peer.connection;

        a->left = c->send_chain(c, a->left, 0);
        if (a->left == NGX_CHAIN_ERROR) {
                a->left = a->out;
                asking_lost(a);
                return;
        }
        if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
                asking_end(a, REFUSED_BACKEND, "its connection cannot be watched");
                return;
        }
        if (a->left)
                return;
        if (c->write->timer_set)
                ngx_del_timer(c->write);
        set_state(a, ASKING_READING);
        ngx_add_timer(c->read, a->what.backend->config->read_ms);
        if (c->read->ready)
                asking_on_read(c->read);
}

static void begin_to_send(struct asking *a)
{
        ngx_connection_t *c = a->peer.connection;

        set_state(a, ASKING_SENDING);
        c->data = a;
        c->read->handler = asking_on_read;
        c->write->handler = on_write;
        ngx_add_timer(c->write, a->what.backend->config->read_ms);
        rewind_request(a);
        asking_read_reset(a);
        send_request(a);
}

/* ---- TLS ---- */

static void on_shaken(ngx_connection_t *c)
{
        struct asking *a = c->data;
        ngx_str_t *name = &a->what.backend->tls_name;
        long verified;

        if (!c->ssl->handshaked) {
                asking_end(a,
                           c->write->timedout || c->read->timedout ? REFUSED_BACKEND_TIME
                                                                   : REFUSED_BACKEND,
                           "no TLS with it");
                return;
        }
        verified = SSL_get_verify_result(c->ssl->connection);
        if (verified != X509_V_OK) {
                asking_end(a, REFUSED_BACKEND, X509_verify_cert_error_string(verified));
                return;
        }
        if (ngx_ssl_check_host(c, name) != NGX_OK) {
                asking_end(a, REFUSED_BACKEND, "its certificate is for another name");
                return;
        }
        begin_to_send(a);
}

/* Server Name Indication has names only (RFC 6066). */
static bool name_server(struct asking *a, ngx_connection_t *c)
{
        const ngx_str_t *name = &a->what.backend->tls_name;
        struct sockaddr_in6 any;
        char *text;

        if (ngx_inet_addr(name->data, name->len) != INADDR_NONE ||
            ngx_inet6_addr(name->data, name->len, any.sin6_addr.s6_addr) == NGX_OK)
                return true;
        text = ngx_pcalloc(a->r->pool, name->len + 1);
        if (!text)
                return false;
        memcpy(text, name->data, name->len);
        return SSL_set_tlsext_host_name(c->ssl->connection, text) == 1;
}

static void begin_tls(struct asking *a)
{
        ngx_connection_t *c = a->peer.connection;
        ngx_int_t rc;

        set_state(a, ASKING_SHAKING);
        if (ngx_ssl_create_connection(a->what.backend->tls, c, NGX_SSL_BUFFER | NGX_SSL_CLIENT) !=
                    NGX_OK ||
            !name_server(a, c)) {
                asking_end(a, REFUSED_BACKEND, "TLS with it cannot be begun");
                return;
        }
        rc = ngx_ssl_handshake(c);
        if (rc == NGX_AGAIN) {
                ngx_add_timer(c->write, a->what.backend->config->connect_ms);
                c->ssl->handler = on_shaken;
                return;
        }
        on_shaken(c);
}

/* ---- connecting ---- */

static void connect_next(struct asking *a);

static bool is_connected(const ngx_connection_t *c)
{
        int error = 0;
        socklen_t n = sizeof(error);

        return getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error == 0;
}

static void on_connected(struct asking *a)
{
        ngx_connection_t *c = a->peer.connection;

        if (c->write->timer_set)
                ngx_del_timer(c->write);
        if (!is_connected(c)) {
                close_connection(a);
                connect_next(a);
                return;
        }
        if (c->tcp_nodelay == NGX_TCP_NODELAY_UNSET)
                (void)ngx_tcp_nodelay(c);
        if (a->what.backend->tls)
                begin_tls(a);
        else
                begin_to_send(a);
}

static void on_write(ngx_event_t *ev)
{
        ngx_connection_t *c = ev->data;
        struct asking *a = c->data;

        if (a->state == ASKING_CONNECTING && ev->timedout) {
                close_connection(a);
                a->too_slow = true;
                connect_next(a);
        } else if (a->state == ASKING_CONNECTING) {
                on_connected(a);
        } else if (ev->timedout) {
                asking_end(a, REFUSED_BACKEND_TIME, "it does not take the request");
        } else if (a->state == ASKING_SENDING) {
                send_request(a);
        }
}

static void on_read_too_early(ngx_event_t *ev)
{
        const ngx_connection_t *c = ev->data;
        struct asking *a = c->data;

        if (a->state == ASKING_CONNECTING)
                on_connected(a);
}

static bool open_one(struct asking *a, ngx_int_t *ret)
{
        struct backend *b = a->what.backend;
        ngx_addr_t *address = &b->addresses[b->next++ % b->n_addresses];
        ngx_connection_t *c;

        a->peer.sockaddr = address->sockaddr;
        a->peer.socklen = address->socklen;
        a->peer.name = &address->name;
        a->peer.get = ngx_event_get_peer;
        a->peer.log = a->r->connection->log;
        a->peer.log_error = NGX_ERROR_ERR;
        *ret = ngx_event_connect_peer(&a->peer);
        if (*ret != NGX_OK && *ret != NGX_AGAIN)
                return false;
        c = a->peer.connection;
        c->data = a;
        c->read->handler = on_read_too_early;
        c->write->handler = on_write;
        c->pool = ngx_create_pool(256, c->log);
        if (c->pool)
                return true;
        close_connection(a);
        return false;
}

/* As many as there are addresses; the one that comes first moves on with every call. */
static void connect_next(struct asking *a)
{
        ngx_int_t rc;

        while (a->tries > 0) {
                a->tries--;
                a->kept = false;
                set_state(a, ASKING_CONNECTING);
                if (!open_one(a, &rc))
                        continue;
                if (rc == NGX_OK)
                        on_connected(a);
                else
                        ngx_add_timer(a->peer.connection->write,
                                      a->what.backend->config->connect_ms);
                return;
        }
        if (a->too_slow)
                asking_end(a, REFUSED_BACKEND_TIME, "it cannot be reached in time");
        else
                asking_end(a, REFUSED_BACKEND, "it cannot be reached");
}

static bool is_safe(enum api_method m)
{
        return m == API_GET || m == API_HEAD || m == API_OPTIONS;
}

void asking_lost(struct asking *a)
{
        bool again = a->kept && is_safe(a->what.outgoing->method) && !a->answer.head.start;

        close_connection(a);
        if (again)
                connect_next(a);
        else
                asking_end(a, REFUSED_BACKEND, "it closed the connection before it answered");
}

struct asking *asking_new(ngx_http_request_t *r, const struct asking_what *what)
{
        struct asking *a = ngx_pcalloc(r->pool, sizeof(*a));

        if (!a)
                return NULL;
        a->r = r;
        a->what = *what;
        a->tries = what->backend->n_addresses;
        if (!make_request(a))
                return NULL;
        a->peer.connection = backend_take(what->backend, r->connection->log);
        if (a->peer.connection) {
                a->kept = true;
                begin_to_send(a);
        } else {
                connect_next(a);
        }
        return a;
}
