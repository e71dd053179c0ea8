/* SPDX-License-Identifier: Apache-2.0 */
/* call_value.c - values of a request as values of Cedar; see call_value.h.
 *
 * What a value becomes is said by the type of the place it stands in, never by the value: a string
 * is an entity where the schema has an enumerated type, and nowhere else.
 * SECURITY: reads hostile values; the type bounds the recursion. */
#include "package/call/call_value.h"

#include "base/text.h"
#include "package/call/call_text.h"
#include "package/schema/number.h"

/* `body.x[2]` */
static void put_path(const struct call_path *path, unsigned depth, struct buf *out)
{
        if (!path || !depth)
                return;
        put_path(path->up, depth - 1, out);
        if (!path->name.p) {
                buf_printf(out, "[%u]", path->item);
                return;
        }
        if (out->n)
                buf_put_byte(out, '.');
        text_put_safe(out, path->name);
}

int(call_refuse)(struct err *err, const struct call_path *path, const char *text)
{
        enum { STEPS_SHOWN = 40 };
        struct buf where = BUF_INIT(ERR_TEXT_MAX / 2);

        put_path(path, STEPS_SHOWN, &where);
        err_set(err, -EINVAL, "%.*s: %s", (int)where.n, where.n ? (const char *)where.p : "", text);
        buf_done(&where);
        return -EINVAL;
}

void *call_room(const struct call_maker *m, size_t n, size_t size)
{
        void *p = size_mul(n, size, &n) ? arena_alloc(m->arena, n) : NULL;

        if (!p)
                err_set(m->err, -ENOMEM, "no memory for the context of a call");
        return p;
}

/* ---- numbers ---- */

static int make_number(const struct call_maker *m, const struct tree *t, enum cedar_kind kind,
                       const struct call_path *path, struct cedar_value *ret)
{
        enum { DECIMALS = 4 };
        struct number n;
        int64_t v;

        if (t->kind == TREE_NUMBER && kind == CEDAR_LONG) {
                *ret = cedar_number(kind, t->number);
                return 0;
        }
        n = number_of_tree(t);
        if (!number_to_int(&n, kind == CEDAR_LONG ? 0 : DECIMALS, &v))
                return call_refuse(m->err, path,
                                   kind == CEDAR_LONG
                                           ? "an integer beyond 64 bits"
                                           : "more than four digits behind the point, or beyond "
                                             "922337203685477.5807");
        *ret = cedar_number(kind, v);
        return 0;
}

/* ---- strings ---- */

static int make_enumerated(const struct call_maker *m, struct span id,
                           const struct cedar_type *type, const struct call_path *path,
                           struct cedar_value *ret)
{
        const struct cedar_entity_type *entity = cedar_schema_entity(m->schema, type->entity);
        struct cedar_uid *uid;

        if (!entity || !cedar_entity_type_has(entity, id))
                return call_refuse(m->err, path, "none of the values that are allowed");
        uid = call_room(m, 1, sizeof *uid);
        if (!uid)
                return -ENOMEM;
        *uid = cedar_uid(type->entity, id);
        *ret = cedar_entity_of(uid);
        return 0;
}

static int make_time(const struct call_maker *m, struct span text, const struct call_path *path,
                     struct cedar_value *ret)
{
        int64_t ms;

        if (!call_time(text, &ms))
                return call_refuse(m->err, path, "no time that policies can compare");
        *ret = cedar_number(CEDAR_DATETIME, ms);
        return 0;
}

static int make_address(const struct call_maker *m, struct span text, const struct call_path *path,
                        struct cedar_value *ret)
{
        struct cedar_ip *ip = call_room(m, 1, sizeof *ip);

        if (!ip)
                return -ENOMEM;
        if (!call_address(text, ip))
                return call_refuse(m->err, path, "no address");
        *ret = (struct cedar_value){ .kind = CEDAR_IP, .ip = ip };
        return 0;
}

/* ---- what holds others ---- */

static int make_set(const struct call_maker *m, const struct tree *t, const struct cedar_type *type,
                    const struct call_path *up, struct cedar_value *ret)
{
        struct cedar_value *items = call_room(m, t->n, sizeof *items);

        if (!items)
                return -ENOMEM;
        for (uint32_t i = 0; i < t->n; i++) {
                struct call_path path = { .up = up, .item = i };
                int rc = call_value_make(m, &t->items[i], type->item, &path, &items[i]);

                if (rc < 0)
                        return rc;
        }
        *ret = cedar_set_of(items, t->n);
        return 0;
}

/* ---- names ---- */

/* The next letter, in lower case: of ASCII, and of the two characters beyond it that become such a
 * letter when case is not looked at (U+017F, U+212A). */
static uint8_t next_letter(struct span *rest)
{
        static const struct span long_s = SPAN_INIT("\xc5\xbf"), kelvin = SPAN_INIT("\xe2\x84\xaa");
        const uint8_t c = rest->p[0];

        if (span_starts(*rest, long_s) || span_starts(*rest, kelvin)) {
                *rest = span_from(*rest, c == 0xc5 ? long_s.n : kelvin.n);
                return c == 0xc5 ? 's' : 'k';
        }
        *rest = span_from(*rest, 1);
        return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* As a reader that does not look at case has them: no letter takes more than three bytes. */
static bool looks_like(struct span a, struct span b)
{
        if (a.n < b.n || a.n / 3 > b.n)
                return false;
        while (a.n > 0 && b.n > 0)
                if (next_letter(&a) != next_letter(&b))
                        return false;
        return a.n == b.n;
}

static uint32_t hash_of(struct span name)
{
        uint32_t h = 2166136261u;

        while (name.n > 0)
                h = (h ^ next_letter(&name)) * 16777619u;
        return h;
}

/* Attributes of a type, for names that are none of theirs: when many of these have come, by number
 * first, so that a body full of them costs no more than to read it. */
struct letters {
        const struct cedar_type *type;
        uint32_t *hashes; /* of the attributes' names; NULL: not yet */
        unsigned met;
};

static int hash_all(const struct call_maker *m, struct letters *l)
{
        l->hashes = call_room(m, l->type->n, sizeof *l->hashes);
        for (uint32_t i = 0; l->hashes && i < l->type->n; i++)
                l->hashes[i] = hash_of(l->type->attrs[i].name);
        return l->hashes ? 0 : -ENOMEM;
}

/* A back-end that takes "Amount" for "amount" would do what no policy was asked about: the member
 * has no place in the schema, so it is not in the context. */
static int check_strange(const struct call_maker *m, struct letters *l, struct span key,
                         const struct call_path *up)
{
        enum { FEW = 8 };
        const struct cedar_attr *attrs = l->type->attrs;
        uint32_t hash = 0;

        if (l->met++ == FEW && hash_all(m, l) < 0)
                return -ENOMEM;
        if (l->hashes)
                hash = hash_of(key);
        for (uint32_t i = 0; i < l->type->n; i++) {
                struct call_path path;

                if ((l->hashes && l->hashes[i] != hash) || !looks_like(key, attrs[i].name))
                        continue;
                path = (struct call_path){ .up = up, .name = attrs[i].name };
                return call_refuse(m->err, &path, "given in other letters");
        }
        return 0;
}

/* All members but those that attributes are named like.  Both ascend by name. */
static int check_names(const struct call_maker *m, const struct tree *t,
                       const struct cedar_type *type, const struct call_path *up)
{
        struct letters l = { .type = type };
        uint32_t at = 0;
        int rc = 0;

        for (uint32_t i = 0; rc == 0 && i < t->n; i++) {
                struct span key = t->members[i].key;
                int order = 1;

                while (at < type->n && (order = span_cmp(type->attrs[at].name, key)) < 0)
                        at++;
                if (at == type->n || order != 0)
                        rc = check_strange(m, &l, key, up);
        }
        return rc;
}

/* Both ascend by name. */
static const struct tree *find_member(const struct tree *t, struct span name, uint32_t *at)
{
        while (*at < t->n && span_cmp(t->members[*at].key, name) < 0)
                ++*at;
        if (*at == t->n || !span_eq(t->members[*at].key, name))
                return NULL;
        return &t->members[*at].value;
}

static int make_record(const struct call_maker *m, const struct tree *t,
                       const struct cedar_type *type, const struct call_path *up,
                       struct cedar_value *ret)
{
        struct cedar_field *fields = call_room(m, type->n, sizeof *fields);
        uint32_t n = 0, at = 0;
        int rc = check_names(m, t, type, up);

        if (!fields || rc < 0)
                return fields ? rc : -ENOMEM;
        for (uint32_t i = 0; i < type->n; i++) {
                const struct cedar_attr *attr = &type->attrs[i];
                const struct tree *member = find_member(t, attr->name, &at);
                struct call_path path = { .up = up, .name = attr->name };

                if (!member || member->kind == TREE_NULL) {
                        if (attr->required)
                                return call_refuse(m->err, &path, "missing");
                        continue;
                }
                fields[n].key = attr->name;
                rc = call_value_make(m, member, attr->type, &path, &fields[n++].value);
                if (rc < 0)
                        return rc;
        }
        *ret = (struct cedar_value){ .kind = CEDAR_RECORD, .n = n, .fields = fields };
        return 0;
}

/* ---- all of them ---- */

static bool is_of(const struct tree *t, const struct cedar_type *type)
{
        switch (type->kind) {
        case CEDAR_BOOL:
                return t->kind == TREE_BOOL;
        case CEDAR_LONG:
        case CEDAR_DECIMAL:
                return t->kind == TREE_NUMBER || t->kind == TREE_REAL;
        case CEDAR_STRING:
        case CEDAR_ENTITY:
        case CEDAR_DATETIME:
        case CEDAR_IP:
                return t->kind == TREE_STRING;
        case CEDAR_SET:
                return t->kind == TREE_ARRAY;
        case CEDAR_RECORD:
                return t->kind == TREE_OBJECT;
        default: /* nothing in a request */
                return false;
        }
}

int call_value_make(const struct call_maker *m, const struct tree *t, const struct cedar_type *type,
                    const struct call_path *path, struct cedar_value *ret)
{
        if (!is_of(t, type))
                return call_refuse(m->err, path, "a value of another type is wanted");
        switch (type->kind) {
        case CEDAR_BOOL:
                *ret = cedar_bool(t->boolean);
                return 0;
        case CEDAR_STRING:
                *ret = cedar_string(t->text);
                return 0;
        case CEDAR_ENTITY:
                return make_enumerated(m, t->text, type, path, ret);
        case CEDAR_DATETIME:
                return make_time(m, t->text, path, ret);
        case CEDAR_IP:
                return make_address(m, t->text, path, ret);
        case CEDAR_SET:
                return make_set(m, t, type, path, ret);
        case CEDAR_RECORD:
                return make_record(m, t, type, path, ret);
        default:
                return make_number(m, t, type->kind, path, ret);
        }
}
