/* SPDX-License-Identifier: Apache-2.0 */
/* schema_type.c - the Cedar form of schemas: names, annotations, types.  Floor 2, pure.
 * SECURITY: reads hostile bytes; recursion is bounded by CEDAR_SCHEMA_DEPTH_MAX. */
#include "policy/schema/schema_parser.h"

enum { ANNOTATIONS_MAX = 1000 }; /* on one thing */

const struct decl_at *schema_here(struct schema_parser *s)
{
        struct decl_at *at = parser_alloc(&s->p, sizeof *at);

        if (at)
                *at = (struct decl_at){ .line = s->p.token.pos.line,
                                        .column = s->p.token.pos.column };
        return at;
}

bool schema_accept(struct schema_parser *s, enum cedar_token_kind kind, bool *ret)
{
        *ret = parser_at(&s->p, kind);
        return !*ret || parser_advance(&s->p);
}

/* ---- names ---- */

bool schema_name(struct schema_parser *s, const char *wanted, struct span *ret)
{
        return parser_at(&s->p, TOKEN_STRING) ? parser_string(&s->p, wanted, ret)
                                              : parser_ident(&s->p, wanted, ret);
}

bool schema_new_name(struct schema_parser *s, const char *wanted, struct span *ret)
{
        struct cedar_pos pos = s->p.token.pos;

        if (!parser_ident(&s->p, wanted, ret))
                return false;
        return !decl_is_reserved(*ret) || parser_fail(&s->p, pos, "nothing can be called __cedar");
}

bool schema_path(struct schema_parser *s, const char *wanted, struct span *ret)
{
        return parser_path(&s->p, wanted, ret, NULL, NULL);
}

/* One more item, where the next token is. */
static struct decl_name *new_name(struct schema_parser *s)
{
        struct decl_name *n = parser_alloc(&s->p, sizeof *n);

        return n && (n->at = schema_here(s)) ? n : NULL;
}

bool schema_some(struct schema_parser *s, schema_one *one, struct decl_name **ret)
{
        bool more;

        do {
                struct decl_name *n = new_name(s);

                if (!n || !one(s, &n->name) || !schema_accept(s, TOKEN_COMMA, &more))
                        return false;
                *ret = n;
                ret = &n->next;
        } while (more);
        return true;
}

static bool one_entity_type(struct schema_parser *s, struct span *ret)
{
        return schema_path(s, "the name of an entity type", ret);
}

bool schema_entity_types(struct schema_parser *s, struct decl_name **ret)
{
        bool list;

        if (!schema_accept(s, TOKEN_LBRACKET, &list))
                return false;
        if (!list) {
                *ret = new_name(s);
                return *ret && one_entity_type(s, &(*ret)->name);
        }
        if (!parser_at(&s->p, TOKEN_RBRACKET) && !schema_some(s, one_entity_type, ret))
                return false;
        return parser_expect(&s->p, TOKEN_RBRACKET, "`,` or `]`");
}

/* ---- annotations ---- */

/* Behind the `@`. */
static bool read_annotation(struct schema_parser *s, struct span *ret_key)
{
        struct span value;
        bool valued;

        *ret_key = s->p.token.text;
        if (!parser_expect(&s->p, TOKEN_IDENT, "the name of an annotation") ||
            !schema_accept(s, TOKEN_LPAREN, &valued))
                return false;
        return !valued || (parser_string(&s->p, "the value of the annotation in quotes", &value) &&
                           parser_expect(&s->p, TOKEN_RPAREN, "`)`"));
}

bool schema_annotations(struct schema_parser *s)
{
        struct decl_name *seen = NULL;

        for (unsigned n = 0; parser_at(&s->p, TOKEN_AT); n++) {
                struct cedar_pos pos = s->p.token.pos;
                struct decl_name *a = new_name(s);

                if (n == ANNOTATIONS_MAX)
                        return parser_too_much(&s->p, pos, "more than %d annotations",
                                               ANNOTATIONS_MAX);
                if (!a || !parser_advance(&s->p) || !read_annotation(s, &a->name))
                        return false;
                for (struct decl_name *b = seen; b; b = b->next)
                        if (span_eq(a->name, b->name))
                                return parser_fail(&s->p, pos, "this annotation is there already");
                a->next = seen;
                seen = a;
        }
        return true;
}

/* ---- types ---- */

static bool read_type(struct schema_parser *s, unsigned depth, struct decl_type **ret);

static bool read_attr(struct schema_parser *s, unsigned depth, struct decl_attr *a)
{
        bool optional;

        if (!schema_annotations(s) || !(a->at = schema_here(s)) ||
            !schema_name(s, "the name of an attribute", &a->name) ||
            !schema_accept(s, TOKEN_QUESTION, &optional))
                return false;
        a->required = !optional;
        return parser_expect(&s->p, TOKEN_COLON, optional ? "`:`" : "`:` or `?`") &&
               read_type(s, depth, &a->type);
}

/* Behind the opening brace. */
static bool read_record(struct schema_parser *s, unsigned depth, struct decl_type *t)
{
        struct decl_attr **tail = &t->attrs;
        bool more = true;

        t->kind = DECL_RECORD;
        while (more && !parser_at(&s->p, TOKEN_RBRACE)) {
                struct decl_attr *a = parser_alloc(&s->p, sizeof *a);

                if (!a || !read_attr(s, depth, a) || !schema_accept(s, TOKEN_COMMA, &more))
                        return false;
                *tail = a;
                tail = &a->next;
                t->n_attrs++;
        }
        return parser_expect(&s->p, TOKEN_RBRACE, "`,` or `}`");
}

static bool read_named(struct schema_parser *s, unsigned depth, struct decl_type *t)
{
        if (!schema_path(s, "a type", &t->name))
                return false;
        t->kind = DECL_EITHER;
        if (!parser_at(&s->p, TOKEN_LT) || !span_eq_str(t->name, "Set"))
                return true;
        t->kind = DECL_SET;
        return parser_advance(&s->p) && read_type(s, depth, &t->item) &&
               parser_expect(&s->p, TOKEN_GT, "`>`");
}

static bool read_type(struct schema_parser *s, unsigned depth, struct decl_type **ret)
{
        struct decl_type *t = parser_alloc(&s->p, sizeof *t);
        bool record;

        if (!t || !(t->at = schema_here(s)))
                return false;
        if (depth == CEDAR_SCHEMA_DEPTH_MAX)
                return parser_fail(&s->p, s->p.token.pos, "types nest deeper than %d",
                                   CEDAR_SCHEMA_DEPTH_MAX);
        if (!schema_accept(s, TOKEN_LBRACE, &record))
                return false;
        *ret = t;
        return record ? read_record(s, depth + 1, t) : read_named(s, depth + 1, t);
}

bool schema_type(struct schema_parser *s, struct decl_type **ret)
{
        return read_type(s, 0, ret);
}
