/* SPDX-License-Identifier: Apache-2.0 */
/* namespaces.h - what monitor/namespaces.h tells of all tables of namespaces.  Floor 2, pure. */
#ifndef STATE_NAMESPACES_H
#define STATE_NAMESPACES_H

#include "state/rows/row.h"

/* A line "many" or "hidden", the latter of n processes: *ret is what state_fault() says.  sort:
 * "mount".  false: the line is of another kind. */
bool state_namespaces_unseen(struct state_out *out, const struct state_part *p, struct span kind,
                             uint64_t n, const char *sort, int *ret);

#endif
