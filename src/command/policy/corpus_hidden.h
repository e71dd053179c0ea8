/* SPDX-License-Identifier: Apache-2.0 */
/* corpus_hidden.h - the same request with parts of it hidden.  Floor 3. */
#ifndef COMMAND_POLICY_CORPUS_HIDDEN_H
#define COMMAND_POLICY_CORPUS_HIDDEN_H

#include "policy/partial/partial.h"

struct corpus_hidden {
        const char *what; /* "hidden: nothing", "hidden: the principal", ... */
        const char *got, *want;
};

/* Decides it by partial.h with nothing, the principal, the resource, the context and all of them
 * hidden, and holds what is sure, policy by policy, against answer; with nothing hidden that is
 * all.  schema: that the request agrees with; NULL.  *ret is the first difference, ->what NULL
 * where there is none.  -ENOMEM. */
MUST_USE int corpus_hidden(const struct cedar_policies *policies,
                           const struct cedar_entities *entities, const struct cedar_schema *schema,
                           const struct cedar_request *request, const struct cedar_answer *answer,
                           struct arena *arena, struct corpus_hidden *ret);

#endif
