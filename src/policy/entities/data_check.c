/* SPDX-License-Identifier: Apache-2.0 */
/* data_check.c - values and requests held against a schema.  Floor 2, pure. */
#include "policy/entities/data_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

/* `x.y[2]` */
static void put_path(const struct data_path *path, unsigned depth, struct buf *out)
{
        if (!path || !depth)
                return;
        put_path(path->up, depth - 1, out);
        if (path->in_set) {
                buf_printf(out, "[%u]", path->item);
                return;
        }
        if (path->what)
                buf_put_str(out, path->what);
        else if (out->n && path->up->field.n + path->up->in_set > 0)
                buf_put_byte(out, '.');
        text_put_safe(out, path->field);
}

int(data_fail)(struct err *err, const struct data_path *path, const char *fmt, ...)
{
        enum { STEPS_SHOWN = 40 };
        struct buf where = BUF_INIT(ERR_TEXT_MAX / 2);
        char text[ERR_TEXT_MAX];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        put_path(path, STEPS_SHOWN, &where);
        err_set(err, -EINVAL, "%.*s%s%s", (int)where.n, where.n ? (const char *)where.p : "",
                where.n ? ": " : "", text);
        buf_done(&where);
        return -EINVAL;
}

void data_uid_print(const struct cedar_uid *uid, char out[DATA_UID_SHOWN])
{
        struct buf text = BUF_INIT(DATA_UID_SHOWN - 1);

        text_put_safe(&text, uid->type);
        buf_put_str(&text, "::\"");
        text_put_safe(&text, uid->id);
        buf_put_byte(&text, '"');
        snprintf(out, DATA_UID_SHOWN, "%.*s%s", (int)MIN_OF(text.n, (size_t)DATA_UID_SHOWN - 4),
                 text.n ? (const char *)text.p : "", buf_status(&text) ? "..." : "");
        buf_done(&text);
}

bool data_is_action(struct span type)
{
        const struct span word = SPAN("Action"), part = SPAN("::Action");

        return span_eq(type, word) ||
               (type.n > part.n && span_eq(span_from(type, type.n - part.n), part));
}

int data_check_uid(const struct cedar_schema *s, const struct cedar_uid *uid,
                   const struct data_path *path, struct err *err)
{
        const struct cedar_entity_type *type = cedar_schema_entity(s, uid->type);
        char name[DATA_UID_SHOWN];

        if (type && !cedar_entity_type_has(type, uid->id)) {
                data_uid_print(uid, name);
                return data_fail(err, path, "the enumerated type has no %s", name);
        }
        if (data_is_action(uid->type) && !cedar_schema_action(s, uid)) {
                data_uid_print(uid, name);
                return data_fail(err, path, "there is no action %s", name);
        }
        return 0;
}

/* ---- values ---- */

struct checker {
        const struct cedar_schema *s;
        struct err *err;
};

static int check_value(struct checker *c, const struct cedar_type *type,
                       const struct cedar_value *v, const struct data_path *path);

static int check_record(struct checker *c, const struct cedar_type *type,
                        const struct cedar_value *v, const struct data_path *up)
{
        uint32_t at = 0;

        /* Both ascend by name. */
        for (uint32_t i = 0; i < type->n; i++) {
                const struct cedar_attr *attr = &type->attrs[i];
                struct data_path path = { .up = up, .field = attr->name };
                int order = at < v->n ? span_cmp(v->fields[at].key, attr->name) : 1;

                if (order < 0)
                        break;
                if (order > 0) {
                        if (attr->required)
                                return data_fail(c->err, &path, "this attribute is missing");
                        continue;
                }
                order = check_value(c, attr->type, &v->fields[at++].value, &path);
                if (order < 0)
                        return order;
        }
        if (at < v->n) {
                struct data_path path = { .up = up, .field = v->fields[at].key };

                return data_fail(c->err, &path, "the schema has no such attribute");
        }
        return 0;
}

static int check_set(struct checker *c, const struct cedar_type *type, const struct cedar_value *v,
                     const struct data_path *up)
{
        for (uint32_t i = 0; i < v->n; i++) {
                struct data_path path = { .up = up, .item = i, .in_set = true };
                int rc = check_value(c, type->item, &v->items[i], &path);

                if (rc < 0)
                        return rc;
        }
        return 0;
}

static int check_entity(struct checker *c, const struct cedar_type *type,
                        const struct cedar_value *v, const struct data_path *path)
{
        char name[DATA_UID_SHOWN];

        if (span_eq(v->uid->type, type->entity))
                return data_check_uid(c->s, v->uid, path, c->err);
        data_uid_print(v->uid, name);
        return data_fail(c->err, path, "an entity of type %.*s is wanted, not %s",
                         (int)type->entity.n, type->entity.p, name);
}

/* The type bounds the recursion. */
static int check_value(struct checker *c, const struct cedar_type *type,
                       const struct cedar_value *v, const struct data_path *path)
{
        if (v->kind != type->kind)
                return data_fail(c->err, path, "%s is wanted, not %s", cedar_kind_name(type->kind),
                                 cedar_kind_name(v->kind));
        switch (type->kind) {
        case CEDAR_RECORD:
                return check_record(c, type, v, path);
        case CEDAR_SET:
                return check_set(c, type, v, path);
        case CEDAR_ENTITY:
                return check_entity(c, type, v, path);
        default:
                return 0;
        }
}

int data_check_value(const struct cedar_schema *s, const struct cedar_type *type,
                     const struct cedar_value *v, const struct data_path *path, struct err *err)
{
        struct checker c = { .s = s, .err = err };

        return check_value(&c, type, v, path);
}

int cedar_schema_check_value(const struct cedar_schema *s, const struct cedar_type *type,
                             const struct cedar_value *v, struct err *err)
{
        return data_check_value(s, type, v, NULL, err);
}

/* ---- requests ---- */

static int span_order(const void *x, const void *y)
{
        return span_cmp(*(const struct span *)x, *(const struct span *)y);
}

static bool holds(const struct span *list, uint32_t n, struct span type)
{
        return n && bsearch(&type, list, n, sizeof *list, span_order);
}

/* The principal or the resource. */
static int check_party(const struct cedar_schema *s, const struct cedar_uid *uid,
                       const struct span *types, uint32_t n, const char *what, struct err *err)
{
        struct data_path path = { .field = span_str(what) };
        int rc;

        if (!cedar_schema_entity(s, uid->type))
                return data_fail(err, &path, "there is no entity type %.*s", (int)uid->type.n,
                                 uid->type.p);
        rc = data_check_uid(s, uid, &path, err);
        if (rc < 0)
                return rc;
        if (!holds(types, n, uid->type))
                return data_fail(err, &path, "the action does not apply to the type %.*s",
                                 (int)uid->type.n, uid->type.p);
        return 0;
}

int cedar_schema_check_request(const struct cedar_schema *s, const struct cedar_request *r,
                               struct err *err)
{
        const struct cedar_action *a = cedar_schema_action(s, &r->action);
        struct data_path path = { .field = SPAN("context") };
        struct checker c = { .s = s, .err = err };
        char name[DATA_UID_SHOWN];
        int rc;

        if (!a) {
                data_uid_print(&r->action, name);
                return err_set(err, -EINVAL, "there is no action %s", name);
        }
        rc = check_party(s, &r->principal, a->principals, a->n_principals, "principal", err);
        if (rc == 0)
                rc = check_party(s, &r->resource, a->resources, a->n_resources, "resource", err);
        return rc < 0 ? rc : check_value(&c, a->context, &r->context, &path);
}
