/* SPDX-License-Identifier: Apache-2.0 */
/* status_lines.h - assay status: the lines below a process, of what it says of itself.  Floor 3.
 *
 * `state` is the object of its status file (loop/presence.h), or nothing.  A line stands where the
 * state has what it is about.  SECURITY: whoever runs as the process' user writes the file; its
 * texts are made safe for a terminal. */
#ifndef COMMAND_RUNNING_STATUS_LINES_H
#define COMMAND_RUNNING_STATUS_LINES_H

#include "base/buf.h"
#include "command/command.h"
#include "wire/json.h"

/* The number at a path as json_get_path() takes it; false where there is none. */
bool status_int(struct json_value state, const char *path, int64_t *ret);

/* Indented, with the column of names; a line that goes on with the one above has the name "". */
void status_begin_line(const char *name, struct buf *out);

/* All of them.  delivers: of the process that sends alerts, so where they go, or that they go
 * nowhere, is one. */
void status_put_lines(const struct invocation *in, bool delivers, struct json_value state,
                      struct buf *out);

#endif
