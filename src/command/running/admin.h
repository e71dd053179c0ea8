/* SPDX-License-Identifier: Apache-2.0 */
/* admin.h - an administrator's commands to the running recorder.  Floor 3.
 *
 * Verbs and their arguments are those of recorder/command.h. */
#ifndef COMMAND_RUNNING_ADMIN_H
#define COMMAND_RUNNING_ADMIN_H

#include "command/command.h"

/* Send args (a canonical object) and append the reply's body, a canonical object.  Failures of the
 * connection and refusals of the recorder alike: a negative errno with the text. */
MUST_USE int admin_command(const struct invocation *in, const char *verb, struct span args,
                           struct buf *ret, struct err *err);

/* Send and print: the body with --json, else a line of its members. */
enum status admin_run(const struct invocation *in, const char *verb, struct span args,
                      const char *done);

/* Put member "policy": a file's name without directories and the SHA-256 of what it says now. */
struct json_writer;
MUST_USE int admin_put_policy(struct json_writer *w, const char *file, struct err *err);

#endif
