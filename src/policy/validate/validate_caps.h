/* SPDX-License-Identifier: Apache-2.0 */
/* validate_caps.h - what is known to be there when an expression is true.  Floor 2, pure.
 *
 * `principal has age` tells that `principal.age` may be read where it holds: a capability, of an
 * expression and an attribute, or of an expression and a tag.  Which expressions are the same says
 * validate_same.h. */
#ifndef POLICY_VALIDATE_CAPS_H
#define POLICY_VALIDATE_CAPS_H

#include "base/arena.h"
#include "policy/ast/ast.h"

struct cap {
        const struct cedar_expr *of;
        struct span attr;             /* when tag is NULL */
        const struct cedar_expr *tag; /* any expression of type String */
};

/* Capabilities by number: the same ones have the same.  Borrows expressions and names. */
struct cap_table {
        struct cap *list; /* by number; half as many as there are slots have room */
        uint32_t n;
        struct slots slots;
};

#define CAP_TABLE_INIT ((struct cap_table){ 0 })
void cap_table_done(struct cap_table *t);

/* Forgets all, keeps the memory. */
void cap_table_clear(struct cap_table *t);

/* Takes from *steps what it costs to look at c and at those that are like it.  -ENOMEM; -E2BIG: no
 * steps are left. */
MUST_USE int cap_number(struct cap_table *t, const struct cap *c, uint64_t *steps, uint32_t *ret);

/* Numbers, ascending. */
struct caps {
        const uint32_t *at;
        uint32_t n;
};

bool caps_have(struct caps c, uint32_t number);

/* What both tell, and what either does; *ret may share with a or b.  -ENOMEM (arena). */
MUST_USE int caps_union(struct arena *arena, struct caps a, struct caps b, struct caps *ret);
MUST_USE int caps_common(struct arena *arena, struct caps a, struct caps b, struct caps *ret);

#endif
