/* SPDX-License-Identifier: Apache-2.0 */
/* derive_types.c - entity types: what types.cedarschema says of them, and the rest.  Floor 2, pure.
 */
#include <stdio.h>
#include <stdlib.h>

#include "package/derive/derive_text.h"
#include "package/policies/policy_place.h"

static const struct span caller = SPAN_INIT("Caller"), group = SPAN_INIT("Group");

/* ---- what types.cedarschema declares ---- */

/* `NS::Name` is this name. */
static bool is_called(struct span ns, struct span id, struct span name)
{
        if (ns.n == 0)
                return span_eq(id, name);
        return name.n == ns.n + 2 + id.n && span_starts(name, ns) &&
               span_starts(span_from(name, ns.n), SPAN("::")) &&
               span_eq(span_from(name, ns.n + 2), id);
}

static const struct decl_entity *declared(const struct deriver *d, struct span name)
{
        const struct decl_entity *e = d->declared.entities;

        while (e && !is_called(e->ns, e->id, name))
                e = e->next;
        return e;
}

static int read_types(struct deriver *d)
{
        struct err err = { 0 };
        int rc = d->types.n ? decl_read(d->types, &d->declared, &err) : 0;
        struct source_mark mark = { 0 };

        if (rc != -EINVAL)
                return rc < 0 ? err_set(d->err, rc, "types.cedarschema: %s", err_text(&err)) : 0;
        if (!d->l)
                return err_set(d->err, rc, "types.cedarschema: %s", err_text(&err));
        d->l->file = SPAN("types.cedarschema");
        lint_error(d->l, &mark, "%s", policy_place(err_text(&err), &mark));
        return rc;
}

/* ---- types of objects ---- */

static int by_text(const void *a, const void *b)
{
        return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static bool is_object_type(struct span type)
{
        const struct span action = SPAN("Action");
        size_t from = type.n;

        if (!decl_is_path(type) || decl_is_reserved(type) || span_eq_str(type, "DataClass"))
                return false;
        while (from && type.p[from - 1] != ':')
                from--;
        return !span_eq(span_from(type, from), action);
}

/* The first operation on such an object. */
static struct span operation_on(const struct deriver *d, struct span type)
{
        uint32_t i = 0;

        while (!span_eq(d->api->operations[i].object.type, type))
                i++;
        return d->api->operations[i].id;
}

static int check_object(struct deriver *d, struct span type)
{
        d->operation = operation_on(d, type);
        if (!is_object_type(type))
                return derive_error(d, NULL, "x-object: no entity can have the type %.*s",
                                    (int)type.n, (const char *)type.p);
        if (memchr(type.p, ':', type.n) && !declared(d, type))
                return derive_error(d, NULL,
                                    "x-object: %.*s has a namespace: it is to be declared in "
                                    "types.cedarschema",
                                    (int)type.n, (const char *)type.p);
        return 0;
}

static int list_objects(struct deriver *d)
{
        uint32_t n = 0;
        int rc = 0;

        d->objects = arena_alloc(&d->arena, d->api->n_operations * sizeof *d->objects);
        if (!d->objects)
                return err_set(d->err, -ENOMEM, "no memory for the types of objects");
        for (uint32_t i = 0; i < d->api->n_operations; i++)
                if (d->api->operations[i].object.type.n)
                        d->objects[n++] = d->api->operations[i].object.type;
        qsort(d->objects, n, sizeof *d->objects, by_text);
        for (uint32_t i = 0; i < n; i++) {
                struct span type = d->objects[i];

                if (i && span_eq(type, d->objects[i - 1]))
                        continue;
                if (check_object(d, type) < 0)
                        rc = -EINVAL;
                d->objects[d->n_objects++] = type;
        }
        d->operation = SPAN_NONE;
        return rc;
}

/* ---- names that are taken ---- */

static int take_names(struct deriver *d)
{
        static const char *const words[] = { "Api",       "Bool",    "Boolean",   "Caller",
                                             "DataClass", "Entity",  "Extension", "Group",
                                             "Long",      "Record",  "Set",       "String",
                                             "datetime",  "decimal", "duration",  "ipaddr",
                                             "Action" };
        struct derive_name taken = { .what = NAMED_OTHERWISE };
        struct span given;
        int rc = 0;

        for (size_t i = 0; i < ARRAY_LEN(words) && rc == 0; i++) {
                taken.name = span_str(words[i]);
                rc = derive_name(&d->names, &taken, &given);
        }
        for (uint32_t i = 0; i < d->n_objects && rc == 0; i++) {
                taken.name = d->objects[i];
                rc = derive_name(&d->names, &taken, &given);
        }
        return rc < 0 ? err_set(d->err, rc, "no memory for names") : 0;
}

int derive_read_types(struct deriver *d)
{
        int rc = read_types(d);

        if (rc == 0)
                rc = list_objects(d);
        return rc < 0 ? rc : take_names(d);
}

static int refuse(struct deriver *d, const struct decl_at *at, struct span name)
{
        return derive_error(d, at, "%.*s is derived from openapi.yaml and cannot be declared here",
                            (int)name.n, (const char *)name.p);
}

/* Entity types of callers, groups and objects are what the file is for. */
static bool is_open(const struct deriver *d, struct span name)
{
        return span_eq(name, caller) || span_eq(name, group) ||
               (!span_eq_str(name, "Api") && d->n_objects &&
                bsearch(&name, d->objects, d->n_objects, sizeof name, by_text));
}

int derive_check_types(struct deriver *d)
{
        const struct derive_name *had;
        int rc = 0;

        for (const struct decl_entity *e = d->declared.entities; e; e = e->next) {
                had = e->ns.n ? NULL : derive_name_find(&d->names, e->id);
                if (had && !is_open(d, e->id))
                        rc = refuse(d, e->at, e->id);
        }
        for (const struct decl_common *c = d->declared.commons; c; c = c->next)
                if (c->ns.n == 0 && derive_name_find(&d->names, c->id))
                        rc = refuse(d, c->at, c->id);
        for (const struct decl_action *a = d->declared.actions; a; a = a->next)
                rc = derive_error(d, a->at,
                                  "actions are derived from openapi.yaml and cannot be "
                                  "declared here");
        return rc;
}

/* ---- entities ---- */

static int claims_of(struct deriver *d, struct span **ret, uint32_t *ret_n)
{
        uint32_t n = 0, kept = 0;
        struct span *list;

        for (uint32_t i = 0; i < d->config->n_identities; i++)
                n += d->config->identities[i].n_claims;
        list = arena_alloc(&d->arena, n * sizeof *list);
        if (!list)
                return -ENOMEM;
        n = 0;
        for (uint32_t i = 0; i < d->config->n_identities; i++)
                for (uint32_t k = 0; k < d->config->identities[i].n_claims; k++)
                        list[n++] = d->config->identities[i].claims[k];
        qsort(list, n, sizeof *list, by_text);
        for (uint32_t i = 0; i < n; i++)
                if (kept == 0 || !span_eq(list[i], list[kept - 1]))
                        list[kept++] = list[i];
        *ret = list;
        *ret_n = kept;
        return 0;
}

static void put_caller(struct deriver *d)
{
        struct span *claims = NULL;
        uint32_t n = 0;

        if (claims_of(d, &claims, &n) < 0) {
                d->status = -ENOMEM;
                return;
        }
        buf_put_str(d->out, n ? "entity Caller in [Group] {\n" : "entity Caller in [Group];\n");
        for (uint32_t i = 0; i < n; i++) {
                buf_put_str(d->out, "  ");
                derive_put_name(d->out, claims[i]);
                buf_put_str(d->out, "?: String,\n");
        }
        buf_put_str(d->out, n ? "};\n" : "");
}

void derive_put_entities(struct deriver *d)
{
        if (!declared(d, caller))
                put_caller(d);
        if (!declared(d, group))
                buf_put_str(d->out, "entity Group in [Group];\n");
        buf_put_str(d->out, "entity Api;\nentity DataClass in [DataClass];\n");
        for (uint32_t i = 0; i < d->n_objects; i++) {
                struct span type = d->objects[i];

                if (declared(d, type) || span_eq(type, caller) || span_eq(type, group) ||
                    span_eq_str(type, "Api"))
                        continue;
                buf_put_str(d->out, "entity ");
                buf_put(d->out, type);
                buf_put_str(d->out, ";\n");
        }
}

/* ---- the whole ---- */

/* Nobody says what the attributes are of callers and objects that entities.yaml has not. */
static void warn_required(struct deriver *d, const struct decl_entity *e,
                          const struct cedar_entity_type *t)
{
        for (uint32_t i = 0; d->l && t->attrs && i < t->attrs->n; i++) {
                const struct cedar_attr *a = &t->attrs->attrs[i];
                struct source_mark mark = { e->at->line, e->at->column };

                if (!a->required)
                        continue;
                d->l->file = SPAN("types.cedarschema");
                lint_warning(d->l, &mark,
                             "only what is in entities.yaml has \"%.*s\": with any other a policy "
                             "that asks for it errs and does not count, a forbid either; let it be "
                             "optional (\"?\") and ask with `has` first",
                             (int)a->name.n, (const char *)a->name.p);
        }
}

static int check_claim(struct deriver *d, const struct cedar_entity_type *c, struct span claim)
{
        const struct decl_entity *e = declared(d, caller);
        const struct cedar_attr *attr = NULL;

        for (uint32_t i = 0; i < c->attrs->n; i++)
                if (span_eq(c->attrs->attrs[i].name, claim))
                        attr = &c->attrs->attrs[i];
        if (attr && !attr->required && attr->type->kind == CEDAR_STRING)
                return 0;
        return derive_error(d, e ? e->at : NULL,
                            "Caller wants the attribute `\"%.*s\"?: String`: it is a claim that "
                            "gateway.yaml passes on",
                            (int)claim.n, (const char *)claim.p);
}

static int check_caller(struct deriver *d, const struct cedar_schema *schema)
{
        const struct cedar_entity_type *c = cedar_schema_entity(schema, caller);
        const struct decl_entity *e = declared(d, caller);
        struct span *claims = NULL;
        uint32_t n = 0;
        int rc = 0;

        if (!e)
                return 0;
        if (claims_of(d, &claims, &n) < 0)
                return err_set(d->err, -ENOMEM, "no memory for claims");
        if (c->n_ids)
                return derive_error(d, e->at, "callers cannot be enumerated");
        for (uint32_t i = 0; i < n; i++)
                if (check_claim(d, c, claims[i]) < 0)
                        rc = -EINVAL;
        if (rc == 0)
                warn_required(d, e, c);
        if (!cedar_schema_type_in(schema, caller, group))
                rc = derive_error(d, e->at,
                                  "a Caller must be one that can be in a Group: "
                                  "`entity Caller in [Group]`");
        return rc;
}

static int check_objects(struct deriver *d, const struct cedar_schema *schema)
{
        int rc = 0;

        for (uint32_t i = 0; i < d->n_objects; i++) {
                const struct decl_entity *e = declared(d, d->objects[i]);
                const struct cedar_entity_type *t = cedar_schema_entity(schema, d->objects[i]);

                if (e && t && t->n_ids)
                        rc = derive_error(d, e->at,
                                          "%.*s is the type of an object (x-object) and cannot be "
                                          "enumerated",
                                          (int)d->objects[i].n, (const char *)d->objects[i].p);
                else if (e && t && !span_eq(d->objects[i], caller))
                        warn_required(d, e, t);
        }
        return rc;
}

/* What the parser says of the whole text, at its place in the file it comes from. */
static int tell_parser(struct deriver *d, const struct err *err, uint32_t from)
{
        struct source_mark mark = { 0 };
        const char *text = policy_place(err_text(err), &mark);
        struct decl_at at = { .line = mark.line - from, .column = mark.column };

        if (err->code != -EINVAL)
                return err_set(d->err, err->code, "the derived schema: %s", err_text(err));
        return derive_error(d, mark.line > from ? &at : NULL, "%s", text);
}

int derive_check_whole(struct deriver *d, struct span text, uint32_t from)
{
        CLEANUP(cedar_schema_freep) struct cedar_schema *schema = NULL;
        struct err err = { 0 };
        int rc;

        if (d->types.n == 0)
                return 0;
        if (cedar_schema_parse(text, &schema, &err) < 0)
                return tell_parser(d, &err, from);
        rc = check_caller(d, schema);
        if (rc == 0 || rc == -EINVAL)
                rc = check_objects(d, schema) < 0 ? -EINVAL : rc;
        return rc;
}
