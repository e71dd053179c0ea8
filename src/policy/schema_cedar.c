/* SPDX-License-Identifier: Apache-2.0 */
/* schema_cedar.c - the Cedar form of a schema to declarations.  Floor 2, pure.
 *
 * Source: the Cedar documentation, "Grammar specification for Cedar schemas"; annotations stand
 * before namespaces, declarations and attributes and are read for their spelling only.
 * SECURITY: reads hostile bytes; recursion is bounded by CEDAR_SCHEMA_DEPTH_MAX. */
#include "policy/decl.h"
#include "policy/token.h"

enum { ANNOTATIONS_MAX = 1000 }; /* on one thing */

struct reader {
        struct cedar_lexer lexer;
        struct cedar_token token; /* the one not yet used */
        struct decl_schema *d;
        struct span ns;
        struct buf path; /* one name with its namespace, while it is read */
        struct err *err;
};

static int no_memory(struct reader *r)
{
        return err_set(r->err, -ENOMEM, "no memory for the schema");
}

/* ---- tokens ---- */

static int advance(struct reader *r)
{
        int rc;

        do
                rc = cedar_lexer_next(&r->lexer, &r->token, r->err);
        while (rc == 0 && r->token.kind == TOKEN_COMMENT);
        return rc;
}

static int fail_at(struct reader *r, struct cedar_pos pos, const char *text)
{
        return err_set(r->err, -EINVAL, "line %u, column %u: %s", pos.line, pos.column, text);
}

static int wanted(struct reader *r, const char *what)
{
        struct buf found = BUF_INIT(ERR_TEXT_MAX / 2);

        cedar_token_print(&r->token, &found);
        err_set(r->err, -EINVAL, "line %u, column %u: found %s, wanted %s", r->token.pos.line,
                r->token.pos.column, buf_cstr(&found), what);
        buf_done(&found);
        return -EINVAL;
}

static bool at_word(const struct reader *r, const char *word)
{
        return r->token.kind == TOKEN_IDENT && span_eq_str(r->token.text, word);
}

static int expect(struct reader *r, enum cedar_token_kind kind, const char *what)
{
        return r->token.kind == kind ? advance(r) : wanted(r, what);
}

/* Steps over kind when it is there: 1, else 0. */
static int accept(struct reader *r, enum cedar_token_kind kind)
{
        int rc;

        if (r->token.kind != kind)
                return 0;
        rc = advance(r);
        return rc < 0 ? rc : 1;
}

static const struct decl_at *here(struct reader *r)
{
        struct decl_at *at = arena_alloc(&r->d->arena, sizeof *at);

        if (at)
                *at = (struct decl_at){ .line = r->token.pos.line, .column = r->token.pos.column };
        return at;
}

/* ---- names ---- */

/* An identifier, which no reserved word is; `__cedar` begins the names of builtin types. */
static int read_ident(struct reader *r, const char *what, struct span *ret)
{
        struct span text = r->token.text;

        if (r->token.kind != TOKEN_IDENT ||
            (cedar_word_reserved(r->token.word) && r->token.word != WORD_CEDAR))
                return wanted(r, what);
        *ret = text;
        return advance(r);
}

static int read_string(struct reader *r, const char *what, struct span *ret)
{
        int rc;

        if (r->token.kind != TOKEN_STRING)
                return wanted(r, what);
        rc = cedar_token_string(&r->token, &r->d->arena, ret, r->err);
        return rc < 0 ? rc : advance(r);
}

/* An identifier or a string. */
static int read_name(struct reader *r, const char *what, struct span *ret)
{
        return r->token.kind == TOKEN_STRING ? read_string(r, what, ret) : read_ident(r, what, ret);
}

static int keep_path(struct reader *r, struct span *ret)
{
        const char *copy =
                buf_status(&r->path) == 0 ? arena_copy(&r->d->arena, buf_span(&r->path)) : NULL;

        if (!copy)
                return no_memory(r);
        *ret = span_of(copy, r->path.n);
        return 0;
}

/* `A::B`, in its one spelling; with ret_id also `A::B::"id"`, where ret_id->p is NULL if there is
 * no id behind. */
static int read_path_or_uid(struct reader *r, const char *what, struct span *ret,
                            struct span *ret_id)
{
        struct span part;
        int rc;

        if (ret_id)
                *ret_id = SPAN_NONE;
        rc = read_ident(r, what, &part);
        if (rc < 0)
                return rc;
        if (r->token.kind != TOKEN_COLONS) {
                *ret = part;
                return 0;
        }
        buf_clear(&r->path);
        buf_put(&r->path, part);
        while ((rc = accept(r, TOKEN_COLONS)) > 0) {
                if (ret_id && r->token.kind == TOKEN_STRING) {
                        rc = read_string(r, what, ret_id);
                        break;
                }
                rc = read_ident(r, what, &part);
                if (rc < 0)
                        return rc;
                buf_put(&r->path, SPAN("::"));
                buf_put(&r->path, part);
        }
        return rc < 0 ? rc : keep_path(r, ret);
}

static int read_path(struct reader *r, const char *what, struct span *ret)
{
        return read_path_or_uid(r, what, ret, NULL);
}

/* A name that is declared here. */
static int read_new_ident(struct reader *r, const char *what, struct span *ret)
{
        struct cedar_pos pos = r->token.pos;
        struct span id;
        int rc = read_ident(r, what, &id);

        if (rc < 0)
                return rc;
        if (decl_is_reserved(id))
                return fail_at(r, pos, "nothing can be called __cedar");
        *ret = id;
        return 0;
}

/* ---- lists ---- */

typedef int read_one(struct reader *r, struct span *ret);

static int one_entity_type(struct reader *r, struct span *ret)
{
        return read_path(r, "the name of an entity type", ret);
}

static int one_id(struct reader *r, struct span *ret)
{
        return read_string(r, "an id in quotes", ret);
}

static int one_new_entity(struct reader *r, struct span *ret)
{
        return read_new_ident(r, "a name for the entity type", ret);
}

static int one_new_action(struct reader *r, struct span *ret)
{
        return read_name(r, "a name for the action", ret);
}

/* One or more with commas between. */
static int read_some(struct reader *r, read_one *one, struct decl_name **ret)
{
        struct decl_name **tail = ret;
        int rc;

        do {
                struct decl_name *n = arena_alloc(&r->d->arena, sizeof *n);

                if (!n || !(n->at = here(r)))
                        return no_memory(r);
                rc = one(r, &n->name);
                if (rc < 0)
                        return rc;
                *tail = n;
                tail = &n->next;
        } while ((rc = accept(r, TOKEN_COMMA)) > 0);
        return rc;
}

/* `A` or `[A, B]` or `[]`. */
static int read_entity_types(struct reader *r, struct decl_name **ret)
{
        int rc = accept(r, TOKEN_LBRACKET);

        if (rc < 0)
                return rc;
        if (rc == 0) {
                struct decl_name *n = arena_alloc(&r->d->arena, sizeof *n);

                if (!n || !(n->at = here(r)))
                        return no_memory(r);
                *ret = n;
                return one_entity_type(r, &n->name);
        }
        if (r->token.kind != TOKEN_RBRACKET) {
                rc = read_some(r, one_entity_type, ret);
                if (rc < 0)
                        return rc;
        }
        return expect(r, TOKEN_RBRACKET, "`,` or `]`");
}

/* ---- annotations ---- */

static int read_annotation(struct reader *r, struct span *ret_key)
{
        struct span value;
        int rc;

        if (r->token.kind != TOKEN_IDENT)
                return wanted(r, "the name of an annotation");
        *ret_key = r->token.text;
        rc = advance(r);
        if (rc < 0 || r->token.kind != TOKEN_LPAREN)
                return rc;
        rc = advance(r);
        if (rc == 0)
                rc = read_string(r, "the value of the annotation in quotes", &value);
        return rc < 0 ? rc : expect(r, TOKEN_RPAREN, "`)`");
}

static int read_annotations(struct reader *r)
{
        struct decl_name *seen = NULL;
        unsigned n = 0;
        int rc;

        for (;;) {
                struct cedar_pos pos = r->token.pos;
                struct decl_name *a;

                rc = accept(r, TOKEN_AT);
                if (rc <= 0)
                        return rc;
                if (n++ == ANNOTATIONS_MAX)
                        return fail_at(r, pos, "too many annotations");
                a = arena_alloc(&r->d->arena, sizeof *a);
                if (!a)
                        return no_memory(r);
                rc = read_annotation(r, &a->name);
                if (rc < 0)
                        return rc;
                for (struct decl_name *b = seen; b; b = b->next)
                        if (span_eq(a->name, b->name))
                                return fail_at(r, pos, "this annotation is there already");
                a->next = seen;
                seen = a;
        }
}

/* ---- types ---- */

static int read_type(struct reader *r, unsigned depth, struct decl_type **ret);

static int read_attr(struct reader *r, unsigned depth, struct decl_attr *a)
{
        int rc = read_annotations(r);

        if (rc < 0)
                return rc;
        a->at = here(r);
        if (!a->at)
                return no_memory(r);
        rc = read_name(r, "the name of an attribute", &a->name);
        if (rc < 0)
                return rc;
        rc = accept(r, TOKEN_QUESTION);
        if (rc < 0)
                return rc;
        a->required = rc == 0;
        rc = expect(r, TOKEN_COLON, a->required ? "`:` or `?`" : "`:`");
        return rc < 0 ? rc : read_type(r, depth, &a->type);
}

/* Behind the opening brace. */
static int read_record(struct reader *r, unsigned depth, struct decl_type *t)
{
        struct decl_attr **tail = &t->attrs;
        int rc;

        t->kind = DECL_RECORD;
        while (r->token.kind != TOKEN_RBRACE) {
                struct decl_attr *a = arena_alloc(&r->d->arena, sizeof *a);

                if (!a)
                        return no_memory(r);
                rc = read_attr(r, depth, a);
                if (rc < 0)
                        return rc;
                *tail = a;
                tail = &a->next;
                t->n_attrs++;
                rc = accept(r, TOKEN_COMMA);
                if (rc < 0)
                        return rc;
                if (rc == 0)
                        break;
        }
        return expect(r, TOKEN_RBRACE, "`,` or `}`");
}

static int read_named(struct reader *r, unsigned depth, struct decl_type *t)
{
        int rc = read_path(r, "a type", &t->name);

        if (rc < 0)
                return rc;
        t->kind = DECL_EITHER;
        if (r->token.kind != TOKEN_LT || !span_eq_str(t->name, "Set"))
                return 0;
        t->kind = DECL_SET;
        rc = advance(r);
        if (rc == 0)
                rc = read_type(r, depth, &t->item);
        return rc < 0 ? rc : expect(r, TOKEN_GT, "`>`");
}

static int read_type(struct reader *r, unsigned depth, struct decl_type **ret)
{
        struct decl_type *t = arena_alloc(&r->d->arena, sizeof *t);
        int rc;

        if (!t || !(t->at = here(r)))
                return no_memory(r);
        if (depth == CEDAR_SCHEMA_DEPTH_MAX)
                return fail_at(r, r->token.pos, "types nest too deep");
        rc = accept(r, TOKEN_LBRACE);
        if (rc >= 0)
                rc = rc ? read_record(r, depth + 1, t) : read_named(r, depth + 1, t);
        if (rc == 0)
                *ret = t;
        return rc;
}

/* ---- declarations ---- */

/* What stands behind the names of an entity type that is not enumerated. */
static int read_entity_rest(struct reader *r, struct decl_entity *e)
{
        int rc = 0;

        if (at_word(r, "in")) {
                rc = advance(r);
                if (rc == 0)
                        rc = read_entity_types(r, &e->parents);
                if (rc < 0)
                        return rc;
        }
        rc = accept(r, TOKEN_ASSIGN);
        if (rc < 0)
                return rc;
        if (rc > 0 && r->token.kind != TOKEN_LBRACE)
                return wanted(r, "`{`");
        if (r->token.kind == TOKEN_LBRACE) {
                rc = read_type(r, 0, &e->shape);
                if (rc < 0)
                        return rc;
        }
        if (!at_word(r, "tags"))
                return 0;
        rc = advance(r);
        return rc < 0 ? rc : read_type(r, 0, &e->tags);
}

static int read_enum(struct reader *r, struct decl_entity *e)
{
        int rc = advance(r);

        if (rc == 0)
                rc = expect(r, TOKEN_LBRACKET, "`[`");
        if (rc == 0)
                rc = read_some(r, one_id, &e->ids);
        return rc < 0 ? rc : expect(r, TOKEN_RBRACKET, "`,` or `]`");
}

static int read_entity(struct reader *r)
{
        struct decl_entity all = { .ns = r->ns };
        struct decl_name *names = NULL;
        int rc = advance(r);

        if (rc == 0)
                rc = read_some(r, one_new_entity, &names);
        if (rc == 0)
                rc = at_word(r, "enum") ? read_enum(r, &all) : read_entity_rest(r, &all);
        if (rc == 0)
                rc = expect(r, TOKEN_SEMICOLON, "`;`");
        if (rc < 0)
                return rc;
        for (; names; names = names->next) {
                struct decl_entity *e = arena_alloc(&r->d->arena, sizeof *e);

                if (!e)
                        return no_memory(r);
                *e = all;
                e->id = names->name;
                e->at = names->at;
                decl_add_entity(r->d, e);
        }
        return 0;
}

static int read_parent(struct reader *r, struct decl_ref **ret)
{
        const char *what = "the name of an action";
        struct decl_ref *p = arena_alloc(&r->d->arena, sizeof *p);
        struct cedar_pos pos = r->token.pos;
        struct span path;
        int rc;

        if (!p || !(p->at = here(r)))
                return no_memory(r);
        *ret = p;
        if (r->token.kind == TOKEN_STRING)
                return read_string(r, what, &p->id);
        rc = read_path_or_uid(r, what, &path, &p->id);
        if (rc < 0)
                return rc;
        if (p->id.p)
                p->type = path;
        else if (memchr(path.p, ':', path.n))
                return fail_at(r, pos,
                               "the id of an action in another namespace wants quotes: "
                               "`NS::Action::\"id\"`");
        else
                p->id = path;
        return 0;
}

/* `in` one action or a list of some. */
static int read_parents(struct reader *r, struct decl_ref **ret)
{
        int rc = accept(r, TOKEN_LBRACKET);

        if (rc <= 0)
                return rc < 0 ? rc : read_parent(r, ret);
        do {
                rc = read_parent(r, ret);
                if (rc < 0)
                        return rc;
                ret = &(*ret)->next;
        } while ((rc = accept(r, TOKEN_COMMA)) > 0);
        return rc < 0 ? rc : expect(r, TOKEN_RBRACKET, "`,` or `]`");
}

static int read_applicable(struct reader *r, struct decl_name **list)
{
        struct cedar_pos pos = r->token.pos;
        int rc;

        if (*list)
                return fail_at(r, pos, "this was said already");
        rc = advance(r);
        if (rc == 0)
                rc = expect(r, TOKEN_COLON, "`:`");
        if (rc == 0)
                rc = read_entity_types(r, list);
        if (rc == 0 && !*list)
                return fail_at(r, pos,
                               "at least one entity type is wanted; an action that applies "
                               "to none has no `appliesTo`");
        return rc;
}

/* A record, or the name of a common type. */
static int read_context(struct reader *r, struct decl_type **ret)
{
        int rc;

        if (*ret)
                return fail_at(r, r->token.pos, "this was said already");
        rc = advance(r);
        if (rc == 0)
                rc = expect(r, TOKEN_COLON, "`:`");
        if (rc == 0)
                rc = read_type(r, 0, ret);
        if (rc < 0)
                return rc;
        if ((*ret)->kind == DECL_SET)
                return decl_fail(r->err, (*ret)->at, "the context of an action must be a record");
        if ((*ret)->kind == DECL_EITHER)
                (*ret)->kind = DECL_COMMON;
        return 0;
}

static int read_applies_to(struct reader *r, struct decl_action *a)
{
        struct cedar_pos pos = r->token.pos;
        int rc = advance(r);

        if (rc == 0)
                rc = expect(r, TOKEN_LBRACE, "`{`");
        while (rc == 0 && r->token.kind != TOKEN_RBRACE) {
                if (at_word(r, "principal"))
                        rc = read_applicable(r, &a->principals);
                else if (at_word(r, "resource"))
                        rc = read_applicable(r, &a->resources);
                else if (at_word(r, "context"))
                        rc = read_context(r, &a->context);
                else
                        return wanted(r, "`principal`, `resource` or `context`");
                if (rc == 0)
                        rc = accept(r, TOKEN_COMMA);
                if (rc <= 0)
                        break;
                rc = 0;
        }
        if (rc == 0)
                rc = expect(r, TOKEN_RBRACE, "`,` or `}`");
        if (rc == 0 && (!a->principals || !a->resources))
                return fail_at(r, pos, "`appliesTo` wants `principal` and `resource`");
        return rc;
}

/* `attributes {}`: an older spelling, always empty. */
static int read_no_attributes(struct reader *r)
{
        int rc = advance(r);

        if (rc == 0)
                rc = expect(r, TOKEN_LBRACE, "`{`");
        return rc < 0 ? rc : expect(r, TOKEN_RBRACE, "`}`");
}

static int read_action(struct reader *r)
{
        struct decl_action all = { .ns = r->ns };
        struct decl_name *names = NULL;
        int rc = advance(r);

        if (rc == 0)
                rc = read_some(r, one_new_action, &names);
        if (rc == 0 && at_word(r, "in")) {
                rc = advance(r);
                if (rc == 0)
                        rc = read_parents(r, &all.parents);
        }
        if (rc == 0 && at_word(r, "appliesTo"))
                rc = read_applies_to(r, &all);
        if (rc == 0 && at_word(r, "attributes"))
                rc = read_no_attributes(r);
        if (rc == 0)
                rc = expect(r, TOKEN_SEMICOLON, "`;`");
        if (rc < 0)
                return rc;
        for (; names; names = names->next) {
                struct decl_action *a = arena_alloc(&r->d->arena, sizeof *a);

                if (!a)
                        return no_memory(r);
                *a = all;
                a->id = names->name;
                a->at = names->at;
                decl_add_action(r->d, a);
        }
        return 0;
}

static int read_common(struct reader *r)
{
        struct decl_common *c = arena_alloc(&r->d->arena, sizeof *c);
        int rc = advance(r);

        if (rc < 0)
                return rc;
        if (!c || !(c->at = here(r)))
                return no_memory(r);
        c->ns = r->ns;
        rc = read_new_ident(r, "a name for the type", &c->id);
        if (rc < 0)
                return rc;
        if (decl_is_type_word(c->id))
                return decl_fail(r->err, c->at, "a common type cannot be called %.*s", (int)c->id.n,
                                 c->id.p);
        rc = expect(r, TOKEN_ASSIGN, "`=`");
        if (rc == 0)
                rc = read_type(r, 0, &c->type);
        if (rc == 0)
                rc = expect(r, TOKEN_SEMICOLON, "`;`");
        if (rc == 0)
                decl_add_common(r->d, c);
        return rc;
}

/* Behind its annotations. */
static int read_declaration(struct reader *r, const char *what)
{
        if (at_word(r, "entity"))
                return read_entity(r);
        if (at_word(r, "action"))
                return read_action(r);
        if (at_word(r, "type"))
                return read_common(r);
        return wanted(r, what);
}

static int read_namespace(struct reader *r)
{
        struct decl_name *n = arena_alloc(&r->d->arena, sizeof *n);
        int rc = advance(r);

        if (rc < 0)
                return rc;
        if (!n || !(n->at = here(r)))
                return no_memory(r);
        rc = read_path(r, "the name of a namespace", &n->name);
        if (rc < 0)
                return rc;
        if (decl_is_reserved(n->name))
                return decl_fail(r->err, n->at, "nothing can be called __cedar");
        decl_add_namespace(r->d, n);
        r->ns = n->name;
        rc = expect(r, TOKEN_LBRACE, "`{`");
        while (rc == 0 && r->token.kind != TOKEN_RBRACE) {
                rc = read_annotations(r);
                if (rc == 0)
                        rc = read_declaration(r, "`entity`, `action`, `type` or `}`");
        }
        r->ns = SPAN_NONE;
        return rc < 0 ? rc : advance(r);
}

static int read_schema(struct reader *r)
{
        int rc = advance(r);

        while (rc == 0 && r->token.kind != TOKEN_END) {
                rc = read_annotations(r);
                if (rc == 0)
                        rc = at_word(r, "namespace")
                                     ? read_namespace(r)
                                     : read_declaration(
                                               r, "`namespace`, `entity`, `action` or `type`");
        }
        return rc;
}

int cedar_schema_parse(struct span text, struct cedar_schema **ret, struct err *err)
{
        struct decl_schema d = { .arena = ARENA_INIT(DECL_MEMORY_MAX) };
        struct reader r = { .d = &d, .path = BUF_INIT(CEDAR_SOURCE_MAX), .err = err };
        int rc = cedar_lexer_init(&r.lexer, text, err);

        if (rc == 0)
                rc = read_schema(&r);
        if (rc == 0)
                rc = schema_resolve(&d, ret, err);
        buf_done(&r.path);
        arena_done(&d.arena);
        return rc;
}
