/* SPDX-License-Identifier: Apache-2.0 */
/* zone.c - see zone.h.  In nginx's shared zone, which begins with a pool of its own:
 *
 *   pool | head | meters, up to an eighth | limits, a quarter of what is left | cache, the rest
 *
 * The pool's mutex is the lock of everything, so that nginx frees it after a worker that died. */
#include "nginx/zone.h"

#include <sys/mman.h>

#include <openssl/rand.h>

#include "base/err.h"

enum { KEY = 16, SLOT_BYTES = 64, CACHE_SHARE = 4, METERS_SHARE = 8, LANES_MIN = 2 };

struct head {
        uint64_t generation; /* the newest that a worker serves by */
        size_t meters_n, limits_n, cache_n;
        void *meters, *limits, *cache;
};

static ngx_slab_pool_t *pool_of(const ngx_shm_zone_t *zone)
{
        return (ngx_slab_pool_t *)zone->shm.addr;
}

static struct head *head_of(const ngx_shm_zone_t *zone)
{
        return pool_of(zone)->data;
}

/* ---- making it ---- */

static void guard(const ngx_shm_zone_t *zone)
{
        if (madvise(zone->shm.addr, zone->shm.size, MADV_DONTDUMP) < 0)
                ngx_log_error(NGX_LOG_WARN, zone->shm.log, errno,
                              "assay: the shared zone may be in a core dump");
        if (mlock(zone->shm.addr, zone->shm.size) < 0)
                ngx_log_error(NGX_LOG_WARN, zone->shm.log, errno,
                              "assay: the shared zone may be written to swap");
}

/* A page of nginx's is aligned well enough. */
static bool make_meters(ngx_slab_pool_t *pool, struct head *h)
{
        h->meters_n =
                MIN_OF(MAX_OF(pool->pfree * ngx_pagesize / METERS_SHARE, meters_bytes(LANES_MIN)),
                       meters_bytes(METERS_LANES_MAX));
        h->meters = ngx_slab_calloc(pool, h->meters_n);
        return h->meters && meters_init(h->meters, h->meters_n, ngx_time());
}

static struct head *make_head(ngx_slab_pool_t *pool)
{
        struct head *h = ngx_slab_calloc(pool, sizeof(*h));
        size_t left;

        if (!h || !make_meters(pool, h))
                return NULL;
        left = pool->pfree * ngx_pagesize;
        if (left < CACHE_MIN + 2 * ngx_pagesize)
                return NULL;
        h->limits_n = MIN_OF(left / CACHE_SHARE, left - CACHE_MIN) / ngx_pagesize * ngx_pagesize;
        h->limits = ngx_slab_calloc(pool, h->limits_n);
        h->cache_n = pool->pfree * ngx_pagesize;
        h->cache = ngx_slab_calloc(pool, h->cache_n);
        return h->limits && h->cache ? h : NULL;
}

/* As many slots as fit. */
static bool make_limits(struct head *h, const uint8_t key[KEY])
{
        uint32_t slots = (uint32_t)(h->limits_n / SLOT_BYTES);

        while (slots > 0 && limits_bytes(slots) > h->limits_n)
                slots--;
        h->limits_n = limits_bytes(slots);
        return slots > 0 && limits_init(h->limits, slots, key);
}

static ngx_int_t make(ngx_shm_zone_t *zone)
{
        ngx_slab_pool_t *pool = pool_of(zone);
        uint8_t key[2][KEY];
        struct head *h = make_head(pool);

        guard(zone);
        if (!h || RAND_bytes(key[0], sizeof(key)) != 1 || !make_limits(h, key[0]) ||
            !cache_init(h->cache, h->cache_n, key[1])) {
                ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                              "assay_zone: no limits and no cache in %uz bytes", zone->shm.size);
                return NGX_ERROR;
        }
        pool->data = h;
        pool->log_nomem = 0;
        return NGX_OK;
}

/* data is the old configuration's: same size, same memory. */
static ngx_int_t init(ngx_shm_zone_t *zone, void *data)
{
        struct head *h;

        if (!data)
                return make(zone);
        h = head_of(zone);
        return meters_again(h->meters, h->meters_n) && limits_again(h->limits, h->limits_n) &&
                               cache_again(h->cache, h->cache_n)
                       ? NGX_OK
                       : NGX_ERROR;
}

bool zone_add(ngx_conf_t *cf, struct settings *s)
{
        ngx_str_t name = ngx_string("assay");

        s->zone = ngx_shared_memory_add(cf, &name, s->zone_size, &ngx_http_assay_module);
        if (!s->zone)
                return false;
        s->zone->init = init;
        s->zone->data = s->zone; /* not NULL: how the next configuration knows that it was made */
        return true;
}

/* ---- using it ---- */

struct limits *zone_limits(const ngx_shm_zone_t *zone)
{
        return limits_again(head_of(zone)->limits, head_of(zone)->limits_n);
}

struct cache *zone_cache(const ngx_shm_zone_t *zone)
{
        return cache_again(head_of(zone)->cache, head_of(zone)->cache_n);
}

size_t zone_cache_bytes(const ngx_shm_zone_t *zone)
{
        return head_of(zone)->cache_n;
}

struct meters *zone_meters(const ngx_shm_zone_t *zone)
{
        return meters_again(head_of(zone)->meters, head_of(zone)->meters_n);
}

void zone_lock(void *zone)
{
        ngx_shmtx_lock(&pool_of(zone)->mutex);
}

void zone_unlock(void *zone)
{
        ngx_shmtx_unlock(&pool_of(zone)->mutex);
}

void zone_deployed(ngx_shm_zone_t *zone, uint64_t generation)
{
        struct head *h = head_of(zone);
        struct cache *c;

        zone_lock(zone);
        c = zone_cache(zone);
        if (h->generation != generation && c)
                cache_erase(c);
        h->generation = generation;
        zone_unlock(zone);
}

void zone_sweep(ngx_shm_zone_t *zone, int64_t now_ns, uint64_t *from)
{
        struct cache *c;

        zone_lock(zone);
        c = zone_cache(zone);
        if (c)
                cache_sweep(c, now_ns, from);
        zone_unlock(zone);
}

void zone_stop(ngx_cycle_t *cycle)
{
        const struct settings *s = settings_of(cycle);

        if (!s || !s->zone || !s->zone->shm.addr)
                return;
        ngx_explicit_memzero(s->zone->shm.addr, s->zone->shm.size);
}
