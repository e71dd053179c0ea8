/* SPDX-License-Identifier: Apache-2.0 */
/* deny.h - mode deny: the immutable flag on what is watched so.  Floor 3, part of the sensor.
 *
 *           something is another: rules, approved changes, what is trusted, a flag
 *   REST --------------------------------------------------------------> LIFT
 *    ^                                                                    | what is not to have
 *    |      all is as it should be: told                                  v it has lost it
 *    '------------------------------------------------------------------ SET
 *
 * Who is denied is decided by profile; an approved change takes the flags off for exactly its paths
 * and its window (deny_policy.h).  A flag that is there and not ours (frozen.h) is left alone.
 *
 * A file that is not what is trusted is not frozen, and that is told (DOUBT): it became what it is
 * by a change that nothing explains, or differs from the baseline.  A file is checked, then frozen,
 * then read again: nobody can have written between what was read and the flag.
 *
 * Somebody with root can take the flag off.  No event tells of that, so the flags are looked at in
 * turn; what is found is a change as any other, and the flag is set again, but not for ever: after
 * DENY_FIGHTS times in DENY_FIGHT_S it stays off for as long, and that is told.
 *
 * Where a filesystem has no such flag, mode deny alerts, and the status says why. */
#ifndef INTEGRITY_DENY_H
#define INTEGRITY_DENY_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

struct change;
struct control_call;
struct json_writer;
struct sensor;
struct table_node;
struct who;

enum {
        DENY_FIGHTS = 3,
        DENY_FIGHT_S = 600,
        DENY_TEMPORARY_S = 600, /* deny_path() */
};

MUST_USE int deny_init(struct sensor *s, struct err *err);
void deny_done(struct sensor *s);

/* What is watched, what is approved, or a flag, is another: look at all of them soon. */
void deny_news(struct sensor *s);
/* So is what is trusted. */
void deny_trusted(struct sensor *s);
/* A change was judged: is its file still what is trusted? */
void deny_judged(struct sensor *s, const struct change *c);
/* What that, or anything else, made of it for the journal: with the change itself, so that a kill
 * cannot come between the two.  The caller clears it. */
struct buf *deny_doubts(struct sensor *s);
/* n was put back: it is no longer in doubt, if that is what was trusted there. */
void deny_put_back(struct sensor *s, struct table_node *n);
/* Is it known of every file that matters whether it is what is trusted (TABLE_DOUBT)? */
bool deny_is_judged(const struct sensor *s);
/* Is there a flag of ours on anything? */
bool deny_has_any(const struct sensor *s);
/* Is there a flag of ours on it? */
bool deny_has(const struct sensor *s, struct span path);
/* Is this a file or directory with a flag of ours?  Its path is put into out. */
bool deny_has_inode(struct sensor *s, uint64_t dev, uint64_t ino, struct buf *out);
/* Is this change nothing but our own flag, set or taken off? */
bool deny_expects(const struct sensor *s, const struct change *c);

/* Once per turn; when it is due at the latest, monotonic, negative: whenever there is a turn. */
MUST_USE int deny_work(struct sensor *s);
int64_t deny_due(const struct sensor *s);
/* Every few seconds. */
MUST_USE int deny_tick(struct sensor *s);
/* An approved change was opened: take the flags off before it is answered. */
MUST_USE int deny_open_now(struct sensor *s);

/* One was closed: set them again before it is answered, on what was read by then. */
MUST_USE int deny_close_now(struct sensor *s);

/* Freeze one file for DENY_TEMPORARY_S, whatever its profile says: it is as it should be, and
 * somebody keeps changing it.  0: it is frozen, or was.  -EOPNOTSUPP and others: it cannot be, and
 * err says why.  A directory or a path where nothing is: -EINVAL, -ENOENT.  flagged: the sensor has
 * just set the flag itself, so that nobody comes between; it was announced before, and is ours from
 * then on. */
MUST_USE int deny_path(struct sensor *s, struct span path, bool flagged, struct err *err);

/* What will be at this path may get the flag from us: the list says so before it does, or a crash
 * would leave one that nobody takes off.  -EBUSY: no flags are set now. */
MUST_USE int deny_announce(struct sensor *s, struct span path);
/* It did not get it after all. */
void deny_unannounce(struct sensor *s, struct span path);

/* The command deny.lift: every flag of ours off, and none set until the sensor starts anew. */
MUST_USE int deny_lift_all(struct sensor *s, struct control_call *c, struct who *who,
                           struct buf *out, struct err *err);

/* Members "deny" of the status. */
void deny_put_status(const struct sensor *s, struct json_writer *w);
/* How many files have our flag. */
size_t deny_frozen(const struct sensor *s);

#endif
