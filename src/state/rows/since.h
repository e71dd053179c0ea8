/* SPDX-License-Identifier: Apache-2.0 */
/* since.h - values that no source has: since when there is a row of this key.  Floor 2, pure.
 *
 * A reader knows neither the time nor what was before.  It marks the place with state_since(), and
 * who has both fills it in: with what the row of the same key had, else with now. */
#ifndef STATE_SINCE_H
#define STATE_SINCE_H

#include "state/rows/row.h"
#include "state/rows/rows.h"

/* column is STATE_TIME and STATE_LOOSE. */
void state_since(struct state_out *o, const char *column);

/* Both sorted; old may be of no rows.  wall_ns: now. */
void rows_keep_since(struct rows *r, const struct rows *old, const struct state_table *t,
                     int64_t wall_ns);

#endif
