/* SPDX-License-Identifier: Apache-2.0 */
/* parse_scope.c - `(principal ..., action ..., resource ...)`.  Floor 2, pure. */
#include "policy/parse/parser.h"

/* One of the three, in their order. */
struct part {
        enum cedar_word word;
        const char *name;
        const char *slot;   /* NULL: none can stand for it */
        const char *wanted; /* behind == or in */
        bool lists;         /* `in [...]` is possible; such entities are actions */
};

static const struct part parts[] = {
        { WORD_PRINCIPAL, "`principal`", "?principal", "an entity or `?principal`", false },
        { WORD_ACTION, "`action`", NULL, "an action", true },
        { WORD_RESOURCE, "`resource`", "?resource", "an entity or `?resource`", false },
};

static bool open_parens(struct parser *p, unsigned *ret_n)
{
        for (*ret_n = 0; parser_at(p, TOKEN_LPAREN); ++*ret_n)
                if (!parser_advance(p))
                        return false;
        return true;
}

static bool close_parens(struct parser *p, unsigned n)
{
        while (n-- > 0)
                if (!parser_expect(p, TOKEN_RPAREN, "`)`"))
                        return false;
        return true;
}

/* `Action`, in a namespace or not. */
static bool is_action_type(struct span type)
{
        struct span want = SPAN("Action"), colons = SPAN("::");

        if (type.n > want.n + colons.n)
                return span_eq(span_from(type, type.n - want.n - colons.n), SPAN("::Action"));
        return span_eq(type, want);
}

static bool entity(struct parser *p, const struct part *part, struct cedar_uid *ret)
{
        struct cedar_pos pos = p->token.pos;

        if (!parser_uid(p, part->wanted, ret))
                return false;
        if (part->lists && !is_action_type(ret->type))
                return parser_fail(p, pos, "entities of type `%.*s` are no actions",
                                   (int)MIN_OF(ret->type.n, (size_t)64), (const char *)ret->type.p);
        return true;
}

/* `[a, b]`, the token being the bracket. */
static bool list(struct parser *p, const struct part *part, struct cedar_scope *s)
{
        size_t mark = parser_mark(p);
        struct cedar_uid uid;
        unsigned parens;
        bool more;

        if (!parser_advance(p))
                return false;
        for (more = !parser_at(p, TOKEN_RBRACKET); more;)
                if (!open_parens(p, &parens) || !entity(p, part, &uid) ||
                    !close_parens(p, parens) || !parser_push(p, &uid, sizeof uid) ||
                    !parser_separator(p, TOKEN_RBRACKET, "`,` or `]`", &more))
                        return false;
        s->kind = SCOPE_IN_LIST;
        return parser_take(p, mark, sizeof uid, CEDAR_ITEMS_MAX, &s->uids, &s->n) &&
               parser_advance(p);
}

static bool slot(struct parser *p, const struct part *part, struct cedar_scope *s)
{
        if (!part->slot)
                return parser_fail(p, p->token.pos, "no slot can stand for %s", part->name);
        if (!span_eq_str(p->token.text, part->slot))
                return parser_fail(p, p->token.pos, "the slot of %s is `%s`", part->name,
                                   part->slot);
        s->slot = true;
        return parser_advance(p);
}

/* What stands behind == or in. */
static bool operand(struct parser *p, const struct part *part, struct cedar_scope *s)
{
        struct cedar_uid uid;
        unsigned parens;
        size_t mark;
        bool ok;

        if (!open_parens(p, &parens))
                return false;
        mark = parser_mark(p);
        if (parser_at(p, TOKEN_SLOT))
                ok = slot(p, part, s);
        else if (parser_at(p, TOKEN_LBRACKET) && part->lists && s->kind == SCOPE_IN)
                ok = list(p, part, s);
        else
                ok = entity(p, part, &uid) && parser_push(p, &uid, sizeof uid) &&
                     parser_take(p, mark, sizeof uid, 1, &s->uids, &s->n);
        return ok && close_parens(p, parens);
}

/* `is T` and perhaps `in ...`, the token being the `is`. */
static bool is_type(struct parser *p, const struct part *part, struct cedar_scope *s)
{
        if (part->lists)
                return parser_fail(p, p->token.pos,
                                   "`is` cannot stand here for `action`, put it into a condition");
        s->kind = SCOPE_IS;
        if (!parser_advance(p) || !parser_path(p, "an entity type", &s->type, NULL, NULL))
                return false;
        if (parser_at(p, TOKEN_EQ))
                return parser_fail(p, p->token.pos, "`is` goes together with `in`, not with `==`");
        if (!parser_at_word(p, WORD_IN))
                return true;
        s->kind = SCOPE_IS_IN;
        return parser_advance(p) && operand(p, part, s);
}

static bool constraint(struct parser *p, const struct part *part, struct cedar_scope *s)
{
        if (parser_at(p, TOKEN_EQ) || parser_at_word(p, WORD_IN)) {
                s->kind = parser_at(p, TOKEN_EQ) ? SCOPE_EQ : SCOPE_IN;
                if (!parser_advance(p) || !operand(p, part, s))
                        return false;
                if (parser_at_word(p, WORD_IS))
                        return parser_fail(p, p->token.pos, "`is` stands before `in`");
                return true;
        }
        if (parser_at_word(p, WORD_IS))
                return is_type(p, part, s);
        if (parser_at(p, TOKEN_COLON))
                return parser_fail(p, p->token.pos, "a type is asked for with `is`");
        return true;
}

static bool one(struct parser *p, const struct part *part, struct cedar_scope *s)
{
        s->pos = p->token.pos;
        return parser_expect_word(p, part->word, part->name) && constraint(p, part, s);
}

static const char *wanted_behind(const struct part *part, const struct cedar_scope *s)
{
        if (s->kind == SCOPE_ANY)
                return part->lists ? "`==`, `in` or `,`" : "`==`, `in`, `is` or `,`";
        return s->kind == SCOPE_IS ? "`in` or `,`" : "`,`";
}

bool parser_scope(struct parser *p, struct cedar_policy *policy)
{
        struct cedar_scope *scopes[] = { &policy->principal, &policy->action, &policy->resource };

        if (!parser_expect(p, TOKEN_LPAREN, "`(`"))
                return false;
        for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
                bool last = i + 1 == ARRAY_LEN(parts);

                if (!one(p, &parts[i], scopes[i]))
                        return false;
                if (!last && !parser_expect(p, TOKEN_COMMA, wanted_behind(&parts[i], scopes[i])))
                        return false;
        }
        if (parser_at(p, TOKEN_COMMA) && !parser_advance(p))
                return false;
        policy->template = policy->principal.slot || policy->resource.slot;
        return parser_expect(p, TOKEN_RPAREN, "`)`");
}
