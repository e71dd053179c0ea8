/* SPDX-License-Identifier: Apache-2.0 */
#include "call_chance.h"

#include <stdlib.h>

enum { COMPONENTS = 4 };

/* ---- schemas ---- */

static void put_schema(struct chance *c, unsigned depth, struct buf *out);

static void put_properties(struct chance *c, unsigned depth, struct buf *out)
{
        uint32_t n = 1 + chance_below(c, 5), required = chance_below(c, 3);
        static const char *const names[] = { "a", "b", "c-d", "in", "__entity", "__extn" };

        buf_put_str(out, "\"properties\":{");
        for (uint32_t i = 0; i < n; i++) {
                buf_printf(out, "%s\"%s\":", i ? "," : "", names[(i * 5 + depth) % 6]);
                put_schema(c, depth + 1, out);
        }
        buf_put_str(out, "}");
        if (required)
                buf_printf(out, ",\"required\":[\"%s\"]", names[chance_below(c, 6)]);
        if (chance_below(c, 6) == 0)
                buf_put_str(out, ",\"additionalProperties\":false");
}

static void put_combination(struct chance *c, unsigned depth, struct buf *out)
{
        static const char *const words[] = { "allOf", "anyOf", "oneOf" };

        buf_printf(out, "\"%s\":[", words[chance_below(c, 3)]);
        put_schema(c, depth + 1, out);
        buf_put_byte(out, ',');
        put_schema(c, depth + 1, out);
        buf_put_byte(out, ']');
}

static void put_scalar(struct chance *c, struct buf *out)
{
        static const char *const scalars[] = {
                "\"type\":\"string\"",
                "\"type\":\"integer\"",
                "\"type\":\"number\",\"multipleOf\":0.01",
                "\"type\":\"boolean\"",
                "\"type\":[\"string\",\"null\"]",
                "\"type\":[\"integer\",\"null\"]",
                "\"enum\":[\"x\",\"y\"]",
                "\"enum\":[\"y\",\"z\",null]",
                "\"const\":\"x\"",
                "\"enum\":[1,2]",
                "\"enum\":[1,\"x\"]",
                "\"type\":\"null\"",
                "\"type\":[\"integer\",\"number\"]",
                "\"type\":[\"string\",\"integer\"]",
                "\"type\":\"string\",\"minLength\":1",
                "\"type\":\"string\",\"format\":\"date-time\"",
                "\"type\":[\"string\",\"null\"],\"format\":\"date-time\"",
                "\"type\":\"string\",\"format\":\"ipv4\"",
                "\"type\":\"string\",\"format\":\"ipv6\"",
                "\"format\":\"date-time\"",
                "",
        };

        buf_put_str(out, scalars[chance_below(c, ARRAY_LEN(scalars))]);
}

static void put_schema(struct chance *c, unsigned depth, struct buf *out)
{
        /* something with parts at the top, nothing but scalars far below */
        uint32_t which =
                depth < 2 ? (chance_below(c, 4) ? 8 + chance_below(c, 3) : 11 + chance_below(c, 5))
                          : chance_below(c, depth > 3 ? 5 : 16);

        buf_put_byte(out, '{');
        if (which < 5) {
                put_scalar(c, out);
        } else if (which < 7) {
                buf_put_str(out, "\"type\":\"array\",\"items\":");
                put_schema(c, depth + 1, out);
        } else if (which < 11) {
                buf_put_str(out, which == 7 ? "" : "\"type\":\"object\",");
                put_properties(c, depth, out);
        } else if (which < 12) {
                put_combination(c, depth, out);
        } else if (which < 13) {
                buf_put_str(out, "\"type\":\"object\",");
                put_properties(c, depth, out);
                buf_put_byte(out, ',');
                put_combination(c, depth, out);
        } else if (which < 14) {
                buf_put_str(out, "\"anyOf\":[{\"type\":\"null\"},");
                put_schema(c, depth + 1, out);
                buf_put_byte(out, ']');
        } else {
                buf_printf(out, "\"$ref\":\"C%u\"", chance_below(c, COMPONENTS));
                if (which == 15) {
                        buf_put_byte(out, ',');
                        put_properties(c, depth, out);
                }
        }
        buf_put_byte(out, '}');
}

void chance_model(struct chance *c, struct buf *out)
{
        buf_put_str(out, "{\"name\":\"t\",\"classes\":[\"c\"],\"schemas\":{");
        for (unsigned i = 0; i < COMPONENTS; i++) {
                buf_printf(out, "%s\"C%u\":", i ? "," : "", i);
                put_schema(c, 1, out);
        }
        buf_put_str(out, "},\"operations\":[{\"id\":\"op\",\"reads\":[\"c\"],\"body\":");
        put_schema(c, 0, out);
        buf_printf(out, ",\"bodyRequired\":%s,\"parameters\":[",
                   chance_below(c, 2) ? "true" : "false");
        for (unsigned i = 0; i < 3; i++) {
                buf_printf(out, "%s{\"in\":\"query\",\"name\":\"p%u\",\"schema\":{", i ? "," : "",
                           i);
                if (chance_below(c, 3) == 0) {
                        buf_put_str(out, "\"type\":\"array\",\"items\":{");
                        put_scalar(c, out);
                        buf_put_byte(out, '}');
                } else {
                        put_scalar(c, out);
                }
                buf_put_str(out, "}}");
        }
        buf_put_str(out, "]}]}");
}

/* ---- values that may fit ---- */

struct maker {
        struct chance *c;
        const struct api_schemas *schemas;
        struct arena *arena;
};

static struct tree make_value(struct maker *m, uint32_t place, unsigned depth);

static struct tree text_tree(const char *text)
{
        return (struct tree){ .kind = TREE_STRING, .text = span_str(text) };
}

/* Mostly of the format, where there is one that is looked at. */
static struct tree make_text(struct maker *m, enum api_format format)
{
        static const char *const texts[] = {
                "x", "y", "z", "", "\xc3\xa9", "__entity", "10.0.0.1",
        };
        static const char *const times[] = { "2026-11-26T12:30:45.123456+01:30",
                                             "1969-12-31T23:59:59.9999z",
                                             "2024-02-29t00:00:00-23:59" };

        if (format == API_FORMAT_DATE_TIME && chance_below(m->c, 8))
                return text_tree(times[chance_below(m->c, ARRAY_LEN(times))]);
        if (format == API_FORMAT_IPV4 && chance_below(m->c, 8))
                return text_tree("10.0.0.1");
        if (format == API_FORMAT_IPV6 && chance_below(m->c, 8))
                return text_tree("::ffff:10.0.0.1");
        return text_tree(texts[chance_below(m->c, ARRAY_LEN(texts))]);
}

static struct tree make_scalar(struct maker *m, uint32_t kinds, enum api_format format)
{
        static const char *const reals[] = { "1.25", "-0.5", "3.0", "1e2", "0.01", "2E0" };
        struct tree t = { .kind = TREE_NULL };
        uint32_t bit = 1;

        for (unsigned i = 0; i < 64 && !(kinds & bit); i++)
                bit = 1u << chance_below(m->c, 5);
        if (bit & API_BOOL)
                t = (struct tree){ .kind = TREE_BOOL, .boolean = chance_below(m->c, 2) };
        else if ((bit & (API_INTEGER | API_NUMBER)) && chance_below(m->c, 4))
                t = (struct tree){ .kind = TREE_NUMBER,
                                   .number = (int64_t)chance_below(m->c, 4) - 1 };
        else if (bit & (API_INTEGER | API_NUMBER))
                t = (struct tree){ .kind = TREE_REAL,
                                   .text = span_str(reals[chance_below(m->c, ARRAY_LEN(reals))]) };
        else if (bit & API_STRING)
                t = make_text(m, format);
        return t;
}

static int by_key(const void *a, const void *b)
{
        return span_cmp(((const struct tree_member *)a)->key, ((const struct tree_member *)b)->key);
}

/* Members of b that a does not have are added. */
static struct tree merge(struct maker *m, struct tree a, struct tree b)
{
        struct tree_member *all;
        uint32_t n = 0;

        if (a.kind != TREE_OBJECT || b.kind != TREE_OBJECT)
                return a.kind == TREE_OBJECT || chance_below(m->c, 2) ? a : b;
        all = arena_alloc(m->arena, ((size_t)a.n + b.n) * sizeof *all);
        assert(all);
        for (uint32_t i = 0; i < a.n; i++)
                all[n++] = a.members[i];
        for (uint32_t i = 0; i < b.n; i++) {
                uint32_t k = 0;

                while (k < a.n && !span_eq(a.members[k].key, b.members[i].key))
                        k++;
                if (k == a.n)
                        all[n++] = b.members[i];
        }
        qsort(all, n, sizeof *all, by_key);
        return (struct tree){ .kind = TREE_OBJECT, .n = n, .members = all };
}

static struct tree make_object(struct maker *m, const struct api_schema *s, unsigned depth)
{
        struct tree_member *list =
                arena_alloc(m->arena, ((size_t)s->n_properties + 1) * sizeof *list);
        uint32_t n = 0;

        assert(list);
        for (uint32_t i = 0; i < s->n_properties; i++) {
                const struct api_property *p = &s->properties[i];

                if (!p->required && chance_below(m->c, 3) == 0)
                        continue;
                list[n].key = p->name;
                list[n++].value = p->schema == API_NONE ? make_scalar(m, API_ANY, API_FORMAT_NONE)
                                                        : make_value(m, p->schema, depth + 1);
        }
        if (chance_below(m->c, 4) == 0) {
                list[n].key = SPAN("zz");
                list[n++].value = text_tree("other");
        }
        return (struct tree){ .kind = TREE_OBJECT, .n = n, .members = list };
}

static struct tree make_array(struct maker *m, const struct api_schema *s, unsigned depth)
{
        uint32_t n = chance_below(m->c, 4);
        struct tree *items = arena_alloc(m->arena, ((size_t)n + 1) * sizeof *items);

        assert(items);
        for (uint32_t i = 0; i < n; i++)
                items[i] = s->items == API_NONE ? make_scalar(m, API_ANY, API_FORMAT_NONE)
                                                : make_value(m, s->items, depth + 1);
        return (struct tree){ .kind = TREE_ARRAY, .n = n, .items = items };
}

static struct tree make_own(struct maker *m, const struct api_schema *s, unsigned depth)
{
        if (s->n_values)
                return s->values[chance_below(m->c, s->n_values)];
        if ((s->types & API_OBJECT) && (s->n_properties || s->types == API_OBJECT))
                return make_object(m, s, depth);
        if (s->types == API_ARRAY)
                return make_array(m, s, depth);
        return make_scalar(m, s->types, s->format);
}

static struct tree make_value(struct maker *m, uint32_t place, unsigned depth)
{
        const struct api_schema *s = &m->schemas->at[place];
        struct tree v = make_own(m, s, depth);
        bool said = s->types != API_ANY || s->n_values || s->n_properties;

        if (depth > 8)
                return make_scalar(m, API_ANY, API_FORMAT_NONE);
        if (s->ref != API_NONE) {
                struct tree r = make_value(m, s->ref, depth + 1);

                v = said ? merge(m, v, r) : r;
        }
        for (uint32_t i = 0; i < s->all_of.n; i++) {
                struct tree r = make_value(m, s->all_of.at[i], depth + 1);

                v = said || i ? merge(m, v, r) : r;
        }
        if (s->any_of.n + s->one_of.n) {
                const struct api_places *list = s->any_of.n ? &s->any_of : &s->one_of;
                struct tree r = make_value(m, list->at[chance_below(m->c, list->n)], depth + 1);

                v = said ? merge(m, v, r) : r;
        }
        return v;
}

/* ---- calls ---- */

/* What may be one of this schema, as text. */
static struct span parameter_text(struct maker *m, const struct api_schema *s)
{
        static const struct span texts[] = { SPAN_INIT("1"),    SPAN_INIT("x"),  SPAN_INIT("true"),
                                             SPAN_INIT("1.25"), SPAN_INIT("-0"), SPAN_INIT("y") };

        if (s->items != API_NONE)
                s = &m->schemas->at[s->items];
        return s->format != API_FORMAT_NONE ? make_text(m, s->format).text
                                            : texts[chance_below(m->c, ARRAY_LEN(texts))];
}

static void make_parameters(struct maker *m, const struct package *p, struct call_value *ret)
{
        for (uint32_t i = 0; i < 3; i++) {
                const struct api_parameter *parameter = &p->api->operations[0].parameters[i];
                const struct span text = parameter_text(m, &m->schemas->at[parameter->schema]);

                ret[i].present = call_parameter(p, parameter, &text, 1, m->arena, &ret[i].value,
                                                NULL) == 0 &&
                                 chance_below(m->c, 5) > 0;
        }
}

void chance_call(struct chance *c, const struct package *p, struct arena *arena, struct call *ret)
{
        const struct api_operation *o = &p->api->operations[0];
        struct maker m = { c, &p->api->schemas, arena };
        struct call_value *values = arena_alloc(arena, 3 * sizeof *values);
        struct tree *body = arena_alloc(arena, sizeof *body);

        assert(values && body);
        *ret = (struct call){ .operation = o,
                              .parameters = values,
                              .body_schema = o->request->media[0].schema,
                              .tls_version = SPAN("TLSv1.3") };
        *body = make_value(&m, ret->body_schema, 0);
        ret->body = chance_below(c, 8) ? body : NULL;
        make_parameters(&m, p, values);
}
