/* SPDX-License-Identifier: Apache-2.0 */
/* derive_names.h - names for the types of a derived schema.  Floor 2, pure. */
#ifndef PACKAGE_DERIVE_NAMES_H
#define PACKAGE_DERIVE_NAMES_H

#include "base/arena.h"
#include "base/buf.h"

enum {
        DERIVE_NAME_MAX = 200,  /* bytes; longer ones are cut */
        DERIVE_SAME_MAX = 1000, /* types that would have the same name */
};

enum derive_named {
        NAMED_OTHERWISE, /* by the language or by derive.h: Set, Caller, Account of an x-object */
        NAMED_RECORD,    /* a common type */
        NAMED_ENUM,
};

struct derive_name {
        struct span name;
        enum derive_named what;
        const struct span *values; /* NAMED_ENUM: its ids, ascending */
        uint32_t n_values;
};

/* Zeroed but for the arena. */
struct derive_names {
        struct arena *arena;
        struct derive_name *list; /* in the order of naming */
        uint32_t n, cap;
        uint32_t *slots; /* of list, from 1; 0: empty */
        uint32_t n_slots;
};

/* Gives what is to be called wanted->name that name, or the first of name_2, name_3, ... that is
 * free; an enumerated type that is there already with the same ids is it.  NAMED_OTHERWISE keeps
 * its name in any case.  What lies behind the spans is borrowed.  -E2BIG: DERIVE_SAME_MAX; -ENOMEM.
 */
MUST_USE int derive_name(struct derive_names *names, const struct derive_name *wanted,
                         struct span *ret);

/* NULL: nothing is called this. */
const struct derive_name *derive_name_find(const struct derive_names *names, struct span name);

/* Appends a name's letters and digits, each word (what other characters part) in a capital:
 * "account-status" is AccountStatus; up to DERIVE_NAME_MAX bytes in all.  An identifier begins with
 * no digit: `_` stands before it. */
void derive_name_put(struct buf *out, struct span name);

#endif
