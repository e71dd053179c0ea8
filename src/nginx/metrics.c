/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - see metrics.h. */
#include "nginx/metrics.h"

#include "gateway/shared/meters_text.h"
#include "nginx/worker.h"
#include "nginx/zone.h"

enum { HEALTH_TEXT_MAX = 512 };

/* ---- replies ---- */

static ngx_int_t put_header(ngx_http_request_t *r, const char *name, const char *value)
{
        ngx_table_elt_t *e = ngx_list_push(&r->headers_out.headers);

        if (!e)
                return NGX_ERROR;
        *e = (ngx_table_elt_t){ .hash = 1 };
        e->key = (ngx_str_t){ strlen(name), (u_char *)(uintptr_t)name };
        e->value = (ngx_str_t){ strlen(value), (u_char *)(uintptr_t)value };
        return NGX_OK;
}

/* media and body live as long as the request. */
static ngx_int_t reply(ngx_http_request_t *r, ngx_uint_t status, const char *media,
                       struct span body)
{
        ngx_buf_t *b = ngx_calloc_buf(r->pool);
        ngx_chain_t out = { .buf = b };
        ngx_int_t rc;

        if (!b || put_header(r, "Cache-Control", "no-store") != NGX_OK)
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
        r->headers_out.status = status;
        r->headers_out.content_length_n = (off_t)body.n;
        r->headers_out.content_type = (ngx_str_t){ strlen(media), (u_char *)(uintptr_t)media };
        r->headers_out.content_type_len = r->headers_out.content_type.len;
        rc = ngx_http_send_header(r);
        if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
                return rc;
        b->pos = (u_char *)(uintptr_t)body.p;
        b->last = b->pos + body.n;
        b->memory = 1;
        b->last_buf = r == r->main;
        b->last_in_chain = 1;
        return ngx_http_output_filter(r, &out);
}

/* NGX_OK: it may be answered. */
static ngx_int_t begin(ngx_http_request_t *r)
{
        if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)))
                return NGX_HTTP_NOT_ALLOWED;
        return ngx_http_discard_request_body(r);
}

/* ---- metrics ---- */

static void add_keys(struct meters_keys *list, uint32_t *n, struct span issuer, int64_t age_s)
{
        for (uint32_t i = 0; i < *n; i++) {
                if (!span_eq(list[i].issuer, issuer))
                        continue;
                if (age_s < 0 || (list[i].age_s >= 0 && age_s > list[i].age_s))
                        list[i].age_s = age_s; /* the worst of an issuer's sets */
                return;
        }
        if (*n < METERS_KEYS_MAX)
                list[(*n)++] = (struct meters_keys){ issuer, age_s };
}

static uint32_t find_keys(struct worker *w, struct meters_keys list[METERS_KEYS_MAX])
{
        const struct generation *g = w->serving ? w->serving->generation : NULL;
        uint32_t n = 0;

        for (uint32_t i = 0; g && i < g->n; i++) {
                const struct config *c = &g->package[i]->config;

                for (uint32_t k = 0; k < c->n_identities; k++)
                        if (c->identities[k].kind == CONFIG_JWT)
                                add_keys(list, &n, c->identities[k].issuer,
                                         keyring_age(w->keyring, &c->identities[k]));
        }
        return n;
}

static int make_text(struct worker *w, struct buf *out)
{
        const ngx_shm_zone_t *zone = w->settings->zone;
        struct meters_keys keys[METERS_KEYS_MAX];
        struct meters_now now = { .now_ms = (int64_t)ngx_current_msec,
                                  .cache_bytes = zone_cache_bytes(zone),
                                  .keys = keys };

        worker_say(w);
        now.n_keys = find_keys(w, keys);
        w->gateway.lock(w->gateway.ctx);
        cache_counts(w->gateway.cache, &now.cache);
        w->gateway.unlock(w->gateway.ctx);
        limits_use(w->gateway.limits, worker_now_ns(), &now.limits);
        return meters_text(w->meters, &now, out);
}

ngx_int_t metrics_handler(ngx_http_request_t *r)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(METERS_TEXT_MAX);
        struct worker *w = worker_here();
        ngx_int_t rc = begin(r);
        u_char *text;

        if (rc != NGX_OK)
                return rc;
        if (!w || make_text(w, &out) < 0)
                return NGX_HTTP_SERVICE_UNAVAILABLE;
        text = ngx_pnalloc(r->pool, out.n);
        if (!text)
                return NGX_HTTP_SERVICE_UNAVAILABLE;
        memcpy(text, out.p, out.n);
        return reply(r, NGX_HTTP_OK, METERS_MEDIA, span_of(text, out.n));
}

/* ---- health ---- */

static const char *what_of_serving(const struct worker *w)
{
        return w->serving ? NULL : "no API is served: nothing is deployed, or it is refused";
}

static const char *what_of_recorder(const struct worker *w)
{
        const char *why;

        if (!journal_works(w->journal, &why))
                return "the recorder takes no entries";
        return journal_late(w->journal) ? "the recorder does not answer" : NULL;
}

static const char *what_of_nginx(const struct worker *w)
{
        (void)w;
        return ngx_exiting || ngx_terminate ? "this worker ends" : NULL;
}

/* What is missing, parted by "; "; nothing where all is there. */
static void put_missing(const struct worker *w, struct buf *out)
{
        static const char *(*const checks[])(
                const struct worker *w) = { what_of_serving, what_of_recorder, what_of_nginx };

        for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
                const char *what = checks[i](w);

                if (what)
                        buf_printf(out, "%s%s", out->n ? "; " : "", what);
        }
}

static ngx_int_t say_missing(ngx_http_request_t *r, struct span what)
{
        u_char *room = ngx_pnalloc(r->pool, HEALTH_TEXT_MAX);
        struct buf out = BUF_OVER(room, HEALTH_TEXT_MAX);

        if (!room || put_header(r, "Retry-After", "1") != NGX_OK)
                return NGX_HTTP_SERVICE_UNAVAILABLE;
        buf_printf(&out,
                   "{\"detail\":\"%.*s\",\"status\":503,\"title\":\"Service unavailable\","
                   "\"type\":\"about:blank\"}\n",
                   (int)what.n, (const char *)what.p);
        return reply(r, NGX_HTTP_SERVICE_UNAVAILABLE, "application/problem+json", buf_span(&out));
}

ngx_int_t metrics_health_handler(ngx_http_request_t *r)
{
        const struct settings_location *l = ngx_http_get_module_loc_conf(r, ngx_http_assay_module);
        const struct worker *w = worker_here();
        u_char missing[HEALTH_TEXT_MAX / 2];
        struct buf what = BUF_OVER(missing, sizeof(missing));
        ngx_int_t rc = begin(r);

        if (rc != NGX_OK)
                return rc;
        if (l->health == HEALTH_LIVE)
                return reply(r, NGX_HTTP_OK, "application/json", SPAN("{\"status\":\"live\"}\n"));
        if (!w)
                return NGX_HTTP_SERVICE_UNAVAILABLE;
        put_missing(w, &what);
        if (what.n > 0)
                return say_missing(r, buf_span(&what));
        return reply(r, NGX_HTTP_OK, "application/json", SPAN("{\"status\":\"ready\"}\n"));
}
