/* SPDX-License-Identifier: Apache-2.0 */
/* alerting.h - which differences of a table are worth an alert.  Floor 2, pure.
 *
 * A rule is "yes", "no", or words with one blank between: "added", "removed", and names of columns;
 * a row that changed counts when one of these columns differs. */
#ifndef STATE_ALERTING_H
#define STATE_ALERTING_H

#include "state/state.h"

enum { STATE_ALERT_MAX = 1024 }; /* bytes of a rule */

/* Is it a word that may stand in a rule of this table? */
bool state_alert_word_ok(const struct state_table *t, struct span word);
bool state_alert_rule_ok(const struct state_table *t, struct span rule);
/* Rows; empty: there is none.  rule NULL: "no". */
bool state_alerts(const struct state_table *t, const char *rule, struct span old, struct span new);

#endif
