/* SPDX-License-Identifier: Apache-2.0 */
/* parse_member.c - primaries, attributes, functions and methods.  Floor 2, pure. */
#include "policy/parse/parser.h"

enum {
        SHOWN_MAX = 64,
        ITEM_SIZE = sizeof(void *), /* of a list's items: they are expressions */
};
#define SHOWN(s) (int)MIN_OF((s).n, (size_t)SHOWN_MAX), (const char *)(s).p

/* Methods of the language itself; those of extensions are in fn.c. */
static const struct {
        const char *name;
        enum cedar_op op;
        uint32_t n_args;
} methods[] = {
        { "contains", OP_CONTAINS, 1 },        { "containsAll", OP_CONTAINS_ALL, 1 },
        { "containsAny", OP_CONTAINS_ANY, 1 }, { "isEmpty", OP_IS_EMPTY, 0 },
        { "getTag", OP_GET_TAG, 1 },           { "hasTag", OP_HAS_TAG, 1 },
};

static const struct {
        enum cedar_word word;
        enum cedar_var var;
} vars[] = {
        { WORD_PRINCIPAL, VAR_PRINCIPAL },
        { WORD_ACTION, VAR_ACTION },
        { WORD_RESOURCE, VAR_RESOURCE },
        { WORD_CONTEXT, VAR_CONTEXT },
};

struct field {
        struct parser_key key;
        const struct cedar_expr *value;
};

/* `a, b` up to close, which is consumed: pushed on the list that is open. */
static bool parse_items(struct parser *p, enum cedar_token_kind close, const char *wanted)
{
        bool more = !parser_at(p, close);

        while (more) {
                const struct cedar_expr *e = parser_expr(p);

                if (!e || !parser_push(p, &e, ITEM_SIZE) ||
                    !parser_separator(p, close, wanted, &more))
                        return false;
        }
        return parser_advance(p);
}

/* A node of a list: items since mark. */
static struct cedar_expr *list_node(struct parser *p, enum cedar_op op, struct cedar_pos pos,
                                    size_t mark)
{
        const struct cedar_expr *const *items;
        struct cedar_expr *e;
        uint32_t n, deepest = 0;

        if (!parser_take(p, mark, ITEM_SIZE, CEDAR_ITEMS_MAX, &items, &n))
                return NULL;
        for (uint32_t i = 0; i < n; i++)
                deepest = MAX_OF(deepest, items[i]->depth);
        e = parser_node_above(p, op, pos, deepest);
        if (!e)
                return NULL;
        e->items = items;
        e->n = n;
        return e;
}

static const struct cedar_expr *parse_set(struct parser *p)
{
        struct cedar_pos pos = p->token.pos;
        size_t mark = parser_mark(p);

        if (!parser_advance(p) || !parse_items(p, TOKEN_RBRACKET, "`,` or `]`"))
                return NULL;
        return list_node(p, OP_SET, pos, mark);
}

static bool parse_field(struct parser *p)
{
        static const char wanted[] = "the name of an attribute or `}`";
        struct field f = { .key.pos = p->token.pos };
        bool ok = parser_at(p, TOKEN_STRING) ? parser_string(p, wanted, &f.key.key)
                                             : parser_ident(p, wanted, &f.key.key);

        if (!ok || !parser_expect(p, TOKEN_COLON, "`:`"))
                return false;
        f.value = parser_expr(p);
        return f.value && parser_push(p, &f, sizeof f);
}

/* The fields since mark become keys and items of a record. */
static const struct cedar_expr *record_node(struct parser *p, struct cedar_pos pos, size_t mark)
{
        size_t n = (p->stack.n - mark) / sizeof(struct field);
        struct span *keys = n ? parser_alloc(p, n * sizeof *keys) : NULL;
        struct cedar_expr *e;
        size_t items = p->stack.n;

        if (n && !keys)
                return NULL;
        for (size_t i = 0; i < n; i++) {
                struct field f;

                memcpy(&f, p->stack.p + mark + i * sizeof f, sizeof f);
                keys[i] = f.key.key;
                if (!parser_push(p, &f.value, ITEM_SIZE))
                        return NULL;
        }
        e = list_node(p, OP_RECORD, pos, items);
        if (!e || !parser_unique(p, mark, sizeof(struct field), "attribute"))
                return NULL;
        p->stack.n = mark;
        e->keys = keys;
        return e;
}

static const struct cedar_expr *parse_record(struct parser *p)
{
        struct cedar_pos pos = p->token.pos;
        size_t mark = parser_mark(p);
        bool more;

        if (!parser_advance(p))
                return NULL;
        for (more = !parser_at(p, TOKEN_RBRACE); more;)
                if (!parse_field(p) || !parser_separator(p, TOKEN_RBRACE, "`,` or `}`", &more))
                        return NULL;
        return parser_advance(p) ? record_node(p, pos, mark) : NULL;
}

static const struct cedar_expr *parse_parens(struct parser *p)
{
        const struct cedar_expr *e = parser_advance(p) ? parser_expr(p) : NULL;

        return e && parser_expect(p, TOKEN_RPAREN, "an operator or `)`") ? e : NULL;
}

/* One of methods[], else as many as there are. */
static size_t find_method(struct span name)
{
        size_t i = 0;

        while (i < ARRAY_LEN(methods) && !span_eq_str(name, methods[i].name))
                i++;
        return i;
}

static const struct cedar_expr *refuse_function(struct parser *p, struct span name,
                                                struct cedar_pos pos)
{
        enum cedar_fn fn;
        bool method = find_method(name) < ARRAY_LEN(methods) || cedar_fn_find(name, true, &fn);

        if (method)
                (void)parser_fail(p, pos, "`%.*s` is a method, written `a.%.*s(...)`", SHOWN(name),
                                  SHOWN(name));
        else
                (void)parser_fail(p, pos, "there is no function `%.*s`", SHOWN(name));
        return NULL;
}

/* f(...), the token is the parenthesis. */
static const struct cedar_expr *parse_function(struct parser *p, struct span name,
                                               struct cedar_pos pos)
{
        size_t mark = parser_mark(p);
        struct cedar_expr *e;
        enum cedar_fn fn;

        if (!cedar_fn_find(name, false, &fn))
                return refuse_function(p, name, pos);
        if (!parser_advance(p) || !parse_items(p, TOKEN_RPAREN, "`,` or `)`"))
                return NULL;
        e = list_node(p, OP_FN, pos, mark);
        if (e)
                e->fn = fn;
        return e;
}

static const struct cedar_expr *parse_variable(struct parser *p, struct span name,
                                               struct cedar_pos pos)
{
        enum cedar_word word = cedar_word(name);

        for (size_t i = 0; i < ARRAY_LEN(vars); i++)
                if (vars[i].word == word) {
                        struct cedar_expr *e = parser_node(p, OP_VAR, pos, NULL, NULL, NULL);

                        if (e)
                                e->var = vars[i].var;
                        return e;
                }
        (void)parser_fail(
                p, pos,
                "`%.*s` means nothing here (the variables are principal, action, resource "
                "and context; strings stand in double quotes)",
                SHOWN(name));
        return NULL;
}

/* A variable, a function's call or an entity. */
static const struct cedar_expr *parse_name(struct parser *p)
{
        struct cedar_pos pos = p->token.pos;
        struct cedar_expr *e;
        struct cedar_uid uid;
        struct span path;
        bool is_uid;

        if (!parser_path(p, "an expression", &path, &uid, &is_uid))
                return NULL;
        if (!is_uid)
                return parser_at(p, TOKEN_LPAREN) ? parse_function(p, path, pos)
                                                  : parse_variable(p, path, pos);
        e = parser_node(p, OP_UID, pos, NULL, NULL, NULL);
        if (e)
                e->uid = uid;
        return e;
}

static const struct cedar_expr *parse_literal(struct parser *p)
{
        struct cedar_token t = p->token;
        struct cedar_expr *e;
        bool ok;

        if (t.kind == TOKEN_STRING) {
                e = parser_node(p, OP_STRING, t.pos, NULL, NULL, NULL);
                return e && parser_string(p, "a string", &e->text) ? e : NULL;
        }
        e = parser_node(p, t.kind == TOKEN_NUMBER ? OP_LONG : OP_BOOL, t.pos, NULL, NULL, NULL);
        if (!e)
                return NULL;
        if (t.kind == TOKEN_NUMBER) {
                ok = parser_number(p, &t, false, &e->number);
        } else {
                e->boolean = t.word == WORD_TRUE;
                ok = true;
        }
        return ok && parser_advance(p) ? e : NULL;
}

static const struct cedar_expr *refuse_primary(struct parser *p)
{
        if (parser_at_word(p, WORD_IF))
                (void)parser_unexpected(p,
                                        "an operand (`if` within an expression needs parentheses)");
        else if (parser_at(p, TOKEN_SLOT))
                (void)parser_fail(p, p->token.pos, "slots stand in the scope, not in a condition");
        else
                (void)parser_unexpected(p, "an expression");
        return NULL;
}

static const struct cedar_expr *parse_primary(struct parser *p)
{
        switch (p->token.kind) {
        case TOKEN_NUMBER:
        case TOKEN_STRING:
                return parse_literal(p);
        case TOKEN_LPAREN:
                return parse_parens(p);
        case TOKEN_LBRACKET:
                return parse_set(p);
        case TOKEN_LBRACE:
                return parse_record(p);
        case TOKEN_IDENT:
                if (parser_at_word(p, WORD_TRUE) || parser_at_word(p, WORD_FALSE))
                        return parse_literal(p);
                if (!parser_at_word(p, WORD_IF))
                        return parse_name(p);
                return refuse_primary(p);
        default:
                return refuse_primary(p);
        }
}

/* The arguments of one of the language's own methods. */
static const struct cedar_expr *own_method(struct parser *p, size_t which, struct cedar_pos pos,
                                           const struct cedar_expr *receiver, size_t mark)
{
        size_t n = (p->stack.n - mark) / ITEM_SIZE;
        const struct cedar_expr *arg = NULL;

        if (n != methods[which].n_args) {
                (void)parser_fail(p, pos, "`%s` takes %s, found %zu", methods[which].name,
                                  methods[which].n_args ? "one argument" : "no arguments", n);
                return NULL;
        }
        if (n == 1)
                memcpy(&arg, p->stack.p + mark, ITEM_SIZE);
        p->stack.n = mark;
        return parser_node(p, methods[which].op, pos, receiver, arg, NULL);
}

static const struct cedar_expr *refuse_method(struct parser *p, struct span name,
                                              struct cedar_pos pos)
{
        enum cedar_fn fn;

        if (cedar_fn_find(name, false, &fn))
                (void)parser_fail(p, pos, "`%.*s` is a function, written `%.*s(...)`", SHOWN(name),
                                  SHOWN(name));
        else
                (void)parser_fail(p, pos, "there is no method `%.*s`", SHOWN(name));
        return NULL;
}

/* a.name(...), the token is the parenthesis. */
static const struct cedar_expr *parse_method(struct parser *p, const struct cedar_expr *receiver,
                                             struct span name, struct cedar_pos pos)
{
        size_t mark = parser_mark(p), which = find_method(name);
        struct cedar_expr *e;
        enum cedar_fn fn;

        if (which < ARRAY_LEN(methods)) {
                if (!parser_advance(p) || !parse_items(p, TOKEN_RPAREN, "`,` or `)`"))
                        return NULL;
                return own_method(p, which, pos, receiver, mark);
        }
        if (!cedar_fn_find(name, true, &fn))
                return refuse_method(p, name, pos);
        if (!parser_push(p, &receiver, ITEM_SIZE) || !parser_advance(p) ||
            !parse_items(p, TOKEN_RPAREN, "`,` or `)`"))
                return NULL;
        e = list_node(p, OP_FN, pos, mark);
        if (e)
                e->fn = fn;
        return e;
}

static const struct cedar_expr *get_node(struct parser *p, const struct cedar_expr *of,
                                         struct span name, struct cedar_pos pos)
{
        struct cedar_expr *e = parser_node(p, OP_GET, pos, of, NULL, NULL);

        if (e)
                e->text = name;
        return e;
}

/* The token is the dot. */
static const struct cedar_expr *parse_dot(struct parser *p, const struct cedar_expr *of)
{
        struct cedar_pos pos = p->token.pos;
        struct span name;

        if (!parser_advance(p))
                return NULL;
        if (p->token.kind == TOKEN_IDENT)
                pos = p->token.pos;
        if (!parser_ident(p, "the name of an attribute or a method", &name))
                return NULL;
        return parser_at(p, TOKEN_LPAREN) ? parse_method(p, of, name, pos)
                                          : get_node(p, of, name, pos);
}

/* The token is the bracket. */
static const struct cedar_expr *parse_index(struct parser *p, const struct cedar_expr *of)
{
        struct cedar_pos pos = p->token.pos;
        struct span name;

        if (!parser_advance(p) || !parser_string(p, "a string, the name of an attribute", &name) ||
            !parser_expect(p, TOKEN_RBRACKET, "`]`"))
                return NULL;
        return get_node(p, of, name, pos);
}

const struct cedar_expr *parser_accesses(struct parser *p, const struct cedar_expr *e)
{
        while (e) {
                if (parser_at(p, TOKEN_DOT)) {
                        e = parse_dot(p, e);
                } else if (parser_at(p, TOKEN_LBRACKET)) {
                        e = parse_index(p, e);
                } else if (parser_at(p, TOKEN_LPAREN)) {
                        (void)parser_fail(p, p->token.pos,
                                          "only functions and methods are called, by their names");
                        e = NULL;
                } else {
                        break;
                }
        }
        return e;
}

const struct cedar_expr *parser_member(struct parser *p)
{
        return parser_accesses(p, parse_primary(p));
}
