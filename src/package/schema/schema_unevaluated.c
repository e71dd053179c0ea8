/* SPDX-License-Identifier: Apache-2.0 */
/* schema_unevaluated.c - unevaluatedProperties and unevaluatedItems.  Floor 2.  SECURITY: values
 * are hostile.
 *
 * Source: JSON Schema draft 2020-12, Core, sections 7.7.1 and 11.  A member or an item was
 * evaluated when a schema about the same value, which the value fits, has a schema for it: its own,
 * what it refers to, all of allOf, those of anyOf and oneOf that fit, if and what follows of it,
 * dependents of members that are there; nothing within `not`.
 *
 * Each member has a mark.  Marks lie on a stack of the checker's, since a branch that is asked
 * whether it fits may have such a keyword itself; it grows to what the largest value needed.  What
 * is asked again of a branch counts as steps again. */
#include <stdlib.h>

#include "package/schema/schema_check_priv.h"

/* n marks, none set, from *ret on; they are taken away by setting n_marks back. */
static int push_marks(struct check *k, size_t n, size_t *ret)
{
        struct checker_space *space = k->c->space;
        size_t want = space->n_marks + n;

        if (want > space->marks_cap) {
                size_t cap = MAX_OF(want, 2 * space->marks_cap);
                bool *more = realloc(space->marks, cap * sizeof *more);

                if (!more)
                        return err_set(k->err, -ENOMEM, "%s: no memory to check members", k->what);
                space->marks = more;
                space->marks_cap = cap;
        }
        memset(space->marks + space->n_marks, 0, n * sizeof *space->marks);
        *ret = space->n_marks;
        space->n_marks = want;
        return 0;
}

/* The stack moves when it grows: never keep what this returns. */
static bool *marks_at(const struct check *k, size_t from)
{
        return k->c->space->marks + from;
}

static void mark_first(const struct check *k, size_t from, size_t n)
{
        if (n > 0)
                memset(marks_at(k, from), 1, n * sizeof(bool));
}

/* ---- what a schema evaluates itself ---- */

/* Both are in order of names. */
static void mark_properties(const struct check *k, const struct one *o, size_t from)
{
        uint32_t i = 0, j = 0;

        while (i < o->s->n_properties && j < o->v->n) {
                const struct api_property *p = &o->s->properties[i];
                int c = span_cmp(p->name, o->v->members[j].key);

                if (c == 0 && p->schema != API_NONE)
                        marks_at(k, from)[j] = true;
                i += c <= 0;
                j += c >= 0;
        }
}

static int mark_patterns(struct check *k, const struct one *o, size_t from)
{
        for (uint32_t j = 0; o->s->n_patterns > 0 && j < o->v->n; j++) {
                for (uint32_t i = 0; i < o->s->n_patterns && !marks_at(k, from)[j]; i++) {
                        int found =
                                schema_search(k, o->compiled->patterns[i], o->v->members[j].key);

                        if (found < 0)
                                return found;
                        marks_at(k, from)[j] = found;
                }
        }
        return 0;
}

static int mark_members(struct check *k, const struct one *o, size_t from)
{
        int rc = schema_spend(k, (uint64_t)o->s->n_properties + o->v->n);

        if (rc < 0)
                return rc;
        if (o->s->additional != API_NONE) {
                mark_first(k, from, o->v->n);
                return 0;
        }
        mark_properties(k, o, from);
        return mark_patterns(k, o, from);
}

static int mark_items(struct check *k, const struct one *o, size_t from)
{
        struct place here = { .above = o->at, .kind = PLACE_ITEM, .depth = o->at->depth + 1 };
        bool all = o->s->items != API_NONE;
        uint32_t first = all ? o->v->n : MIN_OF(o->s->prefix_items.n, o->v->n);
        int rc = schema_spend(k, o->v->n);

        if (rc < 0)
                return rc;
        mark_first(k, from, first);
        for (uint32_t i = first; o->s->contains != API_NONE && i < o->v->n; i++) {
                if (marks_at(k, from)[i])
                        continue;
                rc = schema_fits(k, o->s->contains, &o->v->items[i], &here);
                if (rc < 0)
                        return rc;
                marks_at(k, from)[i] = rc;
        }
        return 0;
}

/* ---- and what stands in place of it ---- */

static int mark(struct check *k, const struct one *o, size_t from);

static uint32_t unevaluated_of(const struct api_schema *s, const struct tree *v)
{
        return v->kind == TREE_OBJECT  ? s->unevaluated_properties
               : v->kind == TREE_ARRAY ? s->unevaluated_items
                                       : (uint32_t)API_NONE;
}

/* By a schema that the value fits. */
static int mark_by(struct check *k, const struct one *o, uint32_t schema, size_t from)
{
        struct one by = { &k->c->schemas.at[schema], &k->c->compiled[schema], o->v, o->at };

        if (unevaluated_of(by.s, by.v) == API_NONE)
                return mark(k, &by, from);
        mark_first(k, from, o->v->n);
        return schema_spend(k, o->v->n);
}

/* By one of which that is not known; 1: it does fit, 0: not. */
static int mark_if_fits(struct check *k, const struct one *o, uint32_t schema, size_t from)
{
        int fits = schema_fits(k, schema, o->v, o->at);
        int rc = fits == 1 ? mark_by(k, o, schema, from) : 0;

        return rc < 0 ? rc : fits;
}

static int mark_choices(struct check *k, const struct one *o, size_t from)
{
        const struct api_places lists[] = { o->s->any_of, o->s->one_of };

        for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
                for (uint32_t j = 0; j < lists[i].n; j++) {
                        int rc = mark_if_fits(k, o, lists[i].at[j], from);

                        if (rc < 0)
                                return rc;
                }
        }
        return 0;
}

static int mark_condition(struct check *k, const struct one *o, size_t from)
{
        uint32_t then;
        int rc;

        if (o->s->if_of == API_NONE)
                return 0;
        rc = mark_if_fits(k, o, o->s->if_of, from);
        if (rc < 0)
                return rc;
        then = rc ? o->s->then_of : o->s->else_of;
        return then == API_NONE ? 0 : mark_by(k, o, then, from);
}

static int mark_dependents(struct check *k, const struct one *o, size_t from)
{
        int rc = schema_spend(k, o->s->n_dependents);

        for (uint32_t i = 0; rc == 0 && i < o->s->n_dependents; i++)
                if (o->s->dependents[i].schema != API_NONE &&
                    schema_has(o->v, o->s->dependents[i].name))
                        rc = mark_by(k, o, o->s->dependents[i].schema, from);
        return rc;
}

/* Recursion is that of API_SCHEMA_NEST_MAX. */
static int mark(struct check *k, const struct one *o, size_t from)
{
        bool object = o->v->kind == TREE_OBJECT;
        int rc = object ? mark_members(k, o, from) : mark_items(k, o, from);

        if (rc == 0 && o->s->ref != API_NONE)
                rc = mark_by(k, o, o->s->ref, from);
        for (uint32_t i = 0; rc == 0 && i < o->s->all_of.n; i++)
                rc = mark_by(k, o, o->s->all_of.at[i], from);
        if (rc == 0)
                rc = mark_choices(k, o, from);
        if (rc == 0)
                rc = mark_condition(k, o, from);
        return rc == 0 && object ? mark_dependents(k, o, from) : rc;
}

/* ---- what is left ---- */

static int check_left(struct check *k, const struct one *o, uint32_t schema, size_t from)
{
        struct place here = { .above = o->at, .depth = o->at->depth + 1 };
        int rc = 0;

        for (uint32_t i = 0; rc == 0 && i < o->v->n; i++) {
                bool object = o->v->kind == TREE_OBJECT;

                if (marks_at(k, from)[i])
                        continue;
                here.kind = object ? PLACE_MEMBER : PLACE_ITEM;
                here.item = i;
                if (object)
                        here.name = o->v->members[i].key;
                rc = schema_check(k, schema, object ? &o->v->members[i].value : &o->v->items[i],
                                  &here);
        }
        return rc;
}

int schema_check_unevaluated(struct check *k, const struct one *o)
{
        uint32_t schema = unevaluated_of(o->s, o->v);
        size_t from = 0;
        int rc;

        if (schema == API_NONE || o->v->n == 0)
                return 0;
        rc = schema_spend(k, o->v->n);
        if (rc == 0)
                rc = push_marks(k, o->v->n, &from);
        if (rc < 0)
                return rc;
        rc = mark(k, o, from);
        if (rc == 0)
                rc = check_left(k, o, schema, from);
        k->c->space->n_marks = from;
        return rc;
}
