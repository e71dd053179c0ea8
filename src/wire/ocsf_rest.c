/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_rest.c - the attribute unmapped: all of an entry that no row has claimed, as it was, and the
 * disclosed values that none has. */
#include "wire/ocsf_priv.h"

/* Members written one behind the other. */
struct list {
        struct buf *out;
        bool any;
};

static void put_member(struct list *l, struct span key, struct span value)
{
        buf_put(l->out, l->any ? SPAN(",\"") : SPAN("\""));
        buf_put(l->out, key);
        buf_put(l->out, SPAN("\":"));
        buf_put(l->out, value);
        l->any = true;
}

static bool is_claimed(const struct ocsf_event *e, struct span parent, struct span key)
{
        const struct kind_field *f = NULL;
        bool b64;

        if (e->in->kind)
                f = kind_field_find(e->in->kind, parent, key, &b64);
        return f && e->claimed[f - e->in->kind->fields];
}

/* ---- disclosed values ---- */

/* "user" of "who.user" in the part "who". */
static bool is_below(struct span name, struct span parent, struct span *ret_key)
{
        if (name.n <= parent.n + 1 || !span_starts(name, parent) || name.p[parent.n] != '.')
                return false;
        *ret_key = span_from(name, parent.n + 1);
        return true;
}

/* The first one of a part behind a key that no row has claimed; NULL: there is none. */
static const struct disclosure *next_disclosed(const struct ocsf_event *e, struct span parent,
                                               struct span behind, struct span *ret_key)
{
        const struct disclosure *found = NULL;
        struct span key;

        for (size_t i = 0; i < e->in->n_disclosed; i++) {
                const struct disclosure *d = &e->in->disclosed[i];

                if (!is_below(d->name, parent, &key) || is_claimed(e, parent, key) ||
                    span_cmp(key, behind) <= 0 || (found && span_cmp(key, *ret_key) >= 0))
                        continue;
                found = d;
                *ret_key = key;
        }
        return found;
}

/* Those between what was written last and the key (empty: all that are left). */
static void put_disclosed(const struct ocsf_event *e, struct span parent, struct span *last,
                          struct span until, struct list *l)
{
        const struct disclosure *d;
        struct span key;

        while ((d = next_disclosed(e, parent, *last, &key)) &&
               (!until.n || span_cmp(key, until) < 0)) {
                put_member(l, key, d->value.raw);
                *last = key;
        }
}

/* ---- parts ---- */

/* What is left of what, who or why. */
static void put_part(const struct ocsf_event *e, struct span parent, struct json_value part,
                     struct list *l)
{
        struct list inner = { .out = l->out };
        size_t mark = l->out->n;
        struct span last = SPAN_NONE, key;
        bool before = l->any;
        struct json_value v;
        struct json_iter it;

        put_member(l, parent, SPAN("{"));
        if (part.raw.n)
                for (it = json_iter_of(part); json_next(&it, &key, &v);) {
                        put_disclosed(e, parent, &last, key, &inner);
                        last = key;
                        if (!is_claimed(e, parent, key))
                                put_member(&inner, key, v.raw);
                }
        put_disclosed(e, parent, &last, SPAN_NONE, &inner);
        buf_put_byte(l->out, '}');
        if (inner.any || buf_status(l->out) < 0)
                return;
        l->out->n = mark;
        l->any = before;
}

/* host and proc have a place; run and sequence have none. */
static void put_source(const struct ocsf_event *e, struct json_value src, struct list *l)
{
        struct list inner = { .out = l->out };
        struct json_value v;
        struct json_iter it;
        struct span key;

        put_member(l, SPAN("src"), SPAN("{"));
        for (it = json_iter_of(src); json_next(&it, &key, &v);) {
                if (span_eq_str(key, "host") && e->claimed[KIND_FIELDS_MAX + OCSF_HOST])
                        continue;
                if (span_eq_str(key, "proc") && e->claimed[KIND_FIELDS_MAX + OCSF_PROC])
                        continue;
                put_member(&inner, key, v.raw);
        }
        buf_put_byte(l->out, '}');
}

static bool is_told(const struct ocsf_event *e, struct span key)
{
        static const struct {
                const char *key;
                enum ocsf_envelope which;
        } t[] = { { "id", OCSF_ID }, { "k", OCSF_K }, { "t", OCSF_T }, { "v", OCSF_V } };

        for (size_t i = 0; i < ARRAY_LEN(t); i++)
                if (span_eq_str(key, t[i].key))
                        return e->claimed[KIND_FIELDS_MAX + t[i].which];
        return false;
}

void ocsf_put_rest(struct ocsf_event *e, struct buf *out)
{
        static const struct span parts[] = { SPAN_INIT("what"), SPAN_INIT("who"),
                                             SPAN_INIT("why") };
        struct json_iter it = json_iter_of(e->in->entry->object);
        struct list l = { .out = out };
        size_t part = 0;
        struct json_value v;
        struct span key;

        buf_put(out, SPAN(",\"unmapped\":{"));
        while (json_next(&it, &key, &v)) {
                bool is_part;

                for (; part < ARRAY_LEN(parts) && span_cmp(parts[part], key) < 0; part++)
                        put_part(e, parts[part], (struct json_value){ 0 }, &l);
                is_part = part < ARRAY_LEN(parts) && span_eq(parts[part], key);
                part += is_part;
                if (is_part && v.type == JSON_OBJECT)
                        put_part(e, key, v, &l);
                else if (span_eq_str(key, "src") && v.type == JSON_OBJECT)
                        put_source(e, v, &l);
                else if (!is_told(e, key))
                        put_member(&l, key, v.raw);
        }
        for (; part < ARRAY_LEN(parts); part++)
                put_part(e, parts[part], (struct json_value){ 0 }, &l);
        buf_put_byte(out, '}');
}
