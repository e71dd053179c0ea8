/* SPDX-License-Identifier: Apache-2.0 */
/* watchset_same.h - one set of rules against another.  Floor 3, pure.
 *
 * Where something was written, and in which order, does not count. */
#ifndef INTEGRITY_WATCHSET_SAME_H
#define INTEGRITY_WATCHSET_SAME_H

#include "integrity/watching/watchset.h"

/* Do both have the same profiles with the same patterns? */
bool watchset_same(const struct watchset *a, const struct watchset *b);
/* The same patterns that have to do with paths below base, or above it? */
bool watchset_same_below(const struct watchset *a, const struct watchset *b, struct span base);

/* Has w the rule r of the other set? */
bool watchset_has_rule(const struct watchset *w, const struct watchset *of,
                       const struct watch_rule *r);
/* w's profile of this name; NULL: there is none. */
const struct watch_profile *watchset_same_name(const struct watchset *w, struct span name);
/* b may be NULL. */
bool watchset_same_profile(const struct watch_profile *a, const struct watch_profile *b);
/* Does `is` see less than `was` did, or let more pass?  What (NULL: no), and at which pattern.  By
 * the text of patterns: what is written otherwise counts as less. */
const char *watchset_weaker(const struct watchset *was, const struct watchset *is,
                            struct span *ret_pattern);
bool watchset_same_owners(const struct watch_profile *a, const struct watch_profile *b);

#endif
