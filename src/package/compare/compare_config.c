/* SPDX-License-Identifier: Apache-2.0 */
/* compare_config.c - who is let in, masks, limits, cache, caps and back-ends of two packages.
 * Floor 2, pure. */
#include "package/compare/compare_priv.h"

#include "package/config/config_text.h"

enum { LINE_MAX_BYTES = 64 * 1024 };

/* What both say in one line each; "" where it is not there. */
struct lines {
        struct buf a, b;
};

#define LINES_INIT                                                                                 \
        {                                                                                          \
                BUF_INIT(LINE_MAX_BYTES), BUF_INIT(LINE_MAX_BYTES)                                 \
        }

static void lines_done(struct lines *l)
{
        buf_done(&l->a);
        buf_done(&l->b);
}

/* true when they are different; both are empty before the next one. */
static bool differ(struct comparer *c, const struct lines *l)
{
        if (buf_status(&l->a) < 0 || buf_status(&l->b) < 0)
                c->rc = -ENOMEM;
        return c->rc == 0 && !span_eq(buf_span(&l->a), buf_span(&l->b));
}

static void clear(struct lines *l)
{
        buf_clear(&l->a);
        buf_clear(&l->b);
}

/* Of a pair: added, removed or changed, with the lines that say it. */
static void tell(struct comparer *c, enum compare_part part, struct span name,
                 const struct compare_pair *p, const struct lines *l, unsigned effect)
{
        compare_add_was(c, part,
                        p->a == SIZE_MAX   ? COMPARE_ADDED
                        : p->b == SIZE_MAX ? COMPARE_REMOVED
                                           : COMPARE_CHANGED,
                        effect, name, buf_span(&l->b), buf_span(&l->a));
}

/* ---- identities ---- */

static struct span identity_name(const void *list, size_t i)
{
        return ((const struct config_identity *)list)[i].scheme;
}

static void compare_identities(struct comparer *c)
{
        const struct config *a = c->a->config, *b = c->b->config;
        CLEANUP(lines_done) struct lines l = LINES_INIT;
        struct compare_pair at = { 0, 0 }, p;

        while (compare_next(a->identities, a->n_identities, b->identities, b->n_identities,
                            identity_name, &at, &p)) {
                const struct config_identity *x = p.a == SIZE_MAX ? NULL : &a->identities[p.a];
                const struct config_identity *y = p.b == SIZE_MAX ? NULL : &b->identities[p.b];

                assert(x || y);
                clear(&l);
                if (x)
                        config_put_identity(x, &l.a);
                if (y)
                        config_put_identity(y, &l.b);
                if (differ(c, &l))
                        tell(c, COMPARE_IDENTITY, x ? x->scheme : y->scheme, &p, &l,
                             !x   ? COMPARE_WIDENS
                             : !y ? COMPARE_BREAKS
                                  : COMPARE_EITHER);
        }
}

/* ---- classes ---- */

static struct span class_name(const void *list, size_t i)
{
        return ((const struct config_class *)list)[i].name;
}

/* How much of a value is left. */
static unsigned shown_by(enum mask m)
{
        static const unsigned shown[] = {
                [MASK_DROP] = 0,      [MASK_REDACT] = 1, [MASK_HASH] = 2,
                [MASK_DATE_YEAR] = 3, [MASK_FIRST1] = 3, [MASK_LAST4] = 4,
        };

        return shown[m];
}

static unsigned effect_of_mask(enum mask a, enum mask b)
{
        return a == b                      ? COMPARE_NOTHING
               : shown_by(b) > shown_by(a) ? COMPARE_WIDENS
               : shown_by(b) < shown_by(a) ? COMPARE_BREAKS
                                           : COMPARE_EITHER;
}

static void compare_classes(struct comparer *c)
{
        const struct config *a = c->a->config, *b = c->b->config;
        CLEANUP(lines_done) struct lines l = LINES_INIT;
        struct compare_pair at = { 0, 0 }, p;

        while (compare_next(a->classes, a->n_classes, b->classes, b->n_classes, class_name, &at,
                            &p)) {
                const struct config_class *x = p.a == SIZE_MAX ? NULL : &a->classes[p.a];
                const struct config_class *y = p.b == SIZE_MAX ? NULL : &b->classes[p.b];
                unsigned effect = COMPARE_NOTHING;

                assert(x || y);
                clear(&l);
                if (x)
                        config_put_class(x, &l.a);
                if (y)
                        config_put_class(y, &l.b);
                if (x && y)
                        effect = effect_of_mask(x->mask, y->mask);
                if (differ(c, &l))
                        tell(c, COMPARE_CLASS, (x ? x : y)->name, &p, &l, effect);
        }
}

void compare_who(struct comparer *c)
{
        compare_identities(c);
        compare_classes(c);
}

/* ---- limits ---- */

static struct span limit_name(const void *list, size_t i)
{
        return ((const struct config_limit *)list)[i].operation;
}

/* n in s seconds against m in t; 0: without limit. */
static unsigned effect_of_rate(uint32_t n, uint32_t s, uint32_t m, uint32_t t)
{
        uint64_t x = (uint64_t)n * t, y = (uint64_t)m * s;

        if (n == 0 || m == 0)
                return n == m ? COMPARE_NOTHING : m == 0 ? COMPARE_WIDENS : COMPARE_BREAKS;
        return y > x ? COMPARE_WIDENS : y < x ? COMPARE_BREAKS : COMPARE_NOTHING;
}

static unsigned effect_of_limit(const struct config_limit *a, const struct config_limit *b)
{
        unsigned effect = effect_of_rate(a->rate, a->per_s, b->rate, b->per_s) |
                          effect_of_rate(a->quota, a->quota_s, b->quota, b->quota_s);

        if (a->rate && b->rate)
                effect |= effect_of_rate(a->burst, 1, b->burst, 1);
        return effect;
}

static void compare_limits(struct comparer *c)
{
        static const struct config_limit none = { 0 };
        const struct config *a = c->a->config, *b = c->b->config;
        CLEANUP(lines_done) struct lines l = LINES_INIT;
        struct compare_pair at = { 0, 0 }, p;

        while (compare_next(a->limits, a->n_limits, b->limits, b->n_limits, limit_name, &at, &p)) {
                const struct config_limit *x = p.a == SIZE_MAX ? &none : &a->limits[p.a];
                const struct config_limit *y = p.b == SIZE_MAX ? &none : &b->limits[p.b];

                clear(&l);
                config_put_limit(x, &l.a);
                config_put_limit(y, &l.b);
                if (differ(c, &l))
                        tell(c, COMPARE_LIMIT, x == &none ? y->operation : x->operation, &p, &l,
                             effect_of_limit(x, y));
        }
}

/* ---- cache ---- */

static struct span cache_name(const void *list, size_t i)
{
        return ((const struct config_cache *)list)[i].operation;
}

static void compare_caches(struct comparer *c)
{
        const struct config *a = c->a->config, *b = c->b->config;
        CLEANUP(lines_done) struct lines l = LINES_INIT;
        struct compare_pair at = { 0, 0 }, p;

        while (compare_next(a->caches, a->n_caches, b->caches, b->n_caches, cache_name, &at, &p)) {
                const struct config_cache *x = p.a == SIZE_MAX ? NULL : &a->caches[p.a];
                const struct config_cache *y = p.b == SIZE_MAX ? NULL : &b->caches[p.b];

                assert(x || y);
                clear(&l);
                if (x)
                        config_put_cache(x, &l.a);
                if (y)
                        config_put_cache(y, &l.b);
                if (differ(c, &l))
                        tell(c, COMPARE_CACHE, x ? x->operation : y->operation, &p, &l,
                             COMPARE_NOTHING);
        }
}

/* ---- caps and back-end ---- */

static void compare_caps(struct comparer *c)
{
        static const struct compare_pair both = { 0, 0 };
        const struct config *a = c->a->config, *b = c->b->config;
        CLEANUP(lines_done) struct lines l = LINES_INIT;
        bool lower = b->request_max < a->request_max || b->response_max < a->response_max ||
                     b->depth_max < a->depth_max;

        config_put_caps(a, &l.a);
        config_put_caps(b, &l.b);
        if (differ(c, &l))
                tell(c, COMPARE_CAPS, SPAN_NONE, &both, &l,
                     lower ? COMPARE_BREAKS : COMPARE_NOTHING);
}

static void compare_backend(struct comparer *c)
{
        static const struct compare_pair both = { 0, 0 };
        CLEANUP(lines_done) struct lines l = LINES_INIT;

        config_put_backend(&c->a->config->backend, &l.a);
        config_put_backend(&c->b->config->backend, &l.b);
        if (differ(c, &l))
                tell(c, COMPARE_BACKEND, SPAN_NONE, &both, &l, COMPARE_NOTHING);
}

void compare_serving(struct comparer *c)
{
        compare_limits(c);
        compare_caches(c);
        compare_caps(c);
        compare_backend(c);
}
