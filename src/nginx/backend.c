/* SPDX-License-Identifier: Apache-2.0 */
/* backend.c - see backend.h. */
#include "nginx/backend.h"

#include <fcntl.h>
#include <stdlib.h>

#include <ngx_event.h>

#include "base/err.h"
#include "sys/io.h"

struct backends {
        unsigned refs;
        struct generation *generation;
        uint32_t n;
        struct backend *at[]; /* by place in generation->package */
};

/* One that waits for the next request. */
struct idle {
        ngx_queue_t queue;
        struct backend *backend;
        ngx_connection_t *connection;
};

/* ---- addresses ---- */

static int add_unix(struct backend *b, struct span path, struct err *err)
{
        struct sockaddr_un *sun = ngx_pcalloc(b->pool, sizeof(*sun));

        if (!sun)
                return err_sys(err, -ENOMEM, "backend");
        if (path.n >= sizeof(sun->sun_path))
                return err_set(err, -ENAMETOOLONG, "backend.yaml: unix: too long for a socket");
        sun->sun_family = AF_UNIX;
        memcpy(sun->sun_path, path.p, path.n);
        b->addresses[b->n_addresses++] = (ngx_addr_t){ .sockaddr = (struct sockaddr *)sun,
                                                       .socklen = sizeof(*sun),
                                                       .name = settings_string(path) };
        return 0;
}

static int add_address(struct backend *b, struct span text, struct err *err)
{
        ngx_addr_t *a = &b->addresses[b->n_addresses];

        if (ngx_parse_addr(b->pool, a, settings_string(text).data, text.n) != NGX_OK)
                return err_set(err, -EINVAL, "backend.yaml: addresses: %.*s is none", (int)text.n,
                               (const char *)text.p);
        ngx_inet_set_port(a->sockaddr, b->config->port);
        a->name = settings_string(text);
        b->n_addresses++;
        return 0;
}

static int find_addresses(struct backend *b, struct err *err)
{
        const struct config_backend *c = b->config;
        int rc = 0;

        b->addresses = ngx_pcalloc(b->pool, sizeof(ngx_addr_t) * (c->n_addresses + 1));
        if (!b->addresses)
                return err_sys(err, -ENOMEM, "backend");
        if (c->unix_path.n)
                return add_unix(b, c->unix_path, err);
        if (c->n_addresses == 0)
                return add_address(b, c->host, err);
        for (uint32_t i = 0; rc == 0 && i < c->n_addresses; i++)
                rc = add_address(b, c->addresses[i], err);
        return rc;
}

/* ---- TLS ---- */

/* A worker reads below few directories only: that is said as what it is. */
static int trust_file(const struct backend *b, struct span ca, struct err *err)
{
        char file[CONFIG_PATH_MAX + 1];
        CLEANUP_FD int fd = -1;
        int good;

        (void)ngx_cpystrn((u_char *)file, settings_string(ca).data, MIN_OF(ca.n + 1, sizeof(file)));
        fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return err_sys(err, -errno, "backend.yaml: tls.ca: %s", file);
        good = SSL_CTX_load_verify_locations(b->tls->ctx, file, NULL);
        ERR_clear_error();
        return good == 1 ? 0
                         : err_set(err, -EINVAL, "backend.yaml: tls.ca: %s has no certificates",
                                   file);
}

static int trust(const struct backend *b, struct err *err)
{
        if (b->config->ca_file.n)
                return trust_file(b, b->config->ca_file, err);
        if (SSL_CTX_set_default_verify_paths(b->tls->ctx) == 1)
                return 0;
        ERR_clear_error();
        return err_set(err, -EINVAL, "the system has no certificates of authorities");
}

static int make_tls(struct backend *b, ngx_log_t *log, struct err *err)
{
        if (!b->config->tls)
                return 0;
        b->tls = ngx_pcalloc(b->pool, sizeof(*b->tls));
        if (!b->tls)
                return err_sys(err, -ENOMEM, "backend");
        b->tls->log = log;
        b->tls_name =
                settings_string(b->config->tls_name.n ? b->config->tls_name : b->config->host);
        if (ngx_ssl_create(b->tls, NGX_SSL_TLSv1_2 | NGX_SSL_TLSv1_3, NULL) != NGX_OK)
                return err_set(err, -EIO, "TLS to the backend cannot be set up");
        SSL_CTX_set_min_proto_version(b->tls->ctx, TLS1_2_VERSION);
        return trust(b, err);
}

/* ---- one ---- */

void backend_close(ngx_connection_t *c)
{
        if (c->ssl) {
                c->ssl->no_wait_shutdown = 1;
                c->ssl->no_send_shutdown = 1;
                (void)ngx_ssl_shutdown(c);
        }
        if (c->pool)
                ngx_destroy_pool(c->pool);
        ngx_close_connection(c);
}

static void drop(struct idle *i)
{
        ngx_connection_t *c = i->connection;

        ngx_queue_remove(&i->queue);
        ngx_queue_insert_head(&i->backend->places, &i->queue);
        backend_close(c);
}

static void drop_all(struct backend *b)
{
        while (!ngx_queue_empty(&b->idle))
                drop(ngx_queue_data(ngx_queue_head(&b->idle), struct idle, queue));
}

static void destroy(struct backend *b)
{
        drop_all(b);
        if (b->tls && b->tls->ctx)
                SSL_CTX_free(b->tls->ctx);
        package_unref((struct package *)(uintptr_t)b->package);
        ngx_destroy_pool(b->pool);
        free(b);
}

void backend_let_go(struct backend *b)
{
        assert(b);
        if (--b->refs == 0)
                destroy(b);
}

static int make_places(struct backend *b, struct err *err)
{
        struct idle *places = ngx_pcalloc(b->pool, sizeof(*places) * BACKEND_IDLE_MAX);

        for (int i = 0; places && i < BACKEND_IDLE_MAX; i++) {
                places[i].backend = b;
                ngx_queue_insert_tail(&b->places, &places[i].queue);
        }
        return places ? 0 : err_sys(err, -ENOMEM, "backend");
}

static int make_one(struct package *p, ngx_log_t *log, struct backend **ret, struct err *err)
{
        struct backend *b = calloc(1, sizeof(*b));
        int rc;

        if (!b)
                return err_sys(err, -ENOMEM, "backend");
        b->pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, log);
        if (!b->pool) {
                free(b);
                return err_sys(err, -ENOMEM, "backend");
        }
        b->refs = 1;
        b->package = package_ref(p);
        b->config = &p->config.backend;
        ngx_queue_init(&b->idle);
        ngx_queue_init(&b->places);
        rc = make_places(b, err);
        if (rc == 0)
                rc = find_addresses(b, err);
        if (rc == 0)
                rc = make_tls(b, log, err);
        if (rc < 0) {
                destroy(b);
                return err_wrap(err, "%.*s", (int)p->file.api.n, (const char *)p->file.api.p);
        }
        *ret = b;
        return 0;
}

/* ---- all of a generation ---- */

static struct backend *known(const struct backends *before, const struct package *p)
{
        for (uint32_t i = 0; before && i < before->n; i++)
                if (before->at[i]->package == p)
                        return before->at[i];
        return NULL;
}

int backends_new(struct generation *g, const struct backends *before, ngx_log_t *log,
                 struct backends **ret, struct err *err)
{
        struct backends *b = calloc(1, sizeof(*b) + g->n * sizeof(struct backend *));
        int rc = b ? 0 : err_sys(err, -ENOMEM, "backends");

        if (rc == 0) {
                b->refs = 1;
                b->generation = generation_ref(g);
        }
        for (uint32_t i = 0; rc == 0 && i < g->n; i++) {
                b->at[i] = known(before, g->package[i]);
                if (b->at[i])
                        b->at[i]->refs++;
                else
                        rc = make_one(g->package[i], log, &b->at[i], err);
                b->n += rc == 0;
        }
        if (rc < 0) {
                backends_unref(b);
                return rc;
        }
        *ret = b;
        return 0;
}

struct backends *backends_ref(struct backends *b)
{
        if (b)
                b->refs++;
        return b;
}

struct backends *backends_unref(struct backends *b)
{
        if (!b || --b->refs > 0)
                return NULL;
        for (uint32_t i = 0; i < b->n; i++)
                backend_let_go(b->at[i]);
        generation_unref(b->generation);
        free(b);
        return NULL;
}

struct backend *backend_hold(struct backends *b, const struct package *p)
{
        struct backend *found = known(b, p);

        assert(found);
        found->refs++;
        return found;
}

/* ---- connections that are kept ---- */

/* OpenSSL takes whole records off the socket: what came in one with an answer, and was not asked
 * for, lies there, and nothing more has to come for it to be the beginning of the next answer. */
static bool has_rest(const ngx_connection_t *c)
{
        return c->ssl && SSL_has_pending(c->ssl->connection);
}

/* Else it says something without being asked, is closed, is too old, or the worker ends. */
static bool is_quiet(const ngx_connection_t *c)
{
        char byte;

        return !c->close && !c->read->timedout && !has_rest(c) &&
               recv(c->fd, &byte, 1, MSG_PEEK) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static void on_idle(ngx_event_t *ev)
{
        const ngx_connection_t *c = ev->data;

        if (!ev->write && is_quiet(c) && ngx_handle_read_event(ev, 0) == NGX_OK)
                ev->ready = 0;
        else if (!ev->write)
                drop(c->data);
}

ngx_connection_t *backend_take(struct backend *b, ngx_log_t *log)
{
        struct idle *i;
        ngx_connection_t *c;

        while (!ngx_queue_empty(&b->idle)) {
                i = ngx_queue_data(ngx_queue_head(&b->idle), struct idle, queue);
                c = i->connection;
                if (!is_quiet(c)) {
                        drop(i);
                        continue;
                }
                ngx_queue_remove(&i->queue);
                ngx_queue_insert_head(&b->places, &i->queue);
                if (c->read->timer_set)
                        ngx_del_timer(c->read);
                c->idle = 0;
                c->sent = 0;
                c->log = c->read->log = c->write->log = c->pool->log = log;
                return c;
        }
        return NULL;
}

/* The generation that it belongs to may be over: then only who asked holds it.  Whether it is quiet
 * is asked when it is taken; here only where the last reading left something. */
static bool may_keep(const struct backend *b, const ngx_connection_t *c)
{
        return b->refs > 1 && !ngx_terminate && !ngx_exiting && !ngx_queue_empty(&b->places) &&
               !c->read->eof && !c->read->error && !c->write->error && !has_rest(c) &&
               (!c->read->ready || is_quiet(c));
}

void backend_keep(struct backend *b, ngx_connection_t *c)
{
        struct idle *i;

        if (!may_keep(b, c) || ngx_handle_read_event(c->read, 0) != NGX_OK) {
                backend_close(c);
                return;
        }
        i = ngx_queue_data(ngx_queue_head(&b->places), struct idle, queue);
        ngx_queue_remove(&i->queue);
        i->connection = c;
        ngx_queue_insert_head(&b->idle, &i->queue);
        c->data = i;
        c->idle = 1;
        c->log = c->read->log = c->write->log = c->pool->log = ngx_cycle->log;
        c->read->handler = c->write->handler = on_idle;
        if (c->write->timer_set)
                ngx_del_timer(c->write);
        ngx_add_timer(c->read, BACKEND_IDLE_MS);
}

void backends_close(struct backends *b)
{
        for (uint32_t i = 0; b && i < b->n; i++)
                drop_all(b->at[i]);
}
