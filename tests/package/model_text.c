/* SPDX-License-Identifier: Apache-2.0 */
#include "model_text.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

enum { SCHEMAS_MAX = 4096 };

struct reader {
        struct model_text *m;
        struct api_schema *at;
        uint32_t n;
        const struct tree *components; /* the first places, in their order */
};

static void *take(struct reader *r, size_t n)
{
        void *p = arena_alloc(&r->m->arena, n ? n : 1);

        assert(p);
        return p;
}

static bool flag(const struct tree *t, const char *key, bool otherwise)
{
        const struct tree *v = tree_get(t, key);

        return v ? v->boolean : otherwise;
}

static struct span text_of(const struct tree *t, const char *key)
{
        const struct tree *v = tree_get(t, key);

        return v ? v->text : SPAN_NONE;
}

static const struct span *texts(struct reader *r, const struct tree *list, uint32_t *ret_n)
{
        struct span *all = take(r, (list ? list->n : 0) * sizeof *all);

        for (uint32_t i = 0; list && i < list->n; i++)
                all[i] = list->items[i].text;
        *ret_n = list ? list->n : 0;
        return all;
}

static uint32_t number(const struct tree *t, const char *key, uint32_t otherwise)
{
        const struct tree *v = tree_get(t, key);

        return v ? (uint32_t)v->number : otherwise;
}

/* As JSON spells it. */
static struct span spelled(struct reader *r, const struct tree *v)
{
        char *text;
        struct buf b = BUF_INIT(64);
        struct span s;

        if (!v)
                return SPAN_NONE;
        tree_print(v, &b);
        text = arena_copy(&r->m->arena, buf_span(&b));
        s = span_of(text, b.n);
        buf_done(&b);
        return s;
}

/* ---- schemas ---- */

static uint32_t read_schema(struct reader *r, const struct tree *t);

static uint32_t type_of(struct span name)
{
        static const char *const names[] = { "null",   "boolean", "integer", "number",
                                             "string", "array",   "object" };

        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (span_eq_str(name, names[i]))
                        return 1u << i;
        abort();
}

static uint32_t types_of(const struct tree *t)
{
        uint32_t types = 0;

        if (!t)
                return API_ANY;
        if (t->kind == TREE_STRING)
                return type_of(t->text);
        for (uint32_t i = 0; i < t->n; i++)
                types |= type_of(t->items[i].text);
        return types;
}

static struct api_places places(struct reader *r, const struct tree *list)
{
        uint32_t *at = take(r, (list ? list->n : 0) * sizeof *at);

        for (uint32_t i = 0; list && i < list->n; i++)
                at[i] = read_schema(r, &list->items[i]);
        return (struct api_places){ list ? at : NULL, list ? list->n : 0 };
}

static uint32_t maybe(struct reader *r, const struct tree *t)
{
        return t ? read_schema(r, t) : API_NONE;
}

static bool is_required(const struct tree *schema, struct span name)
{
        const struct tree *list = tree_get(schema, "required");

        for (uint32_t i = 0; list && i < list->n; i++)
                if (span_eq(list->items[i].text, name))
                        return true;
        return false;
}

static int by_name(const void *a, const void *b)
{
        return span_cmp(((const struct api_property *)a)->name,
                        ((const struct api_property *)b)->name);
}

static void read_properties(struct reader *r, const struct tree *t, struct api_schema *s)
{
        const struct tree *list = tree_get(t, "properties"), *required = tree_get(t, "required");
        uint32_t n = list ? list->n : 0, all = n + (required ? required->n : 0);
        struct api_property *p = take(r, all * sizeof *p);

        for (uint32_t i = 0; i < n; i++)
                p[i] = (struct api_property){ list->members[i].key,
                                              read_schema(r, &list->members[i].value),
                                              is_required(t, list->members[i].key) };
        for (uint32_t i = 0; required && i < required->n; i++) {
                uint32_t k = 0;

                while (k < n && !span_eq(p[k].name, required->items[i].text))
                        k++;
                if (k == n)
                        p[n++] = (struct api_property){ required->items[i].text, API_NONE, true };
        }
        qsort(p, n, sizeof *p, by_name);
        s->properties = p;
        s->n_properties = n;
}

static uint32_t component(struct reader *r, struct span name)
{
        for (uint32_t i = 0; r->components && i < r->components->n; i++)
                if (span_eq(r->components->members[i].key, name))
                        return i;
        abort();
}

static void read_values(struct reader *r, const struct tree *t, struct api_schema *s)
{
        const struct tree *list = tree_get(t, "enum"), *one = tree_get(t, "const");

        (void)r;
        s->values = list ? list->items : one;
        s->n_values = list ? list->n : one ? 1 : 0;
}

static void read_limits(struct reader *r, const struct tree *t, struct api_schema *s)
{
        s->minimum = spelled(r, tree_get(t, "minimum"));
        s->maximum = spelled(r, tree_get(t, "maximum"));
        s->multiple_of = spelled(r, tree_get(t, "multipleOf"));
        s->min_length = number(t, "minLength", 0);
        if (tree_get(t, "maxLength"))
                s->max_length = number(t, "maxLength", 0);
        s->pattern = text_of(t, "pattern");
        s->min_items = number(t, "minItems", 0);
        if (tree_get(t, "maxItems"))
                s->max_items = number(t, "maxItems", 0);
}

static void fill_schema(struct reader *r, const struct tree *t, uint32_t place)
{
        struct api_schema s = { .ref = API_NONE,
                                .max_length = UINT64_MAX,
                                .max_items = UINT64_MAX,
                                .contains = API_NONE,
                                .min_contains = 1,
                                .max_contains = UINT64_MAX,
                                .unevaluated_items = API_NONE,
                                .additional = API_NONE,
                                .unevaluated_properties = API_NONE,
                                .names = API_NONE,
                                .max_properties = UINT64_MAX,
                                .if_of = API_NONE,
                                .then_of = API_NONE,
                                .else_of = API_NONE };

        s.name = r->at[place].name;
        s.never = t->kind == TREE_BOOL && !t->boolean;
        s.types = types_of(tree_get(t, "type"));
        if (tree_get(t, "format"))
                s.format = api_format_of(text_of(t, "format"));
        if (tree_get(t, "$ref"))
                s.ref = component(r, text_of(t, "$ref"));
        read_values(r, t, &s);
        read_limits(r, t, &s);
        s.items = maybe(r, tree_get(t, "items"));
        s.prefix_items = places(r, tree_get(t, "prefixItems"));
        read_properties(r, t, &s);
        s.additional = maybe(r, tree_get(t, "additionalProperties"));
        s.all_of = places(r, tree_get(t, "allOf"));
        s.any_of = places(r, tree_get(t, "anyOf"));
        s.one_of = places(r, tree_get(t, "oneOf"));
        s.not_of = maybe(r, tree_get(t, "not"));
        r->at[place] = s;
}

static uint32_t read_schema(struct reader *r, const struct tree *t)
{
        uint32_t place = r->n++;

        assert(place < SCHEMAS_MAX);
        r->at[place].name = SPAN_NONE;
        fill_schema(r, t, place);
        return place;
}

static void read_components(struct reader *r)
{
        uint32_t n = r->components ? r->components->n : 0;

        r->at = take(r, SCHEMAS_MAX * sizeof *r->at);
        r->n = n;
        for (uint32_t i = 0; i < n; i++) {
                r->at[i].name = r->components->members[i].key;
                fill_schema(r, &r->components->members[i].value, i);
        }
}

/* ---- operations ---- */

static int by_place(const void *a, const void *b)
{
        const struct api_parameter *x = a, *y = b;

        return x->in != y->in ? (int)x->in - (int)y->in : span_cmp(x->name, y->name);
}

static enum api_place place_of(struct span name)
{
        enum api_place p = API_IN_PATH;

        while (!span_eq_str(name, api_place_name(p)))
                p++;
        return p;
}

static void read_parameters(struct reader *r, const struct tree *list, struct api_operation *o)
{
        struct api_parameter *p = take(r, (list ? list->n : 0) * sizeof *p);

        for (uint32_t i = 0; list && i < list->n; i++) {
                const struct tree *t = &list->items[i];

                p[i] = (struct api_parameter){ .name = text_of(t, "name"),
                                               .in = place_of(text_of(t, "in")),
                                               .explode = flag(t, "explode", true),
                                               .schema = maybe(r, tree_get(t, "schema")) };
                p[i].required = flag(t, "required", p[i].in == API_IN_PATH);
        }
        o->n_parameters = list ? list->n : 0;
        qsort(p, o->n_parameters, sizeof *p, by_place);
        o->parameters = p;
}

/* "path.id" */
static void read_object(const struct tree *t, struct api_operation *o)
{
        struct span id = text_of(t, "id");

        o->object = (struct api_object){ text_of(t, "type"), API_NONE };
        for (uint32_t i = 0; i < o->n_parameters; i++) {
                struct span place = span_str(api_place_name(o->parameters[i].in));

                if (span_starts(id, place) &&
                    span_eq(span_from(id, place.n + 1), o->parameters[i].name))
                        o->object.parameter = i;
        }
}

static uint32_t class_of(struct reader *r, struct span name)
{
        for (uint32_t i = 0; i < r->m->api.n_classes; i++)
                if (span_eq(r->m->api.classes[i], name))
                        return i;
        abort();
}

static void read_body(struct reader *r, const struct tree *t, struct api_operation *o)
{
        struct api_body *body = take(r, sizeof *body);
        struct api_media *media = take(r, sizeof *media);

        *media = (struct api_media){ SPAN("application/json"), true,
                                     read_schema(r, tree_get(t, "body")) };
        *body = (struct api_body){ flag(t, "bodyRequired", false), media, 1 };
        o->request = body;
}

static void read_operation(struct reader *r, const struct tree *t, struct api_operation *o)
{
        uint32_t n, *reads;
        const struct span *classes = texts(r, tree_get(t, "reads"), &n);

        o->id = text_of(t, "id");
        o->tags = texts(r, tree_get(t, "tags"), &o->n_tags);
        read_parameters(r, tree_get(t, "parameters"), o);
        o->object.parameter = API_NONE;
        if (tree_get(t, "object"))
                read_object(tree_get(t, "object"), o);
        if (tree_get(t, "body"))
                read_body(r, t, o);
        o->reads = reads = take(r, n * sizeof *reads);
        o->n_reads = n;
        for (uint32_t i = 0; i < n; i++)
                reads[i] = class_of(r, classes[i]);
}

static int by_id(const void *a, const void *b)
{
        return span_cmp(((const struct api_operation *)a)->id,
                        ((const struct api_operation *)b)->id);
}

static void read_config(struct reader *r, const struct tree *t)
{
        struct config_identity *token = take(r, sizeof *token);

        *token = (struct config_identity){ .scheme = SPAN("token"), .kind = CONFIG_JWT };
        token->claims = texts(r, tree_get(t, "claims"), &token->n_claims);
        if (flag(t, "groups", true))
                token->groups = SPAN("groups");
        r->m->config = (struct config){ .name = text_of(t, "name"),
                                        .identities = token,
                                        .n_identities = 1 };
}

void model_text_read(struct span json, struct model_text *ret)
{
        struct reader r = { .m = ret };
        const struct tree *operations;
        struct api_operation *o;
        struct err err = { 0 };
        struct tree *t;

        *ret = (struct model_text){ .arena = ARENA_INIT(64 << 20) };
        t = take(&r, sizeof *t);
        if (tree_read_real(json, TREE_DEPTH_MAX, &ret->arena, t, &err) < 0) {
                (void)fprintf(stderr, "%.*s: %s\n", (int)json.n, json.p, err_text(&err));
                abort();
        }
        r.components = tree_get(t, "schemas");
        read_components(&r);
        ret->api.classes = texts(&r, tree_get(t, "classes"), &ret->api.n_classes);
        operations = tree_get(t, "operations");
        o = take(&r, operations->n * sizeof *o);
        for (uint32_t i = 0; i < operations->n; i++)
                read_operation(&r, &operations->items[i], &o[i]);
        qsort(o, operations->n, sizeof *o, by_id);
        ret->api.operations = o;
        ret->api.n_operations = operations->n;
        ret->api.schemas = (struct api_schemas){ r.at, r.n };
        read_config(&r, t);
}

void model_text_done(struct model_text *m)
{
        arena_done(&m->arena);
}
