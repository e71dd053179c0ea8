/* SPDX-License-Identifier: Apache-2.0 */
/* findings.h - places of an answer whose values look personal.  Floor 3, pure. */
#ifndef GATEWAY_FINDINGS_H
#define GATEWAY_FINDINGS_H

#include "gateway/answer/answer.h"

enum { FINDINGS_WEAK_MAX = 16, FINDINGS_WEAK_ENOUGH = 3 };

struct findings {
        const struct package *package;
        struct arena *arena;
        struct span where; /* "header x-note"; empty: the body */
        struct answer_finding list[ANSWER_FINDINGS_MAX];
        uint32_t n;
        /* Weak ones: believed where from the first on all of a place are, and those are enough. */
        struct findings_weak {
                struct answer_finding f;
                bool other; /* one was not */
        } weak[FINDINGS_WEAK_MAX];
        uint32_t n_weak;
        bool lost;
};

/* A value without class: mask_plain_fn.  -ENOMEM. */
MUST_USE int findings_look(struct findings *f, const struct mask_place *at, const struct tree *v);

/* What was found, into the answer.  -ENOMEM. */
MUST_USE int findings_end(struct findings *f, struct answer *ret);

#endif
