/* SPDX-License-Identifier: Apache-2.0 */
/* policy_group.h - the commands of assay policy, for their group.  Floor 3. */
#ifndef COMMAND_POLICY_POLICY_GROUP_H
#define COMMAND_POLICY_POLICY_GROUP_H

#include "command/command.h"

extern const struct command command_policy_check;
extern const struct command command_policy_authorize;
extern const struct command command_policy_format;
extern const struct command command_policy_corpus;

#endif
