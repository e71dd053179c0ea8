/* SPDX-License-Identifier: Apache-2.0 */
/* classes.c - data classes of values, walked down from the whole.  Floor 2.  SECURITY: values are
 * hostile.
 *
 * Each place has a list of schemas, one above the other on a stack: those that describe its value
 * and lead to a class at all.  Entering an object or an array adds what stands in place of them and
 * leaves those that say something of members or items. */
#include "package/schema/classes_priv.h"

#include <stdlib.h>

#include "package/schema/schema_edges.h"

enum { STACK_FIRST = 64, TRIES_PER_STEP = 4 };

bool class_set_empty(const struct class_set *s)
{
        uint64_t all = 0;

        for (unsigned i = 0; i < CLASSES_WORDS; i++)
                all |= s->words[i];
        return all == 0;
}

uint32_t class_set_next(const struct class_set *s, uint32_t from)
{
        for (uint32_t i = from / 64; i < CLASSES_WORDS; i++) {
                uint64_t word = s->words[i];

                if (i == from / 64)
                        word &= ~(uint64_t)0 << from % 64;
                if (word)
                        return i * 64 + (uint32_t)__builtin_ctzll(word);
        }
        return API_CLASSES_MAX;
}

/* ---- lists ---- */

static int spend(struct classes_walk *w, uint64_t steps)
{
        if (w->steps < steps)
                return -E2BIG;
        w->steps -= steps;
        return 0;
}

/* What is pushed from here on is one list, in which a schema stands once. */
static void begin_list(struct classes_space *space, const struct api_classes *c)
{
        if (++space->list == 0) {
                memset(space->seen, 0, c->schemas.n * sizeof *space->seen);
                space->list = 1;
        }
}

static int push(struct classes_walk *w, uint32_t schema)
{
        struct classes_space *space = w->c->space;

        if (!classes_leads(w->c, schema) || space->seen[schema] == space->list)
                return 0;
        if (space->n == space->cap) {
                uint32_t cap = MAX_OF(2 * space->cap, (uint32_t)STACK_FIRST);
                struct classes_entry *more = realloc(space->stack, cap * sizeof *more);

                if (!more)
                        return -ENOMEM;
                space->stack = more;
                space->cap = cap;
        }
        space->seen[schema] = space->list;
        space->stack[space->n++] = (struct classes_entry){ .schema = schema };
        return spend(w, 1);
}

static void begin_place(struct classes_walk *w, const struct classes_at *above,
                        struct classes_at *ret)
{
        struct classes_space *space = w->c->space;

        space->n = above ? above->first + above->n : 0;
        *ret = (struct classes_at){ .first = space->n };
        begin_list(space, w->c);
}

/* Rule 2: its own classes, or those of what it is in. */
static void end_place(const struct classes_walk *w, const struct classes_at *above,
                      struct classes_at *ret)
{
        const struct classes_space *space = w->c->space;

        ret->n = space->n - ret->first;
        ret->below = ret->n > 0;
        for (uint32_t i = ret->first; i < space->n; i++)
                for (unsigned j = 0; j < CLASSES_WORDS; j++)
                        ret->set.words[j] |= w->c->own[space->stack[i].schema].words[j];
        ret->own = !class_set_empty(&ret->set);
        if (!ret->own && above)
                ret->set = above->set;
}

int classes_begin(const struct api_classes *c, uint32_t schema, struct classes_walk *w,
                  struct classes_at *ret)
{
        int rc;

        assert(schema == API_NONE || schema < c->schemas.n);
        *w = (struct classes_walk){ .c = c, .steps = CLASSES_STEPS_MAX };
        begin_place(w, NULL, ret);
        rc = push(w, schema);
        if (rc == 0)
                end_place(w, NULL, ret);
        return rc;
}

/* ---- in place ---- */

struct pushing {
        struct classes_walk *w;
        int rc;
};

static void push_place(void *ctx, uint32_t to)
{
        struct pushing *p = ctx;

        if (p->rc == 0)
                p->rc = spend(p->w, 1);
        if (p->rc == 0)
                p->rc = push(p->w, to);
}

/* The list grows while it is gone through. */
static int push_places(struct classes_walk *w, const struct classes_at *at)
{
        struct classes_space *space = w->c->space;
        struct pushing p = { .w = w };

        begin_list(space, w->c);
        for (uint32_t i = at->first; i < space->n; i++)
                space->seen[space->stack[i].schema] = space->list;
        for (uint32_t i = at->first; p.rc == 0 && i < space->n; i++) {
                uint32_t schema = space->stack[i].schema;

                if (w->c->flags[schema] & CLASSES_PLACES)
                        api_schema_edges(&w->c->schemas.at[schema], API_EDGE_PLACE, push_place, &p);
        }
        return p.rc;
}

int classes_enter(struct classes_walk *w, struct classes_at *at, const struct tree *v)
{
        struct classes_space *space = w->c->space;
        uint32_t n = at->first;
        int rc;

        assert(space->n == at->first + at->n);
        rc = spend(w, (uint64_t)v->n + 1);
        if (rc == 0)
                rc = push_places(w, at);
        if (rc < 0)
                return rc;
        for (uint32_t i = at->first; i < space->n; i++)
                if (w->c->flags[space->stack[i].schema] & CLASSES_WITHIN)
                        space->stack[n++] = space->stack[i];
        space->n = n;
        at->n = n - at->first;
        at->below = at->n > 0;
        return 0;
}

/* ---- members ---- */

/* -E2BIG, -ENOMEM; 1: it is found, 0: not. */
static int search(struct classes_walk *w, const struct regex *r, struct span text)
{
        uint64_t tries = w->steps * TRIES_PER_STEP;
        int rc = spend(w, 1);

        if (rc < 0)
                return rc;
        rc = regex_search(r, w->c->checker->space->regex, text, &tries);
        w->steps = MIN_OF(w->steps, tries / TRIES_PER_STEP);
        return rc == -EINVAL ? 0 : rc; /* no UTF-8: no pattern says anything of it */
}

static const struct api_property *property_of(const struct api_schema *s, struct span key)
{
        uint32_t from = 0, to = s->n_properties;

        while (from < to) {
                uint32_t middle = from + (to - from) / 2;
                int c = span_cmp(key, s->properties[middle].name);

                if (c == 0)
                        return &s->properties[middle];
                if (c < 0)
                        to = middle;
                else
                        from = middle + 1;
        }
        return NULL;
}

/* Has the schema one for this member, but for unevaluatedProperties?  Recursion is that of
 * API_SCHEMA_NEST_MAX.  Negative: as above. */
static int has_member(struct classes_walk *w, uint32_t schema, struct span key)
{
        const struct api_schema *s = &w->c->schemas.at[schema];
        const struct api_property *p = property_of(s, key);
        int rc = spend(w, 1);

        if (rc < 0 || s->additional != API_NONE || (p && p->schema != API_NONE))
                return rc < 0 ? rc : 1;
        for (uint32_t i = 0; rc == 0 && i < s->n_patterns; i++)
                rc = search(w, w->c->checker->compiled[schema].patterns[i], key);
        if (rc == 0 && s->ref != API_NONE)
                rc = has_member(w, s->ref, key);
        for (uint32_t i = 0; rc == 0 && i < s->all_of.n; i++)
                rc = has_member(w, s->all_of.at[i], key);
        return rc;
}

/* Keys come in order, and so do properties. */
static const struct api_property *next_property(const struct api_schema *s, struct classes_entry *e,
                                                struct span key)
{
        int c = -1;

        while (e->next < s->n_properties) {
                c = span_cmp(s->properties[e->next].name, key);
                if (c >= 0)
                        break;
                e->next++;
        }
        return c == 0 ? &s->properties[e->next] : NULL;
}

static int push_patterns(struct classes_walk *w, uint32_t schema, struct span key, bool *known)
{
        const struct api_schema *s = &w->c->schemas.at[schema];
        bool matters = (w->c->flags[schema] & CLASSES_PATTERNS) ||
                       (!*known && classes_leads(w->c, s->additional));

        for (uint32_t i = 0; matters && i < s->n_patterns; i++) {
                int rc = search(w, w->c->checker->compiled[schema].patterns[i], key);

                if (rc > 0) {
                        *known = true;
                        rc = push(w, s->patterns[i].schema);
                }
                if (rc < 0)
                        return rc;
        }
        return 0;
}

static int push_of_member(struct classes_walk *w, uint32_t entry, struct span key)
{
        struct classes_entry *e = &w->c->space->stack[entry];
        uint32_t schema = e->schema, was = e->next;
        const struct api_schema *s = &w->c->schemas.at[schema];
        const struct api_property *p = next_property(s, e, key);
        bool known = p && p->schema != API_NONE;
        int rc = spend(w, (uint64_t)(e->next - was) + 1);

        /* e is not valid any more once something is pushed */
        if (rc == 0 && known)
                rc = push(w, p->schema);
        if (rc == 0 && s->n_patterns > 0)
                rc = push_patterns(w, schema, key, &known);
        if (rc == 0 && !known)
                rc = push(w, s->additional);
        if (rc < 0 || !classes_leads(w->c, s->unevaluated_properties))
                return rc;
        rc = has_member(w, schema, key);
        return rc == 0 ? push(w, s->unevaluated_properties) : MIN_OF(rc, 0);
}

int classes_member(struct classes_walk *w, const struct classes_at *at, struct span key,
                   struct classes_at *ret)
{
        int rc = 0;

        begin_place(w, at, ret);
        for (uint32_t i = at->first; rc == 0 && i < at->first + at->n; i++)
                rc = push_of_member(w, i, key);
        if (rc == 0)
                end_place(w, at, ret);
        return rc;
}

/* ---- items ---- */

static int has_item(struct classes_walk *w, uint32_t schema, uint32_t item)
{
        const struct api_schema *s = &w->c->schemas.at[schema];
        int rc = spend(w, 1);

        if (rc < 0 || item < s->prefix_items.n || s->items != API_NONE)
                return rc < 0 ? rc : 1;
        if (s->ref != API_NONE)
                rc = has_item(w, s->ref, item);
        for (uint32_t i = 0; rc == 0 && i < s->all_of.n; i++)
                rc = has_item(w, s->all_of.at[i], item);
        return rc;
}

static int push_of_item(struct classes_walk *w, uint32_t schema, uint32_t item)
{
        const struct api_schema *s = &w->c->schemas.at[schema];
        int rc = spend(w, 1);

        if (rc == 0)
                rc = push(w, item < s->prefix_items.n ? s->prefix_items.at[item] : s->items);
        if (rc == 0)
                rc = push(w, s->contains);
        if (rc < 0 || !classes_leads(w->c, s->unevaluated_items))
                return rc;
        rc = has_item(w, schema, item);
        return rc == 0 ? push(w, s->unevaluated_items) : MIN_OF(rc, 0);
}

int classes_item(struct classes_walk *w, const struct classes_at *at, uint32_t item,
                 struct classes_at *ret)
{
        int rc = 0;

        begin_place(w, at, ret);
        for (uint32_t i = at->first; rc == 0 && i < at->first + at->n; i++)
                rc = push_of_item(w, w->c->space->stack[i].schema, item);
        if (rc == 0)
                end_place(w, at, ret);
        return rc;
}
