/* SPDX-License-Identifier: Apache-2.0 */
/* sinks.h - how the uplink's sinks fare, out of its status file.  Floor 3.
 *
 * SECURITY: the words in it are others' (a server's answer): they are made safe here. */
#ifndef COMMAND_ALERT_SINKS_H
#define COMMAND_ALERT_SINKS_H

#include "command/command.h"
#include "wire/json.h"

/* One line a sink, each behind `indent` blanks; nothing where there is none. */
void sinks_put(const struct invocation *in, struct json_value state, unsigned indent,
               struct buf *out);
/* Is one of them down, or has the uplink refused its configuration? */
bool sinks_have_trouble(struct json_value state);
/* What keeps everything from being delivered: "deliver.yaml:3:1: ..." appended; false: nothing. */
bool sinks_put_refused(struct json_value state, struct buf *out);
bool sinks_have_config(struct json_value state);

/* The state that the uplink said last in this --run, in text.  *ret_lives: it runs.  -ENOENT: it
 * never did. */
MUST_USE int sinks_read(const struct invocation *in, struct buf *text, bool *ret_lives,
                        struct err *err);

/* Walk them. */
struct json_iter sinks_iter(struct json_value state);

#endif
