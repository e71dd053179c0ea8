/* SPDX-License-Identifier: Apache-2.0 */
/* zone.h - memory that all workers share: counts, limits and cached answers.  Floor 4, in nginx.
 *
 * Kept when nginx reads its configuration anew and the size is the same; zeroed when it stops.
 * Locked into RAM and left out of dumps, where the system allows it: what is not possible is in
 * nginx's log. */
#ifndef NGINX_ZONE_H
#define NGINX_ZONE_H

#include "nginx/settings.h"

#include "gateway/shared/cache.h"
#include "gateway/shared/limits.h"
#include "gateway/shared/meters.h"

/* While the configuration is read: false and a line in the log. */
bool zone_add(ngx_conf_t *cf, struct settings *s);

/* Of a zone that is there. */
struct limits *zone_limits(const ngx_shm_zone_t *zone);
struct cache *zone_cache(const ngx_shm_zone_t *zone);
size_t zone_cache_bytes(const ngx_shm_zone_t *zone);
struct meters *zone_meters(const ngx_shm_zone_t *zone);
/* Where a worker that held it dies, nginx opens it again. */
void zone_lock(void *zone);
void zone_unlock(void *zone);

/* A worker serves by this generation from now on: the first one that says so erases the cache. */
void zone_deployed(ngx_shm_zone_t *zone, uint64_t generation);

/* Zeroes some of what is kept for longer than it may be shown: see cache_sweep(). */
void zone_sweep(ngx_shm_zone_t *zone, int64_t now_ns, uint64_t *from);

/* nginx stops: all of it is zeroed. */
void zone_stop(ngx_cycle_t *cycle);

#endif
