/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - what nginx.conf says of the gateway.  Floor 4, in nginx.
 *
 *   http {
 *       assay_registry /var/lib/assay/registry;      what is deployed: package/registry/live.h
 *       assay_key      ci+7f3a0c41+AQ...;            of who builds packages; repeatable
 *       assay_hash_key /etc/assay/hash.key;          of `mask: hash`
 *       assay_recorder /run/assay/recorder.sock;     this; beside it is gateway.status
 *       assay_tokens   /var/lib/assay/tokens.json;   none: opaque tokens
 *       assay_keys     /var/lib/assay/keys;          none: key sets of identity providers
 *       assay_zone     32m;                          this: counts, limits, cached answers
 *       assay_sandbox  on;                           this
 *       assay_sandbox_read  /srv/www;                none: what other locations read as well,
 *       assay_sandbox_write /var/cache/nginx;        none: and write
 *
 *       server { location /bank/ { assay_gateway on; } }
 *       server {
 *           listen 127.0.0.1:9145;                   or a unix socket: nobody else's
 *           location = /metrics { assay_metrics; }
 *           location = /health  { assay_health; }    or assay_health live;
 *       }
 *   }
 *
 * Everything is checked when the configuration is read: nginx does not start with half of it. */
#ifndef NGINX_SETTINGS_H
#define NGINX_SETTINGS_H

#include "base/base.h"

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

enum { SETTINGS_HASH_KEY = 32, SETTINGS_PATHS_MAX = 32 };

struct settings { /* one for http{} */
        ngx_str_t registry, recorder, tokens, keys, hash_key_file;
        ngx_str_t run;      /* the directory of the recorder's socket */
        ngx_array_t *vkeys; /* struct span; NULL: none was said */
        size_t zone_size;
        ngx_flag_t sandbox;
        ngx_array_t *paths; /* struct sandbox_path, what else a worker may open; NULL: nothing */
        bool used;          /* some location is served by us */
        uint8_t hash_key[SETTINGS_HASH_KEY];
        ngx_shm_zone_t *zone;
        ngx_array_t *metrics_servers; /* ngx_http_core_srv_conf_t *; NULL: none */
        bool health;                  /* some location has assay_health */
};

enum settings_health { HEALTH_NOT, HEALTH_READY, HEALTH_LIVE };

struct settings_server {
        bool used;   /* some location of it is */
        bool beside; /* or one of a server that listens where it does */
};

struct settings_location {
        ngx_flag_t gateway;
        bool metrics;
        enum settings_health health;
};

extern ngx_module_t ngx_http_assay_module;

/* Those of this cycle; NULL: there is no http{}. */
struct settings *settings_of(const ngx_cycle_t *cycle);

static inline struct span settings_span(ngx_str_t s)
{
        return span_of(s.data, s.len);
}

/* nginx writes to no string that it is given. */
static inline ngx_str_t settings_string(struct span s)
{
        return (ngx_str_t){ s.n, (u_char *)(uintptr_t)s.p };
}

#endif
