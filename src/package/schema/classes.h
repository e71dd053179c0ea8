/* SPDX-License-Identifier: Apache-2.0 */
/* classes.h - which data classes a value has, walked down from the whole.  Floor 2, pure.
 *
 * The rules are in schema.h, above struct api_schema.  A schema says what classes it gives and
 * where it leads; a value, which members and items there are.  What depends on schemas alone is
 * worked out once; the rest as a value is walked:
 *
 *   classes_begin(c, schema, &w, &whole);
 *   r = classes_enter(&w, &whole, value);                    an object or an array that has `below`
 *   r = classes_member(&w, &whole, key, &at);                its members, ascending, or ...
 *   r = classes_item(&w, &whole, i, &at);                    ... its items, ascending
 *
 * A place is good until another one beside or above it is asked for: depth first, that is.
 *
 * SECURITY: values are hostile, the schemas are a package's.  Work is bounded by steps, memory by
 * the depth of the value and the number of schemas that are about one value. */
#ifndef PACKAGE_CLASSES_H
#define PACKAGE_CLASSES_H

#include "package/model/model.h"

enum {
        CLASSES_WORDS = API_CLASSES_MAX / 64,
        CLASSES_STEPS_MAX = 4 * API_SCHEMA_STEPS_MAX, /* of one walk: schemas and members met */
};

/* By place in api.classes. */
struct class_set {
        uint64_t words[CLASSES_WORDS];
};

bool class_set_empty(const struct class_set *s);
/* The first that is `from` or more; API_CLASSES_MAX: there is none. */
uint32_t class_set_next(const struct class_set *s, uint32_t from);

/* It borrows from both and has memory that walks work in, so one thread at a time uses one, for one
 * walk at a time. */
struct api_classes;
struct api_checker;
/* c: of a's schemas.  -EINVAL: a schema has a class that the API has not; -ENOMEM. */
MUST_USE int api_classes_new(const struct api *a, const struct api_checker *c,
                             struct api_classes **ret, struct err *err);
struct api_classes *api_classes_free(struct api_classes *c);
DEFINE_CLEANUP(struct api_classes, api_classes_free)

/* Does the document name a member like this anywhere?  If not, the name is a part of a value. */
bool api_classes_named(const struct api_classes *c, struct span name);

struct classes_walk {
        const struct api_classes *c;
        uint64_t steps; /* that are left */
};

/* Where a walk is. */
struct classes_at {
        struct class_set set; /* of the value */
        bool own;             /* said of the value itself; else those of what it is in */
        bool below;           /* values within may have others than the set */
        uint32_t first, n;    /* the walk's own: schemas that describe the value */
};

/* schema: API_NONE: any. */
MUST_USE int classes_begin(const struct api_classes *c, uint32_t schema, struct classes_walk *w,
                           struct classes_at *ret);

/* Before members or items are asked about; at->below may turn out to be false.  Each of these:
 * -E2BIG: too many steps, -ENOMEM. */
MUST_USE int classes_enter(struct classes_walk *w, struct classes_at *at, const struct tree *v);
MUST_USE int classes_member(struct classes_walk *w, const struct classes_at *at, struct span key,
                            struct classes_at *ret);
MUST_USE int classes_item(struct classes_walk *w, const struct classes_at *at, uint32_t item,
                          struct classes_at *ret);

#endif
