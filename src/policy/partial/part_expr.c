/* SPDX-License-Identifier: Apache-2.0 */
/* part_expr.c - expressions, scopes and conditions where not all is known; see part.h.  Floor 2,
 * pure.
 *
 * What is known goes through the steps of evaluate.c, so that it comes to the same.  Recursion is
 * as deep as the expression: CEDAR_DEPTH_MAX. */
#include "policy/partial/part.h"

#include <stdlib.h>

static struct part settle(struct part_walk *w, uint32_t mark, struct part p)
{
        if (part_settled(&p))
                w->n_on = mark;
        return p;
}

/* One step of the machine on values that are known. */
static struct part run(struct part_walk *w, struct cedar_code step, const struct part *operands,
                       uint32_t n)
{
        struct cedar_value *stack = part_alloc(w, (n + 1) * sizeof *stack);
        uint8_t *room = part_alloc(w, cedar_code_room(&step) + 1);

        if (!stack || !room)
                return part_error();
        for (uint32_t i = 0; i < n; i++)
                stack[i] = operands[i].value;
        w->machine.top = stack + n;
        w->machine.room = room;
        if (cedar_machine_run(&w->machine, &step, 0, 1))
                return part_error();
        return part_value(stack[0]);
}

/* Of n operands: whether one errs, whether one only errs, whether all are known but for that. */
struct operands {
        bool errs, fails, known;
};

static struct operands look_at(const struct part *p, uint32_t n)
{
        struct operands o = { .known = true };

        for (uint32_t i = 0; i < n; i++) {
                o.errs = o.errs || p[i].errs;
                o.fails = o.fails || p[i].kinds == 0;
                o.known = o.known && p[i].sort == PART_VALUE;
        }
        return o;
}

static bool is_only(const struct part *p, enum cedar_kind k)
{
        return p->kinds == PART_KIND(k);
}

static bool may_be(const struct part *p, enum cedar_kind k)
{
        return p->kinds & PART_KIND(k);
}

/* ---- what decides ---- */

/* A condition: what is no Bool errs. */
static struct part asked(const struct part *p)
{
        return part_bool(p->yes, p->no, p->errs || (p->kinds & ~PART_KIND(CEDAR_BOOL)));
}

static struct part negated(const struct part *p)
{
        const struct part a = asked(p);

        return part_bool(a.no, a.yes, a.errs);
}

/* `a && b`, of which b counts only where a may be true. */
static struct part both(const struct part *a, const struct part *b)
{
        const struct part x = asked(a), y = asked(b);

        return part_bool(y.yes, x.no || y.no, x.errs || y.errs);
}

static struct part and_or(struct part_walk *w, const struct cedar_expr *e)
{
        const bool or = e->op == OP_OR;
        struct part a = part_expr(w, e->a), b;

        a = or ? negated(&a) : asked(&a);
        if (a.yes) {
                b = part_expr(w, e->b);
                b = or ? negated(&b) : asked(&b);
                a = both(&a, &b);
        }
        return or ? negated(&a) : a;
}

static struct part if_else(struct part_walk *w, const struct cedar_expr *e)
{
        const struct part a = part_expr(w, e->a), c = asked(&a);
        struct part p, other;

        if (c.kinds == 0)
                return c;
        p = part_expr(w, c.yes ? e->b : e->c);
        if (c.yes && c.no) {
                other = part_expr(w, e->c);
                part_touch_inside(w, &p);
                part_touch_inside(w, &other);
                p = part_merge(&p, &other);
        }
        p.errs = p.errs || c.errs;
        return p;
}

/* ---- attributes ---- */

/* The name of what is asked for stands for the name of what it lies in, which is among those from
 * `mark` to `to`. */
static void touch_last(struct part_walk *w, uint32_t mark, uint32_t to, const struct part *of,
                       const struct part_path *last)
{
        uint32_t kept = mark;

        if (!last)
                return;
        for (uint32_t i = mark; i < w->n_on; i++)
                if (i >= to || w->on[i] != of->path)
                        w->on[kept++] = w->on[i];
        w->n_on = kept;
        part_touch(w, last);
}

static struct part get(struct part_walk *w, const struct cedar_expr *e)
{
        const uint32_t mark = w->n_on;
        const struct part a = part_expr(w, e->a);
        const uint32_t to = w->n_on;
        struct part_found f;
        struct part p = part_error();

        if (a.kinds == 0)
                return a;
        part_touch_bringers(w, &a, false);
        f = part_attribute(w, &a, e->text);
        if (f.there) {
                p = f.part;
                p.errs = a.errs || f.absent || f.fault;
                touch_last(w, mark, to, &a, p.sort == PART_RECORD ? NULL : p.path);
        }
        return p;
}

static struct part has(struct part_walk *w, const struct cedar_expr *e)
{
        const uint32_t mark = w->n_on;
        const struct part a = part_expr(w, e->a);
        const uint32_t to = w->n_on;
        const struct part_path *last = NULL;
        struct part at = a;
        bool no = false, errs = a.errs, yes = a.kinds;

        for (uint32_t i = 0; yes && i < e->n; i++) {
                struct part_found f;

                part_touch_bringers(w, &at, false);
                f = part_attribute(w, &at, e->path[i]);
                no = no || f.absent;
                errs = errs || f.fault;
                yes = f.there;
                at = f.part;
                last = yes && at.path ? at.path : last;
        }
        touch_last(w, mark, to, &a, last);
        return a.kinds ? part_bool(yes, no, errs) : a;
}

/* ---- operators of which not all operands are known ---- */

static struct part order(const struct part *a, const struct part *b)
{
        const unsigned ordered =
                PART_KIND(CEDAR_LONG) | PART_KIND(CEDAR_DATETIME) | PART_KIND(CEDAR_DURATION);
        const unsigned both_kinds = a->kinds & b->kinds & ordered;
        const bool sure = a->kinds == b->kinds && a->kinds == both_kinds &&
                          __builtin_popcount(both_kinds) == 1;

        return part_bool(both_kinds, both_kinds, !sure);
}

static struct part contains(const struct part_walk *w, const struct cedar_expr *e,
                            const struct part *a, const struct part *b)
{
        const bool one = e->op == OP_CONTAINS;
        bool may = a->sort != PART_VALUE;

        if (!may_be(a, CEDAR_SET) || (!one && !may_be(b, CEDAR_SET)))
                return part_error();
        for (uint32_t i = 0; one && !may && i < a->value.n; i++) {
                const struct part item = part_value(a->value.items[i]);

                may = part_may_equal(w, &item, b);
        }
        return part_bool(may || !one, true,
                         !is_only(a, CEDAR_SET) || (!one && !is_only(b, CEDAR_SET)));
}

static struct part tag(struct part_walk *w, const struct cedar_expr *e, const struct part *a,
                       const struct part *b)
{
        const bool asks = e->op == OP_HAS_TAG;
        struct span type = SPAN_NONE;
        struct part p;

        if (!may_be(a, CEDAR_ENTITY) || !may_be(b, CEDAR_STRING))
                return part_error();
        if (a->sort == PART_VALUE && b->sort == PART_VALUE)
                return part_tag(w, a->value.uid, cedar_string_span(&b->value), asks);
        if (part_brings(w, a) && !(b->sort == PART_ANY && a->sort == PART_VALUE))
                return asks ? part_bool(false, true, !is_only(b, CEDAR_STRING)) : part_error();
        part_touch_bringers(w, a, false);
        (void)part_entity_type(a, &type);
        p = part_any_tag(w, type, asks);
        p.errs = p.errs || !is_only(a, CEDAR_ENTITY) || !is_only(b, CEDAR_STRING);
        return p;
}

/* Arithmetic may leave 64 bits. */
static struct part reckon(const struct part *p, uint32_t n)
{
        for (uint32_t i = 0; i < n; i++)
                if (!may_be(&p[i], CEDAR_LONG))
                        return part_error();
        return part_any(PART_KIND(CEDAR_LONG), true);
}

/* One operand of this kind, of which a Bool is made. */
static struct part ask_of(const struct part *a, enum cedar_kind k)
{
        return part_bool(may_be(a, k), may_be(a, k), !is_only(a, k));
}

/* The operators that look at no more than their operands' kinds. */
static struct part by_kinds(const struct part_walk *w, const struct cedar_expr *e,
                            const struct part *p)
{
        switch (e->op) {
        case OP_LT:
        case OP_LE:
        case OP_GT:
        case OP_GE:
                return order(&p[0], &p[1]);
        case OP_ADD:
        case OP_SUB:
        case OP_MUL:
                return reckon(p, 2);
        case OP_NEG:
                return reckon(p, 1);
        case OP_LIKE:
                return ask_of(p, CEDAR_STRING);
        case OP_IS_EMPTY:
                return ask_of(p, CEDAR_SET);
        default:
                return contains(w, e, &p[0], &p[1]);
        }
}

static struct part operate(struct part_walk *w, const struct cedar_expr *e, const struct part *p,
                           bool known)
{
        switch (e->op) {
        case OP_EQ:
                return part_equal(w, &p[0], &p[1]);
        case OP_NE: {
                const struct part same = part_equal(w, &p[0], &p[1]);

                return negated(&same);
        }
        case OP_NOT:
                return negated(&p[0]);
        case OP_IN:
                return part_in(w, &p[0], &p[1]);
        case OP_IS:
                return part_is(&p[0], e->text);
        case OP_GET_TAG:
        case OP_HAS_TAG:
                return tag(w, e, &p[0], &p[1]);
        default:
                break;
        }
        if (!known)
                return by_kinds(w, e, p);
        return run(w, (struct cedar_code){ .op = (uint8_t)cedar_code_op_of(e->op), .expr = e }, p,
                   e->b ? 2 : 1);
}

static struct part operator(struct part_walk *w, const struct cedar_expr *e)
{
        const uint32_t n = e->b ? 2 : 1;
        struct part p[2], ret;
        struct operands o;

        for (uint32_t i = 0; i < n; i++) {
                p[i] = part_expr(w, i ? e->b : e->a);
                part_touch_inside(w, &p[i]);
        }
        o = look_at(p, n);
        if (o.fails)
                return part_error();
        ret = operate(w, e, p, o.known);
        ret.errs = ret.errs || o.errs;
        return ret;
}

/* b is asked only where a is of the type. */
static struct part is_in(struct part_walk *w, const struct cedar_expr *e)
{
        const struct part a = part_expr(w, e->a), is = part_is(&a, e->text);
        struct part b, in;

        if (!is.yes)
                return is;
        b = part_expr(w, e->b);
        part_touch_inside(w, &b);
        in = b.kinds ? part_in(w, &a, &b) : b;
        return both(&is, &in);
}

/* ---- of many operands ---- */

static struct part function(struct part_walk *w, const struct cedar_expr *e, const struct part *p,
                            bool known)
{
        const struct cedar_fn_shape *shape = cedar_fn_shape(e->fn);
        bool sure = shape->ret == CEDAR_BOOL || e->fn >= FN_TO_TIME;

        if (known)
                return run(w,
                           (struct cedar_code){ .op = CODE_FN, .which = (uint8_t)e->fn, .n = e->n },
                           p, e->n);
        if (e->n != shape->n_args)
                return part_error();
        for (uint32_t i = 0; i < e->n; i++) {
                if (!may_be(&p[i], (enum cedar_kind)shape->arg[i]))
                        return part_error();
                sure = sure && is_only(&p[i], (enum cedar_kind)shape->arg[i]);
        }
        return part_any(PART_KIND(shape->ret), !sure);
}

static struct part set(struct part_walk *w, const struct cedar_expr *e, const struct part *p,
                       bool known)
{
        if (known)
                return run(w, (struct cedar_code){ .op = CODE_SET, .n = e->n }, p, e->n);
        return part_any(PART_KIND(CEDAR_SET), false);
}

static int cmp_fields(const void *a, const void *b)
{
        return span_cmp(((const struct part_field *)a)->key, ((const struct part_field *)b)->key);
}

static struct part record(struct part_walk *w, const struct cedar_expr *e, const struct part *p,
                          bool known)
{
        struct part ret = { .sort = PART_RECORD, .kinds = PART_KIND(CEDAR_RECORD), .n = e->n };
        struct part_field *fields = part_alloc(w, ((size_t)e->n + 1) * sizeof *fields);
        struct cedar_field *values = part_alloc(w, ((size_t)e->n + 1) * sizeof *values);
        struct cedar_value v = { 0 };

        if (!fields || !values)
                return part_error();
        for (uint32_t i = 0; i < e->n; i++) {
                fields[i] = (struct part_field){ .key = e->keys[i], .part = p[i] };
                fields[i].part.errs = false;
                values[i] = (struct cedar_field){ e->keys[i], p[i].value };
        }
        if (known)
                return cedar_record_of(values, e->n, &v) ? part_value(v) : part_error();
        if (e->n > 1)
                qsort(fields, e->n, sizeof *fields, cmp_fields);
        ret.fields = fields;
        return ret;
}

static struct part of_items(struct part_walk *w, const struct cedar_expr *e)
{
        struct part *p = part_alloc(w, ((size_t)e->n + 1) * sizeof *p), ret;
        struct operands o;

        if (!p)
                return part_error();
        for (uint32_t i = 0; i < e->n; i++) {
                p[i] = part_expr(w, e->items[i]);
                if (e->op != OP_RECORD)
                        part_touch_inside(w, &p[i]);
        }
        o = look_at(p, e->n);
        if (o.fails || w->rc)
                return part_error();
        ret = (e->op == OP_RECORD ? record : e->op == OP_SET ? set : function)(w, e, p, o.known);
        ret.errs = ret.errs || o.errs;
        return ret;
}

static struct part expr(struct part_walk *w, const struct cedar_expr *e)
{
        switch (e->op) {
        case OP_BOOL:
                return part_value(cedar_bool(e->boolean));
        case OP_LONG:
                return part_value(cedar_number(CEDAR_LONG, e->number));
        case OP_STRING:
                return part_value(cedar_string(e->text));
        case OP_UID:
                return part_value(cedar_entity_of(&e->uid));
        case OP_VAR:
                return part_variable(w, e->var);
        case OP_IF:
                return if_else(w, e);
        case OP_OR:
        case OP_AND:
                return and_or(w, e);
        case OP_SET:
        case OP_RECORD:
        case OP_FN:
                return of_items(w, e);
        case OP_GET:
                return get(w, e);
        case OP_HAS:
                return has(w, e);
        case OP_IS:
                return e->b ? is_in(w, e) : operator(w, e);
        default:
                return operator(w, e);
        }
}

struct part part_expr(struct part_walk *w, const struct cedar_expr *e)
{
        const uint32_t mark = w->n_on;

        if (w->rc)
                return part_error();
        return settle(w, mark, expr(w, e));
}

/* ---- policies ---- */

/* One of the uids of a scope. */
static struct part scope_uid(struct part_walk *w, const struct cedar_scope *s, const struct part *p,
                             uint32_t i)
{
        const struct part uid = part_value(cedar_entity_of(&s->uids[i]));

        return s->kind == SCOPE_EQ ? part_equal(w, p, &uid) : part_in(w, p, &uid);
}

static struct part scope(struct part_walk *w, const struct cedar_scope *s, enum cedar_var which)
{
        const uint32_t mark = w->n_on;
        const struct part p = part_variable(w, which);
        struct part is = part_value(cedar_bool(true)), one, any = part_value(cedar_bool(false));

        if (s->kind == SCOPE_IS || s->kind == SCOPE_IS_IN)
                is = part_is(&p, s->type);
        if (s->kind == SCOPE_ANY || s->kind == SCOPE_IS || !is.yes)
                return settle(w, mark, is);
        for (uint32_t i = 0; i < s->n && any.no; i++) {
                one = scope_uid(w, s, &p, i);
                any = part_bool(any.yes || one.yes, one.no, false);
        }
        return settle(w, mark, both(&is, &any));
}

static struct part condition(struct part_walk *w, const struct cedar_condition *c)
{
        const struct part p = part_expr(w, c->expr);

        return c->unless ? negated(&p) : asked(&p);
}

struct part part_policy(struct part_walk *w, const struct cedar_policy *p)
{
        const struct cedar_scope *const scopes[] = { &p->principal, &p->action, &p->resource };
        struct part all = part_value(cedar_bool(true)), next;

        w->n_on = 0;
        for (uint32_t i = 0; i < ARRAY_LEN(scopes) && all.yes; i++) {
                next = scope(w, scopes[i], (enum cedar_var)i);
                all = both(&all, &next);
        }
        for (uint32_t i = 0; i < p->n_conditions && all.yes; i++) {
                next = condition(w, &p->conditions[i]);
                all = both(&all, &next);
        }
        return settle(w, 0, all);
}
