/* SPDX-License-Identifier: Apache-2.0 */
/* schema_check_parts.c - do an array's items and an object's members fit what a schema says of
 * them? Floor 2.  SECURITY: values are hostile. */
#include <inttypes.h>
#include <stdlib.h>

#include "package/schema/schema_check_priv.h"

/* ---- arrays ---- */

static int room_for(struct checker_space *space, size_t n)
{
        const struct tree **more;

        if (n <= space->sort_cap)
                return 0;
        more = realloc((void *)space->sort, n * sizeof(struct tree *));
        if (!more)
                return -ENOMEM;
        space->sort = more;
        space->sort_cap = n;
        return 0;
}

static int check_unique(struct check *k, const struct one *o)
{
        struct checker_space *space = k->c->space;
        uint32_t n = o->v->n;
        int rc;

        if (!o->s->unique || n < 2)
                return 0;
        rc = schema_spend(k, n);
        if (rc < 0)
                return rc;
        if (room_for(space, 2 * (size_t)n) < 0)
                return err_set(k->err, -ENOMEM, "%s: no memory to compare items", k->what);
        for (uint32_t i = 0; i < n; i++)
                space->sort[i] = &o->v->items[i];
        value_sort(space->sort, space->sort + n, n, &k->steps);
        for (uint32_t i = 1; i < n && !k->steps.over; i++) {
                const struct tree *a = space->sort[i - 1], *b = space->sort[i];

                if (value_cmp(a, b, &k->steps) == 0 && !k->steps.over)
                        return schema_fault(k, o->at, "items %td and %td are the same",
                                            a - o->v->items, b - o->v->items);
        }
        return k->steps.over ? schema_too_much(k) : 0;
}

static int check_items(struct check *k, const struct one *o)
{
        struct place here = { .above = o->at, .kind = PLACE_ITEM, .depth = o->at->depth + 1 };
        int rc = 0;

        for (uint32_t i = 0; rc == 0 && i < o->v->n; i++) {
                uint32_t schema = i < o->s->prefix_items.n ? o->s->prefix_items.at[i] : o->s->items;

                if (schema == API_NONE)
                        break;
                here.item = i;
                rc = schema_check(k, schema, &o->v->items[i], &here);
        }
        return rc;
}

static int check_contains(struct check *k, const struct one *o)
{
        struct place here = { .above = o->at, .kind = PLACE_ITEM, .depth = o->at->depth + 1 };
        uint64_t n = 0;

        if (o->s->contains == API_NONE)
                return 0;
        for (uint32_t i = 0; i < o->v->n && n <= o->s->max_contains; i++) {
                int rc = schema_fits(k, o->s->contains, &o->v->items[i], &here);

                if (rc < 0)
                        return rc;
                n += (unsigned)rc;
                if (n >= o->s->min_contains && o->s->max_contains == UINT64_MAX)
                        return 0;
        }
        if (n < o->s->min_contains)
                return schema_fault(k, o->at, "contains fewer than %" PRIu64 " of the items wanted",
                                    o->s->min_contains);
        if (n > o->s->max_contains)
                return schema_fault(k, o->at, "contains more than %" PRIu64 " of certain items",
                                    o->s->max_contains);
        return 0;
}

int schema_check_array(struct check *k, const struct one *o)
{
        int rc;

        if (o->v->n < o->s->min_items)
                return schema_fault(k, o->at, "fewer than %" PRIu64 " items", o->s->min_items);
        if (o->v->n > o->s->max_items)
                return schema_fault(k, o->at, "more than %" PRIu64 " items", o->s->max_items);
        rc = check_items(k, o);
        if (rc == 0)
                rc = check_contains(k, o);
        return rc == 0 ? check_unique(k, o) : rc;
}

/* ---- objects ---- */

static int missing(struct check *k, const struct one *o, struct span name)
{
        struct place here = { .above = o->at, .kind = PLACE_MEMBER, .name = name };

        return schema_fault(k, &here, "is missing");
}

static int check_name(struct check *k, const struct one *o, const struct tree_member *m)
{
        struct place here = {
                .above = o->at, .kind = PLACE_NAME, .depth = o->at->depth + 1, .name = m->key
        };
        struct tree name = { .kind = TREE_STRING, .text = m->key };

        return o->s->names == API_NONE ? 0 : schema_check(k, o->s->names, &name, &here);
}

/* property: the one of its name, NULL where there is none. */
static int check_member(struct check *k, const struct one *o, const struct api_property *property,
                        const struct tree_member *m)
{
        struct place here = {
                .above = o->at, .kind = PLACE_MEMBER, .depth = o->at->depth + 1, .name = m->key
        };
        bool known = property && property->schema != API_NONE;
        int rc = check_name(k, o, m);

        if (rc == 0 && known)
                rc = schema_check(k, property->schema, &m->value, &here);
        for (uint32_t i = 0; rc == 0 && i < o->s->n_patterns; i++) {
                int found = schema_search(k, o->compiled->patterns[i], m->key);

                if (found < 0)
                        return found == -EINVAL ? schema_fault(k, &here, "is not UTF-8") : found;
                known |= found;
                if (found && o->s->patterns[i].schema != API_NONE)
                        rc = schema_check(k, o->s->patterns[i].schema, &m->value, &here);
        }
        if (rc == 0 && !known && o->s->additional != API_NONE)
                rc = schema_check(k, o->s->additional, &m->value, &here);
        return rc;
}

/* Both are in order of names. */
static int check_members(struct check *k, const struct one *o)
{
        uint32_t i = 0, j = 0;

        while (i < o->s->n_properties || j < o->v->n) {
                const struct api_property *p = i < o->s->n_properties ? &o->s->properties[i] : NULL;
                const struct tree_member *m = j < o->v->n ? &o->v->members[j] : NULL;
                int c = !p ? 1 : !m ? -1 : span_cmp(p->name, m->key), rc = 0;

                assert(p || m);
                if (c < 0 && p->required)
                        return missing(k, o, p->name);
                if (c >= 0)
                        rc = check_member(k, o, c == 0 ? p : NULL, m);
                if (rc < 0)
                        return rc;
                i += c <= 0;
                j += c >= 0;
        }
        return 0;
}

bool schema_has(const struct tree *object, struct span name)
{
        uint32_t from = 0, to = object->n;

        while (from < to) {
                uint32_t middle = from + (to - from) / 2;
                int c = span_cmp(name, object->members[middle].key);

                if (c == 0)
                        return true;
                if (c < 0)
                        to = middle;
                else
                        from = middle + 1;
        }
        return false;
}

static int check_dependents(struct check *k, const struct one *o)
{
        int rc = schema_spend(k, o->s->n_dependents);

        for (uint32_t i = 0; rc == 0 && i < o->s->n_dependents; i++) {
                const struct api_dependent *d = &o->s->dependents[i];

                if (!schema_has(o->v, d->name))
                        continue;
                rc = schema_spend(k, d->n_required);
                for (uint32_t j = 0; rc == 0 && j < d->n_required; j++)
                        if (!schema_has(o->v, d->required[j]))
                                rc = missing(k, o, d->required[j]);
                if (rc == 0 && d->schema != API_NONE)
                        rc = schema_check(k, d->schema, o->v, o->at);
        }
        return rc;
}

int schema_check_object(struct check *k, const struct one *o)
{
        int rc = schema_spend(k, (uint64_t)o->s->n_properties + o->v->n);

        if (rc < 0)
                return rc;
        if (o->v->n < o->s->min_properties)
                return schema_fault(k, o->at, "fewer than %" PRIu64 " members",
                                    o->s->min_properties);
        if (o->v->n > o->s->max_properties)
                return schema_fault(k, o->at, "more than %" PRIu64 " members",
                                    o->s->max_properties);
        rc = check_members(k, o);
        return rc == 0 ? check_dependents(k, o) : rc;
}
