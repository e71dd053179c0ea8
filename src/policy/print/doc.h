/* SPDX-License-Identifier: Apache-2.0 */
/* doc.h - policies and expressions as layouts, and their comments in them.  Floor 2, pure. */
#ifndef POLICY_DOC_H
#define POLICY_DOC_H

#include "policy/print/layout.h"

/* Append the words of a policy, of an expression. */
void doc_policy(struct layout *l, const struct cedar_policy *p);
void doc_expr(struct layout *l, const struct cedar_expr *e);

/* Puts the comments that stand within p's text behind the words they follow there.  The layout
 * holds p and nothing else. */
void doc_comments(struct layout *l, const struct cedar_policies *all, const struct cedar_policy *p);

#endif
