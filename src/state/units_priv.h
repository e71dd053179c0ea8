/* SPDX-License-Identifier: Apache-2.0 */
/* units_priv.h - what units.c and units_state.c share.  Floor 2. */
#ifndef STATE_UNITS_PRIV_H
#define STATE_UNITS_PRIV_H

#include "state/units.h"

bool unit_ends_with(struct span s, const char *suffix);
/* A part as an index' value, and back; NULL: none. */
struct span unit_ref(const struct state_part *p);
const struct state_part *unit_part(struct span ref);
/* "getty@.service" of getty@tty1.service, in two pieces; false: it is no instance. */
bool unit_template(struct span name, struct span *ret_front, struct span *ret_suffix);
/* A link to nothing, or an empty file: switched off. */
bool unit_is_masked(const struct state_part *p);
/* What its file is and what it is enabled by: state and alias_of.  Its settings are read. */
void unit_find_state(const struct units *u, const struct state_part *file, struct unit *x);

#endif
