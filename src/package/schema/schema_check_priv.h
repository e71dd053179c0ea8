/* SPDX-License-Identifier: Apache-2.0 */
/* schema_check_priv.h - a check under way, for the files that check.  Floor 2, pure. */
#ifndef PACKAGE_SCHEMA_CHECK_PRIV_H
#define PACKAGE_SCHEMA_CHECK_PRIV_H

#include "package/schema/schema_checker.h"

/* Where a value is, up to the whole. */
struct place {
        const struct place *above;
        enum { PLACE_WHOLE, PLACE_MEMBER, PLACE_ITEM, PLACE_NAME } kind;
        unsigned depth;
        struct span name;
        uint32_t item;
};

struct check {
        const struct api_checker *c;
        struct steps steps;
        unsigned quiet; /* > 0: whether it fits is asked, not why not */
        const char *what;
        struct err *err;
};

/* One schema and one value. */
struct one {
        const struct api_schema *s;
        const struct checker_schema *compiled;
        const struct tree *v;
        const struct place *at;
};

/* ---- schema_check.c ---- */

/* -EINVAL: it does not fit, and why unless that is not asked; -E2BIG, -ENOMEM. */
MUST_USE int schema_check(struct check *k, uint32_t schema, const struct tree *v,
                          const struct place *at);

/* 1: it fits, 0: it does not; or an error that is about the check. */
MUST_USE int schema_fits(struct check *k, uint32_t schema, const struct tree *v,
                         const struct place *at);

/* ---- schema_fault.c ---- */

/* -EINVAL, with the place and what is wrong there, unless that is not asked. */
int schema_fault(struct check *k, const struct place *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* -E2BIG: the check takes too long. */
int schema_too_much(struct check *k);
/* -E2BIG: there are not so many left. */
MUST_USE static inline int schema_spend(struct check *k, uint64_t steps)
{
        return steps_take(&k->steps, steps) ? 0 : schema_too_much(k);
}
/* At most n bytes of a text to be shown, whole characters. */
struct span schema_cut(struct span s, size_t n);

/* ---- schema_check_value.c: as schema_check(), of a part of what a schema says ---- */

MUST_USE int schema_check_type(struct check *k, const struct one *o);
MUST_USE int schema_check_values(struct check *k, const struct one *o);
MUST_USE int schema_check_number(struct check *k, const struct one *o);
MUST_USE int schema_check_string(struct check *k, const struct one *o);

/* 1: found, 0: not; -EINVAL: the text is no UTF-8. */
MUST_USE int schema_search(struct check *k, const struct regex *r, struct span text);

/* ---- schema_check_parts.c: the same ---- */

MUST_USE int schema_check_array(struct check *k, const struct one *o);
MUST_USE int schema_check_object(struct check *k, const struct one *o);

/* Has the object a member of this name? */
bool schema_has(const struct tree *object, struct span name);

/* ---- schema_unevaluated.c ---- */

/* When everything else that the schema says of the value is known to be true. */
MUST_USE int schema_check_unevaluated(struct check *k, const struct one *o);

#endif
