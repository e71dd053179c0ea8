/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - execution control, the sensor's side: what may be executed, and that the guard lives.
 * Floor 3, part of the sensor.
 *
 *        a profile asks for it            all known files are in the table
 *   OFF ----------------------> FILES ----------------------------------> MARKS --> UP
 *    ^                                        the pair of processes begins  ^        |
 *    | no profile does                              at once, or later       |        |
 *    '--------------                                                      WAIT <-----'
 *                                                     the handler has ended: told
 *
 * Three look at each other, so that a stopped one hangs nobody for long: the watchdog kills a
 * handler without a sign of life (GUARD_DEADLINE_MS), so does the sensor, and it begins both anew
 * when the watchdog has none.  Each time in which executions were not judged is an entry, and so is
 * each program that was begun in it and would have been refused.
 *
 * A file's content is known when it is what is trusted, or was made by a change that something
 * explains (guard_known.c keeps those over a restart). */
#ifndef INTEGRITY_GUARD_H
#define INTEGRITY_GUARD_H

#include "base/base.h"
#include "base/err.h"

struct change;
struct json_writer;
struct sensor;
struct table_node;

MUST_USE int guard_init(struct sensor *s, struct err *err);
/* Once the loop is there. */
MUST_USE int guard_start(struct sensor *s, struct err *err);
void guard_done(struct sensor *s);

/* What is known of this node's file has changed. */
void guard_note(struct sensor *s, struct table_node *n);
/* What is watched or trusted is another: say all anew. */
void guard_news(struct sensor *s);
/* What is mounted has changed: what was marked may be another filesystem by now. */
void guard_mounted(struct sensor *s);
/* A change was judged; one that is explained makes its content known. */
void guard_judged(struct sensor *s, const struct change *c);

/* Once per turn; when it is due, monotonic, negative: whenever there is a turn. */
MUST_USE int guard_work(struct sensor *s);
int64_t guard_due(const struct sensor *s);

/* Member "execute" of the status. */
void guard_put_status(const struct sensor *s, struct json_writer *w);

#endif
