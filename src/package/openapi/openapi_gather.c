/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_gather.c - all operations of a document, in order of their ids.  Floor 2, pure. */
#include "package/openapi/openapi_priv.h"

#include <stdlib.h>

static int by_id(const void *a, const void *b)
{
        const struct oa_operation *const *x = a, *const *y = b;
        int c = span_cmp((*x)->o.id, (*y)->o.id);

        return c ? c : oa_order(&(*x)->node->key_mark, &(*y)->node->key_mark);
}

static void check_ids(struct oa *r, struct oa_operation *const *at, uint32_t n)
{
        for (uint32_t i = 1; i < n; i++)
                if (at[i]->o.id.n && span_eq(at[i - 1]->o.id, at[i]->o.id))
                        lint_error(r->l, &source_get(at[i]->node, "operationId")->mark,
                                   "operationId \"%.*s\" is that of line %u already",
                                   OA_NAME(at[i]->o.id),
                                   (unsigned)source_get(at[i - 1]->node, "operationId")->mark.line);
}

static int id_order(const void *key, const void *item)
{
        return span_cmp(*(const struct span *)key, (*(struct oa_operation *const *)item)->o.id);
}

static void check_tags(struct oa *r, struct oa_operation *const *at, uint32_t n)
{
        for (uint32_t i = 0; i < n; i++)
                for (uint32_t k = 0; k < at[i]->o.n_tags; k++)
                        if (bsearch(&at[i]->o.tags[k], at, n, sizeof(struct oa_operation *),
                                    id_order))
                                lint_error(r->l, &source_get(at[i]->node, "tags")->mark,
                                           "the tag \"%.*s\" is an operationId, too: policies "
                                           "could not tell them apart",
                                           OA_NAME(at[i]->o.tags[k]));
}

static const uint32_t *keep_set(struct oa *r, const uint64_t *set, uint32_t *ret_n)
{
        uint32_t n = 0, *list;

        for (unsigned i = 0; i < REACH_WORDS; i++)
                n += (uint32_t)__builtin_popcountll(set[i]);
        *ret_n = n;
        list = n ? oa_keep(r, n, sizeof *list) : NULL;
        if (!list)
                return NULL;
        n = 0;
        for (uint32_t c = 0; c < API_CLASSES_MAX; c++)
                if (set[c / 64] >> c % 64 & 1)
                        list[n++] = c;
        return list;
}

static void find_classes(struct oa *r, const struct schema_reach *reach, struct api_operation *o)
{
        uint64_t reads[REACH_WORDS] = { 0 }, writes[REACH_WORDS] = { 0 };

        schema_reach_operation(reach, o, reads, writes);
        o->reads = keep_set(r, reads, &o->n_reads);
        o->writes = keep_set(r, writes, &o->n_writes);
}

void oa_keep_operations(struct oa *r, const struct schema_reach *reach)
{
        struct oa_operation **at = oa_scratch(r, r->n_operations, sizeof(struct oa_operation *)),
                            *op;
        struct api_operation *kept = oa_keep(r, r->n_operations, sizeof *kept);
        uint32_t n = 0;

        if (!at || !kept)
                return;
        for (op = r->operations; op; op = op->next)
                at[n++] = op;
        if (n > 0)
                qsort(at, n, sizeof(struct oa_operation *), by_id);
        check_ids(r, at, n);
        check_tags(r, at, n);
        for (uint32_t i = 0; i < n; i++) {
                oa_check_object(r, at[i]);
                find_classes(r, reach, &at[i]->o);
                kept[i] = at[i]->o;
        }
        r->api->operations = kept;
        r->api->n_operations = n;
}
