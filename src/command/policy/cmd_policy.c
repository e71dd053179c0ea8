/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_policy.c - assay policy: Cedar policies written, tried and put in order. */
#include "command/commands.h"
#include "command/policy/policy_group.h"

static const struct command *const policy_commands[] = {
        &command_policy_check,
        &command_policy_authorize,
        &command_policy_format,
        &command_policy_corpus,
        NULL,
};

const struct command command_policy = {
        .name = "policy",
        .operands = "[OPTION]... [OPERAND]...",
        .about = "check, try and format Cedar policies",
        .help = "Nothing of this host is looked at or changed: only the files that are named.",
        .sub = policy_commands,
};
