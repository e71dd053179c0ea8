/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_trusted.h - what is trusted, while the sensor runs: the first baseline, one taken anew,
 * and differences accepted.  Floor 3.
 *
 *           create, check            found differences told, table = disk
 *   IDLE ------------------> SCAN ------------------------------------------> IDLE (check)
 *     |     accept                  |                  | create: baseline.new from the table
 *     |                             | accept           v
 *     |                             v               TOLD --sweep, entry in the ledger--> IDLE
 *     |                          SETTLE                ^
 *     |                             | no event waits   |
 *     |                             v                  |
 *     |                           WORK ----------------' baseline.new from the one before and what
 *     |                                                  was accepted, in a worker
 *     '--- the first: as create, without anybody who asked; where there is no room for it, once
 *          more whenever there may be
 *
 * One at a time.  What is accepted is the state at the moment it was listed, not what may come
 * while the new baseline is written: a later change is a difference again. */
#ifndef INTEGRITY_SENSOR_TRUSTED_H
#define INTEGRITY_SENSOR_TRUSTED_H

#include "base/base.h"
#include "base/err.h"
#include "wire/proof.h"

struct control_call;
struct json_writer;
struct sensor;
struct who;

MUST_USE int trusted_init(struct sensor *s, struct err *err);
void trusted_done(struct sensor *s);

/* At the start: read what is trusted, and what a crash may have kept from the ledger.  Then, of
 * the entries that go out again, whether one is that; and when all of those were told, tell it if
 * it was not among them. */
/* An alert for one of Assay's own files: why says what is wrong, and stands where an author would.
 */
MUST_USE int trusted_tell_own(struct sensor *s, const char *path, const char *why);
/* Tell what the ledger knows better than the files that were found. */
MUST_USE int trusted_tell_past(struct sensor *s);
/* Is the file of the baseline the one that was told last?  -EBADMSG: no, which is told once; then
 * nothing may be put back, judged or accepted by it, until one is taken anew. */
MUST_USE int trusted_is_ours(struct sensor *s, struct err *err);

void trusted_start(struct sensor *s);
/* The recorder is there; resumed: it knows the run, so its ledger is the one that it was, or has
 * succeeded that. */
void trusted_met(struct sensor *s, bool resumed);
/* An entry that a crash kept from the ledger: may it go there now?  Not one by which a baseline
 * would be proven that is not believed. */
bool trusted_may_send(const struct sensor *s, struct span skeleton);
bool trusted_is_note(struct sensor *s, struct span skeleton);
MUST_USE int trusted_announce(struct sensor *s);
/* At the end: whoever waits is answered. */
void trusted_stop(struct sensor *s);

/* The first scan has ended: the table is what is trusted. */
MUST_USE int trusted_first(struct sensor *s, int64_t took_ns);
/* Was there no room for the first baseline until now?  It is taken as soon as there is; what
 * changes meanwhile is told all the same. */
bool trusted_is_owed(const struct sensor *s);
/* A scan that was asked for has ended. */
MUST_USE int trusted_scanned(struct sensor *s, uint64_t found);
/* Once per turn. */
MUST_USE int trusted_work(struct sensor *s);
/* When trusted_work() is due at the latest; negative: whenever there is a turn. */
int64_t trusted_due(const struct sensor *s);
/* An entry of a baseline is in the ledger at index, or was refused for good. */
void trusted_told(struct sensor *s, struct span skeleton, bool in_ledger, uint64_t index);
/* Is there something under way that reads what is watched, or the baseline? */
bool trusted_busy(const struct sensor *s);
/* Is content being removed that nothing refers to? */
bool trusted_sweeps(const struct sensor *s);
/* Members "baseline", ... of the status. */
void trusted_put_status(const struct sensor *s, struct json_writer *w);

/* What is watched becomes something else: when the scan that follows has ended, what was not
 * watched before is trusted as it was found, what is not watched any more goes.  Only while nothing
 * is under way; config_extended() is called at the end. */
void trusted_extend(struct sensor *s);

/* The commands: 0 when they are under way and will be answered. */
enum trusted_task {
        TRUSTED_FIRST,
        TRUSTED_CREATE,
        TRUSTED_ACCEPT,
        TRUSTED_CHECK,
        TRUSTED_EXTEND, /* nobody asked: more, or less, is watched (sensor_config.h) */
};
MUST_USE int trusted_ask(struct sensor *s, struct control_call *c, struct who *who,
                         enum trusted_task task, struct err *err);

#endif
