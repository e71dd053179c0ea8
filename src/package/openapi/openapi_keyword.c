/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_keyword.c - keywords of a schema that hold no schemas.  Floor 2, pure. */
#include "package/openapi/openapi_priv.h"

#include "base/text.h"

/* ---- type ---- */

static bool add_type(struct oa *r, const struct source_node *v, uint32_t *types)
{
        static const struct {
                const char *name;
                uint32_t bit;
        } table[] = {
                { "null", API_NULL },     { "boolean", API_BOOL },  { "integer", API_INTEGER },
                { "number", API_NUMBER }, { "string", API_STRING }, { "array", API_ARRAY },
                { "object", API_OBJECT },
        };

        if (v->kind == SOURCE_NULL) {
                lint_error(r->l, &v->mark, "the type null is written in quotes: \"null\"");
                return false;
        }
        if (!oa_want(r, v, SOURCE_STRING))
                return false;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                if (!span_eq_str(v->text, table[i].name))
                        continue;
                if (*types & table[i].bit)
                        lint_error(r->l, &v->mark, "\"%s\" is there twice", table[i].name);
                *types |= table[i].bit;
                return true;
        }
        lint_error(r->l, &v->mark,
                   "\"%.*s\" is no type: null, boolean, integer, number, string, array and object "
                   "are",
                   OA_NAME(v->text));
        return false;
}

void oa_kw_type(struct oa *r, const struct source_node *v, void *out)
{
        struct api_schema *s = out;
        uint32_t types = 0;

        if (v->kind != SOURCE_LIST) {
                if (add_type(r, v, &types))
                        s->types = types;
                return;
        }
        if (v->n == 0)
                lint_error(r->l, &v->mark, "a list of types has one at least");
        for (const struct source_node *t = v->child; t; t = t->next)
                if (!add_type(r, t, &types))
                        return;
        s->types = types;
}

/* ---- numbers ---- */

static void number(struct oa *r, const struct source_node *v, struct span *ret)
{
        if (v->kind == SOURCE_BOOL &&
            (span_eq_str(v->key, "exclusiveMinimum") || span_eq_str(v->key, "exclusiveMaximum")))
                lint_error(r->l, &v->mark,
                           "\"%.*s\" is a number since OpenAPI 3.1: instead of minimum: 5 and "
                           "exclusiveMinimum: true it is exclusiveMinimum: 5",
                           OA_NAME(v->key));
        else if (!oa_want(r, v, SOURCE_NUMBER))
                return;
        else if (v->text.n > TREE_REAL_MAX)
                lint_error(r->l, &v->mark, "a number of more than %d characters", TREE_REAL_MAX);
        else
                *ret = oa_keep_text(r, v->text);
}

void oa_kw_minimum(struct oa *r, const struct source_node *v, void *out)
{
        number(r, v, &((struct api_schema *)out)->minimum);
}

void oa_kw_maximum(struct oa *r, const struct source_node *v, void *out)
{
        number(r, v, &((struct api_schema *)out)->maximum);
}

void oa_kw_above(struct oa *r, const struct source_node *v, void *out)
{
        number(r, v, &((struct api_schema *)out)->above);
}

void oa_kw_below(struct oa *r, const struct source_node *v, void *out)
{
        number(r, v, &((struct api_schema *)out)->below);
}

/* 0, -0.0, 0e5: nothing but zeros before the exponent. */
static bool is_zero(struct span number)
{
        for (size_t i = 0; i < number.n && (number.p[i] | 0x20) != 'e'; i++)
                if (number.p[i] >= '1' && number.p[i] <= '9')
                        return false;
        return true;
}

void oa_kw_multiple_of(struct oa *r, const struct source_node *v, void *out)
{
        if (v->kind == SOURCE_NUMBER && (v->text.p[0] == '-' || is_zero(v->text)))
                lint_error(r->l, &v->mark, "\"multipleOf\" is to be greater than 0");
        else
                number(r, v, &((struct api_schema *)out)->multiple_of);
}

/* ---- counts ---- */

static void count(struct oa *r, const struct source_node *v, uint64_t *ret)
{
        if (oa_want(r, v, SOURCE_NUMBER) && text_to_u64(v->text, ret) < 0)
                lint_error(r->l, &v->mark, "\"%.*s\" is to be a whole number, 0 or more, in digits",
                           OA_NAME(v->key));
}

#define DEFINE_COUNT(keyword, member)                                                              \
        void keyword(struct oa *r, const struct source_node *v, void *out)                         \
        {                                                                                          \
                count(r, v, &((struct api_schema *)out)->member);                                  \
        }
DEFINE_COUNT(oa_kw_min_length, min_length)
DEFINE_COUNT(oa_kw_max_length, max_length)
DEFINE_COUNT(oa_kw_min_items, min_items)
DEFINE_COUNT(oa_kw_max_items, max_items)
DEFINE_COUNT(oa_kw_min_contains, min_contains)
DEFINE_COUNT(oa_kw_max_contains, max_contains)
DEFINE_COUNT(oa_kw_min_properties, min_properties)
DEFINE_COUNT(oa_kw_max_properties, max_properties)

void oa_kw_unique(struct oa *r, const struct source_node *v, void *out)
{
        (void)oa_want_bool(r, v, &((struct api_schema *)out)->unique);
}

/* ---- strings ---- */

bool oa_check_pattern(struct oa *r, const struct source_mark *at, struct span pattern)
{
        struct err err = { 0 };
        int rc = api_pattern_check(pattern, &err);

        if (rc == -EINVAL)
                lint_error(r->l, at, "this pattern is not understood: %s", err.text);
        else if (rc < 0 && r->rc == 0)
                r->rc = err_set(r->err, rc, "%s", err_text(&err));
        return rc == 0;
}

void oa_kw_pattern(struct oa *r, const struct source_node *v, void *out)
{
        struct api_schema *s = out;

        if (oa_want(r, v, SOURCE_STRING) && oa_check_pattern(r, &v->mark, v->text))
                s->pattern = oa_keep_text(r, v->text);
}

/* Hints that ask for nothing, and those that are known. */
void oa_kw_format(struct oa *r, const struct source_node *v, void *out)
{
        static const char *const hints[] = { "float", "double", "password" };
        struct api_schema *s = out;

        if (!oa_want(r, v, SOURCE_STRING))
                return;
        for (size_t i = 0; i < ARRAY_LEN(hints); i++)
                if (span_eq_str(v->text, hints[i]))
                        return;
        if (api_format_of(v->text) == API_FORMATS)
                oa_note(r, OA_NOTE_FORMAT, v->text, &v->mark);
        else
                s->format = api_format_of(v->text);
}

/* ---- data classes ---- */

/* [a-z][a-z0-9-]* between dots. */
bool oa_is_class(struct span name)
{
        bool begins = true;

        for (size_t i = 0; i < name.n; i++) {
                uint8_t c = name.p[i];
                bool letter = c >= 'a' && c <= 'z';

                if (c == '.' && begins)
                        return false;
                if (c != '.' && !letter && (begins || ((c < '0' || c > '9') && c != '-')))
                        return false;
                begins = c == '.';
        }
        return name.n > 0 && name.n <= API_NAME_MAX && !begins;
}

/* The one of this name that is kept, ascending; SPAN_NONE, and told. */
static struct span keep_class(struct oa *r, const struct source_node *v)
{
        struct api *a = r->api;
        uint32_t low = 0, high = a->n_classes;

        while (low < high) {
                uint32_t mid = low + (high - low) / 2;
                int c = span_cmp(v->text, r->classes[mid]);

                if (c == 0)
                        return r->classes[mid];
                *(c < 0 ? &high : &low) = c < 0 ? mid : mid + 1;
        }
        if (a->n_classes == API_CLASSES_MAX) {
                lint_error(r->l, &v->mark, "more than %d data classes", API_CLASSES_MAX);
                return SPAN_NONE;
        }
        if (r->classes_text + v->text.n > API_CLASSES_TEXT_MAX) {
                lint_error(r->l, &v->mark,
                           "the names of all data classes have more than %d bytes: no entry would "
                           "have room for them",
                           API_CLASSES_TEXT_MAX);
                return SPAN_NONE;
        }
        r->classes_text += v->text.n;
        memmove(&r->classes[low + 1], &r->classes[low],
                (a->n_classes - low) * sizeof r->classes[0]);
        a->n_classes++;
        return r->classes[low] = oa_keep_text(r, v->text);
}

void oa_kw_class(struct oa *r, const struct source_node *v, void *out)
{
        struct api_schema *s = out;

        if (!oa_want(r, v, SOURCE_STRING))
                return;
        if (!oa_is_class(v->text))
                lint_error(r->l, &v->mark,
                           "\"%.*s\" is no data class: it is made of a-z, 0-9 and \"-\" between "
                           "dots, each part begins with a letter, and has %d characters at most",
                           OA_NAME(v->text), API_NAME_MAX);
        else if (r->classless)
                lint_error(r->l, &v->key_mark,
                           "x-data-class has no effect within not, if or propertyNames");
        else
                s->data_class = keep_class(r, v);
}

/* ---- what is said of it ---- */

void oa_kw_read_only(struct oa *r, const struct source_node *v, void *out)
{
        bool set = false;

        (void)out;
        if (oa_want_bool(r, v, &set) && set)
                oa_note(r, OA_NOTE_READ_ONLY, SPAN_NONE, &v->key_mark);
}

void oa_kw_discriminator(struct oa *r, const struct source_node *v, void *out)
{
        (void)out;
        if (oa_want(r, v, SOURCE_MAP))
                oa_note(r, OA_NOTE_DISCRIMINATOR, SPAN_NONE, &v->key_mark);
}

/* $schema, jsonSchemaDialect. */
void oa_kw_dialect(struct oa *r, const struct source_node *v, void *out)
{
        static const char *const known[] = {
                "https://spec.openapis.org/oas/3.1/dialect/base",
                "https://spec.openapis.org/oas/3.1/dialect/2024-10-25",
                "https://spec.openapis.org/oas/3.1/dialect/2024-11-10",
                "https://json-schema.org/draft/2020-12/schema",
        };

        (void)out;
        if (!oa_want(r, v, SOURCE_STRING))
                return;
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
                if (span_starts(v->text, span_str(known[i])) &&
                    (v->text.n == strlen(known[i]) ||
                     span_eq_str(span_from(v->text, strlen(known[i])), "#")))
                        return;
        lint_error(r->l, &v->mark,
                   "schemas are those of OpenAPI 3.1 (JSON Schema draft 2020-12), not of \"%.*s\"",
                   OA_NAME(v->text));
}
