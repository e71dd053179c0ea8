/* SPDX-License-Identifier: Apache-2.0 */
/* print.c - a file of policies, what stands between them included.  Floor 2, pure.
 *
 * Comments between policies stay with what they touch: with the policy that begins on the line
 * below, else with the one above.  Of empty lines one stays. */
#include "policy/print/print.h"

#include "policy/print/doc.h"

enum last { NOTHING, COMMENT, BEHIND /* a comment that ends a policy's last line */, POLICY };

struct printer {
        const struct cedar_policies *all;
        struct cedar_print_style style;
        struct buf *out;
        struct layout layout;
        uint32_t comment; /* the next one */
        enum last last;   /* what was printed */
        uint32_t line;    /* and where it ended in the source */
        bool apart;       /* an empty line has to follow it */
};

static void end_line(struct printer *p, bool apart)
{
        if (p->last != NOTHING)
                buf_put_str(p->out, apart ? "\n\n" : "\n");
}

/* Comments from the next one on, one a line, down to a policy that begins on the line below. */
static bool leads_to(const struct printer *p, const struct cedar_policy *policy)
{
        const struct cedar_comment *c = &p->all->comments[p->comment];
        uint32_t line = c->pos.line;

        for (uint32_t i = p->comment; i < p->all->n_comments; i++, c++) {
                if (c->pos.at >= policy->pos.at || c->pos.line != line)
                        break;
                line++;
        }
        return line == policy->pos.line;
}

static void comment(struct printer *p, const struct cedar_comment *c,
                    const struct cedar_policy *next)
{
        bool ends = p->last == POLICY || p->last == BEHIND;
        bool behind = ends && !c->alone && c->pos.line == p->line;

        if (behind && p->last == POLICY) {
                buf_put_byte(p->out, ' ');
        } else if (behind) { /* the line has one already */
                end_line(p, false);
                p->apart = true;
        } else {
                end_line(p, p->apart || c->pos.line > p->line + 1 ||
                                    (ends && next && leads_to(p, next)));
                p->apart = false;
        }
        buf_put(p->out, c->text);
        p->last = behind ? BEHIND : COMMENT;
        p->line = c->pos.line;
}

/* Those that stand before `next`, NULL: all. */
static void comments(struct printer *p, const struct cedar_policy *next)
{
        for (; p->comment < p->all->n_comments; p->comment++) {
                const struct cedar_comment *c = &p->all->comments[p->comment];

                if (next && c->pos.at >= next->pos.at)
                        break;
                comment(p, c, next);
        }
}

static void written(struct printer *p, const struct cedar_policy *policy)
{
        enum layout_end end;

        layout_clear(&p->layout);
        doc_policy(&p->layout, policy);
        doc_comments(&p->layout, p->all, policy);
        end = layout_render(&p->layout, p->style, p->out);
        p->last = end == LAYOUT_ENDS_BARE ? POLICY : BEHIND;
        p->apart = end == LAYOUT_ENDS_APART;
        p->line = policy->end.line;
        while (p->comment < p->all->n_comments &&
               p->all->comments[p->comment].pos.at < policy->end.at)
                p->comment++;
}

/* A link stands nowhere in the source: it follows all that does, as a policy without slots. */
static void linked(struct printer *p, const struct cedar_policy *policy)
{
        comments(p, NULL);
        end_line(p, true);
        layout_clear(&p->layout);
        doc_policy(&p->layout, policy);
        (void)layout_render(&p->layout, p->style, p->out);
        p->last = POLICY;
}

void cedar_print(const struct cedar_policies *all, struct cedar_print_style style, struct buf *out)
{
        struct printer p = { .all = all, .style = style, .out = out, .layout = LAYOUT_INIT };

        p.style.width = style.width ? style.width : 80;
        p.style.indent = style.indent ? style.indent : 2;
        for (uint32_t i = 0; i < all->n; i++) {
                const struct cedar_policy *policy = &all->policies[i];

                if (policy->of.n > 0) {
                        linked(&p, policy);
                        continue;
                }
                comments(&p, policy);
                end_line(&p, p.last != COMMENT || p.apart || policy->pos.line > p.line + 1);
                written(&p, policy);
        }
        comments(&p, NULL);
        end_line(&p, false);
        layout_done(&p.layout);
}

void cedar_print_expr(const struct cedar_expr *e, size_t most, struct buf *out)
{
        struct cedar_print_style one_line = { .width = UINT32_MAX };
        struct layout l = LAYOUT_INIT;

        l.most = most;
        layout_item(&l, LAYOUT_OPEN);
        doc_expr(&l, e);
        layout_item(&l, LAYOUT_CLOSE);
        (void)layout_render(&l, one_line, out);
        layout_done(&l);
}
