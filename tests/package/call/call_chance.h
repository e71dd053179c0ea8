/* SPDX-License-Identifier: Apache-2.0 */
/* call_chance.h - models and calls made by chance: the same seed makes the same. */
#ifndef TESTS_PACKAGE_CALL_CHANCE_H
#define TESTS_PACKAGE_CALL_CHANCE_H

#include "../../chance.h"
#include "package/call/call.h"

/* A model of one operation, `op`, for model_text.h. */
void chance_model(struct chance *c, struct buf *out);

/* A call of it that may fit its schemas; all of it lies in arena. */
void chance_call(struct chance *c, const struct package *p, struct arena *arena, struct call *ret);

#endif
