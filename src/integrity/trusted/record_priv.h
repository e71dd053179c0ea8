/* SPDX-License-Identifier: Apache-2.0 */
/* record_priv.h - record.c (the fixed part) and record_attr.c (what follows it) to each other.
 * Floor 3, pure. */
#ifndef INTEGRITY_RECORD_PRIV_H
#define INTEGRITY_RECORD_PRIV_H

#include "integrity/trusted/record.h"

/* Are r->attrs as record.h says, whole, and of parts that are known? */
bool record_attrs_ok(const struct record *r);

/* Is the same known of this part, and is it the same? */
bool record_same_part(const struct record *a, const struct record *b, enum record_part part);

#endif
