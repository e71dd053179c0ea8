/* SPDX-License-Identifier: Apache-2.0 */
/* doc_policy.c - annotations, scope, conditions as a layout.  Floor 2, pure. */
#include "policy/print/doc.h"
#include "policy/print/doc_word.h"

static void annotation(struct layout *l, const struct cedar_annotation *a)
{
        layout_word(l, SPAN("@"), false);
        layout_word(l, a->key, false);
        if (a->has_value) {
                layout_word(l, SPAN("("), false);
                doc_string(l, a->value, false);
                layout_word(l, SPAN(")"), false);
        }
        layout_item(l, LAYOUT_HARD);
}

static void list(struct layout *l, const struct cedar_scope *s)
{
        layout_item(l, LAYOUT_OPEN);
        layout_word(l, SPAN("["), true);
        if (s->n) {
                layout_item(l, LAYOUT_INDENT);
                layout_break(l, false);
        }
        for (uint32_t i = 0; i < s->n; i++) {
                doc_uid(l, &s->uids[i], false);
                if (i + 1 < s->n) {
                        layout_word(l, SPAN(","), false);
                        layout_break(l, true);
                }
        }
        if (s->n)
                layout_break_out(l, false);
        layout_word(l, SPAN("]"), false);
        layout_item(l, LAYOUT_CLOSE);
}

static void scope(struct layout *l, const struct cedar_scope *s, struct span var, struct span slot)
{
        layout_word(l, var, false);
        if (s->kind == SCOPE_IS || s->kind == SCOPE_IS_IN) {
                layout_word(l, SPAN("is"), true);
                doc_path(l, s->type, true);
        }
        if (s->kind == SCOPE_ANY || s->kind == SCOPE_IS)
                return;
        layout_word(l, s->kind == SCOPE_EQ ? SPAN("==") : SPAN("in"), true);
        if (s->kind == SCOPE_IN_LIST)
                list(l, s);
        else if (s->slot)
                layout_word(l, slot, true);
        else
                doc_uid(l, s->uids, true);
}

static void scopes(struct layout *l, const struct cedar_policy *p)
{
        layout_item(l, LAYOUT_OPEN);
        layout_word(l, SPAN("("), true);
        layout_item(l, LAYOUT_INDENT);
        layout_break(l, false);
        scope(l, &p->principal, SPAN("principal"), SPAN("?principal"));
        layout_word(l, SPAN(","), false);
        layout_break(l, true);
        scope(l, &p->action, SPAN("action"), SPAN_NONE);
        layout_word(l, SPAN(","), false);
        layout_break(l, true);
        scope(l, &p->resource, SPAN("resource"), SPAN("?resource"));
        layout_break_out(l, false);
        layout_word(l, SPAN(")"), false);
        layout_item(l, LAYOUT_CLOSE);
}

static void condition(struct layout *l, const struct cedar_condition *c)
{
        layout_item(l, LAYOUT_HARD);
        layout_item(l, LAYOUT_OPEN);
        layout_word(l, c->unless ? SPAN("unless") : SPAN("when"), false);
        layout_word(l, SPAN("{"), true);
        layout_item(l, LAYOUT_INDENT);
        layout_break(l, true);
        doc_expr(l, c->expr);
        layout_break_out(l, true);
        layout_word(l, SPAN("}"), false);
        layout_item(l, LAYOUT_CLOSE);
}

void doc_policy(struct layout *l, const struct cedar_policy *p)
{
        for (uint32_t i = 0; i < p->n_annotations; i++)
                annotation(l, &p->annotations[i]);
        layout_word(l, p->effect == CEDAR_PERMIT ? SPAN("permit") : SPAN("forbid"), false);
        scopes(l, p);
        for (uint32_t i = 0; i < p->n_conditions; i++)
                condition(l, &p->conditions[i]);
        layout_word(l, SPAN(";"), false);
}
