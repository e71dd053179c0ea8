/* SPDX-License-Identifier: Apache-2.0 */
/* policy_entities.h - the entities of a package held against its schema.  Floor 2, pure. */
#ifndef PACKAGE_POLICY_ENTITIES_H
#define PACKAGE_POLICY_ENTITIES_H

#include "package/policies/policy_lint.h"
#include "policy/entities/entities.h"
#include "policy/schema/schema.h"

/* json is what policy_entities() made of the file.  *ret is sealed and the caller's; faults are of
 * the file's items where they are of one.  -EINVAL: errors in l; -E2BIG, -ENOMEM. */
MUST_USE int policy_entities_check(const struct source_node *entities, struct span json,
                                   const struct cedar_schema *schema, struct lint *l,
                                   struct cedar_entities **ret, struct err *err);

/* Is `id` a data class, or what some are in ("pii" of "pii.ssn")? */
bool policy_is_class(const struct api *api, struct span id);

#endif
