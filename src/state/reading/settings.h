/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h - what state.yaml(5) may say of a table or of a target, and how it is told.  Floor 2,
 * pure.
 *
 * The job "statefile" tells of a file without a fault, in the order of the file:
 *   {"alert":"added uid","every":600,"fact":"table","line":3,"off":false,"table":"users"}
 *       alert as in alerting.h; it is absent, or every is 0: as the table has
 *   {"fact":"files","line":7,"max_age":93600,"name":"nightly","paths":["/var/backups/db.*"],
 *    "table":"backups"}                                               max_age 0: not given
 *   {"every":0,"fact":"target","line":12,"name":"corp","settings":[["base","dc=example,dc=org"],
 *    ["uri","ldaps://ldap.example.org"]],"table":"ldap","timeout":0}      a list: its key again
 *
 * A table's reader gets what it needs of that as a part (bundle.h) of the name "state.yaml": lines
 * of key, tab, value.  Of files, their part comes before those of the files that fit. */
#ifndef STATE_SETTINGS_H
#define STATE_SETTINGS_H

#include "base/base.h"
#include "state/reading/bundle.h"
#include "state/state.h"

enum {
        STATE_TARGETS_MAX = 64,
        STATE_TARGET_NAME_MAX = 31,
        STATE_FILES_MAX = 64,                 /* items of one table */
        STATE_PATHS_MAX = 16,                 /* of one item */
        STATE_SETTING_MAX = 1024,             /* bytes of a value */
        STATE_SETTING_ITEMS_MAX = 64,         /* of one list */
        STATE_SETTINGS_MAX = 256,             /* of one target, items of lists counted */
        STATE_SETTINGS_BYTES_MAX = 12 * 1024, /* of one target, keys and values */
        STATE_EVERY_MIN_S = 1,
        STATE_EVERY_MAX_S = 366 * 86400,
        STATE_TIMEOUT_S = 30, /* of a target, where it has none */
        STATE_TIMEOUT_MAX_S = 600,
        STATE_FILE_FACTS_MAX =
                STATE_TABLES_MAX + STATE_TABLES_MAX * STATE_FILES_MAX + STATE_TARGETS_MAX,
};

#define STATE_GIVEN_NAME "state.yaml"
#define STATE_MAX_AGE_S  (54900ULL * 86400) /* a century and a half */

/* NULL: it is good.  Else what should stand there. */
const char *state_setting_wrong(const struct state_setting *s, struct span value);
/* NULL: the table has none of that name. */
const struct state_setting *state_setting_by_name(const struct state_table *t, struct span name);
/* The first value of a key; NULL: it is not given. */
const struct state_value *state_value_of(const struct state_value *values, size_t n,
                                         const char *key);
/* settings_wrong() of a table that has it. */
const char *state_settings_wrong(const struct state_table *t, const struct state_value *values,
                                 size_t n, const struct state_value **ret_at);
/* [a-z0-9][a-z0-9_-]*, at most STATE_TARGET_NAME_MAX. */
bool state_target_name_ok(struct span name);
/* Text for people: 1 to STATE_SETTING_MAX bytes of UTF-8 without control characters. */
bool state_given_text_ok(struct span text);

/* ---- for readers ---- */

bool state_is_given(const struct state_part *p);
/* The next line of one. */
bool state_given_next(struct span *rest, struct span *ret_key, struct span *ret_value);
/* The first value of a key; empty: there is none. */
struct span state_given(struct span text, const char *key);

/* The text of the state.yaml that ships, which says what is so without it. */
struct span state_file_shipped(void);

#endif
