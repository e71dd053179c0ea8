/* SPDX-License-Identifier: Apache-2.0 */
/* compare_schema.c - does more fit one schema than another, or less?  Floor 2, pure. */
#include "package/compare/compare_walk.h"

#include <stdio.h>
#include <stdlib.h>

enum {
        SEEN_FIRST = 1024,
        SEEN_MAX = 1 << 22, /* pairs; beyond, what is left is not looked at */
};
STATIC_ASSERT(API_SCHEMAS_MAX + 1 < 1 << 17, "two places of schemas fit beside each other");

static const struct api_schema *schema_of(const struct compare_side *s, uint32_t at)
{
        return at == API_NONE ? &api_schema_any : &s->api->schemas.at[at];
}

/* ".name" behind where it is; returns what is to be given back. */
static size_t enter(struct compare_walk *w, const char *before, struct span name, const char *after)
{
        size_t was = w->where_n;
        int n = snprintf(w->where + was, COMPARE_WHERE_MAX - was, "%s%.*s%s", was ? before : "",
                         SHOWN(name), after);

        w->where_n = MIN_OF(was + (size_t)n, (size_t)COMPARE_WHERE_MAX - 1);
        return was;
}

/* ---- within ---- */

static void walk(struct compare_walk *w, uint32_t a, uint32_t b);

static void walk_within(struct compare_walk *w, const char *before, struct span name,
                        const char *after, uint32_t a, uint32_t b)
{
        size_t was;

        if (a == API_NONE && b == API_NONE)
                return;
        was = enter(w, before, name, after);
        walk(w, a, b);
        w->where_n = was;
}

static bool is_open(const struct compare_side *s, uint32_t additional)
{
        return additional == API_NONE || !schema_of(s, additional)->never;
}

static void new_property(struct compare_walk *w, const struct api_property *p)
{
        unsigned effect = 0;

        if (p->required)
                effect = compare_effect_of(w, FITS_LESS);
        else if (w->unsure)
                effect = compare_effect_of(w, FITS_EITHER);
        compare_tell(w, effect, "%s property %.*s", p->required ? "new required" : "new",
                     SHOWN(p->name));
}

/* Who sends it is refused, if nothing else may be sent; who reads it, misses it. */
static void old_property(struct compare_walk *w, const struct api_schema *b,
                         const struct api_property *p)
{
        bool open = is_open(w->c->b, b->additional) && is_open(w->c->b, b->unevaluated_properties);
        unsigned effect = w->w->use & COMPARE_ANSWER || !open ? COMPARE_BREAKS : COMPARE_NOTHING;

        compare_tell(w, effect, "no property %.*s any more", SHOWN(p->name));
}

static struct span property_name(const void *list, size_t i)
{
        return ((const struct api_property *)list)[i].name;
}

static void walk_properties(struct compare_walk *w, const struct api_schema *a,
                            const struct api_schema *b)
{
        struct compare_pair at = { 0, 0 }, p;

        while (compare_next(a->properties, a->n_properties, b->properties, b->n_properties,
                            property_name, &at, &p)) {
                const struct api_property *x = p.a == SIZE_MAX ? NULL : &a->properties[p.a];
                const struct api_property *y = p.b == SIZE_MAX ? NULL : &b->properties[p.b];

                assert(x || y);
                if (!x) {
                        new_property(w, y);
                        continue;
                }
                if (!y) {
                        old_property(w, b, x);
                        continue;
                }
                if (x->required != y->required)
                        compare_tell(w, compare_effect_of(w, y->required ? FITS_LESS : FITS_MORE),
                                     "property %.*s is %s", SHOWN(x->name),
                                     y->required ? "required now" : "not required any more");
                walk_within(w, ".", x->name, "", x->schema, y->schema);
        }
}

static void walk_additional(struct compare_walk *w, const struct api_schema *a,
                            const struct api_schema *b)
{
        bool was = is_open(w->c->a, a->additional), is = is_open(w->c->b, b->additional);

        if (was && is)
                walk_within(w, ".", SPAN("*"), "", a->additional, b->additional);
        else if (was)
                compare_tell(w, compare_effect_of(w, FITS_LESS), "no other properties any more");
        else if (is) /* who reads an answer passes over what he does not know */
                compare_tell(w, COMPARE_NOTHING, "other properties as well");
}

static void walk_list(struct compare_walk *w, const char *name, struct api_places a,
                      struct api_places b, bool any)
{
        uint32_t n = MIN_OF(a.n, b.n);
        bool more = any && a.n && b.n ? b.n > a.n : b.n < a.n;

        if (a.n != b.n)
                compare_tell(w, compare_effect_of(w, more ? FITS_MORE : FITS_LESS),
                             "%s of %u, was of %u", name, (unsigned)b.n, (unsigned)a.n);
        for (uint32_t i = 0; i < n; i++) {
                char at[48];

                snprintf(at, sizeof at, "%s[%u]", name, (unsigned)i);
                walk_within(w, ".", span_str(at), "", a.at[i], b.at[i]);
        }
}

/* What is no condition of its own: a difference in it may let more or less fit. */
static void walk_unsure(struct compare_walk *w, const char *name, uint32_t a, uint32_t b)
{
        bool was = w->unsure;

        if ((a == API_NONE) != (b == API_NONE)) {
                compare_tell(w, compare_effect_of(w, FITS_EITHER),
                             b == API_NONE ? "no %s any more" : "%s is new", name);
                return;
        }
        w->unsure = true;
        walk_within(w, ".", span_str(name), "", a, b);
        w->unsure = was;
}

/* What is said of members or items that nothing else has a schema for. */
static void walk_left(struct compare_walk *w, const char *name, uint32_t a, uint32_t b)
{
        if ((a == API_NONE) == (b == API_NONE))
                walk_within(w, ".", span_str(name), "", a, b);
        else if (b == API_NONE)
                compare_tell(w, compare_effect_of(w, FITS_MORE), "no %s any more", name);
        else
                compare_tell(w, compare_effect_of(w, FITS_LESS), "%s is new", name);
}

static void walk_combinations(struct compare_walk *w, const struct api_schema *a,
                              const struct api_schema *b)
{
        bool was = w->unsure;

        walk_list(w, "allOf", a->all_of, b->all_of, false);
        walk_list(w, "anyOf", a->any_of, b->any_of, true);
        w->unsure = true; /* what fits another branch as well fits none */
        walk_list(w, "oneOf", a->one_of, b->one_of, true);
        w->unsure = was;
        walk_unsure(w, "not", a->not_of, b->not_of);
        walk_unsure(w, "if", a->if_of, b->if_of);
        walk_unsure(w, "then", a->then_of, b->then_of);
        walk_unsure(w, "else", a->else_of, b->else_of);
        walk_unsure(w, "propertyNames", a->names, b->names);
        walk_left(w, "unevaluatedProperties", a->unevaluated_properties, b->unevaluated_properties);
        walk_left(w, "unevaluatedItems", a->unevaluated_items, b->unevaluated_items);
}

static struct span pattern_name(const void *list, size_t i)
{
        return ((const struct api_pattern_property *)list)[i].pattern;
}

static struct span dependent_name(const void *list, size_t i)
{
        return ((const struct api_dependent *)list)[i].name;
}

static bool same_required(const struct api_dependent *a, const struct api_dependent *b)
{
        if (a->n_required != b->n_required)
                return false;
        for (uint32_t i = 0; i < a->n_required; i++)
                if (!span_eq(a->required[i], b->required[i]))
                        return false;
        return true;
}

static void walk_patterns(struct compare_walk *w, const struct api_schema *a,
                          const struct api_schema *b)
{
        struct compare_pair at = { 0, 0 }, p;

        while (compare_next(a->patterns, a->n_patterns, b->patterns, b->n_patterns, pattern_name,
                            &at, &p)) {
                if (p.a == SIZE_MAX || p.b == SIZE_MAX) {
                        compare_tell(w, compare_effect_of(w, FITS_EITHER),
                                     "patternProperties %.*s %s",
                                     SHOWN(p.a == SIZE_MAX ? b->patterns[p.b].pattern
                                                           : a->patterns[p.a].pattern),
                                     p.a == SIZE_MAX ? "added" : "removed");
                        continue;
                }
                walk_within(w, ".", a->patterns[p.a].pattern, "", a->patterns[p.a].schema,
                            b->patterns[p.b].schema);
        }
}

static void walk_dependents(struct compare_walk *w, const struct api_schema *a,
                            const struct api_schema *b)
{
        struct compare_pair at = { 0, 0 }, p;

        while (compare_next(a->dependents, a->n_dependents, b->dependents, b->n_dependents,
                            dependent_name, &at, &p)) {
                const struct api_dependent *x = p.a == SIZE_MAX ? NULL : &a->dependents[p.a];
                const struct api_dependent *y = p.b == SIZE_MAX ? NULL : &b->dependents[p.b];

                assert(x || y);
                if (!x || !y || !same_required(x, y))
                        compare_tell(w,
                                     compare_effect_of(w, !x   ? FITS_LESS
                                                          : !y ? FITS_MORE
                                                               : FITS_EITHER),
                                     "what must stand beside %.*s is another",
                                     SHOWN(x ? x->name : y->name));
                else
                        walk_within(w, ".", x->name, "", x->schema, y->schema);
        }
}

static void check_schema(struct compare_walk *w, const struct api_schema *a,
                         const struct api_schema *b)
{
        compare_values(w, a, b);
        walk_within(w, "", SPAN_NONE, "", a->ref, b->ref);
        walk_properties(w, a, b);
        walk_patterns(w, a, b);
        walk_additional(w, a, b);
        walk_dependents(w, a, b);
        walk_list(w, "prefixItems", a->prefix_items, b->prefix_items, false);
        walk_within(w, "", SPAN_NONE, "[]", a->items, b->items);
        walk_within(w, ".", SPAN("contains"), "", a->contains, b->contains);
        walk_combinations(w, a, b);
}

/* ---- which pairs ---- */

/* Nothing but a reference, and perhaps a class. */
static bool only_refers(const struct api_schema *s)
{
        const struct api_schema *any = &api_schema_any;

        return s->ref != API_NONE && s->name.n == 0 && s->types == any->types && !s->never &&
               !s->unique && s->n_values == 0 && s->minimum.n == 0 && s->maximum.n == 0 &&
               s->above.n == 0 && s->below.n == 0 && s->multiple_of.n == 0 &&
               s->min_length == any->min_length && s->max_length == any->max_length &&
               s->pattern.n == 0 && s->format == API_FORMAT_NONE &&
               s->min_items == any->min_items && s->max_items == any->max_items &&
               s->prefix_items.n == 0 && s->items == API_NONE && s->contains == API_NONE &&
               s->unevaluated_items == API_NONE && s->unevaluated_properties == API_NONE &&
               s->n_properties == 0 && s->n_patterns == 0 && s->additional == API_NONE &&
               s->names == API_NONE && s->min_properties == any->min_properties &&
               s->max_properties == any->max_properties && s->n_dependents == 0 &&
               s->all_of.n == 0 && s->any_of.n == 0 && s->one_of.n == 0 && s->not_of == API_NONE &&
               s->if_of == API_NONE;
}

/* What is meant in the end; *ret_class: the first that stands beside a reference on the way. */
static uint32_t follow(const struct compare_side *s, uint32_t at, struct span *ret_class)
{
        *ret_class = SPAN_NONE;
        for (unsigned i = 0; i < API_SCHEMA_NEST_MAX; i++) {
                const struct api_schema *schema = schema_of(s, at);

                if (!only_refers(schema))
                        break;
                if (ret_class->n == 0)
                        *ret_class = schema->data_class;
                at = schema->ref;
        }
        return at;
}

static uint64_t hash(uint64_t v)
{
        v ^= v >> 33;
        v *= 0xff51afd7ed558ccdull;
        v ^= v >> 33;
        return v;
}

static bool grow(struct comparer *c)
{
        size_t room = c->seen_room ? 2 * c->seen_room : SEEN_FIRST;
        uint64_t *more = calloc(room, sizeof *more);

        if (!more)
                return false;
        for (size_t i = 0; i < c->seen_room; i++) {
                size_t at = hash(c->seen[i]) & (room - 1);

                if (!c->seen[i])
                        continue;
                while (more[at])
                        at = (at + 1) & (room - 1);
                more[at] = c->seen[i];
        }
        free(c->seen);
        c->seen = more;
        c->seen_room = room;
        return true;
}

/* false: it was looked at before from the same place, or there is no room to remember it. */
static bool is_new(struct comparer *c, uint32_t a, uint32_t b, unsigned use)
{
        uint64_t key =
                (uint64_t)c->root << 36 | (uint64_t)(a + 1u) << 19 | (uint64_t)(b + 1u) << 2 | use;
        size_t at;

        if (c->n_seen >= SEEN_MAX)
                return false;
        if (2 * c->n_seen >= c->seen_room && !grow(c)) {
                c->rc = -ENOMEM;
                return false;
        }
        for (at = hash(key) & (c->seen_room - 1); c->seen[at]; at = (at + 1) & (c->seen_room - 1))
                if (c->seen[at] == key)
                        return false;
        c->seen[at] = key;
        c->n_seen++;
        return true;
}

/* Both are components of one name: they are compared once, by themselves. */
static bool is_component(struct compare_walk *w, uint32_t a, uint32_t b)
{
        struct comparer *c = w->c;
        struct span name = a == API_NONE || b == API_NONE ? SPAN_NONE : schema_of(c->a, a)->name;

        if (name.n == 0 || !span_eq(name, schema_of(c->b, b)->name))
                return false;
        if ((c->uses[a] | w->w->use) != c->uses[a])
                c->grown = true;
        c->uses[a] |= (uint8_t)w->w->use;
        c->partner[a] = b + 1;
        return true;
}

/* Beside a reference the class of what it leads to does not count. */
static void check_outer_class(struct compare_walk *w, uint32_t a, uint32_t b, struct span x,
                              struct span y)
{
        if (x.n == 0 && y.n == 0)
                return;
        compare_data_class(w, x.n ? x : schema_of(w->c->a, a)->data_class,
                           y.n ? y : schema_of(w->c->b, b)->data_class);
}

static void walk(struct compare_walk *w, uint32_t a, uint32_t b)
{
        struct span x, y;

        a = follow(w->c->a, a, &x);
        b = follow(w->c->b, b, &y);
        if (w->c->rc < 0 || w->depth == COMPARE_DEPTH_MAX)
                return;
        check_outer_class(w, a, b, x, y);
        if (is_component(w, a, b) || !is_new(w->c, a, b, w->w->use))
                return;
        w->depth++;
        check_schema(w, schema_of(w->c->a, a), schema_of(w->c->b, b));
        w->depth--;
}

void compare_schemas(struct comparer *c, const struct compare_where *where, uint32_t a, uint32_t b)
{
        struct compare_walk w = { .c = c, .w = where };

        c->root++;
        (void)enter(&w, "", span_str(where->where), "");
        walk(&w, a, b);
}

static void compare_component(struct comparer *c, uint32_t a)
{
        const struct compare_where where = { COMPARE_SCHEMA, schema_of(c->a, a)->name, "",
                                             c->uses[a] };
        struct compare_walk w = { .c = c, .w = &where };

        c->root++;
        check_schema(&w, schema_of(c->a, a), schema_of(c->b, c->partner[a] - 1));
}

static void forget_seen(struct comparer *c)
{
        if (c->seen)
                memset(c->seen, 0, c->seen_room * sizeof *c->seen);
        c->n_seen = 0;
}

void compare_gather(struct comparer *c)
{
        do {
                c->grown = false;
                forget_seen(c);
                for (uint32_t i = 0; i < c->a->api->schemas.n && c->rc == 0; i++)
                        if (c->partner[i])
                                compare_component(c, i);
        } while (c->grown && c->rc == 0);
        forget_seen(c);
}

void compare_components(struct comparer *c)
{
        for (uint32_t i = 0; i < c->a->api->schemas.n && c->rc == 0; i++)
                if (c->partner[i])
                        compare_component(c, i);
}
