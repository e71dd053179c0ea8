/* SPDX-License-Identifier: Apache-2.0 */
/* code.c - expressions to steps; what is constant is computed here.  Floor 2, pure.
 *
 * Recursion is as deep as the expression: CEDAR_DEPTH_MAX. */
#include "policy/evaluate/code.h"

#include <stdlib.h>

/* What steps an operator is.  foldable: with constant operands it is a constant, if it does not
 * err; the others look at entities or at the request. */
static const struct {
        uint8_t op;
        uint8_t operands; /* of a and b */
        bool foldable, yields_bool;
} shapes[] = {
        [OP_EQ] = { CODE_EQ, 2, true, true },
        [OP_NE] = { CODE_NE, 2, true, true },
        [OP_LT] = { CODE_LT, 2, true, true },
        [OP_LE] = { CODE_LE, 2, true, true },
        [OP_GT] = { CODE_GT, 2, true, true },
        [OP_GE] = { CODE_GE, 2, true, true },
        [OP_IN] = { CODE_IN, 2, false, true },
        [OP_ADD] = { CODE_ADD, 2, true, false },
        [OP_SUB] = { CODE_SUB, 2, true, false },
        [OP_MUL] = { CODE_MUL, 2, true, false },
        [OP_NOT] = { CODE_NOT, 1, true, true },
        [OP_NEG] = { CODE_NEG, 1, true, false },
        [OP_HAS] = { CODE_HAS, 1, false, true },
        [OP_LIKE] = { CODE_LIKE, 1, true, true },
        [OP_IS] = { CODE_IS, 1, true, true },
        [OP_GET] = { CODE_GET, 1, false, false },
        [OP_CONTAINS] = { CODE_CONTAINS, 2, true, true },
        [OP_CONTAINS_ALL] = { CODE_CONTAINS_ALL, 2, true, true },
        [OP_CONTAINS_ANY] = { CODE_CONTAINS_ANY, 2, true, true },
        [OP_IS_EMPTY] = { CODE_IS_EMPTY, 1, true, true },
        [OP_GET_TAG] = { CODE_GET_TAG, 2, false, false },
        [OP_HAS_TAG] = { CODE_HAS_TAG, 2, false, true },
        [OP_AND] = { CODE_AND, 0, false, true },
        [OP_OR] = { CODE_OR, 0, false, true },
};

enum cedar_code_op cedar_code_op_of(enum cedar_op op)
{
        assert((size_t)op < ARRAY_LEN(shapes) && shapes[op].operands);
        return (enum cedar_code_op)shapes[op].op;
}

enum { OPEN = UINT32_MAX }; /* where a step goes to is not known yet */

static size_t rounded(size_t n)
{
        return (n + 15) / 16 * 16;
}

size_t cedar_code_room(const struct cedar_code *c)
{
        if (c->op == CODE_SET)
                return c->n * sizeof(struct cedar_value);
        if (c->op == CODE_RECORD)
                return c->n * sizeof(struct cedar_field);
        if (c->op == CODE_FN && c->which == FN_IP)
                return rounded(sizeof(struct cedar_ip));
        return 0;
}

static bool grow(struct cedar_coder *c)
{
        uint32_t cap = c->cap ? 2 * c->cap : 64;
        const struct cedar_expr **exprs;
        struct cedar_code *code;

        if (cap > CEDAR_CODE_MAX) {
                c->status = -E2BIG;
                return false;
        }
        code = realloc(c->code, cap * sizeof *code);
        if (code)
                c->code = code;
        exprs = realloc(c->exprs, cap * sizeof(struct cedar_expr *));
        if (exprs)
                c->exprs = exprs;
        if (!code || !exprs) {
                c->status = -ENOMEM;
                return false;
        }
        c->cap = cap;
        return true;
}

/* A step that takes `operands` values and leaves `results`. */
static void append(struct cedar_coder *c, const struct cedar_expr *e, struct cedar_code step,
                   uint32_t operands, uint32_t results)
{
        if (c->status || (c->n == c->cap && !grow(c)))
                return;
        c->code[c->n] = step;
        c->exprs[c->n++] = e;
        c->depth = c->depth - operands + results;
        c->max_depth = MAX_OF(c->max_depth, c->depth);
        c->room += cedar_code_room(&step);
}

static void append_constant(struct cedar_coder *c, const struct cedar_expr *e,
                            struct cedar_value value)
{
        struct cedar_value *kept = arena_alloc(c->arena, sizeof *kept);

        if (!kept) {
                c->status = c->status ? c->status : -ENOMEM;
                return;
        }
        *kept = value;
        append(c, e, (struct cedar_code){ .op = CODE_CONST, .value = kept }, 0, 1);
}

/* The one constant that was appended from `from` on, NULL when it is something else. */
static const struct cedar_value *constant_at(const struct cedar_coder *c, uint32_t from)
{
        if (c->status || c->n != from + 1 || c->code[from].op != CODE_CONST)
                return NULL;
        return c->code[from].value;
}

bool cedar_code_is_bool(const struct cedar_coder *c, uint32_t from, bool b)
{
        const struct cedar_value *v = constant_at(c, from);

        return v && v->kind == CEDAR_BOOL && v->boolean == b;
}

static void drop_constant(struct cedar_coder *c)
{
        c->n--;
        c->depth--;
}

static bool stack_for(struct cedar_coder *c, uint32_t n)
{
        struct cedar_value *stack;

        if (n < c->stack_cap)
                return true;
        stack = realloc(c->stack, 2 * ((size_t)n + 1) * sizeof *stack);
        if (!stack) {
                c->status = -ENOMEM;
                return false;
        }
        c->stack = stack;
        c->stack_cap = 2 * (n + 1);
        return true;
}

/* Computes the last step, whose n operands are all that was appended from `from` on.  What errs
 * stays as it is. */
static void fold(struct cedar_coder *c, uint32_t from, uint32_t n)
{
        struct cedar_machine m = { 0 };
        struct cedar_value *kept;
        size_t room;

        if (c->status || c->n != from + n + 1)
                return;
        for (uint32_t i = from; i < from + n; i++)
                if (c->code[i].op != CODE_CONST)
                        return;
        room = cedar_code_room(&c->code[c->n - 1]);
        kept = arena_alloc(c->arena, sizeof *kept + room);
        if (!kept) {
                c->status = -ENOMEM;
                return;
        }
        if (!stack_for(c, n))
                return;
        m.top = c->stack;
        m.room = (uint8_t *)(kept + 1);
        if (cedar_machine_run(&m, c->code, from, c->n))
                return;
        *kept = c->stack[0];
        c->code[from] = (struct cedar_code){ .op = CODE_CONST, .value = kept };
        c->exprs[from] = c->exprs[c->n - 1];
        c->n = from + 1;
        c->room -= room;
}

/* The step of an operator whose n operands were appended from `from` on. */
static void finish(struct cedar_coder *c, const struct cedar_expr *e, struct cedar_code step,
                   uint32_t from, uint32_t n, bool foldable)
{
        append(c, e, step, n, 1);
        if (foldable)
                fold(c, from, n);
}

static bool yields_bool(const struct cedar_expr *e)
{
        if (e->op == OP_FN)
                return cedar_fn_shape(e->fn)->ret == CEDAR_BOOL;
        return e->op < ARRAY_LEN(shapes) && shapes[e->op].yields_bool;
}

/* ... which must leave a Bool. */
static void must_be_bool(struct cedar_coder *c, const struct cedar_expr *e, uint32_t from)
{
        if (yields_bool(e) || cedar_code_is_bool(c, from, true) ||
            cedar_code_is_bool(c, from, false))
                return;
        append(c, e, (struct cedar_code){ .op = CODE_BOOL }, 1, 1);
}

/* Steps that left their target open go to what comes next. */
static void close_step(struct cedar_coder *c, uint32_t step)
{
        if (c->status == 0)
                c->code[step].n = c->n;
}

static uint32_t open_step(struct cedar_coder *c, const struct cedar_expr *e, struct cedar_code step,
                          uint32_t operands, uint32_t results)
{
        step.n = OPEN;
        append(c, e, step, operands, results);
        return c->n - 1;
}

/* A constant that decides is all there is; one that does not is not looked at any more. */
static void code_and_or(struct cedar_coder *c, const struct cedar_expr *e)
{
        uint32_t from = c->n, step;
        bool decides = e->op == OP_OR;

        cedar_code_expr(c, e->a);
        if (cedar_code_is_bool(c, from, decides))
                return;
        if (cedar_code_is_bool(c, from, !decides)) {
                drop_constant(c);
                cedar_code_expr(c, e->b);
                must_be_bool(c, e->b, from);
                return;
        }
        step = open_step(c, e->a, (struct cedar_code){ .op = shapes[e->op].op }, 1, 0);
        from = c->n;
        cedar_code_expr(c, e->b);
        must_be_bool(c, e->b, from);
        close_step(c, step);
}

static void code_if(struct cedar_coder *c, const struct cedar_expr *e)
{
        uint32_t from = c->n, branch, jump;

        cedar_code_expr(c, e->a);
        if (cedar_code_is_bool(c, from, true) || cedar_code_is_bool(c, from, false)) {
                bool b = c->code[from].value->boolean;

                drop_constant(c);
                cedar_code_expr(c, b ? e->b : e->c);
                return;
        }
        branch = open_step(c, e->a, (struct cedar_code){ .op = CODE_BRANCH }, 1, 0);
        cedar_code_expr(c, e->b);
        jump = open_step(c, e, (struct cedar_code){ .op = CODE_JUMP }, 1,
                         0); /* the other one's place */
        close_step(c, branch);
        cedar_code_expr(c, e->c);
        close_step(c, jump);
}

static void code_is_in(struct cedar_coder *c, const struct cedar_expr *e)
{
        uint32_t step;

        cedar_code_expr(c, e->a);
        step = open_step(c, e, (struct cedar_code){ .op = CODE_IS_THEN, .expr = e }, 1, 1);
        cedar_code_expr(c, e->b);
        append(c, e, (struct cedar_code){ .op = CODE_IN }, 2, 1);
        close_step(c, step);
}

static void code_items(struct cedar_coder *c, const struct cedar_expr *e)
{
        uint32_t from = c->n;
        struct cedar_code step = { .op = e->op == OP_FN ? CODE_FN : CODE_SET, .n = e->n };

        if (e->op == OP_FN)
                step.which = (uint8_t)e->fn;
        for (uint32_t i = 0; i < e->n; i++)
                cedar_code_expr(c, e->items[i]);
        finish(c, e, step, from, e->n, true);
}

struct pair {
        struct span key;
        const struct cedar_expr *item;
};

static int cmp_pairs(const void *a, const void *b)
{
        const struct pair *x = a, *y = b;

        return span_cmp(x->key, y->key);
}

/* Items go by their keys, so that the fields are in order when it runs. */
static void code_record(struct cedar_coder *c, const struct cedar_expr *e)
{
        struct pair *pairs = calloc((size_t)e->n + 1, sizeof *pairs);
        struct span *keys = arena_alloc(c->arena, ((size_t)e->n + 1) * sizeof *keys);
        uint32_t from = c->n;

        if (!pairs || !keys) {
                free(pairs);
                c->status = c->status ? c->status : -ENOMEM;
                return;
        }
        for (uint32_t i = 0; i < e->n; i++)
                pairs[i] = (struct pair){ e->keys[i], e->items[i] };
        qsort(pairs, e->n, sizeof *pairs, cmp_pairs);
        for (uint32_t i = 0; i < e->n; i++) {
                keys[i] = pairs[i].key;
                cedar_code_expr(c, pairs[i].item);
        }
        free(pairs);
        finish(c, e, (struct cedar_code){ .op = CODE_RECORD, .n = e->n, .keys = keys }, from, e->n,
               true);
}

/* `context.a`, `principal has a`: one step, which remembers. */
static void code_attribute(struct cedar_coder *c, const struct cedar_expr *e)
{
        struct cedar_code step = { .op = e->op == OP_GET ? CODE_GET_OF : CODE_HAS_OF,
                                   .which = (uint8_t)e->a->var,
                                   .expr = e };

        if (cedar_places_find(&c->places, e->a->var, e->op == OP_GET ? e->text : e->path[0],
                              &step.n))
                c->status = -ENOMEM;
        append(c, e, step, 0, 1);
}

static void code_operator(struct cedar_coder *c, const struct cedar_expr *e)
{
        uint32_t from = c->n, n = shapes[e->op].operands;

        if (e->a->op == OP_VAR && (e->op == OP_GET || (e->op == OP_HAS && e->n == 1))) {
                code_attribute(c, e);
                return;
        }
        cedar_code_expr(c, e->a);
        if (n == 2)
                cedar_code_expr(c, e->b);
        finish(c, e->op == OP_NOT ? e->a : e,
               (struct cedar_code){ .op = shapes[e->op].op, .expr = e }, from, n,
               shapes[e->op].foldable);
}

void cedar_code_expr(struct cedar_coder *c, const struct cedar_expr *e)
{
        assert(e);
        if (c->status)
                return;
        switch (e->op) {
        case OP_BOOL:
                append_constant(c, e, cedar_bool(e->boolean));
                break;
        case OP_LONG:
                append_constant(c, e, cedar_number(CEDAR_LONG, e->number));
                break;
        case OP_STRING:
                append_constant(c, e, cedar_string(e->text));
                break;
        case OP_UID:
                append_constant(c, e, cedar_entity_of(&e->uid));
                break;
        case OP_VAR:
                append(c, e, (struct cedar_code){ .op = CODE_VAR, .which = (uint8_t)e->var }, 0, 1);
                break;
        case OP_IF:
                code_if(c, e);
                break;
        case OP_OR:
        case OP_AND:
                code_and_or(c, e);
                break;
        case OP_SET:
        case OP_FN:
                code_items(c, e);
                break;
        case OP_RECORD:
                code_record(c, e);
                break;
        case OP_IS:
                (e->b ? code_is_in : code_operator)(c, e);
                break;
        default:
                code_operator(c, e);
        }
}

/* A step that goes to one which would go on with the same value goes there at once. */
static void shorten(struct cedar_coder *c, uint32_t from)
{
        for (uint32_t i = c->n; i-- > from;) {
                struct cedar_code *step = &c->code[i];

                if ((step->op != CODE_AND && step->op != CODE_OR) || step->n >= c->n)
                        continue;
                if (c->code[step->n].op == step->op)
                        step->n = c->code[step->n].n;
                else if (c->code[step->n].op == CODE_BOOL)
                        step->n++;
        }
}

/* One condition behind others, which may have decided already.  true: they have. */
static bool code_condition(struct cedar_coder *c, const struct cedar_condition *condition,
                           uint32_t from)
{
        const struct cedar_expr *e = condition->expr;
        uint32_t at;

        if (cedar_code_is_bool(c, from, false))
                return true;
        if (cedar_code_is_bool(c, from, true))
                drop_constant(c);
        else
                (void)open_step(c, e, (struct cedar_code){ .op = CODE_AND }, 1, 0);
        at = c->n;
        cedar_code_expr(c, e);
        if (condition->unless)
                finish(c, e, (struct cedar_code){ .op = CODE_NOT }, at, 1, true);
        else
                must_be_bool(c, e, at);
        return false;
}

void cedar_code_policy(struct cedar_coder *c, const struct cedar_policy *p)
{
        static const struct cedar_expr nothing = { .op = OP_BOOL, .boolean = true };
        uint32_t from = c->n;

        c->room = 0;
        append_constant(c, &nothing, cedar_bool(true));
        for (uint32_t i = 0; i < p->n_conditions; i++)
                if (code_condition(c, &p->conditions[i], from))
                        break;
        if (c->status)
                return;
        for (uint32_t i = from; i < c->n; i++)
                if (c->code[i].op == CODE_AND && c->code[i].n == OPEN)
                        c->code[i].n = c->n;
        shorten(c, from);
        c->depth = 0;
        c->max_room = MAX_OF(c->max_room, c->room);
}

void cedar_coder_done(struct cedar_coder *c)
{
        free(c->code);
        free(c->exprs);
        free(c->stack);
        cedar_places_done(&c->places);
}
