/* SPDX-License-Identifier: Apache-2.0 */
/* fault.c - what went wrong in a policy, in words.  Floor 2, pure. */
#include "base/text.h"
#include "policy/evaluate/program.h"

static const char *const operators[] = {
        [OP_LT] = "<",
        [OP_LE] = "<=",
        [OP_GT] = ">",
        [OP_GE] = ">=",
        [OP_IN] = "in",
        [OP_ADD] = "+",
        [OP_SUB] = "-",
        [OP_MUL] = "*",
        [OP_NEG] = "-",
        [OP_HAS] = "has",
        [OP_LIKE] = "like",
        [OP_IS] = "is",
        [OP_CONTAINS] = "contains",
        [OP_CONTAINS_ALL] = "containsAll",
        [OP_CONTAINS_ANY] = "containsAny",
        [OP_IS_EMPTY] = "isEmpty",
        [OP_GET_TAG] = "getTag",
        [OP_HAS_TAG] = "hasTag",
};

static void put_quoted(struct buf *out, struct span s)
{
        buf_put_byte(out, '"');
        text_put_safe(out, s);
        buf_put_byte(out, '"');
}

static const char *name_of(const struct cedar_expr *e)
{
        if (e->op == OP_FN)
                return cedar_fn_shape(e->fn)->name;
        return (size_t)e->op < ARRAY_LEN(operators) && operators[e->op] ? operators[e->op] : ".";
}

static void put_what(const struct cedar_fault_at *f, struct buf *out)
{
        const struct cedar_expr *e = f->expr;

        switch (f->fault) {
        case FAULT_TYPE:
                buf_printf(out, "an operand of `%s` is of a kind that it does not take",
                           name_of(e));
                break;
        case FAULT_NOT_BOOL:
                buf_put_str(out, "neither true nor false");
                break;
        case FAULT_NO_ATTRIBUTE:
                buf_put_str(out, "no attribute ");
                put_quoted(out, e->text);
                break;
        case FAULT_NO_TAG:
                buf_put_str(out, "no such tag");
                break;
        case FAULT_NO_ENTITY:
                buf_put_str(out, "the entity that it is asked of is not there");
                break;
        case FAULT_OVERFLOW:
                buf_printf(out, "the result of `%s` does not fit in 64 bits", name_of(e));
                break;
        case FAULT_EXTENSION:
                buf_printf(out, "`%s` cannot read this string", name_of(e));
                break;
        case FAULT_ARGUMENTS:
                buf_printf(out, "`%s` takes another number of arguments", name_of(e));
                break;
        }
}

void cedar_fault_print(const struct cedar_fault_at *f, struct buf *out)
{
        if (f->policy) {
                text_put_safe(out, f->policy->id);
                buf_put_str(out, ": ");
        }
        buf_printf(out, "line %u, column %u: ", f->expr->pos.line, f->expr->pos.column);
        put_what(f, out);
}
