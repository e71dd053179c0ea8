/* SPDX-License-Identifier: Apache-2.0 */
/* dump.h - what a text was read as, in parentheses: `1 + 2 * 3` is (+ 1 (* 2 3)). */
#ifndef TESTS_POLICY_DUMP_H
#define TESTS_POLICY_DUMP_H

#include "base/buf.h"
#include "policy/ast/ast.h"

/* Strings in quotes, with text_put_safe(). */
void dump_expr(struct buf *b, const struct cedar_expr *e);

/* `@key'value' template permit [principal] [action] [resource] when (...)`. */
void dump_policy(struct buf *b, const struct cedar_policy *p);

#endif
