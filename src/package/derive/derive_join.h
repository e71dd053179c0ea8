/* SPDX-License-Identifier: Apache-2.0 */
/* derive_join.h - what the files that make shapes share.  Floor 2, pure. */
#ifndef PACKAGE_DERIVE_JOIN_H
#define PACKAGE_DERIVE_JOIN_H

#include "package/derive/derive_shape.h"

/* Works out lack and height of what else was filled in, and drops what cannot be. */
void shape_settle(struct shape *s);

/* A record of n attributes, ascending, that lie in the arena.  NULL: no memory. */
MUST_USE struct shape_record *shape_record_of(struct shapes *s, const struct shape_attr *attrs,
                                              uint32_t n);

/* Have all numbers that fit at most four decimals, as far as multipleOf, enum and const tell? */
bool shape_is_fine(const struct api_schema *schema);

#endif
