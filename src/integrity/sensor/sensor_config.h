/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_config.h - what is watched becomes something else while the sensor runs, or was something
 * else when it last ran.  Floor 3.
 *
 *           config_take                 every event before was looked at       baseline extended
 *   SETTLED -----------> ASKED ------------------------------------------> SCANS ---------->
 * SETTLED |                        rules swapped, what went is dropped and told  ^
 *      '----- the state on disk was written under other rules ----------------'
 *
 * ASKED: the rules are the old ones.  A change made before the new ones were asked for is told as
 * ever, also where nothing will be watched any more.
 *
 * SCANS: the rules are the new ones.  Marks are placed before a directory is listed, so that what
 * happens there from now on makes an event.  What the scan finds in places that were not watched
 * before becomes part of the trusted state, with an entry integrity.baseline; what an event tells
 * of is told as a change, also there.  The rules on disk stay the old ones until that entry is in
 * the journal: after a crash all of this is done again. */
#ifndef INTEGRITY_SENSOR_CONFIG_H
#define INTEGRITY_SENSOR_CONFIG_H

#include "base/base.h"
#include "base/err.h"
#include "integrity/watching/config.h"

struct sensor;
struct watchset;

enum config_step { CONFIG_SETTLED, CONFIG_ASKED, CONFIG_SCANS };

struct sensor_config {
        enum config_step step;
        uint64_t dropped;   /* records, at the start */
        struct config next; /* to be taken */
        bool has_next;
        struct watchset before; /* SCANS: what was watched */
        int64_t asked_ns;       /* wall */
        int64_t deadline_ns;    /* monotonic: when it is taken all the same */
        bool drained;           /* the kernel's queue was empty once since */
        bool renew;             /* the state on disk has other rules */
        bool extended;          /* what is new is part of the baseline */
};

/* At the start, before anything is told: is it something else than it was?  Then forget what is not
 * watched any more; and, when the start was told, tell it. */
MUST_USE int config_prepare(struct sensor *s);
MUST_USE int config_start(struct sensor *s);
void config_free(struct sensor *s);

/* Once per turn. */
MUST_USE int config_work(struct sensor *s);
/* When config_work() is due at the latest, monotonic; negative: whenever there is a turn. */
int64_t config_due(const struct sensor *s);

/* Was this path watched before what is watched became something else?  True when it did not. */
bool config_was_watched(const struct sensor *s, struct span path);
/* Under which rules the table is, and is to be written. */
const struct watchset *config_rules(const struct sensor *s);
/* Those before, while they are being changed and nothing else is wanted of the scan; else NULL. */
const struct watchset *config_only_new(const struct sensor *s);

/* The baseline has what is new, or could not get it. */
void config_extended(struct sensor *s);

#endif
