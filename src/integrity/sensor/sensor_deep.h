/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_deep.h - the background scan: all content is read again within a period, a little at a
 * time.  Floor 3.
 *
 * A mapped file can change without an event and, on some filesystems, without a new time; so can
 * one below the filesystem, or behind a clock that was set back.  Only reading tells.
 *
 *   due --worker: open, read a piece--> more of it: closed, due again | read: compared, the next
 * one
 *
 * Profiles with the same period share a lane: a place in the order of paths, and a cost (bytes, and
 * a little per file) that is to be done by the end of the period.  Late, after a restart or a busy
 * time, it goes up to four times as fast.  The place is kept on disk (deep_position.h); each pass
 * that ends is an entry integrity.reread. */
#ifndef INTEGRITY_SENSOR_DEEP_H
#define INTEGRITY_SENSOR_DEEP_H

#include "base/base.h"
#include "base/err.h"

struct json_writer;
struct sensor;

enum { DEEP_PERIOD_S = 24 * 60 * 60 };

MUST_USE int deep_init(struct sensor *s, struct err *err);
void deep_done(struct sensor *s);
/* The set of what is watched is another one: lanes are made anew, those with the same period go on.
 * Nothing may be under way: deep_rests(). */
void deep_begin(struct sensor *s);
bool deep_rests(const struct sensor *s);
/* Once per turn. */
MUST_USE int deep_work(struct sensor *s);
/* When deep_work() is due; negative: a worker's end wakes it. */
int64_t deep_due(const struct sensor *s);
/* At the end: keep the place. */
void deep_stop(struct sensor *s);
void deep_put_status(const struct sensor *s, struct json_writer *w);

#endif
