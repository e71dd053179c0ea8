/* SPDX-License-Identifier: Apache-2.0 */
/* validate_same.h - whether two expressions are written the same.  Floor 2, pure.
 *
 * Blanks, parentheses and the order of a record's keys do not count; everything else does: nothing
 * is evaluated. */
#ifndef POLICY_VALIDATE_SAME_H
#define POLICY_VALIDATE_SAME_H

#include "policy/ast.h"

bool cedar_expr_same(const struct cedar_expr *a, const struct cedar_expr *b);

/* Equal for those that are the same. */
uint64_t cedar_expr_hash(const struct cedar_expr *e);
uint64_t cedar_hash_span(uint64_t h, struct span s);

#endif
