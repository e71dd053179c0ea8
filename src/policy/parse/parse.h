/* SPDX-License-Identifier: Apache-2.0 */
/* parse.h - Cedar text to policies.  Floor 2, pure.
 *
 * Source: the Cedar grammar specification; where it and the public corpus differ, the corpus.
 * SECURITY: reads hostile bytes; recursion is bounded by CEDAR_DEPTH_MAX. */
#ifndef POLICY_PARSE_H
#define POLICY_PARSE_H

#include "base/buf.h"
#include "base/err.h"
#include "policy/ast/ast.h"

/* All policies and templates of a text.  On success *ret is the caller's.
 * -EINVAL: "line 3, column 14: ..." with what was found and what was wanted; -E2BIG: a ceiling of
 * ast.h; -ENOMEM. */
MUST_USE int cedar_parse(struct span source, struct cedar_policies **ret, struct err *err);

/* What is wrong with a text, for people: a line each, as cedar_parse() says the first.  After an
 * error it goes on behind the next semicolon, so that what it says then may come of the first.
 * Returns how many there are, 0 if none; -ENOMEM. */
enum { CEDAR_ERRORS_MAX = 20 };
MUST_USE int cedar_parse_errors(struct span source, struct buf *out);

/* `Album::"jane"`, alone.  The uid's spans are copies in arena.  -EINVAL, -ENOMEM. */
MUST_USE int cedar_parse_uid(struct span text, struct arena *arena, struct cedar_uid *ret,
                             struct err *err);

/* Adds the policy that template `template` makes with its slots filled; a slot it does not have
 * must be NULL, one it has must not.  Everything is copied.  -ENOENT: no such template; -EEXIST: id
 * is taken; -EINVAL: a slot missing or too many; -ENOMEM, -E2BIG. */
MUST_USE int cedar_policies_link(struct cedar_policies *p, struct span template, struct span id,
                                 const struct cedar_uid *principal,
                                 const struct cedar_uid *resource, struct err *err);

#endif
