/* SPDX-License-Identifier: Apache-2.0 */
/* validate_same.c - see validate_same.h.  Recursion is bounded by CEDAR_DEPTH_MAX. */
#include "policy/validate_same.h"

/* ---- hash ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
        h = (h ^ v) * 0x9e3779b97f4a7c15ull;
        return h ^ (h >> 29);
}

uint64_t cedar_hash_span(uint64_t h, struct span s)
{
        return mix(cedar_hash(h, s), s.n);
}

static uint64_t hash_items(const struct cedar_expr *e)
{
        uint64_t h = e->op == OP_FN ? e->fn : 0;

        for (uint32_t i = 0; i < e->n; i++)
                h = mix(h, cedar_expr_hash(e->items[i]));
        return h;
}

/* A sum: the order of keys does not matter. */
static uint64_t hash_record(const struct cedar_expr *e)
{
        uint64_t h = 0;

        for (uint32_t i = 0; i < e->n; i++)
                h += cedar_hash_span(cedar_expr_hash(e->items[i]), e->keys[i]);
        return h;
}

static uint64_t hash_spans(const struct span *list, uint32_t n)
{
        uint64_t h = n;

        for (uint32_t i = 0; i < n; i++)
                h = cedar_hash_span(h, list[i]);
        return h;
}

/* What stands in the node itself. */
static uint64_t hash_own(const struct cedar_expr *e)
{
        switch (e->op) {
        case OP_BOOL:
                return e->boolean;
        case OP_LONG:
                return (uint64_t)e->number;
        case OP_UID:
                return e->uid.hash;
        case OP_VAR:
                return e->var;
        case OP_STRING:
        case OP_IS:
        case OP_GET:
                return cedar_hash_span(0, e->text);
        case OP_HAS:
                return hash_spans(e->path, e->n);
        case OP_LIKE:
                return hash_spans(e->pattern.pieces, e->pattern.n);
        case OP_SET:
        case OP_FN:
                return hash_items(e);
        case OP_RECORD:
                return hash_record(e);
        default:
                return 0;
        }
}

uint64_t cedar_expr_hash(const struct cedar_expr *e)
{
        const struct cedar_expr *const part[] = { e->a, e->b, e->c };
        uint64_t h = mix(e->op, hash_own(e));

        for (size_t i = 0; i < ARRAY_LEN(part); i++)
                if (part[i])
                        h = mix(h, cedar_expr_hash(part[i]));
        return h;
}

/* ---- comparison ---- */

static bool same_items(const struct cedar_expr *a, const struct cedar_expr *b)
{
        if (a->n != b->n || (a->op == OP_FN && a->fn != b->fn))
                return false;
        for (uint32_t i = 0; i < a->n; i++)
                if (!cedar_expr_same(a->items[i], b->items[i]))
                        return false;
        return true;
}

/* Mostly the keys are in the same order: the search begins where it then ends. */
static bool same_record(const struct cedar_expr *a, const struct cedar_expr *b)
{
        if (a->n != b->n)
                return false;
        for (uint32_t i = 0; i < a->n; i++) {
                uint32_t j = i, tried = 0;

                while (tried < b->n && !span_eq(a->keys[i], b->keys[j])) {
                        j = j + 1 < b->n ? j + 1 : 0;
                        tried++;
                }
                if (tried == b->n || !cedar_expr_same(a->items[i], b->items[j]))
                        return false;
        }
        return true;
}

static bool same_spans(const struct span *a, uint32_t n_a, const struct span *b, uint32_t n_b)
{
        if (n_a != n_b)
                return false;
        for (uint32_t i = 0; i < n_a; i++)
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
        case OP_UID:
                return cedar_uid_eq(&a->uid, &b->uid);
        case OP_VAR:
                return a->var == b->var;
        case OP_STRING:
        case OP_IS:
        case OP_GET:
                return span_eq(a->text, b->text);
        case OP_HAS:
                return same_spans(a->path, a->n, b->path, b->n);
        case OP_LIKE:
                return same_spans(a->pattern.pieces, a->pattern.n, b->pattern.pieces, b->pattern.n);
        case OP_SET:
        case OP_FN:
                return same_items(a, b);
        case OP_RECORD:
                return same_record(a, b);
        default:
                return true;
        }
}

static bool same_part(const struct cedar_expr *a, const struct cedar_expr *b)
{
        return a && b ? cedar_expr_same(a, b) : a == b;
}

bool cedar_expr_same(const struct cedar_expr *a, const struct cedar_expr *b)
{
        return a == b || (a->op == b->op && same_own(a, b) && same_part(a->a, b->a) &&
                          same_part(a->b, b->b) && same_part(a->c, b->c));
}
