/* SPDX-License-Identifier: Apache-2.0 */
/* change_list.h - the commands below assay change in files of their own.  Floor 3. */
#ifndef COMMAND_CHANGE_CHANGE_LIST_H
#define COMMAND_CHANGE_CHANGE_LIST_H

#include "command/command.h"
#include "wire/json.h"

/* What the sensor says of a list, for people. */
void command_put_source(const struct screen *s, struct json_value o, struct buf *out);

extern const struct command command_change_apply;
extern const struct command command_change_key;
extern const struct command command_change_package;
extern const struct command command_change_resolve;

#endif
