/* SPDX-License-Identifier: Apache-2.0 */
/* model_file_check.c - what an API must satisfy beyond the kinds of its members.  Floor 2, pure.
 *
 * All of it holds for a model that openapi.h made; who serves by a model may rely on it. */
#include "package/model/model_file_shape.h"

#include <stdlib.h>

#include "base/text.h"
#include "package/model/header_name.h"
#include "package/schema/schema_reach.h"

/* ---- schemas ---- */

int model_check_schema(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct api_schema *s = record;

        if (s->data_class.n > 0 && api_class(g->api, s->data_class) == API_NONE)
                return model_fail_member(g, at, "class", "none of the API's classes");
        return 0;
}

/* ---- requests and responses ---- */

static bool name_fits(const struct api_parameter *p)
{
        for (size_t i = 0; p->in == API_IN_HEADER && i < p->name.n; i++)
                if (p->name.p[i] >= 'A' && p->name.p[i] <= 'Z')
                        return false;
        return p->in == API_IN_PATH || p->in == API_IN_QUERY || header_name_ok(p->name);
}

int model_check_parameter(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct api_parameter *p = record;

        if (p->in == API_IN_PATH && !p->required)
                return model_fail_member(g, at, "required", "a parameter of a path always is");
        if (!name_fits(p))
                return model_fail_member(g, at, "name", "not as headers and cookies are called");
        if (p->explode && p->in != API_IN_QUERY && p->in != API_IN_COOKIE)
                return model_fail_member(g, at, "explode", "of queries and cookies only");
        return 0;
}

int model_check_media(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct api_media *m = record;

        if (!m->json && m->schema != API_NONE)
                return model_fail_member(g, at, "schema", "of what is no JSON");
        return 0;
}

int model_check_body(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct api_body *b = record;

        for (uint32_t i = 0; i < b->n_media; i++)
                if (!b->media[i].json)
                        return model_fail_member(g, at, "media", "not all of it is JSON");
        return 0;
}

int model_check_response(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct api_response *r = record;

        if (r->status == 1 || (r->status > 5 && r->status < 200))
                return model_fail_member(g, at, "status", "none");
        for (uint32_t i = 0; i < r->n_headers; i++)
                if (r->headers[i].in != API_IN_HEADER)
                        return model_fail_member(g, at, "headers", "not all are headers");
        return 0;
}

/* ---- paths ---- */

static bool has_parameter(const struct api_operation *o, struct span name)
{
        for (uint32_t i = 0; i < o->n_parameters; i++)
                if (o->parameters[i].in == API_IN_PATH && span_eq(o->parameters[i].name, name))
                        return true;
        return false;
}

/* Is this what part means when %20 and its like are undone? */
static bool decodes_to(struct span part, struct span word)
{
        uint8_t c;

        for (; part.n > 0; word = span_from(word, 1))
                if (!text_percent_next(&part, &c) || word.n == 0 || word.p[0] != c)
                        return false;
        return word.n == 0;
}

static bool is_segment(struct span part, const struct api_segment *s)
{
        if (!s->parameter)
                return decodes_to(part, s->text) && (part.n == 0 || part.p[0] != '{');
        return part.n == s->text.n + 2 && part.p[0] == '{' && part.p[part.n - 1] == '}' &&
               span_eq(span_of(part.p + 1, s->text.n), s->text);
}

/* What stands between the slashes, and behind the last one. */
static bool path_is_segments(const struct api_operation *o)
{
        struct span rest = o->path; /* begins with a slash */

        for (uint32_t i = 0; i < o->n_segments; i++) {
                const uint8_t *end;
                size_t n;

                if (rest.n == 0)
                        return false;
                end = rest.n > 1 ? memchr(rest.p + 1, '/', rest.n - 1) : NULL;
                n = end ? (size_t)(end - rest.p) : rest.n;
                if (!is_segment(span_of(rest.p + 1, n - 1), &o->segments[i]))
                        return false;
                rest = span_from(rest, n);
        }
        return rest.n == 0;
}

/* Each segment that is one is of a parameter, each parameter of the path is one segment. */
static bool segments_are_parameters(const struct api_operation *o)
{
        uint32_t segments = 0, parameters = 0;

        for (uint32_t i = 0; i < o->n_segments; i++) {
                if (!o->segments[i].parameter)
                        continue;
                segments++;
                if (!has_parameter(o, o->segments[i].text))
                        return false;
                for (uint32_t j = 0; j < i; j++)
                        if (o->segments[j].parameter &&
                            span_eq(o->segments[j].text, o->segments[i].text))
                                return false;
        }
        for (uint32_t i = 0; i < o->n_parameters; i++)
                parameters += o->parameters[i].in == API_IN_PATH;
        return segments == parameters;
}

/* Nothing that a caller sends may be taken for the gateway's own word. */
static int check_headers(const struct model_get *g, const struct model_at *at,
                         const struct api_operation *o)
{
        for (uint32_t i = 0; i < o->n_parameters; i++)
                if (o->parameters[i].in == API_IN_HEADER &&
                    header_name_rule(o->parameters[i].name) != HEADER_FREE)
                        return model_fail_member(g, at, "parameters",
                                                 "a header that no caller may send");
        return 0;
}

static int check_object(const struct model_get *g, const struct model_at *at,
                        const struct api_operation *o)
{
        uint32_t p = o->object.parameter;

        if ((o->object.type.n == 0) != (p == API_NONE))
                return model_fail_member(g, at, "object", "a type and a parameter, or neither");
        if (p == API_NONE)
                return 0;
        if (p >= o->n_parameters)
                return model_fail_member(g, at, "object", "the parameter is none");
        if (!o->parameters[p].required)
                return model_fail_member(g, at, "object", "the parameter is not required");
        return 0;
}

int model_check_operation(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct api_operation *o = record;

        if (!path_is_segments(o))
                return model_fail_member(g, at, "segments", "not those of the path");
        if (!segments_are_parameters(o))
                return model_fail_member(g, at, "segments", "not those of its parameters");
        return check_headers(g, at, o) < 0 ? -EINVAL : check_object(g, at, o);
}

/* ---- operations, one with the other ---- */

/* By the requests that fit. */
static int compare_shapes(const struct api_operation *a, const struct api_operation *b)
{
        return api_segments_compare(a->segments, a->n_segments, b->segments, b->n_segments);
}

static int compare_routes(const void *x, const void *y)
{
        const struct api_operation *a = *(const struct api_operation *const *)x,
                                   *b = *(const struct api_operation *const *)y;
        int c = compare_shapes(a, b);

        return c ? c : (a->method > b->method) - (a->method < b->method);
}

static int check_two(const struct model_get *g, const struct model_at *at,
                     const struct api_operation *a, const struct api_operation *b)
{
        if (compare_shapes(a, b) != 0 || (a->method != b->method && span_eq(a->path, b->path)))
                return 0;
        return model_fail(g, at, "%.*s and %.*s: the same requests fit both", (int)a->id.n,
                          (const char *)a->id.p, (int)b->id.n, (const char *)b->id.p);
}

/* An entry has room for all of them. */
static int check_classes(const struct model_get *g, const struct model_at *at,
                         const struct api *api)
{
        size_t n = 0;

        for (uint32_t i = 0; i < api->n_classes; i++)
                n += api->classes[i].n;
        if (n <= API_CLASSES_TEXT_MAX)
                return 0;
        return model_fail_member(g, at, "classes", "names of more than 24 KiB");
}

/* ---- classes of operations ---- */

/* Is all of the set in the list?  Its members are ascending. */
static bool lists_all(const uint64_t set[REACH_WORDS], const uint32_t *list, uint32_t n)
{
        uint64_t left[REACH_WORDS], any = 0;

        memcpy(left, set, sizeof left);
        for (uint32_t i = 0; i < n; i++)
                left[list[i] / 64] &= ~((uint64_t)1 << list[i] % 64);
        for (unsigned i = 0; i < REACH_WORDS; i++)
                any |= left[i];
        return any == 0;
}

static int check_lists(const struct model_get *g, const struct model_at *at,
                       const struct api_operation *o, const struct schema_reach *reach)
{
        uint64_t reads[REACH_WORDS] = { 0 }, writes[REACH_WORDS] = { 0 };

        schema_reach_operation(reach, o, reads, writes);
        if (!lists_all(reads, o->reads, o->n_reads))
                return model_fail_member(g, at, "reads", "not all classes that an answer may have");
        if (!lists_all(writes, o->writes, o->n_writes))
                return model_fail_member(g, at, "writes",
                                         "not all classes that a request may have");
        return 0;
}

/* Who is asked by these lists who may see what (access.h) must be told all that the gateway would
 * ask about. */
static int check_reach(const struct model_get *g, const struct model_at *at, const struct api *api)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(MODEL_MEMORY_MAX);
        const struct schema_places places = schema_places_of(&api->schemas);
        uint32_t *own = arena_alloc(&arena, ((size_t)places.n + 1) * sizeof *own);
        struct schema_reach reach;
        int rc = 0;

        if (api->n_classes == 0)
                return 0;
        for (uint32_t i = 0; own && i < places.n; i++)
                own[i] = api_class(api, api->schemas.at[i].data_class);
        if (!own || schema_reach(&places, own, api->n_classes, &arena, &reach) < 0)
                return err_set(g->err, -ENOMEM, "no memory for the model");
        for (uint32_t i = 0; rc == 0 && i < api->n_operations; i++)
                rc = check_lists(g, &(struct model_at){ .up = at, .item = i }, &api->operations[i],
                                 &reach);
        return rc;
}

/* ---- the whole ---- */

/* A request has one path, and is of one operation of it. */
int model_check_api(const struct model_get *g, const struct model_at *at, const void *record)
{
        const struct api *api = record;
        struct model_at operations = { .up = at, .key = "operations" };
        const struct api_operation **list =
                malloc((api->n_operations + 1) * sizeof(const struct api_operation *));
        int r = check_classes(g, at, api);

        if (!list)
                return err_set(g->err, -ENOMEM, "no memory for the model");
        for (uint32_t i = 0; i < api->n_operations; i++)
                list[i] = &api->operations[i];
        qsort(list, api->n_operations, sizeof(const struct api_operation *), compare_routes);
        for (uint32_t i = 1; r == 0 && i < api->n_operations; i++)
                r = check_two(g, &operations, list[i - 1], list[i]);
        free(list);
        return r == 0 ? check_reach(g, &operations, api) : r;
}
