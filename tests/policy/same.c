/* SPDX-License-Identifier: Apache-2.0 */
#include "same.h"

static bool same_list(const struct cedar_expr *a, const struct cedar_expr *b)
{
        for (uint32_t i = 0; i < a->n; i++)
                if (!same_expr(a->items[i], b->items[i]) ||
                    (a->op == OP_RECORD && !span_eq(a->keys[i], b->keys[i])))
                        return false;
        return a->op != OP_FN || a->fn == b->fn;
}

static bool same_spans(const struct span *a, const struct span *b, uint32_t n)
{
        for (uint32_t i = 0; i < n; i++)
                if (!span_eq(a[i], b[i]))
                        return false;
        return true;
}

static bool same_own(const struct cedar_expr *a, const struct cedar_expr *b)
{
        switch (a->op) {
        case OP_BOOL:
                return a->boolean == b->boolean;
        case OP_LONG:
                return a->number == b->number;
        case OP_STRING:
        case OP_GET:
        case OP_IS:
                return span_eq(a->text, b->text);
        case OP_UID:
                return cedar_uid_eq(&a->uid, &b->uid);
        case OP_VAR:
                return a->var == b->var;
        case OP_HAS:
                return same_spans(a->path, b->path, a->n);
        case OP_LIKE:
                return a->pattern.n == b->pattern.n &&
                       same_spans(a->pattern.pieces, b->pattern.pieces, a->pattern.n);
        case OP_SET:
        case OP_RECORD:
        case OP_FN:
                return same_list(a, b);
        default:
                return true;
        }
}

bool same_expr(const struct cedar_expr *a, const struct cedar_expr *b)
{
        if (!a || !b)
                return a == b;
        return a->op == b->op && a->n == b->n && a->depth == b->depth && same_own(a, b) &&
               same_expr(a->a, b->a) && same_expr(a->b, b->b) && same_expr(a->c, b->c);
}

static bool same_scope(const struct cedar_scope *a, const struct cedar_scope *b)
{
        if (a->kind != b->kind || a->slot != b->slot || a->n != b->n || !span_eq(a->type, b->type))
                return false;
        for (uint32_t i = 0; i < a->n; i++)
                if (!cedar_uid_eq(&a->uids[i], &b->uids[i]))
                        return false;
        return true;
}

static bool same_annotations(const struct cedar_policy *a, const struct cedar_policy *b)
{
        if (a->n_annotations != b->n_annotations)
                return false;
        for (uint32_t i = 0; i < a->n_annotations; i++)
                if (!span_eq(a->annotations[i].key, b->annotations[i].key) ||
                    !span_eq(a->annotations[i].value, b->annotations[i].value) ||
                    a->annotations[i].has_value != b->annotations[i].has_value)
                        return false;
        return true;
}

static bool same_policy(const struct cedar_policy *a, const struct cedar_policy *b)
{
        if (!span_eq(a->id, b->id) || a->effect != b->effect || a->template != b->template ||
            !same_annotations(a, b) || a->n_conditions != b->n_conditions)
                return false;
        for (uint32_t i = 0; i < a->n_conditions; i++)
                if (a->conditions[i].unless != b->conditions[i].unless ||
                    !same_expr(a->conditions[i].expr, b->conditions[i].expr))
                        return false;
        return same_scope(&a->principal, &b->principal) && same_scope(&a->action, &b->action) &&
               same_scope(&a->resource, &b->resource);
}

bool same_policies(const struct cedar_policies *a, const struct cedar_policies *b)
{
        if (a->n != b->n || a->n_comments != b->n_comments)
                return false;
        for (uint32_t i = 0; i < a->n; i++)
                if (!same_policy(&a->policies[i], &b->policies[i]))
                        return false;
        for (uint32_t i = 0; i < a->n_comments; i++)
                if (!span_eq(a->comments[i].text, b->comments[i].text))
                        return false;
        return true;
}
