/* SPDX-License-Identifier: Apache-2.0 */
/* serving.c - a generation made ready to serve.  Floor 3. */
#include "gateway/exchange/serving.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* ---- what a package needs ---- */

static int check_memory(const struct gateway *gateway, const struct package *p, struct err *err)
{
        const struct config *c = &p->config;
        const char *what = NULL;

        if (c->n_limits && !gateway->limits)
                what = "limits";
        else if (c->n_caches && !gateway->cache)
                what = "a cache";
        if (!what)
                return 0;
        return err_set(err, -EOPNOTSUPP, "%.*s: it has %s, for which this gateway has no memory",
                       (int)c->name.n, (const char *)c->name.p, what);
}

/* ---- what policies are asked by ---- */

static int make_api(struct arena *arena, const struct package *p, struct serving_api *a)
{
        const struct api *api = p->api;

        a->places = arena_alloc(arena, api->n_operations * sizeof *a->places);
        if (!a->places || api_questions(api, arena, &a->ask) < 0)
                return -ENOMEM;
        return cedar_bench_new(p->program, &a->bench);
}

/* ---- where its back-end is ---- */

/* However an address is written. */
static uint64_t bit_of(struct span address)
{
        char text[INET6_ADDRSTRLEN];
        uint8_t bytes[sizeof(struct in6_addr)];
        struct span place = address;

        if (address.n > 0 && address.n < sizeof text) {
                memcpy(text, address.p, address.n);
                text[address.n] = '\0';
                if (inet_pton(AF_INET, text, bytes) == 1)
                        place = span_of(bytes, sizeof(struct in_addr));
                else if (inet_pton(AF_INET6, text, bytes) == 1)
                        place = span_of(bytes, sizeof(struct in6_addr));
        }
        return UINT64_C(1) << cedar_hash(0, place) % CACHE_SOURCES;
}

/* Of all its addresses, whichever port: two services of one host may have the same data.  Two that
 * have nothing in common here may have a bit in common: then more is erased than need be. */
static uint64_t sources_of(const struct config_backend *b)
{
        uint64_t bits = 0;

        if (b->unix_path.n)
                return bit_of(b->unix_path);
        for (uint32_t i = 0; i < b->n_addresses; i++)
                bits |= bit_of(b->addresses[i]);
        return bits ? bits : bit_of(b->host);
}

static void find_places(const struct gateway *gateway, const struct package *p,
                        struct serving_api *a)
{
        if (!gateway->meters)
                return;
        if (gateway->lock)
                gateway->lock(gateway->ctx);
        a->place = meters_place(gateway->meters, p->config.name, SPAN_NONE);
        for (uint32_t i = 0; i < p->api->n_operations; i++)
                a->places[i] =
                        meters_place(gateway->meters, p->config.name, p->api->operations[i].id);
        if (gateway->unlock)
                gateway->unlock(gateway->ctx);
}

/* ---- the whole ---- */

static int make_apis(const struct gateway *gateway, struct serving *s, struct err *err)
{
        const struct generation *g = s->generation;
        int r = 0;

        s->hash = sha256_new();
        s->apis = arena_alloc(&s->arena, g->n * sizeof *s->apis);
        if (!s->hash || !s->apis)
                return err_set(err, -ENOMEM, "no memory to serve a generation");
        for (uint32_t i = 0; r == 0 && i < g->n; i++) {
                r = check_memory(gateway, g->package[i], err);
                if (r < 0)
                        return r;
                r = make_api(&s->arena, g->package[i], &s->apis[i]);
                if (r < 0)
                        break;
                s->apis[i].sources = sources_of(&g->package[i]->config.backend);
                find_places(gateway, g->package[i], &s->apis[i]);
        }
        if (r < 0)
                r = err_set(err, r, "no memory to serve a generation");
        return arena_explain(&s->arena, r, "a generation", err);
}

int serving_new(const struct gateway *gateway, struct generation *g, struct serving **ret,
                struct err *err)
{
        CLEANUP(serving_unrefp) struct serving *s = calloc(1, sizeof *s);
        int r;

        if (!s)
                return err_set(err, -ENOMEM, "no memory to serve a generation");
        s->refs = 1;
        s->arena = ARENA_INIT(SERVING_MEMORY_MAX);
        s->generation = generation_ref(g);
        r = make_apis(gateway, s, err);
        if (r == 0)
                r = router_new(g, &s->router, err);
        if (r < 0)
                return r;
        *ret = s;
        s = NULL;
        return 0;
}

struct serving *serving_ref(struct serving *s)
{
        s->refs++;
        return s;
}

struct serving *serving_unref(struct serving *s)
{
        if (!s || --s->refs > 0)
                return NULL;
        for (uint32_t i = 0; s->apis && i < s->generation->n; i++)
                cedar_bench_free(s->apis[i].bench);
        router_free(s->router);
        sha256_free(s->hash);
        generation_unref(s->generation);
        arena_done(&s->arena);
        free(s);
        return NULL;
}

const struct serving_api *serving_api_of(const struct serving *s, const struct package *p)
{
        const struct generation *g = s->generation;
        uint32_t i = 0;

        while (i < g->n && g->package[i] != p)
                i++;
        assert(i < g->n);
        return &s->apis[i];
}
