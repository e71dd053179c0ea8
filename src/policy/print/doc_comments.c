/* SPDX-License-Identifier: Apache-2.0 */
/* doc_comments.c - where a policy's comments stand in its layout.  Floor 2, pure.
 *
 * The words of a layout are those of the policy's text, in their order, but for parentheses, commas
 * and brackets that the text has and the layout does not need.  So both are walked side by side,
 * and each comment goes behind the last word that stands before it in the text. */
#include "policy/parse/token.h"
#include "policy/print/doc.h"

struct walk {
        struct cedar_lexer text;
        struct layout *layout;
        uint32_t item; /* the next word not met in the text */
        uint32_t behind;
        uint32_t line; /* where the last token ended */
};

static bool is_name(const struct cedar_token *t)
{
        return t->kind == TOKEN_IDENT || t->kind == TOKEN_NUMBER || t->kind == TOKEN_STRING;
}

/* Is this token of the text that word? */
static bool same(const struct walk *w, const struct cedar_token *t)
{
        const struct layout_item *item = layout_at(w->layout, w->item);
        struct span text = layout_text(w->layout, item);

        if (item->free)
                return is_name(t);
        return span_eq(t->text, text) || (t->kind == TOKEN_LBRACKET && span_eq_str(text, "."));
}

static void next_word(struct walk *w)
{
        while (w->item < layout_count(w->layout) &&
               layout_at(w->layout, w->item)->kind != LAYOUT_WORD)
                w->item++;
}

static void meet(struct walk *w, const struct cedar_token *t)
{
        if (t->kind == TOKEN_COMMENT) {
                layout_note(w->layout, w->behind, t->text, w->line < t->pos.line);
                return;
        }
        w->line = t->end.line;
        if (w->item < layout_count(w->layout) && same(w, t)) {
                w->behind = w->item++;
                next_word(w);
        }
}

void doc_comments(struct layout *l, const struct cedar_policies *all, const struct cedar_policy *p)
{
        struct walk w = {
                .text = { .source = span_of(all->source.p, p->end.at), .at = p->pos },
                .layout = l,
                .line = p->pos.line,
        };
        struct cedar_token t;

        if (buf_status(&l->items) < 0 || buf_status(&l->text) < 0)
                return;
        next_word(&w);
        while (cedar_lexer_next(&w.text, &t, NULL) == 0 && t.kind != TOKEN_END)
                meet(&w, &t);
}
