/* SPDX-License-Identifier: Apache-2.0 */
/* api_group.h - the commands of assay api, for their group.  Floor 3. */
#ifndef COMMAND_API_API_GROUP_H
#define COMMAND_API_API_GROUP_H

#include "command/command.h"

extern const struct command command_api_access;
extern const struct command command_api_approve;
extern const struct command command_api_build;
extern const struct command command_api_deploy;
extern const struct command command_api_diff;
extern const struct command command_api_inspect;
extern const struct command command_api_lint;
extern const struct command command_api_list;
extern const struct command command_api_push;
extern const struct command command_api_replay;
extern const struct command command_api_rollback;
extern const struct command command_api_withdraw;

#endif
