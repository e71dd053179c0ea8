/* SPDX-License-Identifier: Apache-2.0 */
/* schema_json.c - the JSON form of schemas: declarations and namespaces.  Floor 2, pure.
 *
 * Source: the Cedar documentation, "JSON schema format".  Fields that the format does not have are
 * refused, so that a misspelt one is noticed.
 * SECURITY: reads hostile bytes; tree.c bounds their nesting. */
#include "policy/schema/schema_json.h"

#include "policy/parse/token.h"

static int check_new_ident(struct json_schema *r, const struct decl_at *at, struct span id)
{
        return cedar_is_ident(id) ? 0 : decl_fail(r->err, at, "this cannot be a name");
}

/* ---- entity types ---- */

static int entity_parents(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                          void *out)
{
        struct decl_entity *e = out;

        return js_paths(r, at, t, &e->parents);
}

static int entity_shape(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                        void *out)
{
        struct decl_entity *e = out;

        return js_type(r, at, t, &e->shape);
}

static int entity_tags(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                       void *out)
{
        struct decl_entity *e = out;

        return js_type(r, at, t, &e->tags);
}

static int entity_ids(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                      void *out)
{
        struct decl_entity *e = out;
        struct decl_name **tail = &e->ids;
        int rc = js_expect(r, at, t, TREE_ARRAY);

        if (rc < 0)
                return rc;
        if (t->n == 0)
                return decl_fail(r->err, at, "at least one id is wanted");
        for (uint32_t i = 0; i < t->n; i++) {
                struct decl_name *id = arena_alloc(&r->d->arena, sizeof *id);

                if (!id || !(id->at = js_step_index(r, at, i)))
                        return js_no_memory(r);
                rc = js_expect(r, id->at, &t->items[i], TREE_STRING);
                if (rc < 0)
                        return rc;
                id->name = t->items[i].text;
                *tail = id;
                tail = &id->next;
        }
        return 0;
}

static const struct js_field entity_fields[] = {
        { "memberOfTypes", entity_parents, false, false },
        { "shape", entity_shape, false, false },
        { "tags", entity_tags, false, false },
        { "enum", entity_ids, false, false },
        { "annotations", js_annotations, false, false },
};

static int read_entity(struct json_schema *r, const struct decl_at *at, const struct tree_member *m)
{
        struct decl_entity *e = arena_alloc(&r->d->arena, sizeof *e);
        int rc = check_new_ident(r, at, m->key);

        if (rc < 0)
                return rc;
        if (!e)
                return js_no_memory(r);
        *e = (struct decl_entity){ .at = at, .ns = r->ns, .id = m->key };
        rc = js_fields(r, at, &m->value, entity_fields, ARRAY_LEN(entity_fields), e);
        if (rc < 0)
                return rc;
        if (e->ids && (tree_get(&m->value, "memberOfTypes") || e->shape || e->tags))
                return decl_fail(r->err, at, "an enumerated type has only its \"enum\"");
        decl_add_entity(r->d, e);
        return 0;
}

/* ---- common types ---- */

static int read_common(struct json_schema *r, const struct decl_at *at, const struct tree_member *m)
{
        struct decl_common *c = arena_alloc(&r->d->arena, sizeof *c);
        int rc = check_new_ident(r, at, m->key);

        if (rc < 0)
                return rc;
        if (decl_is_type_word(m->key))
                return decl_fail(r->err, at, "a common type cannot be called this");
        if (!c)
                return js_no_memory(r);
        *c = (struct decl_common){ .at = at, .ns = r->ns, .id = m->key };
        rc = js_common_type(r, at, &m->value, &c->type);
        if (rc == 0)
                decl_add_common(r->d, c);
        return rc;
}

/* ---- actions ---- */

static int applies_principals(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                              void *out)
{
        struct decl_action *a = out;

        return js_paths(r, at, t, &a->principals);
}

static int applies_resources(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                             void *out)
{
        struct decl_action *a = out;

        return js_paths(r, at, t, &a->resources);
}

static int applies_context(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                           void *out)
{
        struct decl_action *a = out;

        return js_type(r, at, t, &a->context);
}

static int action_applies_to(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                             void *out)
{
        static const struct js_field fields[] = {
                { "principalTypes", applies_principals, true, false },
                { "resourceTypes", applies_resources, true, false },
                { "context", applies_context, false, false },
        };

        return js_fields(r, at, t, fields, ARRAY_LEN(fields), out);
}

static int parent_id(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                     void *out)
{
        struct decl_ref *p = out;

        p->id = t->text;
        return js_expect(r, at, t, TREE_STRING);
}

static int parent_type(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                       void *out)
{
        struct decl_ref *p = out;

        return js_path(r, at, t, &p->type);
}

static int action_parents(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                          void *out)
{
        static const struct js_field fields[] = {
                { "id", parent_id, true, false },
                { "type", parent_type, false, true },
        };
        struct decl_action *a = out;
        struct decl_ref **tail = &a->parents;
        int rc = js_expect(r, at, t, TREE_ARRAY);

        for (uint32_t i = 0; i < t->n && rc == 0; i++) {
                struct decl_ref *p = arena_alloc(&r->d->arena, sizeof *p);

                if (!p || !(p->at = js_step_index(r, at, i)))
                        return js_no_memory(r);
                rc = js_fields(r, p->at, &t->items[i], fields, ARRAY_LEN(fields), p);
                *tail = p;
                tail = &p->next;
        }
        return rc;
}

static int action_attributes(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                             void *out)
{
        (void)t;
        (void)out;
        return decl_fail(r->err, at, "actions have no attributes");
}

static const struct js_field action_fields[] = {
        { "appliesTo", action_applies_to, false, true },
        { "memberOf", action_parents, false, true },
        { "attributes", action_attributes, false, true },
        { "annotations", js_annotations, false, false },
};

static int read_action(struct json_schema *r, const struct decl_at *at, const struct tree_member *m)
{
        struct decl_action *a = arena_alloc(&r->d->arena, sizeof *a);
        int rc;

        if (!a)
                return js_no_memory(r);
        *a = (struct decl_action){ .at = at, .ns = r->ns, .id = m->key };
        rc = js_fields(r, at, &m->value, action_fields, ARRAY_LEN(action_fields), a);
        if (rc == 0)
                decl_add_action(r->d, a);
        return rc;
}

/* ---- namespaces ---- */

typedef int read_declaration(struct json_schema *r, const struct decl_at *at,
                             const struct tree_member *m);

static int read_declarations(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                             read_declaration *read)
{
        int rc = js_expect(r, at, t, TREE_OBJECT);

        for (uint32_t i = 0; i < t->n && rc == 0; i++) {
                const struct decl_at *here = js_step(r, at, t->members[i].key);

                if (!here)
                        return js_no_memory(r);
                rc = read(r, here, &t->members[i]);
        }
        return rc;
}

#define DEFINE_DECLARATIONS(field, read)                                                           \
        static int field(struct json_schema *r, const struct decl_at *at, const struct tree *t,    \
                         void *out)                                                                \
        {                                                                                          \
                (void)out;                                                                         \
                return read_declarations(r, at, t, read);                                          \
        }
DEFINE_DECLARATIONS(namespace_commons, read_common)
DEFINE_DECLARATIONS(namespace_entities, read_entity)
DEFINE_DECLARATIONS(namespace_actions, read_action)

static int read_namespace(struct json_schema *r, const struct decl_at *at,
                          const struct tree_member *m)
{
        static const struct js_field fields[] = {
                { "commonTypes", namespace_commons, false, false },
                { "entityTypes", namespace_entities, true, false },
                { "actions", namespace_actions, true, false },
                { "annotations", js_annotations, false, false },
        };
        const struct tree *annotations = tree_get(&m->value, "annotations");

        if (m->key.n == 0 && annotations && annotations->n)
                return decl_fail(r->err, at, "the empty namespace has no annotations");
        if (m->key.n && (!decl_is_path(m->key) || decl_is_reserved(m->key)))
                return decl_fail(r->err, at, "this cannot be the name of a namespace");
        r->ns = m->key;
        return js_fields(r, at, &m->value, fields, ARRAY_LEN(fields), NULL);
}

int cedar_schema_parse_json(struct span json, struct cedar_schema **ret, struct err *err)
{
        static const struct decl_at top = { 0 };
        struct decl_schema d = { .arena = ARENA_INIT(DECL_MEMORY_MAX) };
        struct json_schema r = { .d = &d, .err = err };
        struct tree tree;
        int rc;

        if (json.n > CEDAR_SOURCE_MAX)
                return err_set(err, -E2BIG, "a schema of %zu bytes, at most %d are read", json.n,
                               CEDAR_SOURCE_MAX);
        rc = tree_read(json, &d.arena, &tree, err);
        if (rc == 0)
                rc = read_declarations(&r, &top, &tree, read_namespace);
        if (rc == 0)
                rc = schema_resolve(&d, ret, err);
        arena_done(&d.arena);
        return rc;
}
