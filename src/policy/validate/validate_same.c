/* SPDX-License-Identifier: Apache-2.0 */
/* validate_same.c - see validate_same.h.  Recursion is bounded by CEDAR_DEPTH_MAX. */
#include "policy/validate/validate_same.h"

/* false: there are no more. */
static bool take_steps(uint64_t *steps, size_t bytes)
{
        *steps -= MIN_OF(*steps, 1 + bytes / CEDAR_STEP_BYTES);
        return *steps > 0;
}

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

static uint64_t hash_items(const struct cedar_expr *e, uint64_t *steps)
{
        uint64_t h = e->op == OP_FN ? e->fn : 0;

        for (uint32_t i = 0; i < e->n; i++)
                h = mix(h, cedar_expr_hash(e->items[i], steps));
        return h;
}

/* A sum: the order of keys does not matter. */
static uint64_t hash_record(const struct cedar_expr *e, uint64_t *steps)
{
        uint64_t h = 0;

        for (uint32_t i = 0; i < e->n; i++)
                if (take_steps(steps, e->keys[i].n))
                        h += cedar_hash_span(cedar_expr_hash(e->items[i], steps), e->keys[i]);
        return h;
}

static uint64_t hash_spans(const struct span *list, uint32_t n, uint64_t *steps)
{
        uint64_t h = n;

        for (uint32_t i = 0; i < n && take_steps(steps, list[i].n); i++)
                h = cedar_hash_span(h, list[i]);
        return h;
}

/* What stands in the node itself. */
static uint64_t hash_own(const struct cedar_expr *e, uint64_t *steps)
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
                return take_steps(steps, e->text.n) ? cedar_hash_span(0, e->text) : 0;
        case OP_HAS:
                return hash_spans(e->path, e->n, steps);
        case OP_LIKE:
                return hash_spans(e->pattern.pieces, e->pattern.n, steps);
        case OP_SET:
        case OP_FN:
                return hash_items(e, steps);
        case OP_RECORD:
                return hash_record(e, steps);
        default:
                return 0;
        }
}

uint64_t cedar_expr_hash(const struct cedar_expr *e, uint64_t *steps)
{
        const struct cedar_expr *const part[] = { e->a, e->b, e->c };
        uint64_t h;

        if (!take_steps(steps, 0))
                return 0;
        h = mix(e->op, hash_own(e, steps));
        for (size_t i = 0; i < ARRAY_LEN(part); i++)
                if (part[i])
                        h = mix(h, cedar_expr_hash(part[i], steps));
        return h;
}

/* ---- comparison ---- */

static bool same_text(struct span a, struct span b, uint64_t *steps)
{
        return a.n == b.n && take_steps(steps, a.n) && span_eq(a, b);
}

static bool same_items(const struct cedar_expr *a, const struct cedar_expr *b, uint64_t *steps)
{
        if (a->n != b->n || (a->op == OP_FN && a->fn != b->fn))
                return false;
        for (uint32_t i = 0; i < a->n; i++)
                if (!cedar_expr_same(a->items[i], b->items[i], steps))
                        return false;
        return true;
}

/* Mostly the keys are in the same order: the search begins where it then ends. */
static bool same_record(const struct cedar_expr *a, const struct cedar_expr *b, uint64_t *steps)
{
        if (a->n != b->n)
                return false;
        for (uint32_t i = 0; i < a->n; i++) {
                uint32_t j = i, tried = 0;

                while (tried < b->n && !same_text(a->keys[i], b->keys[j], steps)) {
                        if (!take_steps(steps, 0))
                                return false;
                        j = j + 1 < b->n ? j + 1 : 0;
                        tried++;
                }
                if (tried == b->n || !cedar_expr_same(a->items[i], b->items[j], steps))
                        return false;
        }
        return true;
}

static bool same_spans(const struct span *a, uint32_t n_a, const struct span *b, uint32_t n_b,
                       uint64_t *steps)
{
        if (n_a != n_b)
                return false;
        for (uint32_t i = 0; i < n_a; i++)
                if (!same_text(a[i], b[i], steps))
                        return false;
        return true;
}

static bool same_own(const struct cedar_expr *a, const struct cedar_expr *b, uint64_t *steps)
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
                return same_text(a->text, b->text, steps);
        case OP_HAS:
                return same_spans(a->path, a->n, b->path, b->n, steps);
        case OP_LIKE:
                return same_spans(a->pattern.pieces, a->pattern.n, b->pattern.pieces, b->pattern.n,
                                  steps);
        case OP_SET:
        case OP_FN:
                return same_items(a, b, steps);
        case OP_RECORD:
                return same_record(a, b, steps);
        default:
                return true;
        }
}

static bool same_part(const struct cedar_expr *a, const struct cedar_expr *b, uint64_t *steps)
{
        return a && b ? cedar_expr_same(a, b, steps) : a == b;
}

bool cedar_expr_same(const struct cedar_expr *a, const struct cedar_expr *b, uint64_t *steps)
{
        if (!take_steps(steps, 0))
                return false;
        return a == b || (a->op == b->op && same_own(a, b, steps) && same_part(a->a, b->a, steps) &&
                          same_part(a->b, b->b, steps) && same_part(a->c, b->c, steps));
}
