/* SPDX-License-Identifier: Apache-2.0 */
/* part.c - sets of results, and the names of what they hang on; see part.h.  Floor 2, pure. */
#include "policy/partial/part.h"

#include <stdlib.h>

#include "policy/parse/token.h"
#include "policy/print/print.h"

void *part_alloc(struct part_walk *w, size_t n)
{
        void *p = w->rc ? NULL : arena_alloc(w->arena, n);

        if (!p)
                w->rc = -ENOMEM;
        return p;
}

/* ---- sets of results ---- */

struct part part_value(struct cedar_value v)
{
        return (struct part){
                .sort = PART_VALUE,
                .kinds = PART_KIND(v.kind),
                .value = v,
                .yes = v.kind == CEDAR_BOOL && v.boolean,
                .no = v.kind == CEDAR_BOOL && !v.boolean,
        };
}

struct part part_error(void)
{
        return (struct part){ .sort = PART_ANY, .errs = true };
}

struct part part_any(uint16_t kinds, bool errs)
{
        const bool b = kinds & PART_KIND(CEDAR_BOOL);

        return (struct part){
                .sort = PART_ANY, .errs = errs || !kinds, .kinds = kinds, .yes = b, .no = b
        };
}

struct part part_of_type(const struct cedar_type *t, const struct part_path *path)
{
        struct part p = part_any(t ? PART_KIND(t->kind) : (uint16_t)PART_ALL, false);

        p.type = t;
        p.path = path;
        return p;
}

struct part part_bool(bool yes, bool no, bool errs)
{
        struct part p = part_error();

        if (yes && no) {
                p = part_any(PART_KIND(CEDAR_BOOL), errs);
        } else if (yes || no) {
                p = part_value(cedar_bool(yes));
                p.errs = errs;
        }
        return p;
}

struct part part_merge(const struct part *a, const struct part *b)
{
        struct part p;

        if (a->kinds == 0 || b->kinds == 0) {
                p = a->kinds == 0 ? *b : *a;
                p.errs = true;
                return p;
        }
        if (a->sort == PART_VALUE && b->sort == PART_VALUE && cedar_value_eq(&a->value, &b->value))
                p = *a;
        else
                p = part_any(a->kinds | b->kinds, false);
        p.yes = a->yes || b->yes;
        p.no = a->no || b->no;
        p.errs = a->errs || b->errs;
        return p;
}

bool part_entity_type(const struct part *p, struct span *ret)
{
        if (p->sort == PART_ENTITY)
                *ret = p->entity;
        else if (p->sort == PART_VALUE && p->value.kind == CEDAR_ENTITY)
                *ret = p->value.uid->type;
        else if (p->sort == PART_ANY && p->type && p->type->kind == CEDAR_ENTITY)
                *ret = p->type->entity;
        else
                return false;
        return true;
}

/* The principal, not known, beside a uid. */
static bool is_another(const struct part_walk *w, const struct part *a, const struct part *b)
{
        return a->sort == PART_ENTITY && a->path && a->path->var == VAR_PRINCIPAL &&
               b->sort == PART_VALUE && !part_may_be_principal(w, b->value.uid);
}

bool part_may_equal(const struct part_walk *w, const struct part *a, const struct part *b)
{
        const uint16_t kinds = a->kinds & b->kinds;
        struct span x, y;

        if (kinds == PART_KIND(CEDAR_BOOL))
                return (a->yes && b->yes) || (a->no && b->no);
        if (kinds == PART_KIND(CEDAR_ENTITY) && part_entity_type(a, &x) && part_entity_type(b, &y))
                return span_eq(x, y) && !is_another(w, a, b) && !is_another(w, b, a);
        return kinds;
}

/* ---- on what they hang ---- */

const struct part_path *part_path(struct part_walk *w, const struct part_path *up, struct span key)
{
        struct part_path *p = part_alloc(w, sizeof *p);

        if (p)
                *p = (struct part_path){ .up = up, .key = key };
        return p;
}

void part_touch(struct part_walk *w, const struct part_path *path)
{
        const struct part_path **more;

        if (!path || w->rc)
                return;
        if (w->n_on == w->room_on) {
                more = part_alloc(w, 2 * ((size_t)w->room_on + 8) * sizeof(struct part_path *));
                if (!more)
                        return;
                if (w->n_on)
                        memcpy(more, w->on, w->n_on * sizeof(struct part_path *));
                w->on = more;
                w->room_on = 2 * (w->room_on + 8);
        }
        w->on[w->n_on++] = path;
}

void part_touch_inside(struct part_walk *w, const struct part *p)
{
        if (p->sort != PART_RECORD)
                return;
        for (uint32_t i = 0; i < p->n; i++) {
                if (p->fields[i].part.sort == PART_RECORD)
                        part_touch_inside(w, &p->fields[i].part);
                else
                        part_touch(w, p->fields[i].part.path);
        }
}

static void print_variable(enum cedar_var var, struct buf *out)
{
        static const char *const names[] = {
                [VAR_PRINCIPAL] = "principal",
                [VAR_ACTION] = "action",
                [VAR_RESOURCE] = "resource",
                [VAR_CONTEXT] = "context",
        };

        buf_put_str(out, names[var]);
}

/* Recursion is as deep as the expression or the place. */
void part_path_print(const struct part_path *p, struct buf *out)
{
        if (!p->up) {
                print_variable(p->var, out);
                return;
        }
        part_path_print(p->up, out);
        if (p->in) {
                buf_put_str(out, " in ");
                cedar_print_uid(p->in, out);
        } else if (cedar_is_ident(p->key)) {
                buf_put_byte(out, '.');
                buf_put(out, p->key);
        } else {
                buf_put_byte(out, '[');
                cedar_print_string(p->key, out);
                buf_put_byte(out, ']');
        }
}

/* ---- the context ---- */

/* Those of the unknown places that lie in the record at hand, `depth` names deep. */
struct places {
        const struct cedar_place_name *const *list;
        uint32_t n, depth;
};

static const struct cedar_attr *attr_of(const struct cedar_type *t, struct span key)
{
        for (uint32_t i = 0; t && t->kind == CEDAR_RECORD && i < t->n; i++)
                if (span_eq(t->attrs[i].name, key))
                        return &t->attrs[i];
        return NULL;
}

static struct part make_record(struct part_walk *w, const struct cedar_value *known,
                               const struct cedar_type *type, const struct places *places,
                               const struct part_path *path);

/* What is unknown of one field, of which at least one place tells. */
static struct part_field make_field(struct part_walk *w, const struct cedar_value *known,
                                    const struct cedar_type *type, const struct places *places,
                                    const struct part_path *up, struct span key)
{
        const struct cedar_attr *attr = attr_of(type, key);
        const struct part_path *path = part_path(w, up, key);
        struct part_field f = { .key = key };
        bool all = !known || known->kind != CEDAR_RECORD;

        for (uint32_t i = 0; i < places->n; i++)
                all = all || places->list[i]->n == places->depth;
        if (all) {
                f.maybe = !attr || !attr->required;
                f.part = part_of_type(attr ? attr->type : NULL, path);
        } else {
                f.part = make_record(w, known, attr ? attr->type : NULL, places, path);
        }
        return f;
}

static int cmp_keys(const void *a, const void *b)
{
        return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

/* The names of all fields, ascending, none twice: those that are known and those that are not. */
static struct span *all_keys(struct part_walk *w, const struct cedar_value *known,
                             const struct places *places, uint32_t *ret_n)
{
        struct span *keys = part_alloc(w, ((size_t)known->n + places->n + 1) * sizeof *keys);
        uint32_t n = 0, kept = 0;

        if (!keys)
                return NULL;
        for (uint32_t i = 0; i < known->n; i++)
                keys[n++] = known->fields[i].key;
        for (uint32_t i = 0; i < places->n; i++)
                keys[n++] = places->list[i]->names[places->depth];
        qsort(keys, n, sizeof *keys, cmp_keys);
        for (uint32_t i = 0; i < n; i++)
                if (kept == 0 || !span_eq(keys[kept - 1], keys[i]))
                        keys[kept++] = keys[i];
        *ret_n = kept;
        return keys;
}

/* Recursion is as deep as the deepest place; every place is looked at once for each of its names
 * and the fields beside. */
static struct part make_record(struct part_walk *w, const struct cedar_value *known,
                               const struct cedar_type *type, const struct places *places,
                               const struct part_path *path)
{
        struct part p = { .sort = PART_RECORD, .kinds = PART_KIND(CEDAR_RECORD) };
        const struct cedar_place_name **list =
                part_alloc(w, ((size_t)places->n + 1) * sizeof(struct cedar_place_name *));
        struct span *keys = all_keys(w, known, places, &p.n);
        struct part_field *fields = keys ? part_alloc(w, (p.n + 1) * sizeof *fields) : NULL;

        if (!list || !fields)
                return part_error();
        for (uint32_t i = 0; i < p.n; i++) {
                const struct cedar_value *value = cedar_record_get(known, keys[i]);
                struct places within = { list, 0, places->depth + 1 };

                for (uint32_t k = 0; k < places->n; k++)
                        if (span_eq(places->list[k]->names[places->depth], keys[i]))
                                list[within.n++] = places->list[k];
                fields[i] = within.n ? make_field(w, value, type, &within, path, keys[i])
                                     : (struct part_field){ .key = keys[i],
                                                            .part = part_value(*value) };
                if (w->rc)
                        return part_error();
        }
        p.fields = fields;
        return p;
}

int part_context(struct part_walk *w, const struct cedar_value *known,
                 const struct cedar_type *type)
{
        static const struct part_path root = { .var = VAR_CONTEXT };
        const struct cedar_unknown *u = w->unknown;
        const struct cedar_place_name **list;
        bool all = false;

        for (uint32_t i = 0; i < u->n_places; i++) {
                if (u->places[i].n > CEDAR_DEPTH_MAX)
                        return -E2BIG;
                all = all || u->places[i].n == 0;
        }
        list = part_alloc(w, ((size_t)u->n_places + 1) * sizeof(struct cedar_place_name *));
        if (!list)
                return w->rc;
        for (uint32_t i = 0; i < u->n_places; i++)
                list[i] = &u->places[i];
        w->context = part_value(*known);
        if (all) {
                w->context = part_of_type(type, &root);
                w->context.kinds = PART_KIND(CEDAR_RECORD);
                w->context.yes = w->context.no = false;
        } else if (u->n_places) {
                w->context = make_record(w, known, type, &(struct places){ list, u->n_places, 0 },
                                         &root);
        }
        return w->rc;
}
