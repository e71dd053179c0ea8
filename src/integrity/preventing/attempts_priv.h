/* SPDX-License-Identifier: Apache-2.0 */
/* attempts_priv.h - the parts of what sees attempts to each other.  Floor 3. */
#ifndef INTEGRITY_ATTEMPTS_PRIV_H
#define INTEGRITY_ATTEMPTS_PRIV_H

#include "base/base.h"
#include "base/buf.h"

struct attempt;
struct sensor;

/* Was it at what is denied?  Then its path as it is watched is in out.  named: as the call had it,
 * absolute, or empty where that is not known. */
bool attempts_where(struct sensor *s, const struct attempt *from, struct span named,
                    struct buf *out);

#endif
