/* SPDX-License-Identifier: Apache-2.0 */
/* call.c - contexts and objects of requests; see call.h.  Floor 2, pure. */
#include "package/call/call.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "package/call/call_value.h"

struct context {
        struct call_maker make;
        const struct package *p;
        const struct call *c;
};

/* ---- parts of the context ---- */

static int put_tls(const struct context *x, const struct cedar_type *type, struct cedar_value *ret)
{
        struct cedar_field *fields = call_room(&x->make, 2, sizeof *fields);
        uint32_t n = 0;

        (void)type;
        if (!fields)
                return -ENOMEM;
        if (x->c->tls_client.n)
                fields[n++] =
                        (struct cedar_field){ SPAN("client"), cedar_string(x->c->tls_client) };
        fields[n++] = (struct cedar_field){ SPAN("version"), cedar_string(x->c->tls_version) };
        *ret = (struct cedar_value){ .kind = CEDAR_RECORD, .n = n, .fields = fields };
        return 0;
}

/* The value of a parameter; NULL: it is not there.  Those of a place ascend by name, as attributes
 * do: *at goes on. */
static const struct call_value *find_parameter(const struct call *c, enum api_place place,
                                               struct span name, uint32_t *at)
{
        const struct api_operation *o = c->operation;

        for (; *at < o->n_parameters; ++*at) {
                const struct api_parameter *p = &o->parameters[*at];

                if (p->in == place && span_eq(p->name, name))
                        return c->parameters[*at].present ? &c->parameters[*at] : NULL;
                if (p->in > place || (p->in == place && span_cmp(p->name, name) > 0))
                        break;
        }
        return NULL;
}

static int put_place(const struct context *x, enum api_place place, const struct cedar_type *type,
                     struct cedar_value *ret)
{
        struct call_path up = { .name = span_str(api_place_name(place)) };
        struct cedar_field *fields = call_room(&x->make, type->n, sizeof *fields);
        uint32_t n = 0, at = 0;

        if (!fields)
                return -ENOMEM;
        for (uint32_t i = 0; i < type->n; i++) {
                const struct cedar_attr *attr = &type->attrs[i];
                const struct call_value *v = find_parameter(x->c, place, attr->name, &at);
                struct call_path path = { .up = &up, .name = attr->name };
                int rc;

                if (!v && attr->required)
                        return call_refuse(x->make.err, &path, "missing");
                if (!v)
                        continue;
                fields[n].key = attr->name;
                rc = call_value_make(&x->make, &v->value, attr->type, &path, &fields[n++].value);
                if (rc < 0)
                        return rc;
        }
        *ret = (struct cedar_value){ .kind = CEDAR_RECORD, .n = n, .fields = fields };
        return 0;
}

static int put_body(const struct context *x, const struct cedar_attr *attr, bool *there,
                    struct cedar_value *ret)
{
        struct call_path path = { .name = attr->name };

        *there = x->c->body && x->c->body->kind != TREE_NULL;
        if (*there)
                return call_value_make(&x->make, x->c->body, attr->type, &path, ret);
        return attr->required ? call_refuse(x->make.err, &path, "missing") : 0;
}

/* One of those that derive.h names. */
static int put_attr(const struct context *x, const struct cedar_attr *attr, bool *there,
                    struct cedar_value *ret)
{
        *there = true;
        for (enum api_place p = API_IN_PATH; p <= API_IN_COOKIE; p++)
                if (span_eq_str(attr->name, api_place_name(p)))
                        return put_place(x, p, attr->type, ret);
        if (span_eq_str(attr->name, "address"))
                *ret = (struct cedar_value){ .kind = CEDAR_IP, .ip = &x->c->address };
        else if (span_eq_str(attr->name, "time"))
                *ret = cedar_number(CEDAR_DATETIME, x->c->time_ms);
        else if (span_eq_str(attr->name, "tls"))
                return put_tls(x, attr->type, ret);
        else
                return put_body(x, attr, there, ret);
        return 0;
}

static int put_context(const struct context *x, const struct cedar_type *type,
                       struct cedar_value *ret)
{
        struct cedar_field *fields = call_room(&x->make, type->n, sizeof *fields);
        uint32_t n = 0;

        if (!fields)
                return -ENOMEM;
        for (uint32_t i = 0; i < type->n; i++) {
                bool there;
                int rc = put_attr(x, &type->attrs[i], &there, &fields[n].value);

                if (rc < 0)
                        return rc;
                if (there)
                        fields[n++].key = type->attrs[i].name;
        }
        *ret = (struct cedar_value){ .kind = CEDAR_RECORD, .n = n, .fields = fields };
        return 0;
}

/* ---- the object ---- */

static int id_of(const struct context *x, const struct tree *t, const struct call_path *path,
                 struct span *ret)
{
        char text[TEXT_U64_MAX + 2];
        const char *copy;
        int n;

        if (t->kind == TREE_STRING) {
                *ret = t->text;
                return 0;
        }
        if (t->kind != TREE_NUMBER && t->kind != TREE_BOOL)
                return call_refuse(x->make.err, path, "no object has this id");
        n = t->kind == TREE_BOOL ? snprintf(text, sizeof text, t->boolean ? "true" : "false")
                                 : snprintf(text, sizeof text, "%" PRId64, t->number);
        copy = arena_copy(x->make.arena, span_of(text, (size_t)n));
        if (!copy)
                return err_set(x->make.err, -ENOMEM, "no memory for the id of an object");
        *ret = span_of(copy, (size_t)n);
        return 0;
}

static int put_resource(const struct context *x, struct cedar_uid *ret)
{
        const struct api_object *object = &x->c->operation->object;
        const struct api_parameter *parameter;
        struct call_path up, path;
        struct span id;
        int rc;

        if (object->type.n == 0 || object->parameter == API_NONE) {
                *ret = cedar_uid(SPAN("Api"), x->p->config.name);
                return 0;
        }
        parameter = &x->c->operation->parameters[object->parameter];
        up = (struct call_path){ .name = span_str(api_place_name(parameter->in)) };
        path = (struct call_path){ .up = &up, .name = parameter->name };
        if (!x->c->parameters[object->parameter].present)
                return call_refuse(x->make.err, &path, "missing");
        rc = id_of(x, &x->c->parameters[object->parameter].value, &path, &id);
        if (rc == 0)
                *ret = cedar_uid(object->type, id);
        return rc;
}

/* ---- both ---- */

static const struct cedar_action *find_action(const struct context *x, struct span id)
{
        const struct cedar_uid uid = cedar_uid(SPAN("Action"), id);

        return cedar_schema_action(x->p->schema, &uid);
}

int call_context(const struct package *p, const struct call *c, struct arena *arena,
                 struct cedar_value *ret_context, struct cedar_uid *ret_resource, struct err *err)
{
        struct context x = { .make = { p->schema, arena, err }, .p = p, .c = c };
        const struct cedar_action *action = find_action(&x, c->operation->id);
        struct cedar_value context;
        struct cedar_uid resource;
        int rc;

        assert(action); /* the schema was derived from the same model */
        rc = put_context(&x, action->context, &context);
        if (rc == 0)
                rc = put_resource(&x, &resource);
        if (rc < 0)
                return rc;
        *ret_context = context;
        *ret_resource = resource;
        return 0;
}

int call_read_context(const struct package *p, const struct call *c,
                      const struct cedar_value *context, const struct cedar_uid *object,
                      struct arena *arena, struct cedar_value *ret, struct err *err)
{
        const struct call_maker make = { p->schema, arena, err };
        const struct span name = SPAN("object"), type = c->operation->object.type.n
                                                                ? c->operation->object.type
                                                                : SPAN("Api");
        struct cedar_field *fields = call_room(&make, (size_t)context->n + 1, sizeof *fields);
        uint32_t at = 0;

        if (!fields)
                return -ENOMEM;
        if (!span_eq(object->type, type))
                return err_set(err, -EINVAL, "the object of %.*s has the type %.*s",
                               (int)c->operation->id.n, (const char *)c->operation->id.p,
                               (int)type.n, (const char *)type.p);
        while (at < context->n && span_cmp(context->fields[at].key, name) < 0)
                at++;
        memcpy(fields, context->fields, at * sizeof *fields);
        fields[at] = (struct cedar_field){ name, cedar_entity_of(object) };
        memcpy(fields + at + 1, context->fields + at, (context->n - at) * sizeof *fields);
        *ret = (struct cedar_value){ .kind = CEDAR_RECORD, .n = context->n + 1, .fields = fields };
        return 0;
}
