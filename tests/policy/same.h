/* SPDX-License-Identifier: Apache-2.0 */
/* same.h - are two texts' policies the same, but for where they stood? */
#ifndef TESTS_POLICY_SAME_H
#define TESTS_POLICY_SAME_H

#include "policy/ast/ast.h"

bool same_expr(const struct cedar_expr *a, const struct cedar_expr *b);
/* Ids, effects, annotations, scopes, conditions, and the comments in their order. */
bool same_policies(const struct cedar_policies *a, const struct cedar_policies *b);

#endif
