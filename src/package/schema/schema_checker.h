/* SPDX-License-Identifier: Apache-2.0 */
/* schema_checker.h - what schemas are compiled to.  Floor 2, pure. */
#ifndef PACKAGE_SCHEMA_CHECKER_H
#define PACKAGE_SCHEMA_CHECKER_H

#include "package/regex/regex.h"
#include "package/schema/number.h"
#include "package/schema/schema.h"
#include "package/schema/value_order.h"

enum checker_limit_kind {
        CHECKER_MINIMUM,
        CHECKER_MAXIMUM,
        CHECKER_ABOVE,
        CHECKER_BELOW,
        CHECKER_MULTIPLE,
        CHECKER_LIMITS,
};

struct checker_limit {
        enum checker_limit_kind kind;
        bool whole; /* number is it as well */
        int64_t number;
        struct number exact;
        struct span text;
};

/* What a schema has beyond its own words. */
struct checker_schema {
        const struct checker_limit *limits;
        uint32_t n_limits;
        struct regex *pattern;            /* NULL: none */
        struct regex **patterns;          /* of its patternProperties */
        const struct tree *const *values; /* ascending by value_cmp() */
};

/* What checks work in. */
struct checker_space {
        struct regex_space *regex;
        const struct tree **sort;
        size_t sort_cap;
        bool *marks; /* a stack: see schema_unevaluated.c */
        size_t n_marks, marks_cap;
};

struct api_checker {
        struct api_schemas schemas;
        struct arena arena;
        struct checker_schema *compiled; /* one for each of them */
        struct checker_space *space;
        struct span *names; /* of members, that schemas have; ascending, each once */
        size_t n_names;
};

/* Of c->schemas into c->names: -ENOMEM. */
MUST_USE int checker_gather_names(struct api_checker *c);

#endif
