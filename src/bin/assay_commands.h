/* SPDX-License-Identifier: Apache-2.0 */
/* assay_commands.h - commands that stand on another directory of floor 3 than command/.  Floor 4.
 */
#ifndef BIN_ASSAY_COMMANDS_H
#define BIN_ASSAY_COMMANDS_H

#include "command/command.h"

extern const struct command command_alert;
extern const struct command command_baseline;
extern const struct command command_check;
extern const struct command command_deny;
extern const struct command command_quarantine;
extern const struct command command_restore;
extern const struct command command_token;
extern const struct command command_watch;

#endif
