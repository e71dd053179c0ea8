/* SPDX-License-Identifier: Apache-2.0 */
/* evaluate_fn.c - what the functions of the extensions do.  Floor 2, pure.
 *
 * Source: the Cedar language reference, "Operators and functions"; RFC 80 of Cedar. */
#include "policy/evaluate/code.h"
#include "policy/value/extension.h"

/* fn of its arguments, which are of the right kinds.  -EINVAL: a string it cannot read;
 * -EOVERFLOW. */
typedef int function(struct cedar_machine *m, enum cedar_fn fn, const struct cedar_value *a,
                     struct cedar_value *ret);

static int construct(struct cedar_machine *m, enum cedar_fn fn, const struct cedar_value *a,
                     struct cedar_value *ret)
{
        struct cedar_ip *room = (struct cedar_ip *)(void *)m->room;

        return cedar_value_make_in(fn, cedar_string_span(a), room, ret, NULL);
}

static int compare(struct cedar_machine *m, enum cedar_fn fn, const struct cedar_value *a,
                   struct cedar_value *ret)
{
        int64_t x = a[0].number, y = a[1].number;

        *ret = cedar_bool(fn == FN_LESS_THAN            ? x < y
                          : fn == FN_LESS_THAN_OR_EQUAL ? x <= y
                          : fn == FN_GREATER_THAN       ? x > y
                                                        : x >= y);
        return 0;
}

static int is_ip(struct cedar_machine *m, enum cedar_fn fn, const struct cedar_value *a,
                 struct cedar_value *ret)
{
        *ret = cedar_bool(fn == FN_IS_IPV4       ? !a->ip->v6
                          : fn == FN_IS_IPV6     ? a->ip->v6
                          : fn == FN_IS_LOOPBACK ? cedar_ip_is_loopback(a->ip)
                                                 : cedar_ip_is_multicast(a->ip));
        return 0;
}

static int in_range(struct cedar_machine *m, enum cedar_fn fn, const struct cedar_value *a,
                    struct cedar_value *ret)
{
        *ret = cedar_bool(cedar_ip_in_range(a[0].ip, a[1].ip));
        return 0;
}

static int offset(struct cedar_machine *m, enum cedar_fn fn, const struct cedar_value *a,
                  struct cedar_value *ret)
{
        int64_t t;

        if (__builtin_add_overflow(a[0].number, a[1].number, &t))
                return -EOVERFLOW;
        *ret = cedar_number(CEDAR_DATETIME, t);
        return 0;
}

static int since(struct cedar_machine *m, enum cedar_fn fn, const struct cedar_value *a,
                 struct cedar_value *ret)
{
        int64_t d;

        if (__builtin_sub_overflow(a[0].number, a[1].number, &d))
                return -EOVERFLOW;
        *ret = cedar_number(CEDAR_DURATION, d);
        return 0;
}

static int to_date(struct cedar_machine *m, enum cedar_fn fn, const struct cedar_value *a,
                   struct cedar_value *ret)
{
        int64_t t;
        int r = cedar_datetime_date(a->number, &t);

        if (r == 0)
                *ret = cedar_number(CEDAR_DATETIME, t);
        return r;
}

static int to_time(struct cedar_machine *m, enum cedar_fn fn, const struct cedar_value *a,
                   struct cedar_value *ret)
{
        *ret = cedar_number(CEDAR_DURATION, cedar_datetime_time(a->number));
        return 0;
}

/* Parts of a unit are dropped, towards zero. */
static int to_unit(struct cedar_machine *m, enum cedar_fn fn, const struct cedar_value *a,
                   struct cedar_value *ret)
{
        static const int64_t units[CEDAR_FNS] = {
                [FN_TO_MILLISECONDS] = 1, [FN_TO_SECONDS] = 1000,  [FN_TO_MINUTES] = 60000,
                [FN_TO_HOURS] = 3600000,  [FN_TO_DAYS] = 86400000,
        };

        *ret = cedar_number(CEDAR_LONG, a->number / units[fn]);
        return 0;
}

static function *const functions[CEDAR_FNS] = {
        [FN_DECIMAL] = construct,    [FN_IP] = construct,
        [FN_DATETIME] = construct,   [FN_DURATION] = construct,
        [FN_LESS_THAN] = compare,    [FN_LESS_THAN_OR_EQUAL] = compare,
        [FN_GREATER_THAN] = compare, [FN_GREATER_THAN_OR_EQUAL] = compare,
        [FN_IS_IPV4] = is_ip,        [FN_IS_IPV6] = is_ip,
        [FN_IS_LOOPBACK] = is_ip,    [FN_IS_MULTICAST] = is_ip,
        [FN_IS_IN_RANGE] = in_range, [FN_OFFSET] = offset,
        [FN_DURATION_SINCE] = since, [FN_TO_DATE] = to_date,
        [FN_TO_TIME] = to_time,      [FN_TO_MILLISECONDS] = to_unit,
        [FN_TO_SECONDS] = to_unit,   [FN_TO_MINUTES] = to_unit,
        [FN_TO_HOURS] = to_unit,     [FN_TO_DAYS] = to_unit,
};

bool cedar_step_fn(struct cedar_machine *m, const struct cedar_code *c)
{
        const struct cedar_fn_shape *shape = cedar_fn_shape((enum cedar_fn)c->which);
        const struct cedar_value *args = m->top - c->n;
        struct cedar_value v;
        int r;

        if (c->n != shape->n_args) {
                m->fault = FAULT_ARGUMENTS;
                return false;
        }
        for (uint32_t i = 0; i < c->n; i++)
                if (args[i].kind != shape->arg[i]) {
                        m->fault = FAULT_TYPE;
                        return false;
                }
        r = functions[c->which](m, (enum cedar_fn)c->which, args, &v);
        if (r) {
                m->fault = r == -EOVERFLOW ? FAULT_OVERFLOW : FAULT_EXTENSION;
                return false;
        }
        m->room += cedar_code_room(c);
        m->top -= c->n;
        *m->top++ = v;
        return true;
}
