/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_ask.h - an administrator's commands to the running sensor.  Floor 3.
 *
 * Verbs and their arguments are those of integrity/sensor/sensor_command.c; the messages are
 * wire/msg.h's.
 */
#ifndef COMMAND_RUNNING_SENSOR_ASK_H
#define COMMAND_RUNNING_SENSOR_ASK_H

#include "command/command.h"

/* 0 where a sensor listens in this --run and lets its caller speak. */
MUST_USE int sensor_reach(const struct invocation *in, struct err *err);

/* Send args (a canonical object), hear parts (fn may be NULL) until the answer, and append its
 * body. Refusals and failures of the sensor and of the connection alike: a negative errno with the
 * text. -ENOENT, -ECONNREFUSED: no sensor runs there. */
typedef void sensor_part_fn(void *ctx, struct span object);
MUST_USE int sensor_ask(const struct invocation *in, const char *verb, struct span args,
                        sensor_part_fn *fn, void *ctx, struct buf *ret, struct err *err);

/* Paths among the operands become members "paths" and, where they are no UTF-8, "paths_b64",
 * without slashes at their end.  -EINVAL: one is not absolute. */
MUST_USE int sensor_check_paths(const struct invocation *in, struct err *err);
void sensor_put_paths(const struct invocation *in, struct json_writer *w);

/* A count in a part or an answer; 0 where there is none. */
uint64_t sensor_count(struct span object, const char *key);

#endif
