/* SPDX-License-Identifier: Apache-2.0 */
/* units_priv.h - what units.c and units_state.c share.  Floor 2. */
#ifndef STATE_UNITS_PRIV_H
#define STATE_UNITS_PRIV_H

#include "state/units/units.h"

/* The part that an index' value stands for; NULL: none. */
const struct state_part *unit_part(struct span ref);
/* A link to nothing, or an empty file: switched off. */
bool unit_is_masked(const struct state_part *p);
/* What its file is and what it is enabled by: state and alias_of.  Its settings are read. */
void unit_find_state(const struct units *u, const struct state_part *file, struct unit *x);

#endif
