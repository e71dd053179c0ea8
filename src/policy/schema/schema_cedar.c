/* SPDX-License-Identifier: Apache-2.0 */
/* schema_cedar.c - the Cedar form of schemas: declarations and namespaces.  Floor 2, pure.
 *
 * Source: the Cedar documentation, "Grammar specification for Cedar schemas"; annotations stand
 * before namespaces, declarations and attributes and are read for their spelling only.
 * SECURITY: reads hostile bytes. */
#include "policy/schema/schema_parser.h"

/* ---- entity types ---- */

static bool one_id(struct schema_parser *s, struct span *ret)
{
        return parser_string(&s->p, "an id in quotes", ret);
}

static bool one_new_entity(struct schema_parser *s, struct span *ret)
{
        return schema_new_name(s, "a name for the entity type", ret);
}

/* Behind the names: `in`, attributes and tags. */
static bool read_standard(struct schema_parser *s, struct decl_entity *e)
{
        bool assigned;

        if (schema_at(s, "in") && (!parser_advance(&s->p) || !schema_entity_types(s, &e->parents)))
                return false;
        if (!schema_accept(s, TOKEN_ASSIGN, &assigned))
                return false;
        if (assigned && !parser_at(&s->p, TOKEN_LBRACE))
                return parser_unexpected(&s->p, "`{`");
        if (parser_at(&s->p, TOKEN_LBRACE) && !schema_type(s, &e->shape))
                return false;
        return !schema_at(s, "tags") || (parser_advance(&s->p) && schema_type(s, &e->tags));
}

/* At `enum`. */
static bool read_enumerated(struct schema_parser *s, struct decl_entity *e)
{
        return parser_advance(&s->p) && parser_expect(&s->p, TOKEN_LBRACKET, "`[`") &&
               schema_some(s, one_id, &e->ids) &&
               parser_expect(&s->p, TOKEN_RBRACKET, "`,` or `]`");
}

static bool read_entity(struct schema_parser *s)
{
        struct decl_entity all = { .ns = s->ns };
        struct decl_name *names = NULL;

        if (!parser_advance(&s->p) || !schema_some(s, one_new_entity, &names) ||
            !(schema_at(s, "enum") ? read_enumerated : read_standard)(s, &all) ||
            !parser_expect(&s->p, TOKEN_SEMICOLON, "`;`"))
                return false;
        for (; names; names = names->next) {
                struct decl_entity *e = parser_alloc(&s->p, sizeof *e);

                if (!e)
                        return false;
                *e = all;
                e->id = names->name;
                e->at = names->at;
                decl_add_entity(s->d, e);
        }
        return true;
}

/* ---- actions ---- */

static bool one_new_action(struct schema_parser *s, struct span *ret)
{
        return schema_name(s, "a name for the action", ret);
}

/* `"id"`, `id` or `NS::Action::"id"`. */
static bool read_parent(struct schema_parser *s, struct decl_ref **ret)
{
        const char *wanted = "the name of an action";
        struct decl_ref *ref = parser_alloc(&s->p, sizeof *ref);
        struct cedar_pos pos = s->p.token.pos;
        struct cedar_uid uid;
        struct span path;
        bool is_uid;

        if (!ref || !(ref->at = schema_here(s)))
                return false;
        *ret = ref;
        if (parser_at(&s->p, TOKEN_STRING))
                return parser_string(&s->p, wanted, &ref->id);
        if (!parser_path(&s->p, wanted, &path, &uid, &is_uid))
                return false;
        if (!is_uid && memchr(path.p, ':', path.n))
                return parser_fail(&s->p, pos,
                                   "the id of an action in another namespace wants quotes: "
                                   "`NS::Action::\"id\"`");
        ref->type = is_uid ? uid.type : SPAN_NONE;
        ref->id = is_uid ? uid.id : path;
        return true;
}

/* One, or a list of one or more. */
static bool read_parents(struct schema_parser *s, struct decl_ref **ret)
{
        bool list, more;

        if (!schema_accept(s, TOKEN_LBRACKET, &list))
                return false;
        if (!list)
                return read_parent(s, ret);
        do {
                if (!read_parent(s, ret) || !schema_accept(s, TOKEN_COMMA, &more))
                        return false;
                ret = &(*ret)->next;
        } while (more);
        return parser_expect(&s->p, TOKEN_RBRACKET, "`,` or `]`");
}

/* Behind `principal:` or `resource:`. */
static bool read_parties(struct schema_parser *s, struct cedar_pos pos, struct decl_name **ret)
{
        if (!schema_entity_types(s, ret))
                return false;
        return *ret || parser_fail(&s->p, pos,
                                   "at least one entity type is wanted; an action that applies to "
                                   "none has no `appliesTo`");
}

/* Behind `context:`: a record, or the name of a common type. */
static bool read_context(struct schema_parser *s, struct cedar_pos pos, struct decl_type **ret)
{
        if (!schema_type(s, ret))
                return false;
        if ((*ret)->kind == DECL_SET)
                return parser_fail(&s->p, pos, "the context of an action must be a record");
        if ((*ret)->kind == DECL_EITHER)
                (*ret)->kind = DECL_COMMON;
        return true;
}

static bool read_applicable(struct schema_parser *s, struct decl_action *a)
{
        struct cedar_pos pos = s->p.token.pos;
        bool principal = schema_at(s, "principal"), resource = schema_at(s, "resource"),
             context = schema_at(s, "context");

        if (!principal && !resource && !context)
                return parser_unexpected(&s->p, "`principal`, `resource` or `context`");
        if ((principal && a->principals) || (resource && a->resources) || (context && a->context))
                return parser_fail(&s->p, pos, "this was said already");
        if (!parser_advance(&s->p) || !parser_expect(&s->p, TOKEN_COLON, "`:`"))
                return false;
        if (context)
                return read_context(s, pos, &a->context);
        return read_parties(s, pos, principal ? &a->principals : &a->resources);
}

static bool read_applies_to(struct schema_parser *s, struct decl_action *a)
{
        struct cedar_pos pos = s->p.token.pos;
        bool more = true;

        if (!parser_advance(&s->p) || !parser_expect(&s->p, TOKEN_LBRACE, "`{`"))
                return false;
        while (more && !parser_at(&s->p, TOKEN_RBRACE))
                if (!read_applicable(s, a) || !schema_accept(s, TOKEN_COMMA, &more))
                        return false;
        if (!parser_expect(&s->p, TOKEN_RBRACE, "`,` or `}`"))
                return false;
        return (a->principals && a->resources) ||
               parser_fail(&s->p, pos, "`appliesTo` wants `principal` and `resource`");
}

/* `attributes {}`: an older spelling, always empty. */
static bool read_no_attributes(struct schema_parser *s)
{
        return parser_advance(&s->p) && parser_expect(&s->p, TOKEN_LBRACE, "`{`") &&
               parser_expect(&s->p, TOKEN_RBRACE, "`}`");
}

/* Behind the names. */
static bool read_action_rest(struct schema_parser *s, struct decl_action *a)
{
        if (schema_at(s, "in") && (!parser_advance(&s->p) || !read_parents(s, &a->parents)))
                return false;
        if (schema_at(s, "appliesTo") && !read_applies_to(s, a))
                return false;
        if (schema_at(s, "attributes") && !read_no_attributes(s))
                return false;
        return parser_expect(&s->p, TOKEN_SEMICOLON, "`;`");
}

static bool read_action(struct schema_parser *s)
{
        struct decl_action all = { .ns = s->ns };
        struct decl_name *names = NULL;

        if (!parser_advance(&s->p) || !schema_some(s, one_new_action, &names) ||
            !read_action_rest(s, &all))
                return false;
        for (; names; names = names->next) {
                struct decl_action *a = parser_alloc(&s->p, sizeof *a);

                if (!a)
                        return false;
                *a = all;
                a->id = names->name;
                a->at = names->at;
                decl_add_action(s->d, a);
        }
        return true;
}

/* ---- common types, namespaces ---- */

static bool read_common(struct schema_parser *s)
{
        struct decl_common *c = parser_alloc(&s->p, sizeof *c);
        struct cedar_pos pos;

        if (!c || !parser_advance(&s->p))
                return false;
        pos = s->p.token.pos;
        c->ns = s->ns;
        c->at = schema_here(s);
        if (!c->at || !schema_new_name(s, "a name for the type", &c->id))
                return false;
        if (decl_is_type_word(c->id))
                return parser_fail(&s->p, pos, "a common type cannot be called %.*s", (int)c->id.n,
                                   (const char *)c->id.p);
        if (!parser_expect(&s->p, TOKEN_ASSIGN, "`=`") || !schema_type(s, &c->type) ||
            !parser_expect(&s->p, TOKEN_SEMICOLON, "`;`"))
                return false;
        decl_add_common(s->d, c);
        return true;
}

/* Behind its annotations. */
static bool read_declaration(struct schema_parser *s, const char *wanted)
{
        if (schema_at(s, "entity"))
                return read_entity(s);
        if (schema_at(s, "action"))
                return read_action(s);
        if (schema_at(s, "type"))
                return read_common(s);
        return parser_unexpected(&s->p, wanted);
}

static bool read_namespace(struct schema_parser *s)
{
        struct decl_name *n = parser_alloc(&s->p, sizeof *n);
        struct cedar_pos pos;

        if (!n || !parser_advance(&s->p))
                return false;
        pos = s->p.token.pos;
        n->at = schema_here(s);
        if (!n->at || !schema_path(s, "the name of a namespace", &n->name))
                return false;
        if (decl_is_reserved(n->name))
                return parser_fail(&s->p, pos, "nothing can be called __cedar");
        decl_add_namespace(s->d, n);
        if (!parser_expect(&s->p, TOKEN_LBRACE, "`{`"))
                return false;
        s->ns = n->name;
        while (!parser_at(&s->p, TOKEN_RBRACE))
                if (!schema_annotations(s) ||
                    !read_declaration(s, "`entity`, `action`, `type` or `}`"))
                        return false;
        s->ns = SPAN_NONE;
        return parser_advance(&s->p);
}

static bool read_schema(struct schema_parser *s)
{
        while (!parser_at(&s->p, TOKEN_END)) {
                if (!schema_annotations(s))
                        return false;
                if (schema_at(s, "namespace")
                            ? !read_namespace(s)
                            : !read_declaration(s, "`namespace`, `entity`, `action` or `type`"))
                        return false;
        }
        return true;
}

int decl_read(struct span text, struct decl_schema *ret, struct err *err)
{
        struct schema_parser s = { .d = ret };
        bool good = parser_init(&s.p, text, &ret->arena, err);

        s.p.schema = true;
        good = good && read_schema(&s);
        parser_done(&s.p);
        return good ? 0 : s.p.rc;
}

int cedar_schema_parse(struct span text, struct cedar_schema **ret, struct err *err)
{
        struct decl_schema d = { .arena = ARENA_INIT(DECL_MEMORY_MAX) };
        int rc = decl_read(text, &d, err);

        if (rc == 0)
                rc = schema_resolve(&d, ret, err);
        arena_done(&d.arena);
        return rc;
}
