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

#include "package/model.h"
#include "policy/uid.h"

struct api_questions {
        struct cedar_uid *actions, *reads, *masked; /* by operation; the last two: zeroed where its
                                                       answers have no class */
        struct cedar_uid *classes;                  /* by class */
};

/* Borrows from api; all else lies in arena.  -ENOMEM. */
MUST_USE int api_questions(const struct api *api, struct arena *arena, struct api_questions *ret);

#endif
