/* SPDX-License-Identifier: Apache-2.0 */
/* scope_index.h - which policies have a scope that a request lies in.  Floor 2, pure.
 *
 * For each of principal, action and resource there is a table of what scopes ask for (any, == X,
 * in X, is T, is T in X) and by each the policies that ask for it.  A request is looked up as what
 * it is and as all it descends from; what is found is united by table, and the three unions are
 * intersected.  So the answer is exact, comes in the order of the policies, and costs a look-up an
 * ancestor and an operation a 64 policies. */
#ifndef POLICY_SCOPE_INDEX_H
#define POLICY_SCOPE_INDEX_H

#include "policy/evaluate/program.h"

struct cedar_scope_index;

/* Policies are known by their place in the list from now on; the list itself is not kept, what it
 * points at is.  -ENOMEM. */
MUST_USE int cedar_scope_index_new(const struct cedar_policy *const *policies, uint32_t n,
                                   struct cedar_scope_index **ret);
struct cedar_scope_index *cedar_scope_index_free(struct cedar_scope_index *x);

/* 64-bit words of a set of policies. */
uint32_t cedar_scope_index_words(const struct cedar_scope_index *x);

/* Sets the bits of the policies whose scope holds the request.  known: its principal, action and
 * resource, NULL when not there; sets: room for twice the words, the answer in the first half. */
void cedar_scope_index_find(const struct cedar_scope_index *x, const struct cedar_request *request,
                            const struct cedar_entity *const known[3], uint64_t *sets);

#endif
