/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_operation.c - one operation of a document, and all of them together.  Floor 2, pure. */
#include "package/openapi/openapi_priv.h"

#include <ctype.h>
#include <stdlib.h>

static void callbacks(struct oa *r, const struct source_node *v, void *out)
{
        (void)out;
        if (v->n)
                oa_note(r, OA_NOTE_CALLBACKS, SPAN_NONE, &v->key_mark);
}

static const struct oa_field operation_fields[] = {
        { "operationId", oa_later, NULL },
        { "tags", oa_later, NULL },
        { "parameters", oa_later, NULL },
        { "requestBody", oa_later, NULL },
        { "responses", oa_later, NULL },
        { "security", oa_later, NULL },
        { "x-object", oa_later, NULL },
        { "callbacks", callbacks, NULL },
        { "summary", NULL, NULL },
        { "description", NULL, NULL },
        { "externalDocs", NULL, NULL },
        { "deprecated", NULL, NULL },
        { "servers", NULL,
          "servers of its own: a package has one back-end (backend.yaml); make an API of what is "
          "served elsewhere" },
        { "consumes", NULL,
          "consumes is of Swagger 2.0: media types stand in the content of a body" },
        { "produces", NULL,
          "produces is of Swagger 2.0: media types stand in the content of a body" },
};

/* ---- its names ---- */

/* Actions of the derived schema (derive.h) that no operation and no tag may be called. */
static bool is_derived(struct span name)
{
        static const char *const ends[] = { "read", "readMasked" };

        for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
                size_t n = strlen(ends[i]);

                if (name.n >= n && span_eq_str(span_from(name, name.n - n), ends[i]) &&
                    (name.n == n || name.p[name.n - n - 1] == '.'))
                        return true;
        }
        return false;
}

static bool is_id(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (!isalnum(s.p[i]) && !memchr("_.-", s.p[i], 3))
                        return false;
        return true;
}

static void read_id(struct oa *r, const struct source_node *node, struct api_operation *o)
{
        const struct source_node *id = source_get(node, "operationId");
        struct span name;

        if (!id) {
                oa_refuse(r, &node->key_mark,
                          "there is no operationId for this: policies and limits call it by that");
                return;
        }
        if (!oa_want_text(r, id, API_NAME_MAX, &name))
                return;
        if (!is_id(name))
                lint_error(r->l, &id->mark,
                           "operationId \"%.*s\" is to be made of letters, digits and _ . -",
                           OA_NAME(name));
        else if (is_derived(name))
                lint_error(r->l, &id->mark,
                           "an operationId is not \"read\" or \"readMasked\" and does not end in "
                           "these behind a dot: they are questions about data");
        else
                o->id = oa_keep_text(r, name);
}

static int by_bytes(const void *a, const void *b)
{
        return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static void read_tags(struct oa *r, const struct source_node *node, struct api_operation *o)
{
        const struct source_node *list = source_get(node, "tags");
        struct span *tags;
        uint32_t n = 0, kept = 0;

        if (!list || !oa_want_some(r, list, SOURCE_LIST, API_TAGS_MAX, "tags"))
                return;
        tags = oa_keep(r, list->n, sizeof *tags);
        for (const struct source_node *c = list->child; c && tags; c = c->next) {
                struct span name;

                if (!oa_want_text(r, c, API_NAME_MAX, &name))
                        continue;
                if (is_derived(name))
                        lint_error(r->l, &c->mark,
                                   "a tag is not \"read\" or \"readMasked\" and does not end in "
                                   "these behind a dot: they are questions about data");
                tags[n++] = oa_keep_text(r, name);
        }
        if (n > 0)
                qsort(tags, n, sizeof *tags, by_bytes);
        for (uint32_t i = 0; i < n; i++)
                if (kept == 0 || !span_eq(tags[kept - 1], tags[i]))
                        tags[kept++] = tags[i];
        o->tags = tags;
        o->n_tags = kept;
}

/* ---- parameters ---- */

static bool in_path(const struct oa_path *path, struct span name)
{
        for (uint32_t i = 0; i < path->n_segments; i++)
                if (path->segments[i].parameter && span_eq(path->segments[i].text, name))
                        return true;
        return false;
}

static uint32_t find(const struct oa_parameters *all, const struct oa_parameter *p)
{
        uint32_t i = 0;

        while (i < all->n &&
               (all->at[i]->p.in != p->p.in || !span_eq(all->at[i]->p.name, p->p.name)))
                i++;
        return i;
}

static void add_parameter(struct oa *r, const struct source_node *item, const struct oa_path *path,
                          uint64_t *own, struct oa_parameters *all)
{
        const struct oa_parameter *p = oa_parameter(r, item);
        uint32_t at;

        if (!p)
                return;
        if (!path->bad && p->p.in == API_IN_PATH && !in_path(path, p->p.name))
                lint_error(r->l, &item->mark, "the path has no {%.*s} in it", OA_NAME(p->p.name));
        at = find(all, p);
        if (at == API_PARAMETERS_MAX) {
                lint_error(r->l, &item->mark, "more than %d parameters of one operation",
                           API_PARAMETERS_MAX);
                return;
        }
        if (own[at / 64] >> at % 64 & 1)
                lint_error(r->l, &item->mark, "\"%.*s\" in the %s is there twice",
                           OA_NAME(p->p.name), api_place_name(p->p.in));
        own[at / 64] |= (uint64_t)1 << at % 64;
        all->at[at] = p;
        all->n += at == all->n;
}

void oa_add_parameters(struct oa *r, const struct source_node *list, const struct oa_path *path,
                       struct oa_parameters *all)
{
        uint64_t own[API_PARAMETERS_MAX / 64] = { 0 }; /* those that are of this list */

        if (!oa_want_some(r, list, SOURCE_LIST, API_PARAMETERS_MAX, "parameters"))
                return;
        for (const struct source_node *c = list->child; c && r->rc == 0; c = c->next)
                add_parameter(r, c, path, own, all);
}

static int by_place(const void *a, const void *b)
{
        const struct api_parameter *x = a, *y = b;

        return x->in != y->in ? (x->in > y->in) - (x->in < y->in) : span_cmp(x->name, y->name);
}

/* Each {name} of the path is declared. */
static void check_declared(struct oa *r, const struct source_node *node, const struct oa_path *path,
                           const struct oa_parameters *all)
{
        for (uint32_t i = 0; i < path->n_segments && !path->bad; i++) {
                struct oa_parameter wanted = { .p = { .name = path->segments[i].text,
                                                      .in = API_IN_PATH } };

                if (path->segments[i].parameter && find(all, &wanted) == all->n)
                        lint_error(r->l, &node->key_mark,
                                   "{%.*s} of the path is not declared: it is a parameter with "
                                   "in: path",
                                   OA_NAME(wanted.p.name));
        }
}

static void read_parameters(struct oa *r, const struct source_node *node,
                            const struct oa_path *path, struct api_operation *o)
{
        const struct source_node *list = source_get(node, "parameters");
        struct oa_parameters all = { .n = path->n_parameters };
        struct api_parameter *kept;
        uint32_t n = 0;

        if (all.n)
                memcpy(all.at, path->parameters, all.n * sizeof(const struct oa_parameter *));
        if (list)
                oa_add_parameters(r, list, path, &all);
        check_declared(r, node, path, &all);
        kept = oa_keep(r, all.n, sizeof *kept);
        for (uint32_t i = 0; i < all.n && kept; i++)
                if (!all.at[i]->ignored)
                        kept[n++] = all.at[i]->p;
        if (n > 0)
                qsort(kept, n, sizeof *kept, by_place);
        o->parameters = kept;
        o->n_parameters = n;
}

/* ---- bodies ---- */

static void read_request(struct oa *r, const struct source_node *node, struct api_operation *o)
{
        const struct source_node *body = source_get(node, "requestBody");

        if (!body)
                return;
        if (o->method == API_GET || o->method == API_HEAD)
                lint_error(
                        r->l, &body->key_mark,
                        "a body of %s has no meaning and is not passed on: make it POST, or take "
                        "parameters",
                        api_method_name(o->method));
        else
                o->request = oa_body(r, body);
}

/* "default", "2XX", "200"; false, and told. */
static bool status(struct oa *r, const struct source_node *m, uint16_t *ret)
{
        const uint8_t *p = m->key.p;
        bool three = m->key.n == 3 && p[0] >= '1' && p[0] <= '5';

        if (span_eq_str(m->key, "default"))
                return *ret = 0, true;
        if (three && p[0] == '1') {
                lint_error(r->l, &m->key_mark, "%.*s is no answer, but announces one: leave it out",
                           OA_NAME(m->key));
                return false;
        }
        if (three && isdigit(p[1]) && isdigit(p[2]))
                return *ret = (uint16_t)((p[0] - '0') * 100 + (p[1] - '0') * 10 + p[2] - '0'), true;
        if (three && p[1] == 'X' && p[2] == 'X')
                return *ret = (uint16_t)(p[0] - '0'), true;
        lint_error(r->l, &m->key_mark, "\"%.*s\" is no status: 200, 2XX or default are",
                   OA_NAME(m->key));
        return false;
}

static int by_status(const void *a, const void *b)
{
        const struct api_response *x = a, *y = b;

        return (x->status > y->status) - (x->status < y->status);
}

static void read_responses(struct oa *r, const struct source_node *node, struct api_operation *o)
{
        const struct source_node *map = source_get(node, "responses");
        struct api_response *list;
        uint32_t n = 0;

        if (!map || (map->kind == SOURCE_MAP && map->n == 0)) {
                oa_refuse(r, map ? &map->mark : &node->key_mark,
                          "there are no \"responses\": nothing could be answered");
                return;
        }
        if (!oa_want_some(r, map, SOURCE_MAP, API_RESPONSES_MAX, "responses"))
                return;
        list = oa_keep(r, map->n, sizeof *list);
        for (const struct source_node *m = map->child; m && list && r->rc == 0; m = m->next) {
                const struct api_response *a;
                uint16_t code;

                if (oa_is_extension(m->key))
                        continue;
                a = oa_response(r, m);
                if (!status(r, m, &code) || !a)
                        continue;
                list[n] = *a;
                list[n++].status = code;
        }
        if (n > 0)
                qsort(list, n, sizeof *list, by_status);
        o->responses = list;
        o->n_responses = n;
}

static void read_security(struct oa *r, const struct source_node *node, struct api_operation *o)
{
        const struct source_node *own = source_get(node, "security");

        if (own) {
                oa_security(r, own, &o->security, &o->n_security);
        } else if (r->secured) {
                o->security = r->security;
                o->n_security = r->n_security;
        } else {
                oa_note(r, OA_NOTE_ANYBODY, SPAN_NONE, &node->key_mark);
        }
}

/* ---- one ---- */

void oa_operation(struct oa *r, const struct oa_path *path, enum api_method method,
                  const struct source_node *node)
{
        struct oa_operation *op = oa_scratch(r, 1, sizeof *op);

        if (!op)
                return;
        if (r->n_operations++ == API_OPERATIONS_MAX)
                lint_error(r->l, &node->key_mark, "more than %d operations", API_OPERATIONS_MAX);
        op->node = node;
        op->o.method = method;
        op->o.path = path->text;
        op->o.segments = path->segments;
        op->o.n_segments = path->n_segments;
        oa_fields(r, node, "an operation", operation_fields, ARRAY_LEN(operation_fields), NULL);
        if (node->kind != SOURCE_MAP)
                return;
        read_id(r, node, &op->o);
        read_tags(r, node, &op->o);
        read_parameters(r, node, path, &op->o);
        read_request(r, node, &op->o);
        read_responses(r, node, &op->o);
        read_security(r, node, &op->o);
        oa_object(r, path, op);
        *r->operations_tail = op;
        r->operations_tail = &op->next;
}
