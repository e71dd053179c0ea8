/* SPDX-License-Identifier: Apache-2.0 */
/* validate_same.h - whether two expressions are written the same.  Floor 2, pure.
 *
 * Blanks, parentheses and the order of a record's keys do not count; everything else does: nothing
 * is evaluated. */
#ifndef POLICY_VALIDATE_SAME_H
#define POLICY_VALIDATE_SAME_H

#include "policy/ast/ast.h"

enum { CEDAR_STEP_BYTES = 16 }; /* of text, that are looked at in a step */

/* Each node, each key of a record that was not the one looked for, and each such piece of text is
 * taken from *steps.  Once it is 0 the answer is false, whatever they are. */
bool cedar_expr_same(const struct cedar_expr *a, const struct cedar_expr *b, uint64_t *steps);

/* Equal for those that are the same, unless *steps, of which as much is taken, came to 0. */
uint64_t cedar_expr_hash(const struct cedar_expr *e, uint64_t *steps);
uint64_t cedar_hash_span(uint64_t h, struct span s);

#endif
