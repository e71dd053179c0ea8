/* SPDX-License-Identifier: Apache-2.0 */
/* schema_json.c - the JSON form of a schema to declarations.  Floor 2, pure.
 *
 * Source: the Cedar documentation, "JSON schema format".  Fields that the format does not have are
 * refused, so that a misspelt one is noticed.
 * SECURITY: reads hostile bytes; tree.c bounds their nesting. */
#include "base/text.h"
#include "policy/decl.h"
#include "policy/token.h"
#include "policy/tree.h"

struct reader {
        struct decl_schema *d;
        struct span ns;
        struct err *err;
};

static int no_memory(struct reader *r)
{
        return err_set(r->err, -ENOMEM, "no memory for the schema");
}

static struct decl_at *step(struct reader *r, const struct decl_at *up, struct span key)
{
        struct decl_at *at = arena_alloc(&r->d->arena, sizeof *at);

        if (at)
                *at = (struct decl_at){ .up = up, .key = key };
        return at;
}

static struct decl_at *step_index(struct reader *r, const struct decl_at *up, uint32_t i)
{
        char text[TEXT_U64_MAX + 1];
        size_t n = text_u64(i, text);
        char *copy = arena_copy(&r->d->arena, span_of(text, n));

        return copy ? step(r, up, span_of(copy, n)) : NULL;
}

static int expect(struct reader *r, const struct decl_at *at, const struct tree *t,
                  enum tree_kind kind)
{
        if (t->kind == kind)
                return 0;
        return decl_fail(r->err, at, "%s is wanted here, not %s", tree_kind_name(kind),
                         tree_kind_name(t->kind));
}

/* ---- fields ---- */

/* What a field of an object is read by. */
typedef int read_field(struct reader *r, const struct decl_at *at, const struct tree *t, void *out);

struct field {
        const char *name;
        read_field *read;
        bool required;
        bool nullable; /* null is the same as not to be there */
};

static const struct field *find_field(const struct field *fields, size_t n, struct span name)
{
        for (size_t i = 0; i < n; i++)
                if (span_eq_str(name, fields[i].name))
                        return &fields[i];
        return NULL;
}

static int read_fields(struct reader *r, const struct decl_at *at, const struct tree *t,
                       const struct field *fields, size_t n, void *out)
{
        int rc = expect(r, at, t, TREE_OBJECT);

        if (rc < 0)
                return rc;
        for (size_t i = 0; i < n; i++)
                if (fields[i].required && !tree_get(t, fields[i].name))
                        return decl_fail(r->err, at, "there is no \"%s\"", fields[i].name);
        for (uint32_t i = 0; i < t->n; i++) {
                const struct tree_member *m = &t->members[i];
                const struct field *f = find_field(fields, n, m->key);
                struct decl_at *here = step(r, at, m->key);

                if (!here)
                        return no_memory(r);
                if (!f)
                        return decl_fail(r->err, here, "there is no such field here");
                if (f->nullable && m->value.kind == TREE_NULL)
                        continue;
                rc = f->read(r, here, &m->value, out);
                if (rc < 0)
                        return rc;
        }
        return 0;
}

/* ---- names ---- */

static int read_path(struct reader *r, const struct decl_at *at, const struct tree *t,
                     struct span *ret)
{
        int rc = expect(r, at, t, TREE_STRING);

        if (rc < 0)
                return rc;
        if (!decl_is_path(t->text))
                return decl_fail(r->err, at, "this is no name of a type");
        *ret = t->text;
        return 0;
}

static int read_names(struct reader *r, const struct decl_at *at, const struct tree *t,
                      struct decl_name **ret)
{
        int rc = expect(r, at, t, TREE_ARRAY);

        if (rc < 0)
                return rc;
        for (uint32_t i = 0; i < t->n; i++) {
                struct decl_name *name = arena_alloc(&r->d->arena, sizeof *name);

                if (!name || !(name->at = step_index(r, at, i)))
                        return no_memory(r);
                rc = read_path(r, name->at, &t->items[i], &name->name);
                if (rc < 0)
                        return rc;
                *ret = name;
                ret = &name->next;
        }
        return 0;
}

static int check_new_ident(struct reader *r, const struct decl_at *at, struct span id)
{
        return cedar_is_ident(id) ? 0 : decl_fail(r->err, at, "this cannot be a name");
}

/* Known to be well spelled and nothing more. */
static int read_annotations(struct reader *r, const struct decl_at *at, const struct tree *t,
                            void *out)
{
        int rc = expect(r, at, t, TREE_OBJECT);

        (void)out;
        for (uint32_t i = 0; i < t->n && rc == 0; i++) {
                const struct tree_member *m = &t->members[i];
                struct decl_at *here = step(r, at, m->key);

                if (!here)
                        return no_memory(r);
                if (!cedar_is_ident(m->key) && cedar_word(m->key) == WORD_NONE)
                        return decl_fail(r->err, here, "this cannot be a name");
                if (m->value.kind != TREE_NULL)
                        rc = expect(r, here, &m->value, TREE_STRING);
        }
        return rc;
}

/* ---- types ---- */

/* A type as its fields, before it is known which sort it is. */
struct raw_type {
        const struct tree *type, *element, *attributes, *additional, *name;
        const struct decl_at *at_type, *at_element, *at_attributes, *at_name;
        bool required;
};

#define DEFINE_RAW(field)                                                                          \
        static int raw_##field(struct reader *r, const struct decl_at *at, const struct tree *t,   \
                               void *out)                                                          \
        {                                                                                          \
                struct raw_type *raw = out;                                                        \
                                                                                                   \
                (void)r;                                                                           \
                raw->field = t;                                                                    \
                raw->at_##field = at;                                                              \
                return 0;                                                                          \
        }
DEFINE_RAW(type)
DEFINE_RAW(element)
DEFINE_RAW(attributes)
DEFINE_RAW(name)

static int raw_additional(struct reader *r, const struct decl_at *at, const struct tree *t,
                          void *out)
{
        struct raw_type *raw = out;
        int rc = expect(r, at, t, TREE_BOOL);

        if (rc < 0)
                return rc;
        raw->additional = t;
        return t->boolean ? decl_fail(r->err, at, "records with further attributes are not known")
                          : 0;
}

static int raw_required(struct reader *r, const struct decl_at *at, const struct tree *t, void *out)
{
        struct raw_type *raw = out;
        int rc = expect(r, at, t, TREE_BOOL);

        if (rc == 0)
                raw->required = t->boolean;
        return rc;
}

static const struct field type_fields[] = {
        { "type", raw_type, true, false },
        { "element", raw_element, false, false },
        { "attributes", raw_attributes, false, false },
        { "additionalAttributes", raw_additional, false, false },
        { "name", raw_name, false, false },
        { "annotations", read_annotations, false, false }, /* of common types and attributes */
        { "required", raw_required, false, false },        /* of attributes */
};
enum { TYPE_BARE = 5, TYPE_COMMON = 6, TYPE_ATTR = 7 }; /* how many of the fields there may be */

static int read_type(struct reader *r, const struct decl_at *at, const struct tree *t,
                     unsigned fields, struct decl_type **ret, bool *ret_required);

/* Which fields go with which sort of type. */
enum type_part { PART_ELEMENT = 1, PART_ATTRIBUTES = 2, PART_NAME = 4 };

static const struct type_sort {
        const char *word;
        unsigned wants;
        enum decl_kind kind;
        enum cedar_kind builtin;
} sorts[] = {
        { "String", 0, DECL_BUILTIN, CEDAR_STRING },
        { "Long", 0, DECL_BUILTIN, CEDAR_LONG },
        { "Boolean", 0, DECL_BUILTIN, CEDAR_BOOL },
        { "Set", PART_ELEMENT, DECL_SET, CEDAR_SET },
        { "Record", PART_ATTRIBUTES, DECL_RECORD, CEDAR_RECORD },
        { "Entity", PART_NAME, DECL_ENTITY, CEDAR_ENTITY },
        { "EntityOrCommon", PART_NAME, DECL_EITHER, CEDAR_ENTITY },
        { "Extension", PART_NAME, DECL_BUILTIN, CEDAR_DECIMAL },
};
static const struct type_sort sort_common = { "", 0, DECL_COMMON, CEDAR_ENTITY };

static int check_parts(struct reader *r, const struct decl_at *at, const struct raw_type *raw,
                       unsigned wants)
{
        const struct {
                const char *name;
                bool there, wanted, allowed;
        } parts[] = {
                { "element", raw->element != NULL, wants & PART_ELEMENT, wants & PART_ELEMENT },
                { "attributes", raw->attributes != NULL, wants & PART_ATTRIBUTES,
                  wants & PART_ATTRIBUTES },
                { "additionalAttributes", raw->additional != NULL, false, wants & PART_ATTRIBUTES },
                { "name", raw->name != NULL, wants & PART_NAME, wants & PART_NAME },
        };

        for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
                if (parts[i].there && !parts[i].allowed)
                        return decl_fail(r->err, at, "a type of this sort has no \"%s\"",
                                         parts[i].name);
                if (parts[i].wanted && !parts[i].there)
                        return decl_fail(r->err, at, "there is no \"%s\"", parts[i].name);
        }
        return 0;
}

static int read_attributes(struct reader *r, const struct raw_type *raw, struct decl_type *type)
{
        struct decl_attr **tail = &type->attrs;
        int rc = expect(r, raw->at_attributes, raw->attributes, TREE_OBJECT);

        if (rc < 0)
                return rc;
        for (uint32_t i = 0; i < raw->attributes->n; i++) {
                const struct tree_member *m = &raw->attributes->members[i];
                struct decl_attr *a = arena_alloc(&r->d->arena, sizeof *a);

                if (!a || !(a->at = step(r, raw->at_attributes, m->key)))
                        return no_memory(r);
                a->name = m->key;
                rc = read_type(r, a->at, &m->value, TYPE_ATTR, &a->type, &a->required);
                if (rc < 0)
                        return rc;
                *tail = a;
                tail = &a->next;
                type->n_attrs++;
        }
        return 0;
}

static int read_extension(struct reader *r, const struct raw_type *raw, struct decl_type *type)
{
        int rc = expect(r, raw->at_name, raw->name, TREE_STRING);

        if (rc < 0)
                return rc;
        if (!decl_builtin(raw->name->text, &type->builtin) || type->builtin < CEDAR_DECIMAL)
                return decl_fail(r->err, raw->at_name, "there is no extension type of this name");
        return 0;
}

static int read_parts(struct reader *r, const struct raw_type *raw, struct decl_type *type)
{
        switch (type->kind) {
        case DECL_SET:
                return read_type(r, raw->at_element, raw->element, TYPE_BARE, &type->item, NULL);
        case DECL_RECORD:
                return read_attributes(r, raw, type);
        case DECL_ENTITY:
        case DECL_EITHER:
                return read_path(r, raw->at_name, raw->name, &type->name);
        case DECL_COMMON:
                return read_path(r, raw->at_type, raw->type, &type->name);
        case DECL_BUILTIN:
                break;
        }
        return raw->name ? read_extension(r, raw, type) : 0;
}

/* Recursion is bounded by TREE_DEPTH_MAX. */
static int read_type(struct reader *r, const struct decl_at *at, const struct tree *t,
                     unsigned fields, struct decl_type **ret, bool *ret_required)
{
        struct decl_type *type = arena_alloc(&r->d->arena, sizeof *type);
        struct raw_type raw = { .required = true };
        const struct type_sort *sort = &sort_common;
        int rc;

        if (!type)
                return no_memory(r);
        rc = read_fields(r, at, t, type_fields, fields, &raw);
        if (rc == 0)
                rc = expect(r, raw.at_type, raw.type, TREE_STRING);
        if (rc < 0)
                return rc;
        for (size_t i = 0; i < ARRAY_LEN(sorts); i++)
                if (span_eq_str(raw.type->text, sorts[i].word))
                        sort = &sorts[i];
        rc = check_parts(r, at, &raw, sort->wants);
        if (rc < 0)
                return rc;
        *type = (struct decl_type){ .kind = sort->kind, .builtin = sort->builtin, .at = at };
        rc = read_parts(r, &raw, type);
        if (rc < 0)
                return rc;
        *ret = type;
        if (ret_required)
                *ret_required = raw.required;
        return 0;
}

/* ---- entity types ---- */

static int entity_parents(struct reader *r, const struct decl_at *at, const struct tree *t,
                          void *out)
{
        struct decl_entity *e = out;

        return read_names(r, at, t, &e->parents);
}

static int entity_shape(struct reader *r, const struct decl_at *at, const struct tree *t, void *out)
{
        struct decl_entity *e = out;

        return read_type(r, at, t, TYPE_BARE, &e->shape, NULL);
}

static int entity_tags(struct reader *r, const struct decl_at *at, const struct tree *t, void *out)
{
        struct decl_entity *e = out;

        return read_type(r, at, t, TYPE_BARE, &e->tags, NULL);
}

static int entity_ids(struct reader *r, const struct decl_at *at, const struct tree *t, void *out)
{
        struct decl_entity *e = out;
        struct decl_name **tail = &e->ids;
        int rc = expect(r, at, t, TREE_ARRAY);

        if (rc < 0)
                return rc;
        if (t->n == 0)
                return decl_fail(r->err, at, "at least one id is wanted");
        for (uint32_t i = 0; i < t->n; i++) {
                struct decl_name *id = arena_alloc(&r->d->arena, sizeof *id);

                if (!id || !(id->at = step_index(r, at, i)))
                        return no_memory(r);
                rc = expect(r, id->at, &t->items[i], TREE_STRING);
                if (rc < 0)
                        return rc;
                id->name = t->items[i].text;
                *tail = id;
                tail = &id->next;
        }
        return 0;
}

static const struct field entity_fields[] = {
        { "memberOfTypes", entity_parents, false, false },
        { "shape", entity_shape, false, false },
        { "tags", entity_tags, false, false },
        { "enum", entity_ids, false, false },
        { "annotations", read_annotations, false, false },
};

static int read_entity(struct reader *r, const struct decl_at *at, const struct tree_member *m)
{
        struct decl_entity *e = arena_alloc(&r->d->arena, sizeof *e);
        int rc = check_new_ident(r, at, m->key);

        if (rc < 0)
                return rc;
        if (!e)
                return no_memory(r);
        *e = (struct decl_entity){ .at = at, .ns = r->ns, .id = m->key };
        rc = read_fields(r, at, &m->value, entity_fields, ARRAY_LEN(entity_fields), e);
        if (rc < 0)
                return rc;
        if (e->ids && (tree_get(&m->value, "memberOfTypes") || e->shape || e->tags))
                return decl_fail(r->err, at, "an enumerated type has only its \"enum\"");
        decl_add_entity(r->d, e);
        return 0;
}

/* ---- common types ---- */

static int read_common(struct reader *r, const struct decl_at *at, const struct tree_member *m)
{
        struct decl_common *c = arena_alloc(&r->d->arena, sizeof *c);
        int rc = check_new_ident(r, at, m->key);

        if (rc < 0)
                return rc;
        if (decl_is_type_word(m->key))
                return decl_fail(r->err, at, "a common type cannot be called this");
        if (!c)
                return no_memory(r);
        *c = (struct decl_common){ .at = at, .ns = r->ns, .id = m->key };
        rc = read_type(r, at, &m->value, TYPE_COMMON, &c->type, NULL);
        if (rc == 0)
                decl_add_common(r->d, c);
        return rc;
}

/* ---- actions ---- */

static int applies_principals(struct reader *r, const struct decl_at *at, const struct tree *t,
                              void *out)
{
        struct decl_action *a = out;

        return read_names(r, at, t, &a->principals);
}

static int applies_resources(struct reader *r, const struct decl_at *at, const struct tree *t,
                             void *out)
{
        struct decl_action *a = out;

        return read_names(r, at, t, &a->resources);
}

static int applies_context(struct reader *r, const struct decl_at *at, const struct tree *t,
                           void *out)
{
        struct decl_action *a = out;

        return read_type(r, at, t, TYPE_BARE, &a->context, NULL);
}

static int action_applies_to(struct reader *r, const struct decl_at *at, const struct tree *t,
                             void *out)
{
        static const struct field fields[] = {
                { "principalTypes", applies_principals, true, false },
                { "resourceTypes", applies_resources, true, false },
                { "context", applies_context, false, false },
        };

        return read_fields(r, at, t, fields, ARRAY_LEN(fields), out);
}

static int parent_id(struct reader *r, const struct decl_at *at, const struct tree *t, void *out)
{
        struct decl_ref *p = out;

        p->id = t->text;
        return expect(r, at, t, TREE_STRING);
}

static int parent_type(struct reader *r, const struct decl_at *at, const struct tree *t, void *out)
{
        struct decl_ref *p = out;

        return read_path(r, at, t, &p->type);
}

static int action_parents(struct reader *r, const struct decl_at *at, const struct tree *t,
                          void *out)
{
        static const struct field fields[] = {
                { "id", parent_id, true, false },
                { "type", parent_type, false, true },
        };
        struct decl_action *a = out;
        struct decl_ref **tail = &a->parents;
        int rc = expect(r, at, t, TREE_ARRAY);

        for (uint32_t i = 0; i < t->n && rc == 0; i++) {
                struct decl_ref *p = arena_alloc(&r->d->arena, sizeof *p);

                if (!p || !(p->at = step_index(r, at, i)))
                        return no_memory(r);
                rc = read_fields(r, p->at, &t->items[i], fields, ARRAY_LEN(fields), p);
                *tail = p;
                tail = &p->next;
        }
        return rc;
}

static int action_attributes(struct reader *r, const struct decl_at *at, const struct tree *t,
                             void *out)
{
        (void)t;
        (void)out;
        return decl_fail(r->err, at, "actions have no attributes");
}

static const struct field action_fields[] = {
        { "appliesTo", action_applies_to, false, true },
        { "memberOf", action_parents, false, true },
        { "attributes", action_attributes, false, true },
        { "annotations", read_annotations, false, false },
};

static int read_action(struct reader *r, const struct decl_at *at, const struct tree_member *m)
{
        struct decl_action *a = arena_alloc(&r->d->arena, sizeof *a);
        int rc;

        if (!a)
                return no_memory(r);
        *a = (struct decl_action){ .at = at, .ns = r->ns, .id = m->key };
        rc = read_fields(r, at, &m->value, action_fields, ARRAY_LEN(action_fields), a);
        if (rc == 0)
                decl_add_action(r->d, a);
        return rc;
}

/* ---- namespaces ---- */

typedef int read_declaration(struct reader *r, const struct decl_at *at,
                             const struct tree_member *m);

static int read_declarations(struct reader *r, const struct decl_at *at, const struct tree *t,
                             read_declaration *read)
{
        int rc = expect(r, at, t, TREE_OBJECT);

        for (uint32_t i = 0; i < t->n && rc == 0; i++) {
                struct decl_at *here = step(r, at, t->members[i].key);

                if (!here)
                        return no_memory(r);
                rc = read(r, here, &t->members[i]);
        }
        return rc;
}

#define DEFINE_DECLARATIONS(field, read)                                                           \
        static int field(struct reader *r, const struct decl_at *at, const struct tree *t,         \
                         void *out)                                                                \
        {                                                                                          \
                (void)out;                                                                         \
                return read_declarations(r, at, t, read);                                          \
        }
DEFINE_DECLARATIONS(namespace_commons, read_common)
DEFINE_DECLARATIONS(namespace_entities, read_entity)
DEFINE_DECLARATIONS(namespace_actions, read_action)

static int read_namespace(struct reader *r, const struct decl_at *at, const struct tree_member *m)
{
        static const struct field fields[] = {
                { "commonTypes", namespace_commons, false, false },
                { "entityTypes", namespace_entities, true, false },
                { "actions", namespace_actions, true, false },
                { "annotations", read_annotations, false, false },
        };
        const struct tree *annotations = tree_get(&m->value, "annotations");

        if (m->key.n == 0 && annotations && annotations->n)
                return decl_fail(r->err, at, "the empty namespace has no annotations");
        if (m->key.n && (!decl_is_path(m->key) || decl_is_reserved(m->key)))
                return decl_fail(r->err, at, "this cannot be the name of a namespace");
        r->ns = m->key;
        return read_fields(r, at, &m->value, fields, ARRAY_LEN(fields), NULL);
}

int cedar_schema_parse_json(struct span json, struct cedar_schema **ret, struct err *err)
{
        static const struct decl_at top = { 0 };
        struct decl_schema d = { .arena = ARENA_INIT(DECL_MEMORY_MAX) };
        struct reader r = { .d = &d, .err = err };
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
