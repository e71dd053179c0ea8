/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_print.h - a model in a few words, for tables of tests.
 *
 *   getA: GET /a/{x} [a {x}] tags(t) about(Account path.x) needs(s+t or nothing) reads(pii)
 *   writes(pii) path x! {string} query l explode {array items {string}} body! application/json
 * {...} 200 application/json {...} header(h {string})
 *
 * A schema: {string|null min 1 #pii}; a named one within another is its name alone. */
#ifndef TESTS_PACKAGE_OPENAPI_PRINT_H
#define TESTS_PACKAGE_OPENAPI_PRINT_H

#include "base/buf.h"
#include "package/model/model.h"

struct printer {
        const struct api *api;
        struct buf out;
};

static inline void print_schema(struct printer *p, uint32_t place);

static inline void print_text(struct printer *p, const char *before, struct span s)
{
        if (s.n) {
                buf_put_str(&p->out, before);
                buf_put(&p->out, s);
        }
}

static inline void print_inner(struct printer *p, const char *before, uint32_t place)
{
        struct span name = place == API_NONE ? SPAN_NONE : p->api->schemas.at[place].name;

        if (place == API_NONE)
                return;
        buf_put_str(&p->out, before);
        if (name.n)
                buf_put(&p->out, name);
        else
                print_schema(p, place);
}

static inline void print_list(struct printer *p, const char *before, const struct api_places *l)
{
        if (l->n == 0)
                return;
        buf_put_str(&p->out, before);
        for (uint32_t i = 0; i < l->n; i++)
                print_inner(p, i ? ", " : "", l->at[i]);
        buf_put_byte(&p->out, ']');
}

static inline void print_types(struct printer *p, uint32_t types)
{
        static const char *const names[] = { "null",   "boolean", "integer", "number",
                                             "string", "array",   "object" };
        const char *before = " ";

        for (unsigned i = 0; i < ARRAY_LEN(names) && types != API_ANY; i++)
                if (types >> i & 1) {
                        buf_printf(&p->out, "%s%s", before, names[i]);
                        before = "|";
                }
}

static inline void print_count(struct printer *p, const char *name, uint64_t n, uint64_t unless)
{
        if (n != unless)
                buf_printf(&p->out, " %s %llu", name, (unsigned long long)n);
}

static inline void print_value(struct printer *p, const struct tree *t)
{
        switch (t->kind) {
        case TREE_NULL:
                buf_put_str(&p->out, " null");
                break;
        case TREE_BOOL:
                buf_put_str(&p->out, t->boolean ? " true" : " false");
                break;
        case TREE_NUMBER:
                buf_printf(&p->out, " %lld", (long long)t->number);
                break;
        case TREE_REAL:
                print_text(p, " real ", t->text);
                break;
        case TREE_STRING:
                buf_printf(&p->out, " '%.*s'", (int)t->text.n, (const char *)t->text.p);
                break;
        case TREE_ARRAY:
        case TREE_OBJECT:
                buf_put_str(&p->out, t->kind == TREE_ARRAY ? " [" : " {");
                for (uint32_t i = 0; i < t->n; i++) {
                        if (t->kind == TREE_OBJECT)
                                print_text(p, " ", t->members[i].key);
                        print_value(p, t->kind == TREE_ARRAY ? &t->items[i] : &t->members[i].value);
                }
                buf_put_str(&p->out, t->kind == TREE_ARRAY ? " ]" : " }");
                break;
        }
}

static inline void print_objects(struct printer *p, const struct api_schema *s)
{
        for (uint32_t i = 0; i < s->n_properties; i++) {
                print_text(p, " ", s->properties[i].name);
                buf_put_str(&p->out, s->properties[i].required ? "!" : "");
                print_inner(p, ": ", s->properties[i].schema);
        }
        for (uint32_t i = 0; i < s->n_patterns; i++) {
                print_text(p, " ~", s->patterns[i].pattern);
                print_inner(p, ": ", s->patterns[i].schema);
        }
        print_inner(p, " others ", s->additional);
        print_inner(p, " left members ", s->unevaluated_properties);
        print_inner(p, " names ", s->names);
        print_count(p, "members from", s->min_properties, 0);
        print_count(p, "members to", s->max_properties, UINT64_MAX);
        for (uint32_t i = 0; i < s->n_dependents; i++) {
                print_text(p, " with ", s->dependents[i].name);
                for (uint32_t k = 0; k < s->dependents[i].n_required; k++)
                        print_text(p, k ? "," : " also ", s->dependents[i].required[k]);
                print_inner(p, " ", s->dependents[i].schema);
        }
}

static inline void print_rest(struct printer *p, const struct api_schema *s)
{
        print_list(p, " prefix [", &s->prefix_items);
        print_inner(p, " items ", s->items);
        print_inner(p, " left items ", s->unevaluated_items);
        print_inner(p, " contains ", s->contains);
        print_count(p, "of them from", s->min_contains, 1);
        print_count(p, "of them to", s->max_contains, UINT64_MAX);
        print_count(p, "items from", s->min_items, 0);
        print_count(p, "items to", s->max_items, UINT64_MAX);
        buf_put_str(&p->out, s->unique ? " unique" : "");
        print_list(p, " all [", &s->all_of);
        print_list(p, " any [", &s->any_of);
        print_list(p, " one [", &s->one_of);
        print_inner(p, " not ", s->not_of);
        print_inner(p, " if ", s->if_of);
        print_inner(p, " then ", s->then_of);
        print_inner(p, " else ", s->else_of);
}

static inline void print_schema(struct printer *p, uint32_t place)
{
        const struct api_schema *s = &p->api->schemas.at[place];

        buf_put_str(&p->out, s->never ? "{ never" : "{");
        print_types(p, s->types);
        print_text(p, " #", s->data_class);
        print_inner(p, " ref ", s->ref);
        for (uint32_t i = 0; i < s->n_values; i++) {
                buf_put_str(&p->out, i ? "," : " one of");
                print_value(p, &s->values[i]);
        }
        print_text(p, " minimum ", s->minimum);
        print_text(p, " maximum ", s->maximum);
        print_text(p, " above ", s->above);
        print_text(p, " below ", s->below);
        print_text(p, " times ", s->multiple_of);
        print_count(p, "length from", s->min_length, 0);
        print_count(p, "length to", s->max_length, UINT64_MAX);
        print_text(p, " ~", s->pattern);
        if (s->format != API_FORMAT_NONE)
                buf_printf(&p->out, " %s", api_format_name(s->format));
        print_objects(p, s);
        print_rest(p, s);
        buf_put_str(&p->out, " }");
}

/* The schema of a place, or its name. */
static inline void print_place(struct printer *p, uint32_t place)
{
        buf_put_byte(&p->out, ' ');
        if (place == API_NONE)
                buf_put_str(&p->out, "anything");
        print_inner(p, "", place);
}

static inline void print_parameter(struct printer *p, const struct api_parameter *a)
{
        buf_printf(&p->out, " %s %.*s%s%s", api_place_name(a->in), (int)a->name.n,
                   (const char *)a->name.p, a->required ? "!" : "", a->explode ? " explode" : "");
        print_place(p, a->schema);
}

static inline void print_media(struct printer *p, const struct api_media *m, uint32_t n)
{
        for (uint32_t i = 0; i < n; i++) {
                print_text(p, " ", m[i].type);
                if (m[i].json)
                        print_place(p, m[i].schema);
        }
}

static inline void print_classes(struct printer *p, const char *what, const uint32_t *at,
                                 uint32_t n)
{
        for (uint32_t i = 0; i < n; i++) {
                buf_printf(&p->out, "%s", i ? " " : what);
                buf_put(&p->out, p->api->classes[at[i]]);
        }
        buf_put_str(&p->out, n ? ")" : "");
}

static inline void print_security(struct printer *p, const struct api_operation *o)
{
        for (uint32_t i = 0; i < o->n_security; i++) {
                buf_put_str(&p->out, i ? " or " : " needs(");
                for (uint32_t k = 0; k < o->security[i].n; k++)
                        print_text(p, k ? "+" : "",
                                   p->api->identities[o->security[i].schemes[k]].name);
                buf_put_str(&p->out, o->security[i].n ? "" : "nothing");
        }
        buf_put_str(&p->out, o->n_security ? ")" : "");
}

static inline void print_head(struct printer *p, const struct api_operation *o)
{
        print_text(p, "", o->id);
        buf_printf(&p->out, ": %s ", api_method_name(o->method));
        print_text(p, "", o->path);
        for (uint32_t i = 0; i < o->n_segments; i++) {
                const struct api_segment *s = &o->segments[i];

                buf_printf(&p->out, "%s%s%.*s%s", i ? " " : " [", s->parameter ? "{" : "",
                           (int)s->text.n, (const char *)s->text.p, s->parameter ? "}" : "");
        }
        buf_put_byte(&p->out, ']');
        for (uint32_t i = 0; i < o->n_tags; i++)
                print_text(p, i ? " " : " tags(", o->tags[i]);
        buf_put_str(&p->out, o->n_tags ? ")" : "");
        if (o->object.type.n)
                buf_printf(&p->out, " about(%.*s %s.%.*s)", (int)o->object.type.n,
                           (const char *)o->object.type.p,
                           api_place_name(o->parameters[o->object.parameter].in),
                           (int)o->parameters[o->object.parameter].name.n,
                           (const char *)o->parameters[o->object.parameter].name.p);
}

static inline void print_operation(struct printer *p, const struct api_operation *o)
{
        print_head(p, o);
        print_security(p, o);
        print_classes(p, " reads(", o->reads, o->n_reads);
        print_classes(p, " writes(", o->writes, o->n_writes);
        for (uint32_t i = 0; i < o->n_parameters; i++)
                print_parameter(p, &o->parameters[i]);
        if (o->request) {
                buf_put_str(&p->out, o->request->required ? " body!" : " body");
                print_media(p, o->request->media, o->request->n_media);
        }
        for (uint32_t i = 0; i < o->n_responses; i++) {
                const struct api_response *a = &o->responses[i];

                buf_printf(&p->out, " %u", (unsigned)a->status);
                for (uint32_t k = 0; k < a->n_headers; k++)
                        print_parameter(p, &a->headers[k]);
                print_media(p, a->media, a->n_media);
        }
        buf_put_byte(&p->out, '\n');
}

#endif
