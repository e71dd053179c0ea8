/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_restore.h - putting back, while the sensor runs.  Floor 3.
 *
 *   tell_change -> restore_seen: not explained, mode restore?
 *        -> place wanted (restore_places.h), remembered on disk
 *        -> restore_work: suspended? at rest? enough for now? -- later
 *        -> a worker: restore_run (restore_disk.h)
 *        -> table, journal and entry in one, as with every change
 *
 * One path at a time: what is above comes first, and no two tasks meet in a directory.  None runs
 * while a scan does, and no scan begins while one runs.  What the sensor itself does makes events
 * of its own process, which are dropped; and the table gets the state with its new inode, so that
 * whatever leads to another look finds nothing new.  A look at a place that is being put back
 * waits until it is.
 *
 * What somebody keeps locked is given up, told and tried again: sensor_restore_stalled.c.
 *
 * After a crash: what was wanted is wanted again; what lies beside a path under the name that was
 * written down for it is put away. */
#ifndef INTEGRITY_SENSOR_RESTORE_H
#define INTEGRITY_SENSOR_RESTORE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

struct change;
struct control_call;
struct hands;
struct json_writer;
struct sensor;
struct who;

MUST_USE int restore_init(struct sensor *s, struct err *err);
void restore_done(struct sensor *s);

/* A change was told; the table does not have it yet.  -ENOMEM. */
MUST_USE int restore_seen(struct sensor *s, const struct change *c);
/* Once per turn. */
MUST_USE int restore_work(struct sensor *s);
/* When it is due at the latest, monotonic; negative: whenever there is a turn. */
int64_t restore_due(const struct sensor *s);
/* Now and then. */
void restore_tick(struct sensor *s);

/* The processes that wait for locks in the sensor's place (hands.h); is this one of them? */
struct hands *restore_hands(const struct sensor *s);
bool restore_is_hand(const struct sensor *s, pid_t pid);
/* Does a task run?  Then no scan begins, and nothing that is kept is swept. */
bool restore_active(const struct sensor *s);
/* Is this path being put back, or the name beside one? */
bool restore_holds(const struct sensor *s, struct span path);

/* Nothing is mounted there any more: what was left alone at and below it for that is looked at. */
void restore_unmounted(struct sensor *s, struct span point);

/* There is another baseline, or other rules: what is good is found anew. */
void restore_rebase(struct sensor *s);
/* Appends the states that may have to be put back though no baseline has them:
 * baseline_put_change(). */
void restore_put_kept(const struct sensor *s, struct buf *list);

void restore_put_status(const struct sensor *s, struct json_writer *w);
void restore_put_quarantine(const struct sensor *s, struct json_writer *w);

/* The commands: as verb_fn in sensor_command.c. */
MUST_USE int restore_ask(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                         struct err *err);
MUST_USE int restore_quarantine_remove(struct sensor *s, struct control_call *c, struct who *who,
                                       struct buf *out, struct err *err);
MUST_USE int restore_quarantine_export(struct sensor *s, struct control_call *c, struct who *who,
                                       struct buf *out, struct err *err);

#endif
