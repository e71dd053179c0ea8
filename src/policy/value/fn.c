/* SPDX-License-Identifier: Apache-2.0 */
/* fn.c - Cedar's functions and methods.  Floor 2, pure. */
#include "policy/value/fn.h"

static const char *const kinds[CEDAR_KINDS] = {
        [CEDAR_BOOL] = "Bool",         [CEDAR_LONG] = "Long", [CEDAR_STRING] = "String",
        [CEDAR_ENTITY] = "Entity",     [CEDAR_SET] = "Set",   [CEDAR_RECORD] = "Record",
        [CEDAR_DECIMAL] = "decimal",   [CEDAR_IP] = "ipaddr", [CEDAR_DATETIME] = "datetime",
        [CEDAR_DURATION] = "duration",
};

#define MAKES(n, kind)                                                                             \
        {                                                                                          \
                n, false, 1, { CEDAR_STRING }, kind                                                \
        }
#define ASKS(n, of, kind)                                                                          \
        {                                                                                          \
                n, true, 1, { of }, kind                                                           \
        }
#define WITH(n, of, arg, kind)                                                                     \
        {                                                                                          \
                n, true, 2, { of, arg }, kind                                                      \
        }

static const struct cedar_fn_shape shapes[CEDAR_FNS] = {
        [FN_DECIMAL] = MAKES("decimal", CEDAR_DECIMAL),
        [FN_IP] = MAKES("ip", CEDAR_IP),
        [FN_DATETIME] = MAKES("datetime", CEDAR_DATETIME),
        [FN_DURATION] = MAKES("duration", CEDAR_DURATION),
        [FN_LESS_THAN] = WITH("lessThan", CEDAR_DECIMAL, CEDAR_DECIMAL, CEDAR_BOOL),
        [FN_LESS_THAN_OR_EQUAL] = WITH("lessThanOrEqual", CEDAR_DECIMAL, CEDAR_DECIMAL, CEDAR_BOOL),
        [FN_GREATER_THAN] = WITH("greaterThan", CEDAR_DECIMAL, CEDAR_DECIMAL, CEDAR_BOOL),
        [FN_GREATER_THAN_OR_EQUAL] =
                WITH("greaterThanOrEqual", CEDAR_DECIMAL, CEDAR_DECIMAL, CEDAR_BOOL),
        [FN_IS_IPV4] = ASKS("isIpv4", CEDAR_IP, CEDAR_BOOL),
        [FN_IS_IPV6] = ASKS("isIpv6", CEDAR_IP, CEDAR_BOOL),
        [FN_IS_LOOPBACK] = ASKS("isLoopback", CEDAR_IP, CEDAR_BOOL),
        [FN_IS_MULTICAST] = ASKS("isMulticast", CEDAR_IP, CEDAR_BOOL),
        [FN_IS_IN_RANGE] = WITH("isInRange", CEDAR_IP, CEDAR_IP, CEDAR_BOOL),
        [FN_OFFSET] = WITH("offset", CEDAR_DATETIME, CEDAR_DURATION, CEDAR_DATETIME),
        [FN_DURATION_SINCE] = WITH("durationSince", CEDAR_DATETIME, CEDAR_DATETIME, CEDAR_DURATION),
        [FN_TO_DATE] = ASKS("toDate", CEDAR_DATETIME, CEDAR_DATETIME),
        [FN_TO_TIME] = ASKS("toTime", CEDAR_DATETIME, CEDAR_DURATION),
        [FN_TO_MILLISECONDS] = ASKS("toMilliseconds", CEDAR_DURATION, CEDAR_LONG),
        [FN_TO_SECONDS] = ASKS("toSeconds", CEDAR_DURATION, CEDAR_LONG),
        [FN_TO_MINUTES] = ASKS("toMinutes", CEDAR_DURATION, CEDAR_LONG),
        [FN_TO_HOURS] = ASKS("toHours", CEDAR_DURATION, CEDAR_LONG),
        [FN_TO_DAYS] = ASKS("toDays", CEDAR_DURATION, CEDAR_LONG),
};

const char *cedar_kind_name(enum cedar_kind k)
{
        return kinds[k];
}

const struct cedar_fn_shape *cedar_fn_shape(enum cedar_fn fn)
{
        return &shapes[fn];
}

bool cedar_fn_find(struct span name, bool method, enum cedar_fn *ret)
{
        for (unsigned i = 0; i < CEDAR_FNS; i++)
                if (shapes[i].method == method && span_eq_str(name, shapes[i].name)) {
                        *ret = (enum cedar_fn)i;
                        return true;
                }
        return false;
}
