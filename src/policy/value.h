/* SPDX-License-Identifier: Apache-2.0 */
/* value.h - what an expression of Cedar comes to.  Floor 2, pure.
 *
 * A value is 16 bytes and borrows what it points at. */
#ifndef POLICY_VALUE_H
#define POLICY_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "policy/fn.h"
#include "policy/uid.h"

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
                const struct cedar_value *items;  /* any order, may repeat */
                const struct cedar_field *fields; /* ascending by key (span_cmp), no key twice */
                const struct cedar_ip *ip;
        };
};

struct cedar_field {
        struct span key;
        struct cedar_value value;
};

/* Sets as sets, records by fields, entities by uid, ipaddr by address and prefix; values of
 * different kinds are not equal. */
bool cedar_value_eq(const struct cedar_value *a, const struct cedar_value *b);

/* The field, NULL when it has none. */
const struct cedar_value *cedar_record_get(const struct cedar_value *record, struct span key);

/* What fn (a constructor) makes of a string.  -EINVAL with why, -ENOMEM (an ipaddr lies in arena).
 * Source of the four formats: the Cedar language reference, "Extension types"; RFC 80 of Cedar for
 * datetime and duration. */
MUST_USE int cedar_value_make(enum cedar_fn fn, struct span text, struct arena *arena,
                              struct cedar_value *ret, struct err *err);

/* As an expression that makes it: `[1, decimal("2.5")]`. */
void cedar_value_print(const struct cedar_value *v, struct buf *out);

#endif
