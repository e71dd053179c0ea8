/* SPDX-License-Identifier: Apache-2.0 */
/* schema_json_type.c - the JSON form of schemas: fields, names, types.  Floor 2, pure.
 * SECURITY: reads hostile bytes; tree.c bounds their nesting. */
#include "base/text.h"
#include "policy/parse/token.h"
#include "policy/schema/schema_json.h"

int js_no_memory(struct json_schema *r)
{
        return err_set(r->err, -ENOMEM, "no memory for the schema");
}

const struct decl_at *js_step(struct json_schema *r, const struct decl_at *up, struct span key)
{
        struct decl_at *at = arena_alloc(&r->d->arena, sizeof *at);

        if (at)
                *at = (struct decl_at){ .up = up, .key = key };
        return at;
}

const struct decl_at *js_step_index(struct json_schema *r, const struct decl_at *up, uint32_t i)
{
        char text[TEXT_U64_MAX + 1];
        size_t n = text_u64(i, text);
        char *copy = arena_copy(&r->d->arena, span_of(text, n));

        return copy ? js_step(r, up, span_of(copy, n)) : NULL;
}

int js_expect(struct json_schema *r, const struct decl_at *at, const struct tree *t,
              enum tree_kind kind)
{
        if (t->kind == kind)
                return 0;
        return decl_fail(r->err, at, "%s is wanted here, not %s", tree_kind_name(kind),
                         tree_kind_name(t->kind));
}

/* ---- fields ---- */

static const struct js_field *find_field(const struct js_field *fields, size_t n, struct span name)
{
        for (size_t i = 0; i < n; i++)
                if (span_eq_str(name, fields[i].name))
                        return &fields[i];
        return NULL;
}

int js_fields(struct json_schema *r, const struct decl_at *at, const struct tree *t,
              const struct js_field *fields, size_t n, void *out)
{
        int rc = js_expect(r, at, t, TREE_OBJECT);

        if (rc < 0)
                return rc;
        for (size_t i = 0; i < n; i++)
                if (fields[i].required && !tree_get(t, fields[i].name))
                        return decl_fail(r->err, at, "there is no \"%s\"", fields[i].name);
        for (uint32_t i = 0; i < t->n; i++) {
                const struct tree_member *m = &t->members[i];
                const struct js_field *f = find_field(fields, n, m->key);
                const struct decl_at *here = js_step(r, at, m->key);

                if (!here)
                        return js_no_memory(r);
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

int js_path(struct json_schema *r, const struct decl_at *at, const struct tree *t, struct span *ret)
{
        int rc = js_expect(r, at, t, TREE_STRING);

        if (rc < 0)
                return rc;
        if (!decl_is_path(t->text))
                return decl_fail(r->err, at, "this is no name of a type");
        *ret = t->text;
        return 0;
}

int js_paths(struct json_schema *r, const struct decl_at *at, const struct tree *t,
             struct decl_name **ret)
{
        int rc = js_expect(r, at, t, TREE_ARRAY);

        if (rc < 0)
                return rc;
        for (uint32_t i = 0; i < t->n; i++) {
                struct decl_name *name = arena_alloc(&r->d->arena, sizeof *name);

                if (!name || !(name->at = js_step_index(r, at, i)))
                        return js_no_memory(r);
                rc = js_path(r, name->at, &t->items[i], &name->name);
                if (rc < 0)
                        return rc;
                *ret = name;
                ret = &name->next;
        }
        return 0;
}

/* Known to be well spelled and nothing more. */
int js_annotations(struct json_schema *r, const struct decl_at *at, const struct tree *t, void *out)
{
        int rc = js_expect(r, at, t, TREE_OBJECT);

        (void)out;
        for (uint32_t i = 0; i < t->n && rc == 0; i++) {
                const struct tree_member *m = &t->members[i];
                const struct decl_at *here = js_step(r, at, m->key);

                if (!here)
                        return js_no_memory(r);
                if (!cedar_is_ident(m->key) && cedar_word(m->key) == WORD_NONE)
                        return decl_fail(r->err, here, "this cannot be a name");
                if (m->value.kind != TREE_NULL)
                        rc = js_expect(r, here, &m->value, TREE_STRING);
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
        static int raw_##field(struct json_schema *r, const struct decl_at *at,                    \
                               const struct tree *t, void *out)                                    \
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

static int raw_additional(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                          void *out)
{
        struct raw_type *raw = out;
        int rc = js_expect(r, at, t, TREE_BOOL);

        if (rc < 0)
                return rc;
        raw->additional = t;
        return t->boolean ? decl_fail(r->err, at, "records with further attributes are not known")
                          : 0;
}

static int raw_required(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                        void *out)
{
        struct raw_type *raw = out;
        int rc = js_expect(r, at, t, TREE_BOOL);

        if (rc == 0)
                raw->required = t->boolean;
        return rc;
}

static const struct js_field type_fields[] = {
        { "type", raw_type, true, false },
        { "element", raw_element, false, false },
        { "attributes", raw_attributes, false, false },
        { "additionalAttributes", raw_additional, false, false },
        { "name", raw_name, false, false },
        { "annotations", js_annotations, false, false }, /* of common types and attributes */
        { "required", raw_required, false, false },      /* of attributes */
};
enum { TYPE_BARE = 5, TYPE_COMMON = 6, TYPE_ATTR = 7 }; /* how many of the fields there may be */

static int read_type(struct json_schema *r, const struct decl_at *at, const struct tree *t,
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

static int check_parts(struct json_schema *r, const struct decl_at *at, const struct raw_type *raw,
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

static int read_attributes(struct json_schema *r, const struct raw_type *raw,
                           struct decl_type *type)
{
        struct decl_attr **tail = &type->attrs;
        int rc = js_expect(r, raw->at_attributes, raw->attributes, TREE_OBJECT);

        if (rc < 0)
                return rc;
        for (uint32_t i = 0; i < raw->attributes->n; i++) {
                const struct tree_member *m = &raw->attributes->members[i];
                struct decl_attr *a = arena_alloc(&r->d->arena, sizeof *a);

                if (!a || !(a->at = js_step(r, raw->at_attributes, m->key)))
                        return js_no_memory(r);
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

static int read_extension(struct json_schema *r, const struct raw_type *raw, struct decl_type *type)
{
        int rc = js_expect(r, raw->at_name, raw->name, TREE_STRING);

        if (rc < 0)
                return rc;
        if (!decl_builtin(raw->name->text, &type->builtin) || type->builtin < CEDAR_DECIMAL)
                return decl_fail(r->err, raw->at_name, "there is no extension type of this name");
        return 0;
}

static int read_parts(struct json_schema *r, const struct raw_type *raw, struct decl_type *type)
{
        switch (type->kind) {
        case DECL_SET:
                return read_type(r, raw->at_element, raw->element, TYPE_BARE, &type->item, NULL);
        case DECL_RECORD:
                return read_attributes(r, raw, type);
        case DECL_ENTITY:
        case DECL_EITHER:
                return js_path(r, raw->at_name, raw->name, &type->name);
        case DECL_COMMON:
                return js_path(r, raw->at_type, raw->type, &type->name);
        case DECL_BUILTIN:
                break;
        }
        return raw->name ? read_extension(r, raw, type) : 0;
}

/* Recursion is bounded by TREE_DEPTH_MAX. */
static int read_type(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                     unsigned fields, struct decl_type **ret, bool *ret_required)
{
        struct decl_type *type = arena_alloc(&r->d->arena, sizeof *type);
        struct raw_type raw = { .required = true };
        const struct type_sort *sort = &sort_common;
        int rc;

        if (!type)
                return js_no_memory(r);
        rc = js_fields(r, at, t, type_fields, fields, &raw);
        if (rc == 0)
                rc = js_expect(r, raw.at_type, raw.type, TREE_STRING);
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

int js_type(struct json_schema *r, const struct decl_at *at, const struct tree *t,
            struct decl_type **ret)
{
        return read_type(r, at, t, TYPE_BARE, ret, NULL);
}

int js_common_type(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                   struct decl_type **ret)
{
        return read_type(r, at, t, TYPE_COMMON, ret, NULL);
}
