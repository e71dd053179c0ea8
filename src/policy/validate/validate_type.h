/* SPDX-License-Identifier: Apache-2.0 */
/* validate_type.h - the types expressions have, beyond those of a schema.  Floor 2, pure.
 *
 * The validator knows some Bools: `1 == 2` is never true, so what follows it with && need not
 * validate.  These are two particular Bool types, told by their address; everything else treats
 * them as Bool.  Strict mode has no other subtypes: two types have a common one when they are the
 * same but for what is known of their Bools. */
#ifndef POLICY_VALIDATE_TYPE_H
#define POLICY_VALIDATE_TYPE_H

#include "policy/schema/schema.h"

extern const struct cedar_type cedar_type_true, cedar_type_false;

const struct cedar_type *cedar_type_truth(bool known);

/* Where types are made, and how much may be done: types can share parts, so that the work is not
 * bounded by how long they were to write. */
struct type_work {
        struct arena *arena;
        uint64_t steps; /* left */
};

/* The one type that a and b both are.  -EINVAL: there is none; -E2BIG: no steps left; -ENOMEM. */
MUST_USE int cedar_type_join(struct type_work *w, const struct cedar_type *a,
                             const struct cedar_type *b, const struct cedar_type **ret);

/* Of a record type; NULL when it has none of this name. */
const struct cedar_attr *cedar_type_attr(const struct cedar_type *record, struct span name);

/* Is this the type of actions: "Action", "A::B::Action"? */
bool cedar_type_is_action(struct span entity);

#endif
