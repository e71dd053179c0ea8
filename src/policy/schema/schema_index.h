/* SPDX-License-Identifier: Apache-2.0 */
/* schema_index.h - who may be in whom, worked out once.  Floor 2, pure. */
#ifndef POLICY_SCHEMA_INDEX_H
#define POLICY_SCHEMA_INDEX_H

#include "policy/schema/schema.h"

/* Fills `above` of entities and actions, which are s's, sorted and resolved.  -EINVAL: an action is
 * in itself, named; -ENOMEM.  scratch is for what is not needed afterwards. */
MUST_USE int schema_index(struct cedar_schema *s, struct cedar_entity_type *entities,
                          struct cedar_action *actions, struct arena *scratch, struct err *err);

#endif
