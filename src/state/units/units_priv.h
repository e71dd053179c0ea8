/* SPDX-License-Identifier: Apache-2.0 */
/* units_priv.h - what units.c, units_syntax.c and units_state.c share.  Floor 2. */
#ifndef STATE_UNITS_PRIV_H
#define STATE_UNITS_PRIV_H

#include "state/units/units.h"

/* The part that an index' value stands for; NULL: none. */
const struct state_part *unit_part(struct span ref);
/* A link to nothing, or an empty file: switched off. */
bool unit_is_masked(const struct state_part *p);
/* The settings of a file, behind those that x has. */
void unit_read_settings(const struct state_part *p, struct unit *x);
/* "getty@" and ".service" of getty@tty1.service; false: it is no instance. */
bool unit_template_of(struct span name, struct span *ret_front, struct span *ret_suffix);
/* What its file is and what it is enabled by: state and alias_of.  Its settings are read. */
void unit_find_state(const struct units *u, const struct state_part *file, struct unit *x);

#endif
