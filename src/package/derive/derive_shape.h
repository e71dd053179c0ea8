/* SPDX-License-Identifier: Apache-2.0 */
/* derive_shape.h - what values of a schema look like, as far as types of Cedar can tell.  Floor 2,
 * pure.
 *
 * A shape lets every value through that its schema does, and some more: what it does not look at
 * (not, if, then, else, dependentSchemas, patterns, lengths, limits) can only make them fewer.  So
 * where the shape is a type of Cedar each value of the schema has that type.  Shapes are made once
 * for each place, those that others lead to first; nothing recurses over schemas. */
#ifndef PACKAGE_DERIVE_SHAPE_H
#define PACKAGE_DERIVE_SHAPE_H

#include "base/arena.h"
#include "base/err.h"
#include "package/schema/schema.h"

enum {
        SHAPE_HEIGHT_MAX = 80,             /* a record counts two, as a common type and by itself;
                                              CEDAR_SCHEMA_DEPTH_MAX is for the context around it */
        SHAPE_ATTRS_MAX = 4 * 1000 * 1000, /* made in all */
};

/* Why it is no type of Cedar. */
enum shape_lack {
        SHAPE_TYPED,
        SHAPE_ANY,     /* anything may stand there */
        SHAPE_UNSAID,  /* properties are said, and not that it is an object */
        SHAPE_FREE,    /* an object without properties that have a type */
        SHAPE_SUM,     /* values of different types */
        SHAPE_NULLS,   /* null within an array */
        SHAPE_LOOP,    /* the schema leads back to itself */
        SHAPE_DEEP,    /* nests too deep */
        SHAPE_NOTHING, /* no value fits, or null alone */
};

/* What strings are, other than enumerated ones. */
enum shape_text {
        SHAPE_STRING,
        SHAPE_DATETIME, /* format date-time */
        SHAPE_IPADDR,   /* format ipv4 or ipv6 */
};

struct shape {
        uint32_t kinds;            /* enum api_types; with API_NUMBER always API_INTEGER */
        const struct span *values; /* strings: these only, ascending; NULL: any */
        uint32_t n_values;
        enum shape_text text;        /* of strings, when there are no values */
        struct span name;            /* of the component that gave the values */
        struct shape_record *record; /* objects; NULL: nothing is known of them */
        const struct shape *item;    /* arrays; NULL: likewise */
        bool fine;                   /* numbers have at most four decimals */
        enum shape_lack why;         /* what kept record or item from being known */
        enum shape_lack lack;
        uint32_t height;
};

struct shape_attr {
        struct span name;
        const struct shape *shape;
        bool required;
};

struct shape_record {
        struct span name;               /* of the component; empty */
        const struct shape_attr *attrs; /* ascending by name */
        uint32_t n;
        uint32_t typed; /* how many of them have a type */
        uint32_t height;
        bool seen;        /* for those who walk */
        uint32_t order;   /* of being met */
        struct span type; /* the common type that was named for it */
};

struct shapes {
        const struct api_schemas *schemas;
        struct arena *arena;
        struct shape **at; /* by place; NULL: not reached */
        uint32_t *group;   /* by place: those that lead to each other have the same */
        uint32_t *order;   /* places, those that others lead to first */
        uint32_t n_order, n_groups;
        uint32_t n_attrs;
};

/* The shapes of all places that the n roots lead to (API_NONE among them is passed over).  All of
 * it lies in arena.  -ENOMEM; -E2BIG: SHAPE_ATTRS_MAX. */
MUST_USE int shapes_make(const struct api_schemas *schemas, const uint32_t *roots, uint32_t n,
                         struct arena *arena, struct shapes *ret, struct err *err);

/* Of a place that was reached; of API_NONE: anything. */
const struct shape *shape_at(const struct shapes *s, uint32_t place);

/* What fits a or b; NULL: -ENOMEM. */
MUST_USE struct shape *shape_join(struct shapes *s, const struct shape *a, const struct shape *b);
/* What fits a and b; NULL: no memory or SHAPE_ATTRS_MAX. */
MUST_USE struct shape *shape_meet(struct shapes *s, const struct shape *a, const struct shape *b);

/* Can it be null? */
static inline bool shape_nullable(const struct shape *s)
{
        return s->kinds & API_NULL;
}

/* Is it the shape of a member that a record has an attribute for? */
static inline bool shape_typed(const struct shape *s)
{
        return s->lack == SHAPE_TYPED;
}

/* "an object without named properties", for messages. */
const char *shape_lack_text(enum shape_lack lack);

/* ---- derive_graph.c ---- */

/* Fills group and order for all that the roots lead to.  -ENOMEM. */
MUST_USE int shapes_order(struct shapes *s, const uint32_t *roots, uint32_t n);

/* Places that the shape of a schema is made of: ref, all_of, any_of, one_of, properties, items. */
uint32_t shape_parts(const struct api_schema *schema);
/* The i-th of them; may be API_NONE. */
uint32_t shape_part(const struct api_schema *schema, uint32_t i);

/* Does the edge lead round in a circle? */
static inline bool shapes_loop(const struct shapes *s, uint32_t from, uint32_t to)
{
        return s->group[from] == s->group[to];
}

#endif
