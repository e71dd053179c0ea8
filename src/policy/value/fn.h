/* SPDX-License-Identifier: Apache-2.0 */
/* fn.h - Cedar's functions and methods, one line each.  Floor 2, pure.
 *
 * Source: the Cedar language reference, "Operators and functions".  The parser knows the names, the
 * validator the shapes, the evaluator what they do. */
#ifndef POLICY_FN_H
#define POLICY_FN_H

#include "base/base.h"

/* What a value can be; the order is the one used where values of several kinds are told. */
enum cedar_kind {
        CEDAR_BOOL,
        CEDAR_LONG,
        CEDAR_STRING,
        CEDAR_ENTITY,
        CEDAR_SET,
        CEDAR_RECORD,
        CEDAR_DECIMAL,
        CEDAR_IP,
        CEDAR_DATETIME,
        CEDAR_DURATION,
};
enum { CEDAR_KINDS = CEDAR_DURATION + 1 };

/* As the schema spells it: "Bool", "Long", ..., "ipaddr". */
const char *cedar_kind_name(enum cedar_kind k);

enum cedar_fn {
        FN_DECIMAL, /* constructors: f(string) */
        FN_IP,
        FN_DATETIME,
        FN_DURATION,
        FN_LESS_THAN, /* decimal */
        FN_LESS_THAN_OR_EQUAL,
        FN_GREATER_THAN,
        FN_GREATER_THAN_OR_EQUAL,
        FN_IS_IPV4,
        FN_IS_IPV6,
        FN_IS_LOOPBACK,
        FN_IS_MULTICAST,
        FN_IS_IN_RANGE,
        FN_OFFSET, /* datetime */
        FN_DURATION_SINCE,
        FN_TO_DATE,
        FN_TO_TIME,
        FN_TO_MILLISECONDS, /* duration */
        FN_TO_SECONDS,
        FN_TO_MINUTES,
        FN_TO_HOURS,
        FN_TO_DAYS,
};
enum { CEDAR_FNS = FN_TO_DAYS + 1 };

struct cedar_fn_shape {
        const char *name;
        bool method;    /* x.name(...), else name(...) */
        uint8_t n_args; /* the receiver included; 1 or 2 */
        uint8_t arg[2]; /* enum cedar_kind */
        uint8_t ret;    /* enum cedar_kind */
};

const struct cedar_fn_shape *cedar_fn_shape(enum cedar_fn fn);

/* By name; false when there is none of this sort. */
bool cedar_fn_find(struct span name, bool method, enum cedar_fn *ret);

#endif
