/* SPDX-License-Identifier: Apache-2.0 */
#include "schema_maker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "package/schema/number.h"

struct maker {
        const struct tree *document;
        struct arena *arena;
        struct err *err;
        struct api_schema *at; /* room for each value of the document */
        const struct tree **of;
        uint32_t n;
};

static int make(struct maker *k, const struct tree *t, uint32_t *ret);

static int fail(struct maker *k, const char *what, struct span text)
{
        return err_set(k->err, -EINVAL, "%s %.*s", what, (int)text.n, (const char *)text.p);
}

static void *take(struct maker *k, size_t n, size_t size)
{
        void *p = arena_alloc(k->arena, n * size);

        if (!p)
                (void)err_set(k->err, -ENOMEM, "no memory");
        return p;
}

/* Values, and one more for a `const` beside `enum`. */
static uint32_t count(const struct tree *t)
{
        uint32_t n = 2;

        for (uint32_t i = 0; t->kind == TREE_ARRAY && i < t->n; i++)
                n += count(&t->items[i]);
        for (uint32_t i = 0; t->kind == TREE_OBJECT && i < t->n; i++)
                n += count(&t->members[i].value);
        return n;
}

/* ---- simple members ---- */

static int get_number(struct maker *k, const struct tree *t, struct span *ret)
{
        char text[32];

        if (t->kind == TREE_REAL) {
                *ret = t->text;
                return 0;
        }
        if (t->kind != TREE_NUMBER)
                return fail(k, "no number", SPAN(""));
        snprintf(text, sizeof text, "%" PRId64, t->number);
        ret->n = strlen(text);
        ret->p = (const uint8_t *)arena_copy(k->arena, span_str(text));
        return ret->p ? 0 : err_set(k->err, -ENOMEM, "no memory");
}

static int get_count(struct maker *k, const struct tree *t, uint64_t *ret)
{
        struct number a;
        int64_t v;

        if (t->kind != TREE_NUMBER && t->kind != TREE_REAL)
                return fail(k, "no number", SPAN(""));
        a = number_of_tree(t);
        if (!number_to_int(&a, 0, &v) || v < 0)
                return fail(k, "no count", SPAN(""));
        *ret = (uint64_t)v;
        return 0;
}

static int get_type(struct maker *k, const struct tree *t, uint32_t *ret)
{
        static const char *const names[] = { "null",   "boolean", "integer", "number",
                                             "string", "array",   "object" };
        int rc = 0;

        if (t->kind == TREE_ARRAY) {
                for (uint32_t i = 0; rc == 0 && i < t->n; i++)
                        rc = t->items[i].kind == TREE_ARRAY ? fail(k, "type", SPAN(""))
                                                            : get_type(k, &t->items[i], ret);
                return rc;
        }
        for (size_t i = 0; t->kind == TREE_STRING && i < ARRAY_LEN(names); i++)
                if (span_eq_str(t->text, names[i])) {
                        *ret |= 1u << i;
                        return 0;
                }
        return fail(k, "type", SPAN(""));
}

static int get_names(struct maker *k, const struct tree *t, const struct span **ret,
                     uint32_t *ret_n)
{
        struct span *names = take(k, t->n, sizeof *names);

        if (t->kind != TREE_ARRAY)
                return fail(k, "no list of names", SPAN(""));
        if (!names)
                return -ENOMEM;
        for (uint32_t i = 0; i < t->n; i++) {
                if (t->items[i].kind != TREE_STRING)
                        return fail(k, "no name", SPAN(""));
                names[i] = t->items[i].text;
        }
        *ret = names;
        *ret_n = t->n;
        return 0;
}

/* ---- references ---- */

/* One step of a pointer, ~0, ~1 and percent undone, into text. */
static struct span unescape(struct span s, uint8_t *text)
{
        size_t n = 0, i = 0;

        while (i < s.n) {
                char digits[3] = { 0 };

                if (s.p[i] == '%' && i + 2 < s.n) {
                        memcpy(digits, s.p + i + 1, 2);
                        text[n++] = (uint8_t)strtoul(digits, NULL, 16);
                        i += 3;
                } else {
                        text[n++] = s.p[i++];
                }
        }
        s = span_of(text, n);
        for (i = n = 0; i < s.n; i++) {
                bool tilde = s.p[i] == '~' && i + 1 < s.n && (s.p[i + 1] | 1) == '1';

                text[n++] = tilde ? (s.p[++i] == '0' ? '~' : '/') : s.p[i];
        }
        return span_of(text, n);
}

static const struct tree *step(const struct tree *t, struct span name)
{
        char digits[12] = "";
        unsigned long at;

        for (uint32_t i = 0; t->kind == TREE_OBJECT && i < t->n; i++)
                if (span_eq(t->members[i].key, name))
                        return &t->members[i].value;
        if (t->kind != TREE_ARRAY || name.n == 0 || name.n > 9)
                return NULL;
        memcpy(digits, name.p, name.n);
        at = strtoul(digits, NULL, 10);
        return at < t->n ? &t->items[at] : NULL;
}

static int get_ref(struct maker *k, const struct tree *t, uint32_t *ret)
{
        const struct tree *to = k->document;
        uint8_t text[256];
        struct span rest;

        if (t->kind != TREE_STRING || t->text.n > sizeof text || !span_starts(t->text, SPAN("#")))
                return fail(k, "$ref", t->kind == TREE_STRING ? t->text : SPAN(""));
        rest = span_from(t->text, 1);
        while (to && rest.n > 0) {
                const uint8_t *end;
                struct span name;

                if (rest.p[0] != '/')
                        return fail(k, "$ref", t->text);
                rest = span_from(rest, 1);
                end = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
                name = end ? span_of(rest.p, (size_t)(end - rest.p)) : rest;
                rest = span_from(rest, name.n);
                to = step(to, unescape(name, text));
        }
        return to ? make(k, to, ret) : fail(k, "$ref", t->text);
}

/* ---- schemas in schemas ---- */

static int get_list(struct maker *k, const struct tree *t, struct api_places *ret)
{
        uint32_t *at = take(k, t->n, sizeof *at);
        int rc = 0;

        if (t->kind != TREE_ARRAY)
                return fail(k, "no list of schemas", SPAN(""));
        if (!at)
                return -ENOMEM;
        for (uint32_t i = 0; rc == 0 && i < t->n; i++)
                rc = make(k, &t->items[i], &at[i]);
        *ret = (struct api_places){ at, t->n };
        return rc;
}

static int by_name(const void *a, const void *b)
{
        return span_cmp(((const struct api_property *)a)->name,
                        ((const struct api_property *)b)->name);
}

/* Of `properties` and `required`. */
static int get_properties(struct maker *k, const struct tree *t, const struct tree *required,
                          struct api_schema *s)
{
        const struct span *names = NULL;
        struct api_property *p;
        uint32_t n = 0, n_names = 0;
        int rc = 0;

        if (required)
                rc = get_names(k, required, &names, &n_names);
        if (rc == 0 && t && t->kind != TREE_OBJECT)
                rc = fail(k, "properties", SPAN(""));
        if (rc < 0)
                return rc;
        p = take(k, (t ? t->n : 0) + (size_t)n_names, sizeof *p);
        if (!p)
                return -ENOMEM;
        for (; rc == 0 && t && n < t->n; n++) {
                p[n].name = t->members[n].key;
                rc = make(k, &t->members[n].value, &p[n].schema);
        }
        for (uint32_t i = 0; i < n_names; i++) {
                uint32_t at = 0;

                while (at < n && !span_eq(p[at].name, names[i]))
                        at++;
                if (at == n)
                        p[n++] = (struct api_property){ .name = names[i], .schema = API_NONE };
                p[at].required = true;
        }
        qsort(p, n, sizeof *p, by_name);
        s->properties = p;
        s->n_properties = n;
        return rc;
}

static int get_patterns(struct maker *k, const struct tree *t, struct api_schema *s)
{
        struct api_pattern_property *p = take(k, t->n, sizeof *p);
        int rc = 0;

        if (t->kind != TREE_OBJECT)
                return fail(k, "patternProperties", SPAN(""));
        if (!p)
                return -ENOMEM;
        for (uint32_t i = 0; rc == 0 && i < t->n; i++) {
                p[i].pattern = t->members[i].key;
                rc = make(k, &t->members[i].value, &p[i].schema);
        }
        s->patterns = p;
        s->n_patterns = t->n;
        return rc;
}

/* Of `dependentRequired` and `dependentSchemas`. */
static int get_dependents(struct maker *k, const struct tree *required, const struct tree *schemas,
                          struct api_schema *s)
{
        const struct tree *both[] = { required, schemas };
        uint32_t n = 0;
        struct api_dependent *d = take(
                k, (required ? required->n : 0) + (size_t)(schemas ? schemas->n : 0), sizeof *d);
        int rc = 0;

        if (!d)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_LEN(both); i++) {
                if (both[i] && both[i]->kind != TREE_OBJECT)
                        return fail(k, "dependents", SPAN(""));
                for (uint32_t j = 0; rc == 0 && both[i] && j < both[i]->n; j++, n++) {
                        const struct tree_member *m = &both[i]->members[j];

                        d[n].name = m->key;
                        d[n].schema = API_NONE;
                        rc = i == 0 ? get_names(k, &m->value, &d[n].required, &d[n].n_required)
                                    : make(k, &m->value, &d[n].schema);
                }
        }
        s->dependents = d;
        s->n_dependents = n;
        return rc;
}

static int get_values(struct maker *k, const struct tree *list, const struct tree *one,
                      struct api_schema *s)
{
        uint32_t *at;

        if (list && list->kind != TREE_ARRAY)
                return fail(k, "enum", SPAN(""));
        s->values = list ? list->items : one;
        s->n_values = list ? list->n : 1;
        if (list && list->n == 0)
                s->never = true;
        if (!list || !one)
                return 0;
        at = take(k, 1, sizeof *at);
        if (!at)
                return -ENOMEM;
        *at = k->n;
        k->at[k->n] = api_schema_any;
        k->at[k->n].values = one;
        k->at[k->n++].n_values = 1;
        if (s->all_of.n > 0)
                return fail(k, "enum and const beside allOf", SPAN(""));
        s->all_of = (struct api_places){ at, 1 };
        return 0;
}

/* ---- keywords ---- */

static const struct {
        const char *name;
        size_t at;
        enum { COUNT, NUMBER, SCHEMA, LIST, TYPE, REF, OTHER } kind;
} keywords[] = {
#define KEYWORD(name, member, kind)                                                                \
        {                                                                                          \
                name, offsetof(struct api_schema, member), kind                                    \
        }
        KEYWORD("$ref", ref, REF),
        KEYWORD("type", types, TYPE),
        KEYWORD("minimum", minimum, NUMBER),
        KEYWORD("maximum", maximum, NUMBER),
        KEYWORD("exclusiveMinimum", above, NUMBER),
        KEYWORD("exclusiveMaximum", below, NUMBER),
        KEYWORD("multipleOf", multiple_of, NUMBER),
        KEYWORD("minLength", min_length, COUNT),
        KEYWORD("maxLength", max_length, COUNT),
        KEYWORD("minItems", min_items, COUNT),
        KEYWORD("maxItems", max_items, COUNT),
        KEYWORD("minContains", min_contains, COUNT),
        KEYWORD("maxContains", max_contains, COUNT),
        KEYWORD("minProperties", min_properties, COUNT),
        KEYWORD("maxProperties", max_properties, COUNT),
        KEYWORD("items", items, SCHEMA),
        KEYWORD("contains", contains, SCHEMA),
        KEYWORD("additionalProperties", additional, SCHEMA),
        KEYWORD("unevaluatedItems", unevaluated_items, SCHEMA),
        KEYWORD("unevaluatedProperties", unevaluated_properties, SCHEMA),
        KEYWORD("propertyNames", names, SCHEMA),
        KEYWORD("not", not_of, SCHEMA),
        KEYWORD("if", if_of, SCHEMA),
        KEYWORD("then", then_of, SCHEMA),
        KEYWORD("else", else_of, SCHEMA),
        KEYWORD("prefixItems", prefix_items, LIST),
        KEYWORD("allOf", all_of, LIST),
        KEYWORD("anyOf", any_of, LIST),
        KEYWORD("oneOf", one_of, LIST),
#undef KEYWORD
        { "pattern", 0, OTHER },
        { "format", 0, OTHER },
        { "uniqueItems", 0, OTHER },
        { "enum", 0, OTHER },
        { "const", 0, OTHER },
        { "properties", 0, OTHER },
        { "required", 0, OTHER },
        { "patternProperties", 0, OTHER },
        { "dependentRequired", 0, OTHER },
        { "dependentSchemas", 0, OTHER },
        /* annotations, and what is only referred to */
        { "$comment", 0, OTHER },
        { "$defs", 0, OTHER },
        { "$schema", 0, OTHER },
        { "contentEncoding", 0, OTHER },
        { "contentMediaType", 0, OTHER },
        { "default", 0, OTHER },
        { "deprecated", 0, OTHER },
        { "description", 0, OTHER },
        { "examples", 0, OTHER },
        { "readOnly", 0, OTHER },
        { "title", 0, OTHER },
        { "writeOnly", 0, OTHER },
        { "x-data-class", 0, OTHER },
};

static int read_keyword(struct maker *k, const struct tree_member *m, struct api_schema *s)
{
        size_t i = 0;
        void *to;

        while (i < ARRAY_LEN(keywords) && !span_eq_str(m->key, keywords[i].name))
                i++;
        if (i == ARRAY_LEN(keywords))
                return fail(k, "keyword", m->key);
        to = (char *)s + keywords[i].at;
        switch (keywords[i].kind) {
        case COUNT:
                return get_count(k, &m->value, to);
        case NUMBER:
                return get_number(k, &m->value, to);
        case SCHEMA:
                return make(k, &m->value, to);
        case LIST:
                return get_list(k, &m->value, to);
        case TYPE:
                s->types = 0;
                return get_type(k, &m->value, to);
        case REF:
                return get_ref(k, &m->value, to);
        default:
                return 0;
        }
}

static int read_strings(struct maker *k, const struct tree *t, struct api_schema *s)
{
        const struct tree *pattern = tree_get(t, "pattern"), *format = tree_get(t, "format");
        const struct tree *unique = tree_get(t, "uniqueItems"),
                          *class = tree_get(t, "x-data-class");

        if ((pattern && pattern->kind != TREE_STRING) || (format && format->kind != TREE_STRING) ||
            (unique && unique->kind != TREE_BOOL))
                return fail(k, "pattern, format or uniqueItems", SPAN(""));
        if (pattern)
                s->pattern = pattern->text;
        if (format)
                s->format = api_format_of(format->text);
        if (s->format == API_FORMATS)
                s->format = API_FORMAT_NONE;
        s->unique = unique && unique->boolean;
        if (class && class->kind == TREE_STRING)
                s->data_class = class->text;
        return 0;
}

static int read_object(struct maker *k, const struct tree *t, struct api_schema *s)
{
        const struct tree *properties = tree_get(t, "properties"),
                          *required = tree_get(t, "required"),
                          *patterns = tree_get(t, "patternProperties"),
                          *names = tree_get(t, "dependentRequired"),
                          *schemas = tree_get(t, "dependentSchemas"), *list = tree_get(t, "enum"),
                          *one = tree_get(t, "const");
        int rc = read_strings(k, t, s);

        for (uint32_t i = 0; rc == 0 && i < t->n; i++)
                rc = read_keyword(k, &t->members[i], s);
        if (rc == 0 && (properties || required))
                rc = get_properties(k, properties, required, s);
        if (rc == 0 && patterns)
                rc = get_patterns(k, patterns, s);
        if (rc == 0 && (names || schemas))
                rc = get_dependents(k, names, schemas, s);
        if (rc == 0 && (list || one))
                rc = get_values(k, list, one, s);
        return rc;
}

static int make(struct maker *k, const struct tree *t, uint32_t *ret)
{
        struct api_schema s = api_schema_any;
        uint32_t at = 0;
        int rc;

        while (at < k->n && k->of[at] != t)
                at++;
        *ret = at;
        if (at < k->n)
                return 0;
        k->of[k->n] = t;
        k->at[k->n++] = s;
        if (t->kind == TREE_BOOL)
                s.never = !t->boolean;
        else if (t->kind != TREE_OBJECT)
                return fail(k, "no schema", SPAN(""));
        rc = t->kind == TREE_OBJECT ? read_object(k, t, &s) : 0;
        k->at[at] = s;
        return rc;
}

int schema_make(const struct tree *document, struct arena *arena, struct api_schemas *ret,
                struct err *err)
{
        struct maker k = { .document = document, .arena = arena, .err = err };
        uint32_t n = count(document), first;
        int rc;

        k.at = take(&k, n, sizeof *k.at);
        k.of = take(&k, n, sizeof *k.of);
        if (!k.at || !k.of)
                return -ENOMEM;
        rc = make(&k, document, &first);
        *ret = (struct api_schemas){ k.at, k.n };
        return rc;
}
