/* SPDX-License-Identifier: Apache-2.0 */
/* value.h - what an expression of Cedar comes to.  Floor 2, pure.
 *
 * A value is 16 bytes and borrows what it points at. */
#ifndef POLICY_VALUE_H
#define POLICY_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "policy/value/fn.h"
#include "policy/value/uid.h"

/* An address or a range of them.  IPv4 lies in the first four bytes. */
struct cedar_ip {
        uint8_t address[16];
        uint8_t prefix; /* bits, 0..32 or 0..128 */
        bool v6;
};

struct cedar_value {
        uint8_t kind; /* enum cedar_kind */
        uint32_t n;   /* bytes of a string, items of a set, fields of a record */
        union {
                bool boolean;
                int64_t number; /* Long; decimal: ten-thousandths; datetime, duration: milliseconds
                                 */
                const uint8_t *bytes;
                const struct cedar_uid *uid;
                const struct cedar_value *items;  /* ascending by cedar_value_cmp, none twice:
                                                     only cedar_set_of() makes sets */
                const struct cedar_field *fields; /* ascending by key (span_cmp), no key twice:
                                                     cedar_record_of() */
                const struct cedar_ip *ip;
        };
};

struct cedar_field {
        struct span key;
        struct cedar_value value;
};

static inline struct cedar_value cedar_bool(bool b)
{
        return (struct cedar_value){ .kind = CEDAR_BOOL, .boolean = b };
}

/* A Long, a decimal, a datetime or a duration. */
static inline struct cedar_value cedar_number(enum cedar_kind kind, int64_t number)
{
        return (struct cedar_value){ .kind = (uint8_t)kind, .number = number };
}

/* Below 4 GiB (asserted). */
static inline struct cedar_value cedar_string(struct span s)
{
        assert(s.n <= UINT32_MAX);
        return (struct cedar_value){ .kind = CEDAR_STRING, .n = (uint32_t)s.n, .bytes = s.p };
}

static inline struct cedar_value cedar_entity_of(const struct cedar_uid *uid)
{
        return (struct cedar_value){ .kind = CEDAR_ENTITY, .uid = uid };
}

static inline struct span cedar_string_span(const struct cedar_value *v)
{
        return span_of(v->bytes, v->n);
}

/* The set of these items: they are put in order in place, repeats dropped.  Allocates nothing. */
struct cedar_value cedar_set_of(struct cedar_value *items, uint32_t n);

/* The record of these fields, put in order in place.  false: a key is there twice. */
MUST_USE bool cedar_record_of(struct cedar_field *fields, uint32_t n, struct cedar_value *ret);

/* Any order in which only equal values are equal: by kind, then what is within.  Linear in the
 * smaller of the two; recursion as deep as both nest. */
int cedar_value_cmp(const struct cedar_value *a, const struct cedar_value *b);

/* Sets as sets, records by fields, entities by uid, ipaddr by address and prefix; values of
 * different kinds are not equal. */
static inline bool cedar_value_eq(const struct cedar_value *a, const struct cedar_value *b)
{
        return cedar_value_cmp(a, b) == 0;
}

bool cedar_set_has(const struct cedar_value *set, const struct cedar_value *item);
/* Is each item of b one of a's? */
bool cedar_set_has_all(const struct cedar_value *a, const struct cedar_value *b);
bool cedar_set_has_any(const struct cedar_value *a, const struct cedar_value *b);

/* The field, NULL when it has none. */
const struct cedar_value *cedar_record_get(const struct cedar_value *record, struct span key);

/* Are all sets and records in it, at any depth, in the order that they must have? */
bool cedar_value_ordered(const struct cedar_value *v);

/* What fn (a constructor) makes of a string.  -EINVAL with why, -ENOMEM (an ipaddr lies in arena).
 * Source of the four formats: the Cedar language reference, "Extension types"; RFC 80 of Cedar for
 * datetime and duration. */
MUST_USE int cedar_value_make(enum cedar_fn fn, struct span text, struct arena *arena,
                              struct cedar_value *ret, struct err *err);

/* The same without an arena: an ipaddr is put into *room. */
MUST_USE int cedar_value_make_in(enum cedar_fn fn, struct span text, struct cedar_ip *room,
                                 struct cedar_value *ret, struct err *err);

/* As an expression that makes it: `[1, decimal("2.5")]`. */
void cedar_value_print(const struct cedar_value *v, struct buf *out);

#endif
