/* SPDX-License-Identifier: Apache-2.0 */
#include "dump.h"

#include <inttypes.h>

#include "base/text.h"

static const char *const ops[] = {
        [OP_IF] = "if",
        [OP_OR] = "||",
        [OP_AND] = "&&",
        [OP_EQ] = "==",
        [OP_NE] = "!=",
        [OP_LT] = "<",
        [OP_LE] = "<=",
        [OP_GT] = ">",
        [OP_GE] = ">=",
        [OP_IN] = "in",
        [OP_ADD] = "+",
        [OP_SUB] = "-",
        [OP_MUL] = "*",
        [OP_NOT] = "!",
        [OP_NEG] = "neg",
        [OP_HAS] = "has",
        [OP_LIKE] = "like",
        [OP_IS] = "is",
        [OP_GET] = "get",
        [OP_SET] = "set",
        [OP_RECORD] = "record",
        [OP_FN] = "fn",
        [OP_CONTAINS] = "contains",
        [OP_CONTAINS_ALL] = "containsAll",
        [OP_CONTAINS_ANY] = "containsAny",
        [OP_IS_EMPTY] = "isEmpty",
        [OP_GET_TAG] = "getTag",
        [OP_HAS_TAG] = "hasTag",
};

static void put_span(struct buf *b, struct span s)
{
        buf_put_byte(b, '\'');
        text_put_safe(b, s);
        buf_put_byte(b, '\'');
}

static void put_uid(struct buf *b, const struct cedar_uid *uid)
{
        buf_put(b, uid->type);
        put_span(b, uid->id);
}

/* What a node holds beside its operands. */
static void put_own(struct buf *b, const struct cedar_expr *e)
{
        if (e->op == OP_HAS)
                for (uint32_t i = 0; i < e->n; i++) {
                        buf_put_byte(b, ' ');
                        put_span(b, e->path[i]);
                }
        if (e->op == OP_LIKE)
                for (uint32_t i = 0; i < e->pattern.n; i++) {
                        buf_put_str(b, i ? "*" : " ");
                        put_span(b, e->pattern.pieces[i]);
                }
        if (e->op == OP_GET || e->op == OP_IS) {
                buf_put_byte(b, ' ');
                put_span(b, e->text);
        }
        if (e->op == OP_FN)
                buf_printf(b, " %s", cedar_fn_shape(e->fn)->name);
}

static void put_operands(struct buf *b, const struct cedar_expr *e)
{
        const struct cedar_expr *operands[] = { e->a, e->b, e->c };

        for (size_t i = 0; i < ARRAY_LEN(operands); i++)
                if (operands[i]) {
                        buf_put_byte(b, ' ');
                        dump_expr(b, operands[i]);
                }
        if (e->op == OP_SET || e->op == OP_RECORD || e->op == OP_FN)
                for (uint32_t i = 0; i < e->n; i++) {
                        buf_put_byte(b, ' ');
                        if (e->op == OP_RECORD)
                                put_span(b, e->keys[i]);
                        dump_expr(b, e->items[i]);
                }
}

void dump_expr(struct buf *b, const struct cedar_expr *e)
{
        static const char *const vars[] = { "principal", "action", "resource", "context" };

        switch (e->op) {
        case OP_BOOL:
                buf_put_str(b, e->boolean ? "true" : "false");
                return;
        case OP_LONG:
                buf_printf(b, "%" PRId64, e->number);
                return;
        case OP_STRING:
                put_span(b, e->text);
                return;
        case OP_UID:
                put_uid(b, &e->uid);
                return;
        case OP_VAR:
                buf_put_str(b, vars[e->var]);
                return;
        default:
                break;
        }
        buf_printf(b, "(%s", ops[e->op]);
        put_own(b, e);
        put_operands(b, e);
        buf_put_byte(b, ')');
}

static void put_scope(struct buf *b, const struct cedar_scope *s)
{
        static const char *const kinds[] = { "any", "==", "in", "list", "is", "is-in" };

        buf_printf(b, " [%s", kinds[s->kind]);
        if (s->type.n) {
                buf_put_byte(b, ' ');
                buf_put(b, s->type);
        }
        if (s->slot) {
                assert(!s->uids);
                buf_put_str(b, " ?");
        }
        for (uint32_t i = 0; i < s->n; i++) {
                assert(s->uids);
                buf_put_byte(b, ' ');
                put_uid(b, &s->uids[i]);
        }
        buf_put_byte(b, ']');
}

void dump_policy(struct buf *b, const struct cedar_policy *p)
{
        for (uint32_t i = 0; i < p->n_annotations; i++) {
                buf_put_byte(b, '@');
                buf_put(b, p->annotations[i].key);
                if (p->annotations[i].has_value)
                        put_span(b, p->annotations[i].value);
                buf_put_byte(b, ' ');
        }
        buf_put_str(b, p->template ? "template " : "");
        buf_put_str(b, p->effect == CEDAR_PERMIT ? "permit" : "forbid");
        put_scope(b, &p->principal);
        put_scope(b, &p->action);
        put_scope(b, &p->resource);
        for (uint32_t i = 0; i < p->n_conditions; i++) {
                buf_put_str(b, p->conditions[i].unless ? " unless " : " when ");
                dump_expr(b, p->conditions[i].expr);
        }
}
