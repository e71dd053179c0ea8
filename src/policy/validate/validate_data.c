/* SPDX-License-Identifier: Apache-2.0 */
/* validate_data.c - the rules for sets, records, strings and functions. */
#include <stdlib.h>

#include "policy/validate/validate_check.h"
#include "policy/value/value.h"

/* ---- sets ---- */

struct typed check_set(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        const struct cedar_type *item = NULL;
        struct cedar_type *set;
        bool bad = e->n == 0;

        if (e->n == 0)
                check_find(c, e->pos, "a set without items has no type");
        for (uint32_t i = 0; i < e->n; i++) {
                const struct cedar_type *t = check_expr(c, e->items[i], prior).type;

                if (t && i > 0 && !bad)
                        t = check_join(c, e->items[i]->pos, "items of a set have different types",
                                       item, t);
                bad = bad || !t;
                item = t;
        }
        if (bad)
                return typed_none();
        set = arena_alloc(&c->scratch, sizeof(*set));
        if (!set) {
                check_fail(c, -ENOMEM);
                return typed_none();
        }
        *set = (struct cedar_type){ .kind = CEDAR_SET, .item = item };
        return typed_as(set);
}

struct typed check_contains(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        const struct cedar_type *set = check_kind(c, e->a, CEDAR_SET, prior).type;
        const struct cedar_type *item = check_expr(c, e->b, prior).type;

        if (!set || !item ||
            !check_join(c, e->pos, "such a set never contains this", set->item, item))
                return typed_none();
        return typed_bool();
}

struct typed check_contains_set(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        const struct cedar_type *l = check_kind(c, e->a, CEDAR_SET, prior).type;
        const struct cedar_type *r = check_kind(c, e->b, CEDAR_SET, prior).type;

        if (!l || !r || !check_join(c, e->pos, "sets of different types", l, r))
                return typed_none();
        return typed_bool();
}

struct typed check_is_empty(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        return check_kind(c, e->a, CEDAR_SET, prior).type ? typed_bool() : typed_none();
}

/* ---- strings ---- */

struct typed check_like(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        return check_kind(c, e->a, CEDAR_STRING, prior).type ? typed_bool() : typed_none();
}

/* ---- records ---- */

static int by_name(const void *a, const void *b)
{
        const struct cedar_attr *x = a, *y = b;

        return span_cmp(x->name, y->name);
}

struct typed check_record(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        struct cedar_attr *attrs = arena_alloc(&c->scratch, MAX_OF(e->n, 1u) * sizeof(*attrs));
        struct cedar_type *record = arena_alloc(&c->scratch, sizeof(*record));
        bool bad = false;

        if (!attrs || !record) {
                check_fail(c, -ENOMEM);
                return typed_none();
        }
        for (uint32_t i = 0; i < e->n; i++) {
                const struct cedar_type *t = check_expr(c, e->items[i], prior).type;

                attrs[i] = (struct cedar_attr){ e->keys[i], t, true };
                bad = bad || !t;
        }
        qsort(attrs, e->n, sizeof(*attrs), by_name);
        *record = (struct cedar_type){ .kind = CEDAR_RECORD, .attrs = attrs, .n = e->n };
        return bad ? typed_none() : typed_as(record);
}

/* ---- functions ---- */

/* What a constructor makes must be known now: only then it cannot err when evaluated. */
static void check_made(struct check *c, const struct cedar_expr *e)
{
        const struct cedar_expr *arg = e->items[0];
        struct cedar_value value;
        struct err err = { 0 };
        int r;

        if (arg->op != OP_STRING) {
                check_find(c, arg->pos, "%s() takes a string that is written here",
                           cedar_fn_shape(e->fn)->name);
                return;
        }
        r = cedar_value_make(e->fn, arg->text, &c->scratch, &value, &err);
        if (r == -ENOMEM)
                check_fail(c, r);
        else if (r < 0)
                check_find(c, arg->pos, "%s: %s", check_text(c, arg->text), err_text(&err));
}

struct typed check_fn(struct check *c, const struct cedar_expr *e, struct caps prior)
{
        const struct cedar_fn_shape *f = cedar_fn_shape(e->fn);
        bool bad = e->n != f->n_args;

        if (bad)
                check_find(c, e->pos, "%s() takes %d argument%s, there are %d", f->name,
                           f->n_args - f->method, f->n_args - f->method == 1 ? "" : "s",
                           (int)e->n - f->method);
        for (uint32_t i = 0; i < e->n; i++) {
                enum cedar_kind kind = f->arg[MIN_OF(i, 1u)];

                if (bad) /* which argument is too many nobody knows: each for itself */
                        (void)check_expr(c, e->items[i], prior);
                else
                        bad = !check_kind(c, e->items[i], kind, prior).type;
        }
        if (!bad && !f->method)
                check_made(c, e);
        return typed_as(cedar_type_basic(f->ret));
}
