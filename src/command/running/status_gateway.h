/* SPDX-License-Identifier: Apache-2.0 */
/* status_gateway.h - assay status: the lines below the gateway.  Floor 3.  As status_lines.h. */
#ifndef COMMAND_RUNNING_STATUS_GATEWAY_H
#define COMMAND_RUNNING_STATUS_GATEWAY_H

#include "base/buf.h"
#include "command/command.h"
#include "wire/json.h"

/* Nothing where the state has no workers. */
void status_put_gateway(const struct invocation *in, struct json_value state, struct buf *out);

#endif
