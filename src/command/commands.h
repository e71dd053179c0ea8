/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - every command of this directory, for the table in src/bin/assay.c.  Floor 3. */
#ifndef COMMAND_COMMANDS_H
#define COMMAND_COMMANDS_H

#include "command/command.h"

extern const struct command command_up;
extern const struct command command_status;
extern const struct command command_doctor;
extern const struct command command_log;
extern const struct command command_verify;
extern const struct command command_policy;
extern const struct command command_api;
extern const struct command command_prove;
extern const struct command command_change;
extern const struct command command_state;
extern const struct command command_state_check;
extern const struct command command_state_default;
extern const struct command command_erase;
extern const struct command command_export;
extern const struct command command_ledger;
extern const struct command command_help;
extern const struct command command_version;

/* Parts of "alert"; the group itself, with what it has from elsewhere, is in src/bin. */
extern const struct command alert_explain;
extern const struct command alert_list;
extern const struct command alert_show;
extern const struct command alert_sinks;
extern const struct command alert_test;

#endif
