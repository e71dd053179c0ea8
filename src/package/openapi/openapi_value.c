/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_value.c - values of `enum` and `const`.  Floor 2, pure. */
#include "package/openapi/openapi_priv.h"

#include <stdlib.h>

#include "base/text.h"

static int by_key(const void *a, const void *b)
{
        const struct tree_member *x = a, *y = b;

        return span_cmp(x->key, y->key);
}

/* -0 is 0, as tree.h has it. */
static bool to_int(struct span s, int64_t *ret)
{
        bool minus = s.p[0] == '-';
        uint64_t v = 0;

        if (text_to_u64(span_from(s, minus), &v) < 0 || v > (uint64_t)INT64_MAX + minus)
                return false;
        *ret = minus ? (int64_t)(0 - v) : (int64_t)v;
        return true;
}

static bool number(struct oa *r, const struct source_node *v, struct tree *ret)
{
        if (v->text.n > TREE_REAL_MAX) {
                lint_error(r->l, &v->mark, "a number of more than %d characters", TREE_REAL_MAX);
                return false;
        }
        ret->kind = to_int(v->text, &ret->number) ? TREE_NUMBER : TREE_REAL;
        if (ret->kind == TREE_REAL)
                ret->text = oa_keep_text(r, v->text);
        return true;
}

static bool value(struct oa *r, const struct source_node *v, unsigned depth, struct tree *ret);

static bool array(struct oa *r, const struct source_node *v, unsigned depth, struct tree *ret)
{
        struct tree *items = oa_keep(r, v->n, sizeof *items);
        uint32_t i = 0;

        for (const struct source_node *c = v->child; c && items; c = c->next)
                if (!value(r, c, depth + 1, &items[i++]))
                        return false;
        *ret = (struct tree){ .kind = TREE_ARRAY, .n = v->n, .items = items };
        return items != NULL;
}

static bool object(struct oa *r, const struct source_node *v, unsigned depth, struct tree *ret)
{
        struct tree_member *members = oa_keep(r, v->n, sizeof *members);
        uint32_t i = 0;

        for (const struct source_node *c = v->child; c && members; c = c->next, i++) {
                members[i].key = oa_keep_text(r, c->key);
                if (!value(r, c, depth + 1, &members[i].value))
                        return false;
        }
        if (!members)
                return false;
        if (v->n)
                qsort(members, v->n, sizeof *members, by_key);
        *ret = (struct tree){ .kind = TREE_OBJECT, .n = v->n, .members = members };
        return true;
}

static bool value(struct oa *r, const struct source_node *v, unsigned depth, struct tree *ret)
{
        if (depth > OPENAPI_DEPTH_MAX) {
                lint_error(r->l, &v->mark, "a value nested deeper than %d", OPENAPI_DEPTH_MAX);
                return false;
        }
        *ret = (struct tree){ .kind = TREE_NULL };
        switch (v->kind) {
        case SOURCE_NULL:
                return true;
        case SOURCE_BOOL:
                *ret = (struct tree){ .kind = TREE_BOOL, .boolean = v->boolean };
                return true;
        case SOURCE_NUMBER:
                return number(r, v, ret);
        case SOURCE_ODD_NUMBER:
                lint_error(r->l, &v->mark,
                           "%.*s is a number that JSON has not: write it in decimal without a 0 "
                           "in front, or in quotes when it is a string",
                           OA_NAME(v->text));
                return false;
        case SOURCE_STRING:
                *ret = (struct tree){ .kind = TREE_STRING, .text = oa_keep_text(r, v->text) };
                return true;
        case SOURCE_LIST:
                return array(r, v, depth, ret);
        case SOURCE_MAP:
                return object(r, v, depth, ret);
        }
        return false;
}

static uint32_t types_of(const struct tree *t)
{
        static const uint32_t types[] = {
                [TREE_NULL] = API_NULL,     [TREE_BOOL] = API_BOOL,     [TREE_NUMBER] = API_NUMBER,
                [TREE_REAL] = API_NUMBER,   [TREE_STRING] = API_STRING, [TREE_ARRAY] = API_ARRAY,
                [TREE_OBJECT] = API_OBJECT,
        };

        return types[t->kind];
}

/* YAML's own traps: a number or true where a text is meant. */
static void check_type(struct oa *r, const struct source_node *v, const struct tree *t,
                       const struct api_schema *s)
{
        uint32_t types = s->types | (s->types & API_INTEGER ? API_NUMBER : 0);

        if (types & types_of(t))
                return;
        lint_warning(r->l, &v->mark, "%s never fits the type that is said here%s",
                     source_kind_name(v->kind),
                     types & API_STRING && t->kind <= TREE_REAL ? ": write it in quotes" : "");
}

/* n of them, the first and those next to it. */
static void keep_values(struct oa *r, const struct source_node *v, uint32_t n, struct api_schema *s)
{
        struct tree *values = oa_keep(r, n, sizeof *values);

        for (uint32_t i = 0; i < n && values; i++, v = v->next) {
                if (!value(r, v, 0, &values[i]))
                        return;
                check_type(r, v, &values[i], s);
        }
        s->values = values;
        s->n_values = values ? n : 0;
}

void oa_enum(struct oa *r, const struct source_node *list, struct api_schema *s)
{
        if (!oa_want_some(r, list, SOURCE_LIST, API_VALUES_MAX, "values"))
                return;
        if (list->n == 0)
                lint_error(r->l, &list->mark, "an enum has one value at least");
        keep_values(r, list->child, list->n, s);
}

void oa_const(struct oa *r, const struct source_node *v, struct api_schema *s)
{
        keep_values(r, v, 1, s);
}
