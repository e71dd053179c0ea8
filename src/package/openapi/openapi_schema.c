/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_schema.c - Schema Objects into one flat table.  Floor 2, pure.
 *
 * A schema within another is read where it stands; one that is referred to gets its place at once
 * and is read later, so that references may lead in circles.  A schema that is a reference and
 * nothing else is the one that it leads to. */
#include "package/openapi/openapi_priv.h"

/* ---- the table ---- */

struct oa_schema *oa_schema_at(struct oa *r, uint32_t place)
{
        return &r->schemas[place / OA_CHUNK][place % OA_CHUNK];
}

static uint32_t new_place(struct oa *r, const struct source_node *node)
{
        uint32_t at = r->n_schemas;
        struct oa_schema **chunk = &r->schemas[at / OA_CHUNK], *s;

        if (at == API_SCHEMAS_MAX) {
                if (r->rc == 0)
                        r->rc = err_set(r->err, -E2BIG, "more than %d schemas", API_SCHEMAS_MAX);
                return API_NONE;
        }
        if (!*chunk)
                *chunk = oa_scratch(r, OA_CHUNK, sizeof **chunk);
        if (!*chunk)
                return API_NONE;
        s = oa_schema_at(r, at);
        s->node = node;
        s->s = api_schema_any;
        r->n_schemas++;
        return at;
}

static uint32_t boolean(struct oa *r, const struct source_node *v)
{
        uint32_t *place = v->boolean ? &r->any : &r->never;

        if (*place == API_NONE)
                *place = new_place(r, v);
        if (*place != API_NONE)
                oa_schema_at(r, *place)->s.never = !v->boolean;
        return *place;
}

/* ---- keywords with schemas in them ---- */

uint32_t oa_inner(struct oa *r, const struct source_node *v)
{
        uint32_t place;

        if (r->depth == OPENAPI_DEPTH_MAX) {
                lint_error(r->l, &v->mark, "schemas nested deeper than %d", OPENAPI_DEPTH_MAX);
                return API_NONE;
        }
        r->depth++;
        place = oa_schema(r, v);
        r->depth--;
        return place;
}

static void kw_additional(struct oa *r, const struct source_node *v, void *out)
{
        ((struct api_schema *)out)->additional = oa_inner(r, v);
}

static void kw_unevaluated_properties(struct oa *r, const struct source_node *v, void *out)
{
        ((struct api_schema *)out)->unevaluated_properties = oa_inner(r, v);
}

static void kw_unevaluated_items(struct oa *r, const struct source_node *v, void *out)
{
        ((struct api_schema *)out)->unevaluated_items = oa_inner(r, v);
}

static void kw_contains(struct oa *r, const struct source_node *v, void *out)
{
        ((struct api_schema *)out)->contains = oa_inner(r, v);
}

static void kw_then(struct oa *r, const struct source_node *v, void *out)
{
        ((struct api_schema *)out)->then_of = oa_inner(r, v);
}

static void kw_else(struct oa *r, const struct source_node *v, void *out)
{
        ((struct api_schema *)out)->else_of = oa_inner(r, v);
}

static uint32_t without_class(struct oa *r, const struct source_node *v)
{
        uint32_t place;

        r->classless++;
        place = oa_inner(r, v);
        r->classless--;
        return place;
}

static void kw_names(struct oa *r, const struct source_node *v, void *out)
{
        ((struct api_schema *)out)->names = without_class(r, v);
}

static void kw_not(struct oa *r, const struct source_node *v, void *out)
{
        ((struct api_schema *)out)->not_of = without_class(r, v);
}

static void kw_if(struct oa *r, const struct source_node *v, void *out)
{
        ((struct api_schema *)out)->if_of = without_class(r, v);
}

static void kw_items(struct oa *r, const struct source_node *v, void *out)
{
        if (v->kind == SOURCE_LIST)
                lint_error(r->l, &v->mark,
                           "a list of schemas is \"prefixItems\" in OpenAPI 3.1; \"items\" is one "
                           "schema");
        else
                ((struct api_schema *)out)->items = oa_inner(r, v);
}

static void places(struct oa *r, const struct source_node *v, struct api_places *ret)
{
        const struct source_node *c;
        uint32_t *at, n = 0;

        if (!oa_want(r, v, SOURCE_LIST))
                return;
        if (v->n == 0)
                lint_error(r->l, &v->mark, "\"%.*s\" has one schema at least", OA_NAME(v->key));
        at = oa_keep(r, v->n, sizeof *at);
        for (c = v->child; c && at; c = c->next)
                at[n++] = oa_inner(r, c);
        *ret = (struct api_places){ at, n };
}

static void kw_all_of(struct oa *r, const struct source_node *v, void *out)
{
        places(r, v, &((struct api_schema *)out)->all_of);
}

static void kw_any_of(struct oa *r, const struct source_node *v, void *out)
{
        places(r, v, &((struct api_schema *)out)->any_of);
}

static void kw_one_of(struct oa *r, const struct source_node *v, void *out)
{
        places(r, v, &((struct api_schema *)out)->one_of);
}

static void kw_prefix_items(struct oa *r, const struct source_node *v, void *out)
{
        places(r, v, &((struct api_schema *)out)->prefix_items);
}

static uint32_t referred(struct oa *r, const struct source_node *ref);

static void kw_ref(struct oa *r, const struct source_node *v, void *out)
{
        ((struct api_schema *)out)->ref = referred(r, v);
}

static void kw_patterns(struct oa *r, const struct source_node *v, void *out)
{
        struct api_schema *s = out;
        struct api_pattern_property *p;
        uint32_t n = 0;

        if (!oa_want_some(r, v, SOURCE_MAP, API_PROPERTIES_MAX, "patterns"))
                return;
        p = oa_keep(r, v->n, sizeof *p);
        for (const struct source_node *m = v->child; m && p; m = m->next) {
                if (oa_check_pattern(r, &m->key_mark, m->key))
                        p[n].pattern = oa_keep_text(r, m->key);
                p[n++].schema = oa_inner(r, m);
        }
        s->patterns = p;
        s->n_patterns = n;
}

/* ---- one schema ---- */

static const struct oa_field fields[] = {
        { "type", oa_kw_type, NULL },
        { "properties", oa_later, NULL },
        { "required", oa_later, NULL },
        { "$ref", kw_ref, NULL },
        { "items", kw_items, NULL },
        { "enum", oa_later, NULL },
        { "const", oa_later, NULL },
        { "format", oa_kw_format, NULL },
        { "x-data-class", oa_kw_class, NULL },
        { "allOf", kw_all_of, NULL },
        { "anyOf", kw_any_of, NULL },
        { "oneOf", kw_one_of, NULL },
        { "not", kw_not, NULL },
        { "if", kw_if, NULL },
        { "then", kw_then, NULL },
        { "else", kw_else, NULL },
        { "additionalProperties", kw_additional, NULL },
        { "unevaluatedProperties", kw_unevaluated_properties, NULL },
        { "patternProperties", kw_patterns, NULL },
        { "propertyNames", kw_names, NULL },
        { "minProperties", oa_kw_min_properties, NULL },
        { "maxProperties", oa_kw_max_properties, NULL },
        { "dependentRequired", oa_later, NULL },
        { "dependentSchemas", oa_later, NULL },
        { "prefixItems", kw_prefix_items, NULL },
        { "unevaluatedItems", kw_unevaluated_items, NULL },
        { "contains", kw_contains, NULL },
        { "minContains", oa_kw_min_contains, NULL },
        { "maxContains", oa_kw_max_contains, NULL },
        { "minItems", oa_kw_min_items, NULL },
        { "maxItems", oa_kw_max_items, NULL },
        { "uniqueItems", oa_kw_unique, NULL },
        { "minLength", oa_kw_min_length, NULL },
        { "maxLength", oa_kw_max_length, NULL },
        { "pattern", oa_kw_pattern, NULL },
        { "minimum", oa_kw_minimum, NULL },
        { "maximum", oa_kw_maximum, NULL },
        { "exclusiveMinimum", oa_kw_above, NULL },
        { "exclusiveMaximum", oa_kw_below, NULL },
        { "multipleOf", oa_kw_multiple_of, NULL },
        { "readOnly", oa_kw_read_only, NULL },
        { "writeOnly", oa_kw_read_only, NULL },
        { "discriminator", oa_kw_discriminator, NULL },
        { "$schema", oa_kw_dialect, NULL },
        /* documentation, and what is looked at when it is referred to */
        { "title", NULL, NULL },
        { "description", NULL, NULL },
        { "default", NULL, NULL },
        { "example", NULL, NULL },
        { "examples", NULL, NULL },
        { "deprecated", NULL, NULL },
        { "externalDocs", NULL, NULL },
        { "xml", NULL, NULL },
        { "contentMediaType", NULL, NULL },
        { "contentEncoding", NULL, NULL },
        { "$comment", NULL, NULL },
        { "$anchor", NULL, NULL },
        { "$defs", NULL, NULL },
        /* of other versions, or too much */
        { "nullable", NULL,
          "nullable is of OpenAPI 3.0: write type: [string, \"null\"], or anyOf: [{$ref: ...}, "
          "{type: \"null\"}]" },
        { "definitions", NULL, "definitions are of older drafts: write $defs, or components" },
        { "dependencies", NULL,
          "dependencies are of older drafts: write dependentRequired or dependentSchemas" },
        { "additionalItems", NULL,
          "additionalItems is of older drafts: write prefixItems, and items for what follows" },
        { "id", NULL, "id is of older drafts, and references are by place: leave it out" },
        { "$id", NULL, "$id is not understood: references are by place in this document" },
        { "$vocabulary", NULL, "$vocabulary is not understood: it belongs in a meta-schema" },
        { "$dynamicRef", NULL, "$dynamicRef is not understood: write $ref" },
        { "$dynamicAnchor", NULL,
          "$dynamicAnchor is not understood: write $ref where it is meant" },
        { "$recursiveRef", NULL, "$recursiveRef is of an older draft: write $ref" },
        { "$recursiveAnchor", NULL, "$recursiveAnchor is of an older draft: leave it out" },
        { "contentSchema", NULL,
          "contentSchema is not understood: what is within a string is not checked" },
};

static void check_together(struct oa *r, const struct source_node *node,
                           const struct source_node *constant, const struct api_schema *s)
{
        const struct source_node *then = source_get(node, "then"),
                                 *other = source_get(node, "else");

        if (constant && source_get(node, "enum"))
                lint_error(r->l, &constant->key_mark, "say one of enum and const");
        if (s->if_of == API_NONE && !source_get(node, "if") && (then || other))
                lint_error(r->l, then ? &then->key_mark : &other->key_mark,
                           "there is no \"if\" for this");
}

static void fill(struct oa *r, const struct source_node *node, struct api_schema *s)
{
        const struct source_node *values = source_get(node, "enum");
        const struct source_node *constant = source_get(node, "const");

        oa_fields(r, node, "a schema", fields, ARRAY_LEN(fields), s);
        if (constant)
                oa_const(r, constant, s);
        else if (values)
                oa_enum(r, values, s);
        oa_properties(r, node, s);
        oa_dependents(r, node, s);
        check_together(r, node, constant, s);
}

/* A "$ref" with nothing beside it but documentation: its value. */
static const struct source_node *only_refers(const struct source_node *node)
{
        const struct source_node *ref = source_get(node, "$ref"), *m;

        for (m = ref ? node->child : NULL; m; m = m->next) {
                const struct oa_field *f = oa_field(fields, ARRAY_LEN(fields), m->key);

                if (m != ref && (f ? f->read || f->refused : true))
                        return NULL;
        }
        return ref;
}

/* A component has its name; anything else that is referred to has none. */
static struct span component_name(struct oa *r, const struct source_node *node)
{
        const struct source_node *components = source_get(r->root, "components");
        const struct source_node *all = components ? source_get(components, "schemas") : NULL;

        return all && node->key.n && oa_member(r, all, node->key) == node
                       ? oa_keep_text(r, node->key)
                       : SPAN_NONE;
}

/* The place of a map that is a schema; *ret_new: it was not met before. */
static uint32_t place_of(struct oa *r, const struct source_node *node, bool *ret_new)
{
        uintptr_t *known = oa_memo(r, OA_SCHEMA, node);
        uint32_t place;

        *ret_new = false;
        if (!known || *known)
                return known ? (uint32_t)(*known - 1) : API_NONE;
        place = new_place(r, node);
        if (place == API_NONE)
                return API_NONE;
        *known = (uintptr_t)place + 1;
        oa_schema_at(r, place)->s.name = component_name(r, node);
        *ret_new = true;
        return place;
}

/* What a reference comes to when those that only refer again are passed. */
static const struct source_node *target(struct oa *r, const struct source_node *ref)
{
        const struct source_node *at = ref, *node = NULL;

        for (unsigned n = 0; at; n++) {
                if (n == OA_REFS_MAX) {
                        lint_error(r->l, &ref->mark,
                                   "this $ref leads through more than %d others, or in a circle",
                                   OA_REFS_MAX);
                        return NULL;
                }
                node = oa_resolve(r, at);
                at = node && node->kind == SOURCE_MAP ? only_refers(node) : NULL;
        }
        return node;
}

static uint32_t referred(struct oa *r, const struct source_node *ref)
{
        const struct source_node *node = target(r, ref);
        struct oa_schema *s;
        uint32_t place;
        bool new;

        if (!node)
                return API_NONE;
        if (node->kind == SOURCE_BOOL)
                return boolean(r, node);
        if (node->kind != SOURCE_MAP) {
                lint_error(r->l, &ref->mark, "\"%.*s\" is no schema, but %s", OA_NAME(ref->text),
                           source_kind_name(node->kind));
                return API_NONE;
        }
        place = place_of(r, node, &new);
        if (new) {
                s = oa_schema_at(r, place);
                *r->unread_tail = s;
                r->unread_tail = &s->next;
        }
        return place;
}

uint32_t oa_schema(struct oa *r, const struct source_node *node)
{
        const struct source_node *ref;
        uint32_t place;
        bool new;

        if (r->rc < 0)
                return API_NONE;
        if (node->kind == SOURCE_BOOL)
                return boolean(r, node);
        if (!oa_want(r, node, SOURCE_MAP))
                return API_NONE;
        ref = only_refers(node);
        if (ref)
                return referred(r, ref);
        place = place_of(r, node, &new);
        if (new)
                fill(r, node, &oa_schema_at(r, place)->s);
        return place;
}

void oa_read_schemas(struct oa *r)
{
        while (r->unread && r->rc == 0) {
                struct oa_schema *s = r->unread;

                r->unread = s->next;
                if (!r->unread)
                        r->unread_tail = &r->unread;
                fill(r, s->node, &s->s);
        }
}
