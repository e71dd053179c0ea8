/* SPDX-License-Identifier: Apache-2.0 */
/* validate.h - policies held against a schema, in strict mode.  Floor 2, pure.
 *
 * A policy that validates cannot err when evaluated on entities and requests that the schema
 * allows, but for integer overflow and missing entities.
 * Source: the Cedar documentation, "Policy validation"; the paper's rules for capabilities; where
 * they and the public corpus differ, the corpus. */
#ifndef POLICY_VALIDATE_H
#define POLICY_VALIDATE_H

#include "policy/ast/ast.h"
#include "policy/schema/schema.h"

/* One finding.  text lies in the arena given to cedar_validate(). */
struct cedar_finding {
        const struct cedar_policy *policy;
        struct cedar_pos pos;
        bool warning; /* does not make the policies invalid: one that can never apply, ... */
        const char *text;
};

enum { CEDAR_FINDINGS_MAX = 1000 }; /* then one that says so, and no more */

struct cedar_findings {
        struct cedar_finding *list; /* by policy, then by place */
        uint32_t n, n_errors;
};

/* Policies and templates.  0 also when there are findings; -ENOMEM; -E2BIG: they take
 * too many steps, a policy of them too much memory, or what is found more than arena's ceiling, and
 * which is said. */
MUST_USE int cedar_validate(const struct cedar_policies *p, const struct cedar_schema *s,
                            struct arena *arena, struct cedar_findings *ret, struct err *err);

#endif
