/* SPDX-License-Identifier: Apache-2.0 */
/* route_world.h - APIs made of lists of paths, and which path a request is by the words of
 * package/model/model.h, found without a tree. */
#ifndef TESTS_GATEWAY_ROUTE_WORLD_H
#define TESTS_GATEWAY_ROUTE_WORLD_H

#include <ctype.h>

#include "gateway/request/route.h"

enum { WORLD_OPERATIONS_MAX = 64 };

struct world_api {
        struct api_operation operations[WORLD_OPERATIONS_MAX];
        struct api_segment segments[WORLD_OPERATIONS_MAX][API_SEGMENTS_MAX];
        struct api api;
        struct package package;
};

/* Is it the same path but for names of parameters? */
static inline bool world_same(const struct api_operation *a, const struct api_operation *b)
{
        bool same = a->n_segments == b->n_segments;

        for (uint32_t i = 0; same && i < a->n_segments; i++)
                same = a->segments[i].parameter == b->segments[i].parameter &&
                       (a->segments[i].parameter ||
                        span_eq(a->segments[i].text, b->segments[i].text));
        return same;
}

/* "/a/{x}/c"; its id is its path.  false: it is none, or there already. */
static inline bool world_add(struct world_api *w, enum api_method method, struct span path)
{
        uint32_t at = w->api.n_operations;
        struct api_operation *o = &w->operations[at];
        struct span rest = path;

        if (at == WORLD_OPERATIONS_MAX)
                return false;
        *o = (struct api_operation){ .id = path, .method = method, .segments = w->segments[at] };
        while (rest.n > 0 && rest.p[0] == '/' && o->n_segments < API_SEGMENTS_MAX) {
                const uint8_t *end = rest.n > 1 ? memchr(rest.p + 1, '/', rest.n - 1) : NULL;
                struct span part = span_of(rest.p + 1, (end ? (size_t)(end - rest.p) : rest.n) - 1);
                bool parameter = part.n > 1 && part.p[0] == '{';

                rest = span_from(rest, part.n + 1);
                if (part.n == 0 && rest.n > 0)
                        return false;
                w->segments[at][o->n_segments++] = (struct api_segment){ part, parameter };
        }
        for (uint32_t i = 0; i < at; i++)
                if (world_same(&w->operations[i], o) && w->operations[i].method == method)
                        return false;
        if (rest.n > 0 || o->n_segments == 0)
                return false;
        w->api.operations = w->operations;
        w->api.n_operations++;
        return true;
}

static inline void world_serve(struct world_api *w, const char *name, const char *base)
{
        w->package.api = &w->api;
        w->package.config.name = span_str(name);
        w->package.config.base = span_str(base);
}

/* The request's segment, which is empty behind the slash at the end. */
static inline struct span world_segment(const struct target *t, uint32_t i)
{
        return i < t->n_segments ? t->segments[i] : SPAN_NONE;
}

static inline bool world_alike(struct span a, struct span b)
{
        bool alike = a.n == b.n;

        for (size_t i = 0; alike && i < a.n; i++)
                alike = tolower(a.p[i]) == tolower(b.p[i]);
        return alike;
}

static inline bool world_fits(const struct api_operation *o, const struct target *t,
                              bool (*eq)(struct span, struct span))
{
        bool fits = o->n_segments == t->n_segments + t->slash;

        for (uint32_t i = 0; fits && i < o->n_segments; i++)
                fits = o->segments[i].parameter ? world_segment(t, i).n > 0
                                                : eq(o->segments[i].text, world_segment(t, i));
        return fits;
}

/* Of two that fit: has a the word where they differ first? */
static inline bool world_narrower(const struct api_operation *a, const struct api_operation *b)
{
        for (uint32_t i = 0; i < a->n_segments; i++)
                if (a->segments[i].parameter != b->segments[i].parameter)
                        return b->segments[i].parameter;
        return false;
}

/* One of the operations of the path that is meant; NULL: there is none. */
static inline const struct api_operation *world_meant(const struct world_api *w,
                                                      const struct target *t)
{
        const struct api_operation *meant = NULL;

        for (uint32_t i = 0; i < w->api.n_operations; i++)
                if (world_fits(&w->operations[i], t, span_eq) &&
                    (!meant || world_narrower(&w->operations[i], meant)))
                        meant = &w->operations[i];
        return meant;
}

/* Is there a word of another path, in any case, where the one that is meant has a parameter, and
 * all before it is the same? */
static inline bool world_unclear(const struct world_api *w, const struct api_operation *meant,
                                 const struct target *t)
{
        for (uint32_t i = 0; i < w->api.n_operations; i++) {
                const struct api_operation *o = &w->operations[i];
                uint32_t k = 0;

                if (!world_fits(o, t, world_alike))
                        continue;
                while (k < o->n_segments &&
                       o->segments[k].parameter == meant->segments[k].parameter &&
                       (o->segments[k].parameter ||
                        span_eq(o->segments[k].text, meant->segments[k].text)))
                        k++;
                if (k < o->n_segments && meant->segments[k].parameter)
                        return true;
        }
        return false;
}

/* Is what the router says of a request below base "" the path that is meant, with its values? */
static inline void world_check(const struct world_api *w, const struct router *r,
                               const struct target *t)
{
        const struct api_operation *meant = world_meant(w, t);
        struct refusal refusal = { 0 };
        struct route found;
        uint32_t k = 0;
        int rc = router_find(r, API_GET, t, &found, &refusal);

        assert(rc == 0 ? refusal.reason == REFUSED_NOT : rc == -EACCES);
        if (!meant || world_unclear(w, meant, t)) {
                assert(refusal.reason == REFUSED_PATH && !found.operation);
                return;
        }
        assert(found.allowed != 0 && refusal.reason != REFUSED_PATH);
        assert((rc == 0) == (found.allowed >> API_GET & 1));
        assert(rc < 0 || world_same(found.operation, meant));
        for (uint32_t i = 0; i < meant->n_segments; i++)
                if (meant->segments[i].parameter) {
                        assert(span_eq(found.values[k], t->segments[i]));
                        k++;
                }
        assert(found.n_values == k);
}

#endif
