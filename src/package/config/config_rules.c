/* SPDX-License-Identifier: Apache-2.0 */
/* config_rules.c - gateway.yaml: masks by data class, limits and cache by operation.  Floor 2,
 * pure.
 */
#include "package/config/config_priv.h"

#include <stdlib.h>

enum { CACHE_MAX_S = 86400 };

/* ---- lists by name ---- */

/* Room for as many as the map has; NULL after a fault. */
static void *list_of(struct config_reader *r, const struct source_node *n, size_t size,
                     const char *wanted)
{
        void *list;

        if (n->kind == SOURCE_MAP && n->n == 0)
                return NULL;
        if (!config_is_map(r, n, wanted))
                return NULL;
        list = arena_alloc(r->arena, n->n * size);
        if (!list)
                r->rc = -ENOMEM;
        return list;
}

/* Said of what the document has no operation of this name for. */
static void unknown_operation(struct config_reader *r, const struct source_node *n)
{
        struct span *ids = arena_alloc(r->arena, (r->api->n_operations + 1) * sizeof *ids);
        char meant[CONFIG_MEANT_MAX];

        if (!ids) {
                r->rc = -ENOMEM;
                return;
        }
        for (uint32_t i = 0; i < r->api->n_operations; i++)
                ids[i] = r->api->operations[i].id;
        lint_error(r->l, &n->key_mark, "openapi.yaml has no operation \"%.*s\"%s", SHOWN(n->key),
                   config_meant(n->key, ids, r->api->n_operations, meant));
}

/* ---- classes ---- */

static void take_mask(struct config_reader *r, const struct source_node *n, void *into)
{
        const char *names[MASKS];
        struct config_class *c = into;
        size_t at;

        for (size_t i = 0; i < MASKS; i++)
                names[i] = mask_name((enum mask)i);
        if (config_get_word(r, n, "a mask, last4, first1, redact, hash, date-year or drop,", names,
                            MASKS, &at))
                c->mask = (enum mask)at;
}

static void take_record(struct config_reader *r, const struct source_node *n, void *into)
{
        static const char *const names[] = { "count", "digest" };
        struct config_class *c = into;
        size_t at;

        if (config_get_word(r, n, "count or digest", names, ARRAY_LEN(names), &at))
                c->digest = at == 1;
}

static bool has_class(const struct api *api, struct span name)
{
        for (uint32_t i = 0; i < api->n_classes; i++)
                if (span_eq(api->classes[i], name))
                        return true;
        return false;
}

static void check_class(struct config_reader *r, const struct source_node *m)
{
        char meant[CONFIG_MEANT_MAX];

        if (!r->api || has_class(r->api, m->key))
                return;
        config_meant(m->key, r->api->classes, r->api->n_classes, meant);
        lint_error(r->l, &m->key_mark, "openapi.yaml has no x-data-class \"%.*s\"%s", SHOWN(m->key),
                   meant);
}

static int by_class(const void *a, const void *b)
{
        const struct config_class *x = a, *y = b;

        return span_cmp(x->name, y->name);
}

void config_take_classes(struct config_reader *r, const struct source_node *n, void *into)
{
        static const struct config_key keys[] = {
                { "mask", take_mask, true },
                { "record", take_record, false },
        };
        struct config_class *list =
                list_of(r, n, sizeof *list, "masks by data class, as pii.ssn: { mask: last4 },");
        uint32_t have = 0;

        (void)into;
        if (!list)
                return;
        for (const struct source_node *m = n->child; m; m = m->next) {
                check_class(r, m);
                if (!config_is_map(r, m, "a mask, as { mask: last4 },"))
                        continue;
                config_take_keys(r, m, keys, ARRAY_LEN(keys), &list[have], "a class");
                have += config_keep(r, m->key, &list[have].name);
        }
        qsort(list, have, sizeof *list, by_class);
        r->out->classes = list;
        r->out->n_classes = have;
}

/* ---- limits ---- */

static void take_rate(struct config_reader *r, const struct source_node *n, void *into)
{
        struct config_limit *l = into;

        (void)!config_get_rate(r, n, "a rate, as 10/s,", CONFIG_RATE_MAX, &l->rate, &l->per_s);
}

static void take_burst(struct config_reader *r, const struct source_node *n, void *into)
{
        struct config_limit *l = into;

        (void)!config_get_count(r, n, "a number of requests, as 20,", 1, CONFIG_RATE_MAX,
                                &l->burst);
}

static void take_quota(struct config_reader *r, const struct source_node *n, void *into)
{
        struct config_limit *l = into;

        (void)!config_get_rate(r, n, "a quota, as 5000/d,", CONFIG_QUOTA_MAX, &l->quota,
                               &l->quota_s);
}

static void take_limit(struct config_reader *r, const struct source_node *m, struct config_limit *l)
{
        static const struct config_key keys[] = {
                { "rate", take_rate, false },
                { "burst", take_burst, false },
                { "quota", take_quota, false },
        };
        const struct source_node *rate = source_get(m, "rate"), *burst = source_get(m, "burst");

        if (r->api && !span_eq_str(m->key, "*") && !api_operation(r->api, m->key))
                unknown_operation(r, m);
        if (!config_is_map(r, m, "a limit, as { rate: 10/s },"))
                return;
        config_take_keys(r, m, keys, ARRAY_LEN(keys), l, "a limit");
        if (!rate && burst)
                lint_error(r->l, &burst->key_mark, "\"burst\" goes with a \"rate\"");
        if (!burst)
                l->burst = l->rate;
}

static int by_limit(const void *a, const void *b)
{
        const struct config_limit *x = a, *y = b;

        return span_cmp(x->operation, y->operation);
}

void config_take_limits(struct config_reader *r, const struct source_node *n, void *into)
{
        struct config_limit *list = list_of(
                r, n, sizeof *list, "limits by operation, as listAccounts: { rate: 10/s },");
        uint32_t have = 0;

        (void)into;
        if (!list)
                return;
        for (const struct source_node *m = n->child; m; m = m->next) {
                take_limit(r, m, &list[have]);
                have += config_keep(r, m->key, &list[have].operation);
        }
        qsort(list, have, sizeof *list, by_limit);
        r->out->limits = list;
        r->out->n_limits = have;
}

/* ---- cache ---- */

static void take_for(struct config_reader *r, const struct source_node *n, void *into)
{
        struct config_cache *c = into;

        (void)!config_get_seconds(r, n, "a time, as 60s,", 1, CACHE_MAX_S, &c->seconds);
}

static void take_by(struct config_reader *r, const struct source_node *n, void *into)
{
        static const char *const names[] = { "caller", "rights" };
        struct config_cache *c = into;
        size_t at;

        if (config_get_word(r, n, "caller or rights", names, ARRAY_LEN(names), &at))
                c->by_rights = at == 1;
}

/* Whether the back-end may be shown the caller's own credential, and answer by it. */
static bool passes_credentials(const struct config_reader *r, const struct api_operation *o)
{
        for (uint32_t i = 0; i < o->n_security; i++)
                for (uint32_t k = 0; k < o->security[i].n; k++) {
                        struct span name = r->api->identities[o->security[i].schemes[k]].name;

                        for (uint32_t j = 0; j < r->out->n_identities; j++)
                                if (span_eq(r->out->identities[j].scheme, name) &&
                                    config_passes(&r->out->identities[j]))
                                        return true;
                }
        return false;
}

static void check_cache(struct config_reader *r, const struct source_node *m,
                        const struct config_cache *c)
{
        const struct api_operation *o = r->api ? api_operation(r->api, m->key) : NULL;

        if (!r->api)
                return;
        if (!o)
                unknown_operation(r, m);
        else if (o->method != API_GET)
                lint_error(r->l, &m->key_mark, "only answers to GET are kept, and %.*s is a %s",
                           SHOWN(m->key), api_method_name(o->method));
        else if (c->by_rights && passes_credentials(r, o))
                lint_error(r->l, &m->key_mark,
                           "callers of %.*s show their own credential to the back-end, which "
                           "answers by it: \"by: caller\" goes with that",
                           SHOWN(m->key));
}

static int by_cache(const void *a, const void *b)
{
        const struct config_cache *x = a, *y = b;

        return span_cmp(x->operation, y->operation);
}

void config_take_cache(struct config_reader *r, const struct source_node *n, void *into)
{
        static const struct config_key keys[] = {
                { "for", take_for, true },
                { "by", take_by, false },
        };
        struct config_cache *list =
                list_of(r, n, sizeof *list, "times by operation, as listBranches: { for: 60s },");
        uint32_t have = 0;

        (void)into;
        if (!list)
                return;
        for (const struct source_node *m = n->child; m; m = m->next) {
                if (config_is_map(r, m, "a time, as { for: 60s },"))
                        config_take_keys(r, m, keys, ARRAY_LEN(keys), &list[have], "a cache");
                check_cache(r, m, &list[have]);
                have += config_keep(r, m->key, &list[have].operation);
        }
        qsort(list, have, sizeof *list, by_cache);
        r->out->caches = list;
        r->out->n_caches = have;
}
