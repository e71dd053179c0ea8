/* SPDX-License-Identifier: Apache-2.0 */
/* call_value.h - values of a request as values of Cedar.  Floor 2, pure. */
#ifndef PACKAGE_CALL_VALUE_H
#define PACKAGE_CALL_VALUE_H

#include "policy/schema/schema.h"
#include "policy/value/value.h"
#include "wire/tree.h"

/* Where a value is: `body.items[3].price`. */
struct call_path {
        const struct call_path *up; /* NULL: the first step */
        struct span name;           /* of a member; else: */
        uint32_t item;
};

struct call_maker {
        const struct cedar_schema *schema;
        struct arena *arena;
        struct err *err;
};

/* Sets *err to "body.items[3].price: <text>", names made safe to show; returns -EINVAL. */
int call_refuse(struct err *err, const struct call_path *path, const char *text);
#define call_refuse(err, path, text)                                                               \
        ({                                                                                         \
                (void)(call_refuse)(err, path, text);                                              \
                -EINVAL;                                                                           \
        })

/* t as what `type` says, no member that it does not name; null is absence.  Strings are borrowed.
 * Never looks at what names or strings say, but for ids of enumerated types, and for a member that
 * is named as an attribute is but for the case of letters, which a back-end may take for it.
 * -EINVAL: such a member, a number that the type has none for, or what only a call that was not
 * checked can be; -ENOMEM. */
MUST_USE int call_value_make(const struct call_maker *m, const struct tree *t,
                             const struct cedar_type *type, const struct call_path *path,
                             struct cedar_value *ret);

/* Memory for n fields or items; NULL and *err set when there is none. */
MUST_USE void *call_room(const struct call_maker *m, size_t n, size_t size);

#endif
