/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_api.c - assay api: packages of APIs checked, built, looked at and deployed. */
#include "command/api/api_group.h"
#include "command/commands.h"

static const struct command *const api_commands[] = {
        &command_api_lint,
        &command_api_build,
        &command_api_inspect,
        &command_api_diff,
        &command_api_access,
        &command_api_replay,
        &command_api_push,
        &command_api_approve,
        &command_api_deploy,
        &command_api_rollback,
        &command_api_withdraw,
        &command_api_list,
        NULL,
};

const struct command command_api = {
        .name = "api",
        .operands = "[OPTION]... [OPERAND]...",
        .about = "check, build, inspect and deploy packages of APIs",
        .help = "A package is an OpenAPI document, who may call what of it and read which of its\n"
                "data, and where it is served from: a directory in source control, built into one\n"
                "signed file.",
        .sub = api_commands,
};
