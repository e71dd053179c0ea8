/* SPDX-License-Identifier: Apache-2.0 */
/* exchange_shared.c - what one call asks of the memory that all workers share: limits, and answers
 * that are kept.  Floor 3. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/le.h"
#include "gateway/exchange/exchange_priv.h"

enum { CLAIMS_TEXT_MAX = 256 * 1024 };

static void lock(const struct gateway *g)
{
        if (g->lock)
                g->lock(g->ctx);
}

static void unlock(const struct gateway *g)
{
        if (g->unlock)
                g->unlock(g->ctx);
}

/* ---- keys ---- */

/* With its length, so that no two lists of parts are the same bytes. */
static void add(struct sha256_ctx *h, struct span part)
{
        uint8_t n[8];

        le_put64(n, part.n);
        sha256_add(h, span_of(n, sizeof n));
        sha256_add(h, part);
}

static void add_number(struct sha256_ctx *h, uint64_t v)
{
        uint8_t bytes[8];

        le_put64(bytes, v);
        sha256_add(h, span_of(bytes, sizeof bytes));
}

/* A neighbourhood of IPv6 is one: whoever has an address there has all of them. */
static void add_address(struct sha256_ctx *h, const struct cedar_ip *ip)
{
        add(h, span_of(ip->address, ip->v6 ? 8 : 4));
}

/* Names of callers that nobody verified are what anyone may say: they count together with where
 * they come from, so that none uses up the share of another.  by_name false: what comes from there,
 * whatever name it has. */
static void limit_key(const struct exchange *x, bool by_name, uint8_t ret[SHA256_LEN])
{
        const struct exchange_private *p = x->priv;
        struct sha256_ctx *h = x->serving->hash;

        sha256_begin(h);
        add(h, x->package->config.name);
        add(h, p->route.operation->id);
        add_number(h, by_name);
        if (by_name)
                add(h, p->asker.caller.uid.id);
        if (!p->credential.verified)
                add_address(h, &p->raw->address);
        sha256_end(h, ret);
}

static void add_groups(struct sha256_ctx *h, const struct cedar_entity *caller)
{
        add_number(h, caller->n_ancestors);
        for (uint32_t i = 0; i < caller->n_ancestors; i++) {
                add(h, caller->ancestors[i]->type);
                add(h, caller->ancestors[i]->id);
        }
}

/* What policies know of the caller but the name; false: there is no memory for it. */
static bool add_rights(struct sha256_ctx *h, const struct cedar_entity *caller)
{
        CLEANUP(buf_done) struct buf attrs = BUF_WIPED(CLAIMS_TEXT_MAX);

        add_groups(h, caller);
        cedar_value_print(&caller->attrs, &attrs);
        add(h, buf_span(&attrs));
        return buf_status(&attrs) == 0;
}

/* The request to the back-end but for the id, which no two calls have in common. */
static void add_outgoing(struct sha256_ctx *h, const struct outgoing *o)
{
        add_number(h, o->method);
        add(h, o->host);
        add(h, o->target);
        for (uint32_t i = 0; i < o->n_headers; i++) {
                if (http_is_word(o->headers[i].name, "x-request-id"))
                        continue;
                add(h, o->headers[i].name);
                add(h, o->headers[i].value);
        }
}

static bool cache_key(const struct exchange *x, bool by_rights, uint8_t ret[SHA256_LEN])
{
        const struct exchange_private *p = x->priv;
        struct sha256_ctx *h = x->serving->hash;
        bool good = true;

        sha256_begin(h);
        add_number(h, x->serving->generation->number);
        add(h, x->package->config.name);
        add(h, p->route.operation->id);
        add_outgoing(h, &p->outgoing);
        add(h, p->credential.pass);
        add_number(h, by_rights);
        if (by_rights)
                good = add_rights(h, &p->asker.caller);
        else
                add(h, p->asker.caller.uid.id);
        sha256_end(h, ret);
        return good;
}

/* ---- limits ---- */

static int take(struct exchange *x, const struct config_limit *limit, bool by_name)
{
        struct exchange_private *p = x->priv;
        const char *who = by_name ? "" : "from this address: ";
        uint8_t key[SHA256_LEN];
        struct limits_answer a;

        limit_key(x, by_name, key);
        lock(p->gateway);
        a = limits_take(p->gateway->limits, key, limit, p->raw->now_ns);
        unlock(p->gateway);
        if (a.what == LIMITS_PASS)
                return 0;
        p->again_ns = a.again_ns;
        if (a.what == LIMITS_RATE)
                return refuse(&p->refusal, REFUSED_RATE, "%smore than %u in %u s, %u at once", who,
                              limit->rate, limit->per_s, limit->burst);
        return refuse(&p->refusal, REFUSED_QUOTA, "%smore than %u in %u s", who, limit->quota,
                      limit->quota_s);
}

static uint32_t several(uint32_t n)
{
        return (uint32_t)MIN_OF((uint64_t)n * EXCHANGE_NAMES, (uint64_t)UINT32_MAX);
}

int exchange_take_limit(struct exchange *x)
{
        const struct exchange_private *p = x->priv;
        const struct config_limit *limit = limits_of(&x->package->config, p->route.operation->id);
        struct config_limit together;
        int rc = limit ? take(x, limit, true) : 0;

        if (rc < 0 || !limit || p->credential.verified)
                return rc;
        together = *limit;
        together.rate = several(limit->rate);
        together.burst = several(limit->burst);
        together.quota = several(limit->quota);
        return take(x, &together, false);
}

/* ---- the cache ---- */

static int by_operation(const void *key, const void *item)
{
        return span_cmp(*(const struct span *)key, ((const struct config_cache *)item)->operation);
}

void exchange_prepare_cache(struct exchange *x)
{
        struct exchange_private *p = x->priv;
        const struct config *c = &x->package->config;
        const struct config_cache *rule = NULL;

        if (c->n_caches && p->request.method == API_GET)
                rule = bsearch(&p->route.operation->id, c->caches, c->n_caches, sizeof *rule,
                               by_operation);
        if (rule && cache_key(x, rule->by_rights, p->caching.key))
                p->caching.rule = rule;
}

static bool find(struct exchange *x, int64_t now_ns, struct cache_answer *ret)
{
        struct exchange_private *p = x->priv;
        bool found;

        lock(p->gateway);
        found = cache_find(p->gateway->cache, p->caching.key, now_ns, p->caching.room,
                           x->answer_max, ret);
        p->caching.erased = cache_erased(p->gateway->cache, p->api->sources);
        unlock(p->gateway);
        return found;
}

bool exchange_find_cached(struct exchange *x, int64_t now_ns, struct answer_raw *ret)
{
        struct exchange_private *p = x->priv;
        struct cache_answer a;

        if (!p->caching.rule)
                return false;
        if (!p->caching.room)
                p->caching.room = malloc(x->answer_max);
        if (!p->caching.room || !find(x, now_ns, &a))
                return false;
        p->caching.hit = true;
        p->caching.used = a.media.n + a.body.n;
        p->caching.media = (struct http_header){ SPAN("content-type"), a.media };
        *ret = (struct answer_raw){ .status = a.status,
                                    .headers = &p->caching.media,
                                    .n_headers = a.media.n > 0,
                                    .body = a.body };
        return true;
}

/* What a package asks for is kept, unless the back-end says that this one must not be. */
static bool backend_lets(const struct answer_raw *raw, bool by_rights)
{
        for (uint32_t i = 0; i < raw->n_headers; i++) {
                const struct http_header *h = &raw->headers[i];

                if (http_is_word(h->name, "set-cookie"))
                        return false;
                if (!http_is_word(h->name, "cache-control"))
                        continue;
                if (http_has_word(h->value, "no-store") || http_has_word(h->value, "no-cache") ||
                    (by_rights && http_has_word(h->value, "private")))
                        return false;
        }
        return true;
}

static struct span media_of(const struct answer_raw *raw)
{
        for (uint32_t i = 0; i < raw->n_headers; i++)
                if (http_is_word(raw->headers[i].name, "content-type"))
                        return raw->headers[i].value;
        return SPAN_NONE;
}

/* Other headers than the body's type are not kept, so an answer that has some is not. */
static bool may_keep(const struct exchange *x, const struct answer_raw *raw)
{
        const struct exchange_private *p = x->priv;

        return p->caching.rule && !p->caching.hit && raw->status == 200 && !raw->head &&
               p->answer.n_headers <= 1 && backend_lets(raw, p->caching.rule->by_rights);
}

void exchange_keep(struct exchange *x, const struct answer_raw *raw, int64_t now_ns)
{
        struct exchange_private *p = x->priv;
        struct cache_answer a;

        if (!may_keep(x, raw))
                return;
        a = (struct cache_answer){ .status = raw->status,
                                   .media = media_of(raw),
                                   .body = raw->body,
                                   .stored_ns = now_ns,
                                   .until_ns = now_ns + p->caching.rule->seconds * NS_PER_S,
                                   .sources = p->api->sources };
        lock(p->gateway);
        if (cache_erased(p->gateway->cache, p->api->sources) == p->caching.erased)
                cache_keep(p->gateway->cache, p->caching.key, &a);
        unlock(p->gateway);
}

void exchange_wrote(struct exchange *x)
{
        const struct exchange_private *p = x->priv;
        const enum api_method m = p->request.method;

        /* Whatever package it was of: another one may have the same back-end. */
        if (m == API_GET || m == API_HEAD || m == API_OPTIONS || !p->gateway->cache)
                return;
        lock(p->gateway);
        cache_erase_of(p->gateway->cache, p->api->sources);
        unlock(p->gateway);
}

void exchange_forget_cached(struct exchange *x)
{
        struct exchange_private *p = x->priv;

        if (p->caching.room)
                explicit_bzero(p->caching.room, p->caching.used);
        free(p->caching.room);
        p->caching.room = NULL;
}
