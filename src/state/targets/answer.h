/* SPDX-License-Identifier: Apache-2.0 */
/* answer.h - what a program that asked a target brought back.  Floor 2, pure.
 *
 * A bundle of up to three parts: "state.yaml", the program's output by the program's name, and,
 * when it ended badly, what it said of that as "errors".
 *
 * SECURITY: an answer that is not whole is none.  A target that is down, or a connection that was
 * lost in the middle, must never look as if rows had been removed: the reader fails as a whole. */
#ifndef STATE_ANSWER_H
#define STATE_ANSWER_H

#include "base/base.h"
#include "base/err.h"
#include "state/reading/bundle.h"

struct answer {
        struct span given; /* of state.yaml */
        struct state_part part;
        uint32_t status;
        struct span errors;
};

/* The parts, whatever became of the program.  -EIO: there is none of it. */
MUST_USE int answer_parts(struct state_in *in, struct answer *ret, struct err *err);
/* -EIO, and in words of ours why there is no answer. */
int answer_failed(const struct answer *a, struct err *err);
/* Both: an answer that is whole as far as the program knows. */
MUST_USE int answer_open(struct state_in *in, struct answer *ret, struct err *err);

#endif
