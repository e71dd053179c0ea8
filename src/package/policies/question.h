/* SPDX-License-Identifier: Apache-2.0 */
/* question.h - the names of what policies are asked about calls.  Floor 2, pure.
 *
 *   may it be made?             Action::"getAccount"             the object, or Api::"accounts"
 *   may its answer be read?     Action::"getAccount.read"        DataClass::"pii.ssn"
 *   and if not, masked?         Action::"getAccount.readMasked"  DataClass::"pii.ssn"
 *
 * A forbid that errs forbids: whoever asks gives forbid_faults, or looks at the faults. */
#ifndef PACKAGE_QUESTION_H
#define PACKAGE_QUESTION_H

#include "package/model/model.h"
#include "policy/value/uid.h"

enum api_question { API_ASK_CALL, API_ASK_READ, API_ASK_MASKED, API_ASKS };

/* What the name of an operation is followed by: "", ".read", ".readMasked". */
struct span api_question_suffix(enum api_question which);
/* The action of one of them for an operation, in arena.  false: no memory. */
MUST_USE bool api_question(struct arena *arena, struct span operation, enum api_question which,
                           struct cedar_uid *ret);

/* All of an API. */
struct api_questions {
        struct cedar_uid *actions, *reads, *masked; /* by operation; the last two: zeroed where its
                                                       answers have no class */
        struct cedar_uid *classes;                  /* by class */
};

/* Borrows from api; all else lies in arena.  -ENOMEM. */
MUST_USE int api_questions(const struct api *api, struct arena *arena, struct api_questions *ret);

#endif
