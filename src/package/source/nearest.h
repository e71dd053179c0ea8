/* SPDX-License-Identifier: Apache-2.0 */
/* nearest.h - what was probably meant by a misspelt name.  Floor 2, pure. */
#ifndef PACKAGE_NEAREST_H
#define PACKAGE_NEAREST_H

#include "base/base.h"

enum { NEAREST_MAX = 64 }; /* bytes; longer names are near to nothing */

/* How many letters differ: added, left out, changed, or two neighbours exchanged; case does not
 * count.  More than NEAREST_MAX for names that are longer than it. */
unsigned nearest_distance(struct span a, struct span b);

/* Which of n names is the closest to this one, the first of those; n when none is: a third of its
 * letters may differ. */
size_t nearest_of(struct span name, const struct span *names, size_t n);

#endif
