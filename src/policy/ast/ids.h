/* SPDX-License-Identifier: Apache-2.0 */
/* ids.h - the index behind cedar_policies_find().  Floor 2, pure. */
#ifndef POLICY_IDS_H
#define POLICY_IDS_H

#include "policy/ast/ast.h"

/* Room for one more.  False: no memory, nothing changed. */
MUST_USE bool cedar_ids_reserve(struct cedar_policies *p);

/* Policy i, which has an id that no other has, can be found from now on.  Room is reserved. */
void cedar_ids_add(struct cedar_policies *p, uint32_t i);

#endif
