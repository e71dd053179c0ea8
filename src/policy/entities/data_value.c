/* SPDX-License-Identifier: Apache-2.0 */
/* data_value.c - JSON to values, by what a schema says or as it comes.  Floor 2, pure.
 *
 * An object that is nearly an escape but not quite ({"__entity": {"type": 1}}) is a record like any
 * other: the format says so by not saying anything else, and the public corpus has such records.
 * SECURITY: reads hostile bytes; tree.c bounds their nesting. */
#include "policy/entities/data_value.h"

#include "policy/schema/decl.h"

static int no_memory(struct data_reader *r)
{
        return err_set(r->err, -ENOMEM, "no memory for a value");
}

int data_expect(struct data_reader *r, const struct tree *t, enum tree_kind kind,
                const struct data_path *path)
{
        if (t->kind == kind)
                return 0;
        return data_fail(r->err, path, "%s is wanted, not %s", tree_kind_name(kind),
                         tree_kind_name(t->kind));
}

static int keep(struct data_reader *r, struct span text, struct span *ret)
{
        const char *copy = arena_copy(r->arena, text);

        if (!copy)
                return no_memory(r);
        *ret = span_of(copy, text.n);
        return 0;
}

static const struct tree *get_string(const struct tree *object, const char *key)
{
        const struct tree *t = tree_get(object, key);

        return t && t->kind == TREE_STRING ? t : NULL;
}

/* ---- entities ---- */

/* {"type": "User", "id": "alice"} */
struct uid_parts {
        const struct tree *type, *id;
};

static bool is_uid(const struct tree *t, struct uid_parts *ret)
{
        *ret = (struct uid_parts){ get_string(t, "type"), get_string(t, "id") };
        return ret->type && ret->id;
}

static int make_uid(struct data_reader *r, const struct uid_parts *parts,
                    const struct data_path *path, struct cedar_uid *ret)
{
        struct span type, id;
        int rc;

        if (!decl_is_path(parts->type->text) || decl_is_reserved(parts->type->text))
                return data_fail(r->err, path, "the type of an entity is a name such as A::B");
        rc = keep(r, parts->type->text, &type);
        if (rc == 0)
                rc = keep(r, parts->id->text, &id);
        if (rc == 0)
                *ret = cedar_uid(type, id);
        return rc;
}

static int refuse_expr(struct data_reader *r, const struct data_path *path)
{
        return data_fail(r->err, path, "\"__expr\" is no longer part of the format");
}

int data_read_uid(struct data_reader *r, const struct tree *t, const struct data_path *path,
                  struct cedar_uid *ret)
{
        const struct tree *escape = tree_get(t, "__entity");
        struct uid_parts parts;

        if (get_string(t, "__expr"))
                return refuse_expr(r, path);
        if ((escape && is_uid(escape, &parts)) || is_uid(t, &parts))
                return make_uid(r, &parts, path, ret);
        return data_fail(r->err, path,
                         "an entity is wanted: {\"type\": \"...\", \"id\": \"...\"}, not %s",
                         t->kind == TREE_OBJECT ? "this object" : tree_kind_name(t->kind));
}

static int uid_value(struct data_reader *r, const struct cedar_uid *uid, struct cedar_value *ret)
{
        struct cedar_uid *copy = arena_alloc(r->arena, sizeof *copy);

        if (!copy)
                return no_memory(r);
        *copy = *uid;
        *ret = cedar_entity_of(copy);
        return 0;
}

static int check_kind(struct data_reader *r, const struct cedar_type *type,
                      const struct cedar_value *v, const struct data_path *path)
{
        if (v->kind == type->kind)
                return 0;
        return data_fail(r->err, path, "%s is wanted, not %s", cedar_kind_name(type->kind),
                         cedar_kind_name(v->kind));
}

/* ---- calls of functions ---- */

/* {"fn": "decimal", "arg": "1.0"} or {"fn": "offset", "args": [...]} */
struct call {
        struct span fn;
        const struct tree *args;
        uint32_t n;
};

static bool is_call(const struct tree *t, struct call *ret)
{
        const struct tree *fn = get_string(t, "fn"), *arg = tree_get(t, "arg"),
                          *args = tree_get(t, "args");

        if (!fn || !(arg || (args && args->kind == TREE_ARRAY)))
                return false;
        *ret = arg ? (struct call){ fn->text, arg, 1 }
                   : (struct call){ fn->text, args->items, args->n };
        return true;
}

static int construct(struct data_reader *r, enum cedar_fn fn, const struct tree *arg,
                     const struct data_path *path, struct cedar_value *ret)
{
        int rc = data_expect(r, arg, TREE_STRING, path);
        struct err why = { 0 };

        if (rc < 0)
                return rc;
        rc = cedar_value_make(fn, arg->text, r->arena, ret, &why);
        if (rc == -EINVAL)
                return data_fail(r->err, path, "%s", err_text(&why));
        return rc < 0 ? no_memory(r) : 0;
}

/* typed: where the schema wants the call's result, it knows what its arguments are as well. */
static int read_offset(struct data_reader *r, const struct call *call, bool typed,
                       const struct data_path *path, struct cedar_value *ret)
{
        static const struct cedar_type types[] = { { .kind = CEDAR_DATETIME },
                                                   { .kind = CEDAR_DURATION } };
        struct cedar_value args[2];

        if (call->n != 2)
                return data_fail(r->err, path, "offset wants two arguments");
        for (unsigned i = 0; i < 2; i++) {
                int rc = data_read_value(r, &call->args[i], typed ? &types[i] : NULL, path,
                                         &args[i]);

                if (rc == 0)
                        rc = check_kind(r, &types[i], &args[i], path);
                if (rc < 0)
                        return rc;
        }
        if (__builtin_add_overflow(args[0].number, args[1].number, &args[0].number))
                return data_fail(r->err, path, "this datetime is beyond 64 bits");
        *ret = args[0];
        return 0;
}

static int read_call(struct data_reader *r, const struct call *call, bool typed,
                     const struct data_path *path, struct cedar_value *ret)
{
        enum cedar_fn fn;

        if (span_eq(call->fn, SPAN("offset")))
                return read_offset(r, call, typed, path, ret);
        if (!cedar_fn_find(call->fn, false, &fn))
                return data_fail(r->err, path, "no function of this name makes a value");
        if (call->n != 1)
                return data_fail(r->err, path, "%s wants one argument", cedar_fn_shape(fn)->name);
        return construct(r, fn, call->args, path, ret);
}

/* ---- containers ---- */

/* A value of one attribute; attr: NULL when nothing is known of it. */
static int read_field(struct data_reader *r, const struct tree_member *m,
                      const struct cedar_attr *attr, const struct data_path *path,
                      struct cedar_field *ret)
{
        int rc = data_read_value(r, &m->value, attr ? attr->type : NULL, path, &ret->value);

        return rc < 0 ? rc : keep(r, m->key, &ret->key);
}

static int check_present(struct data_reader *r, const struct cedar_attr *attr,
                         const struct data_path *up)
{
        struct data_path path = { .up = up, .field = attr->name };

        return attr->required ? data_fail(r->err, &path, "this attribute is missing") : 0;
}

/* Both lists ascend by name. */
static int read_typed_fields(struct data_reader *r, const struct tree *t,
                             const struct cedar_type *type, const struct data_path *up,
                             struct cedar_field *fields)
{
        uint32_t at = 0;
        int rc = 0;

        for (uint32_t i = 0; i < t->n; i++, at++) {
                const struct tree_member *m = &t->members[i];
                struct data_path path = { .up = up, .field = m->key };

                for (; at < type->n && span_cmp(type->attrs[at].name, m->key) < 0 && rc == 0; at++)
                        rc = check_present(r, &type->attrs[at], up);
                if (rc < 0)
                        return rc;
                if (at == type->n || !span_eq(type->attrs[at].name, m->key))
                        return data_fail(r->err, &path, "the schema has no such attribute");
                rc = read_field(r, m, &type->attrs[at], &path, &fields[i]);
                if (rc < 0)
                        return rc;
        }
        for (; at < type->n && rc == 0; at++)
                rc = check_present(r, &type->attrs[at], up);
        return rc;
}

int data_read_record(struct data_reader *r, const struct tree *t, const struct cedar_type *type,
                     const struct data_path *up, struct cedar_value *ret)
{
        struct cedar_field *fields;
        int rc = data_expect(r, t, TREE_OBJECT, up);

        if (rc < 0)
                return rc;
        fields = arena_alloc(r->arena, t->n * sizeof *fields);
        if (!fields)
                return no_memory(r);
        if (type)
                rc = read_typed_fields(r, t, type, up, fields);
        for (uint32_t i = 0; i < t->n && !type && rc == 0; i++) {
                struct data_path path = { .up = up, .field = t->members[i].key };

                rc = read_field(r, &t->members[i], NULL, &path, &fields[i]);
        }
        if (rc == 0)
                *ret = (struct cedar_value){ .kind = CEDAR_RECORD, .n = t->n, .fields = fields };
        return rc;
}

static int read_set(struct data_reader *r, const struct tree *t, const struct cedar_type *item,
                    const struct data_path *up, struct cedar_value *ret)
{
        struct cedar_value *items;
        int rc = data_expect(r, t, TREE_ARRAY, up);

        if (rc < 0)
                return rc;
        items = arena_alloc(r->arena, t->n * sizeof *items);
        if (!items)
                return no_memory(r);
        for (uint32_t i = 0; i < t->n; i++) {
                struct data_path path = { .up = up, .item = i, .in_set = true };

                rc = data_read_value(r, &t->items[i], item, &path, &items[i]);
                if (rc < 0)
                        return rc;
        }
        *ret = cedar_set_of(items, t->n);
        return 0;
}

/* ---- values ---- */

/* An object of which nothing is known: an escape, or a record. */
static int read_object(struct data_reader *r, const struct tree *t, const struct data_path *path,
                       struct cedar_value *ret)
{
        const struct tree *only;
        struct uid_parts parts;
        struct cedar_uid uid;
        struct call call;
        int rc;

        if (t->n != 1)
                return data_read_record(r, t, NULL, path, ret);
        only = &t->members[0].value;
        if (get_string(t, "__expr"))
                return refuse_expr(r, path);
        if (tree_get(t, "__extn") && is_call(only, &call))
                return read_call(r, &call, false, path, ret);
        if (!tree_get(t, "__entity") || !is_uid(only, &parts))
                return data_read_record(r, t, NULL, path, ret);
        rc = make_uid(r, &parts, path, &uid);
        return rc < 0 ? rc : uid_value(r, &uid, ret);
}

static int read_untyped(struct data_reader *r, const struct tree *t, const struct data_path *path,
                        struct cedar_value *ret)
{
        struct span text;
        int rc;

        switch (t->kind) {
        case TREE_REAL: /* tree_read() makes none */
        case TREE_NULL:
                return data_fail(r->err, path, "there is no null; leave the attribute out");
        case TREE_BOOL:
                *ret = cedar_bool(t->boolean);
                return 0;
        case TREE_NUMBER:
                *ret = cedar_number(CEDAR_LONG, t->number);
                return 0;
        case TREE_STRING:
                rc = keep(r, t->text, &text);
                if (rc == 0)
                        *ret = cedar_string(text);
                return rc;
        case TREE_ARRAY:
                return read_set(r, t, NULL, path, ret);
        case TREE_OBJECT:
                return read_object(r, t, path, ret);
        }
        return -EINVAL; /* not reached */
}

/* A string, or a call with or without its escape. */
static int read_extension(struct data_reader *r, const struct tree *t,
                          const struct cedar_type *type, const struct data_path *path,
                          struct cedar_value *ret)
{
        static const enum cedar_fn constructors[CEDAR_KINDS] = { [CEDAR_DECIMAL] = FN_DECIMAL,
                                                                 [CEDAR_IP] = FN_IP,
                                                                 [CEDAR_DATETIME] = FN_DATETIME,
                                                                 [CEDAR_DURATION] = FN_DURATION };
        const struct tree *escape = tree_get(t, "__extn");
        struct call call;
        int rc;

        if (get_string(t, "__expr"))
                return refuse_expr(r, path);
        if ((escape && is_call(escape, &call)) || is_call(t, &call))
                rc = read_call(r, &call, true, path, ret);
        else
                rc = construct(r, constructors[type->kind], t, path, ret);
        return rc < 0 ? rc : check_kind(r, type, ret, path);
}

static int read_entity(struct data_reader *r, const struct tree *t, const struct cedar_type *type,
                       const struct data_path *path, struct cedar_value *ret)
{
        struct cedar_uid uid;
        int rc = data_read_uid(r, t, path, &uid);

        if (rc < 0)
                return rc;
        rc = uid_value(r, &uid, ret);
        return rc < 0 ? rc : data_check_value(r->schema, type, ret, path, r->err);
}

/* Recursion is bounded by TREE_DEPTH_MAX. */
int data_read_value(struct data_reader *r, const struct tree *t, const struct cedar_type *type,
                    const struct data_path *path, struct cedar_value *ret)
{
        int rc;

        if (!type)
                return read_untyped(r, t, path, ret);
        switch (type->kind) {
        case CEDAR_ENTITY:
                return read_entity(r, t, type, path, ret);
        case CEDAR_SET:
                return read_set(r, t, type->item, path, ret);
        case CEDAR_RECORD:
                return data_read_record(r, t, type, path, ret);
        case CEDAR_DECIMAL:
        case CEDAR_IP:
        case CEDAR_DATETIME:
        case CEDAR_DURATION:
                return read_extension(r, t, type, path, ret);
        default:
                rc = read_untyped(r, t, path, ret);
                return rc < 0 ? rc : check_kind(r, type, ret, path);
        }
}
