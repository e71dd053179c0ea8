/* SPDX-License-Identifier: Apache-2.0 */
/* same.h - do two texts say the same policies?  Floor 2, pure. */
#ifndef POLICY_SAME_H
#define POLICY_SAME_H

#include "policy/ast/ast.h"

/* Ids, effects, annotations, scopes, conditions and comments, in their order; where they stand does
 * not matter, nor does the order of a record's keys (but a condition is not the same where finding
 * that out takes a thousand million steps). */
bool cedar_policies_same(const struct cedar_policies *a, const struct cedar_policies *b);

#endif
