/* SPDX-License-Identifier: Apache-2.0 */
/* hands_act.h - the calls themselves, as a hand makes them.  Floor 1. */
#ifndef SYS_HANDS_ACT_H
#define SYS_HANDS_ACT_H

#include "sys/hands.h"

/* What hand_call() returns, and got, but for -ETIMEDOUT and the like. */
MUST_USE int hands_act(const struct hand_ask *a, struct hand_got *got);

#endif
