/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - JSON Schema as OpenAPI 3.1 uses it, and whether a value fits.  Floor 2, pure.
 *
 * Source: JSON Schema draft 2020-12, Core and Validation; OpenAPI 3.1.1, "Schema Object".
 * All schemas of an API lie in one table and name each other by their place in it, so a recursive
 * schema is nothing special.  References are resolved when the document is read.  Keywords that
 * this does not know are refused there, never passed over: $dynamicRef, $recursiveRef,
 * contentSchema; `default` and annotations are dropped. */
#ifndef PACKAGE_SCHEMA_H
#define PACKAGE_SCHEMA_H

#include "base/arena.h"
#include "base/err.h"
#include "wire/tree.h"

enum {
        API_NONE = UINT32_MAX, /* no schema, no place, no limit */
        API_SCHEMAS_MAX = 100000,
        API_PROPERTIES_MAX = 4096,      /* of one schema */
        API_VALUES_MAX = 4096,          /* of one enum */
        API_SCHEMA_NEST_MAX = 32,       /* schemas about one and the same value, within each other:
                                           references, allOf, if ...; the table is refused beyond */
        API_SCHEMA_STEPS_MAX = 1000000, /* of one check: schemas met, members and items looked at or
                                           compared, four things that a pattern tried; the value is
                                           refused beyond */
};

enum api_types {
        API_NULL = 1u << 0,
        API_BOOL = 1u << 1,
        API_INTEGER = 1u << 2, /* a number without a fraction: 1.0 is one */
        API_NUMBER = 1u << 3,  /* any number */
        API_STRING = 1u << 4,
        API_ARRAY = 1u << 5,
        API_OBJECT = 1u << 6,
        API_ANY = (1u << 7) - 1,
};

/* Asserted where known: a string that is none of its format does not fit.  Others are dropped with
 * a warning when the document is read. */
enum api_format {
        API_FORMAT_NONE,
        API_FORMAT_DATE_TIME, /* RFC 3339 */
        API_FORMAT_DATE,
        API_FORMAT_TIME,
        API_FORMAT_DURATION, /* ISO 8601, as RFC 3339 appendix A has it */
        API_FORMAT_EMAIL,    /* ASCII addr-spec of RFC 5321 */
        API_FORMAT_HOSTNAME,
        API_FORMAT_IPV4,
        API_FORMAT_IPV6,
        API_FORMAT_URI, /* RFC 3986, absolute */
        API_FORMAT_UUID,
        API_FORMAT_BYTE,  /* base64 */
        API_FORMAT_INT32, /* of numbers */
        API_FORMAT_INT64,
        API_FORMATS,
};
/* "date-time" and back; API_FORMATS when there is none of this name. */
const char *api_format_name(enum api_format f);
enum api_format api_format_of(struct span name);

struct api_property {
        struct span name;
        uint32_t schema;
        bool required;
};

struct api_pattern_property {
        struct span pattern;
        uint32_t schema;
};

struct api_dependent {
        struct span name;            /* when this member is there ... */
        const struct span *required; /* ... so must these */
        uint32_t n_required;
        uint32_t schema; /* ... and the object fits this; API_NONE */
};

/* A list of places. */
struct api_places {
        const uint32_t *at;
        uint32_t n;
};

/* Members that were not written have the values said here.
 *
 * Which data classes has a value?  "In place" of a schema stand its ref, all_of, any_of, one_of,
 * then_of, else_of and the schemas of its dependents, and what stands in place of those: all of
 * them, whether the value fits them or not, since who gives a class to a name means that name.
 *
 * 1. A schema's own classes: its data_class; if it has none, the own classes of its ref, of each in
 *    all_of and so on.  So {ref, data_class} says what the referring place is, whatever the schema
 *    that is referred to says of itself, and the same schema referred to elsewhere is as it says.
 * 2. A value within another is described by each schema that the outer one's schema, or what stands
 *    in place of that, has for it: in properties, patterns, additional; in prefix_items, items,
 *    contains; in unevaluated_properties and unevaluated_items, unless the schema itself, or its
 *    ref and all_of and theirs, have it in the others: what a branch has that may not fit does not
 *    count, and neither does contains, since not every item fits that.  Its classes are the own
 *    classes of all these together; if there are none, those of the value it is in.
 *
 * not_of, if_of and names say nothing of classes. */
struct api_schema {
        struct span name;       /* "Account" where it is a named component; empty */
        struct span data_class; /* x-data-class; empty: none */
        uint32_t types;         /* API_ANY */
        bool never;             /* `false` */
        bool unique;            /* uniqueItems */
        uint32_t ref;           /* API_NONE; what stands beside it counts too */
        /* values */
        const struct tree *values; /* enum, const: one of these; NULL */
        uint32_t n_values;
        /* numbers, as RFC 8259 spells them, TREE_REAL_MAX characters; empty: no limit */
        struct span minimum, maximum, above, below; /* above, below: exclusive */
        struct span multiple_of;                    /* > 0 */
        /* strings; lengths in characters */
        uint64_t min_length, max_length; /* 0, UINT64_MAX */
        struct span pattern;             /* see api_pattern_check(); empty: any */
        enum api_format format;
        /* arrays */
        uint64_t min_items, max_items;
        struct api_places prefix_items;
        uint32_t items; /* API_NONE: any */
        uint32_t contains;
        uint64_t min_contains, max_contains; /* 1, UINT64_MAX */
        uint32_t unevaluated_items;          /* API_NONE: any */
        /* objects */
        const struct api_property *properties; /* ascending by name; a required one that is none of
                                                  `properties` has API_NONE: `additional` and
                                                  patterns count for it, as for any other name */
        uint32_t n_properties;
        const struct api_pattern_property *patterns;
        uint32_t n_patterns;
        uint32_t additional;             /* API_NONE: any */
        uint32_t unevaluated_properties; /* of members that neither this schema nor what stands in
                                            place of it and fits has a schema for; API_NONE: any */
        uint32_t names;                  /* propertyNames; API_NONE */
        uint64_t min_properties, max_properties;
        const struct api_dependent *dependents; /* ascending by name */
        uint32_t n_dependents;
        /* combinations */
        struct api_places all_of, any_of, one_of;
        uint32_t not_of, if_of, then_of, else_of; /* API_NONE */
};

extern const struct api_schema api_schema_any; /* `true` */

struct api_schemas {
        const struct api_schema *at;
        uint32_t n;
};

/* Is it a regular expression that is understood?  ECMA-262 in Unicode mode, as JSON Schema wants
 * it, and searched for anywhere in a string; without back-references, named properties but general
 * categories, flags within, and what it does not have itself: \A, \Z, possessive quantifiers ...
 * -EINVAL: "character 4: back-references (\1, \k<name>) are not supported"; -ENOMEM. */
MUST_USE int api_pattern_check(struct span pattern, struct err *err);

/* What was compiled of them: their patterns, numbers, lists of values.  It borrows from s and has
 * memory that checks work in, so one thread at a time uses one; a check that has been the largest
 * once allocates no more. */
struct api_checker;
/* -EINVAL: a pattern that is none, a number that is none, schemas that come back to the same value
 * without end (a: $ref b, b: $ref a), places that are none, each with the schema; -ENOMEM. */
MUST_USE int api_checker_new(const struct api_schemas *s, struct api_checker **ret,
                             struct err *err);
struct api_checker *api_checker_free(struct api_checker *c);
DEFINE_CLEANUP(struct api_checker, api_checker_free)

/* Does one of the schemas name a member like this?  If not, the name is a part of a value. */
bool api_checker_named(const struct api_checker *c, struct span name);

/* Does v fit the schema at this place, which is one of the table (asserted)?  -EINVAL:
 * `body.accounts[3].iban: longer than 34 characters` (what: how the path begins), the first fault,
 * members in order of their names; values are never in the text, nor names of members that no
 * schema has, which may be values ("body.*"); other names are, cut and made safe.  -E2BIG: too many
 * steps, or a pattern that took too much memory; -ENOMEM. */
MUST_USE int api_schema_check(const struct api_checker *c, uint32_t schema, const struct tree *v,
                              const char *what, struct err *err);

#endif
