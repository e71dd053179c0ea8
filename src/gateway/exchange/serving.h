/* SPDX-License-Identifier: Apache-2.0 */
/* serving.h - a generation made ready to serve by one worker, and what all calls of it share.
 * Floor 3.
 *
 * Counted: a call keeps the one it began with. */
#ifndef GATEWAY_SERVING_H
#define GATEWAY_SERVING_H

#include "crypto/sha256.h"
#include "gateway/authentication/credential.h"
#include "gateway/exchange/kept.h"
#include "gateway/record/record.h"
#include "gateway/request/route.h"
#include "gateway/shared/cache.h"
#include "gateway/shared/limits.h"
#include "gateway/shared/meters.h"
#include "package/policies/question.h"
#include "package/registry/live.h"

/* The owner's: one a worker. */
struct gateway {
        struct credential_keys keys;
        struct limits *limits;     /* NULL: none are kept, packages that have any are not served */
        struct cache *cache;       /* NULL: none, likewise */
        struct meters *meters;     /* NULL: nothing is counted */
        void (*lock)(void *ctx);   /* around limits, cache, meters; NULL: one worker only */
        void (*unlock)(void *ctx); /* NULL with lock */
        void *ctx;
        void (*random)(uint8_t *out, size_t n);
        uint8_t hash_key[32];     /* of `mask: hash` */
        struct record_fold *fold; /* NULL: every refusal is told by itself */
        struct kept *kept;        /* NULL: a call's memory is given back when it is over */
};

struct serving {
        unsigned refs;
        struct generation *generation;
        struct router *router;
        struct serving_api { /* by place in generation->package */
                struct cedar_bench *bench;
                struct api_questions ask;           /* ready made: none is allocated in a call */
                struct meters_place *places, place; /* by operation; where none is known */
                uint64_t sources; /* bits of where its back-end is, as cache.h has them */
        } * apis;
        struct sha256_ctx *hash; /* what keys of limits and of the cache are made in */
        struct arena arena;      /* the above */
};

enum { SERVING_MEMORY_MAX = 512 << 20 };

/* Takes a reference of the generation.  What the gateway has no memory for is not served without:
 * -EOPNOTSUPP: a package has limits or a cache and the gateway has none, named; what router_new()
 * says; -E2BIG: more than SERVING_MEMORY_MAX; -ENOMEM. */
MUST_USE int serving_new(const struct gateway *gateway, struct generation *g, struct serving **ret,
                         struct err *err);
struct serving *serving_ref(struct serving *s);
struct serving *serving_unref(struct serving *s); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct serving, serving_unref)

/* Of a package of this generation (asserted). */
const struct serving_api *serving_api_of(const struct serving *s, const struct package *p);

#endif
