/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_trusted_priv.h - the parts of what is trusted to each other.  Floor 3, part of the sensor.
 *
 *   sensor_trusted.c   the way from one step to the next
 *   sensor_accept.c    what is accepted, and what is watched newly
 *   sensor_trusted_ask.c  what administrators ask
 *   sensor_trusted_first.c  the first, and a disk that has no room for it
 *   sensor_trusted_past.c what the ledger says of what is here
 *   sensor_trusted_again.c what a ledger that succeeded another is told */
#ifndef INTEGRITY_SENSOR_TRUSTED_PRIV_H
#define INTEGRITY_SENSOR_TRUSTED_PRIV_H

#include "integrity/sensor/control.h"
#include "integrity/sensor/sensor_priv.h"
#include "integrity/sensor/sensor_trusted.h"
#include "integrity/trusted/baseline.h"

#include <sys/stat.h>

enum {
        CHANGES_MAX = 64 << 20, /* bytes of differences accepted at once */
        PATHS_MAX = 1 << 20,
        COMMENT_MAX = 1024,
        REPLY_MAX = 4096,
        RULES_MAX = 8 * WATCH_TEXT_MAX,
        SETTLE_MS = 5000,  /* for events that wait: an open file may be written for ever */
        LEDGER_MS = 15000, /* for the entry: the recorder may be away */
        AGAIN_MS = 100,
        PROGRESS_MS = 200,
        OWED_MS = 5000,  /* until it is looked again for room for the first */
        OWED_TRIES = 12, /* and after so many of these it is tried in any case */
};

enum step { IDLE, SCAN, SETTLE, WORK, TOLD };

struct trusted {
        enum step step;
        enum trusted_task task;
        struct control_call *call; /* NULL: nobody asks, or nobody waits any more */
        struct who *who;
        int64_t began_ns, due_ns, shown_ns; /* monotonic */
        bool deep;

        /* The baseline in place. */
        bool has;
        struct snapshot_head head;
        bool doubted;       /* not the one that was told last: nothing is put back from it */
        bool unrecorded;    /* doubted, for the ledger has no entry of any */
        struct buf note;    /* its entry, until that is in the ledger */
        struct buf entry;   /* by which the ledger knows it; empty: nothing proves it */
        bool again;         /* it is to be told to the ledger that succeeded that one */
        struct stat ledger; /* its directory, when the recorder was met last */
        bool note_goes;     /* among those that go out again */

        bool owed;           /* the first could not be written */
        unsigned owed_looks; /* since it was tried last */
        int64_t owed_at_ns;  /* monotonic: when to look again */
        uint64_t owed_room;  /* bytes that were free when it was tried last */

        /* The one that is made. */
        struct snapshot_head next;
        struct baseline_sums sums;
        struct buf old; /* of what was watched once and is again: as it was trusted then */
        struct span old_rest;
        struct buf comment, selected, changes, reads, rules;
        struct buf also; /* states whose content stays beside those of baselines */
        uint64_t added, changed, removed, found;

        /* After it is in place. */
        bool swept, told, in_ledger;
        uint64_t index, removed_content;

        /* In a worker. */
        struct pool_job job;
        struct sensor *sensor;
        struct observer *observer;
        bool sweeping;
        int rc;
        struct err err;
};

/* Whoever asked has his answer: back to the beginning. */
void trusted_clear(struct trusted *t);
void trusted_answer_failed(struct trusted *t, int rc, const struct err *err);
void trusted_answer(struct trusted *t);
/* The table as baseline.new, its content durable before it. */
MUST_USE int trusted_write_table(struct trusted *t, struct err *err);
/* baseline.new is whole: it takes its place, its entry is on its way, and what nothing refers to
 * any more goes. */
MUST_USE int trusted_place(struct trusted *t, const char *reason, struct err *err);
/* Both, of a host that had none; where there is no room for it, it is owed: 0 with *err. */
MUST_USE int trusted_put_first(struct trusted *t, struct err *err);
/* It is owed: begin again where there may be room now. */
void trusted_try_first(struct trusted *t);
/* In a worker: write it, or remove content that nothing refers to.  -EAGAIN: the pool is full. */
MUST_USE int trusted_submit(struct trusted *t, bool sweeping);

/* At the start: may the baseline be believed?  Before what waits in the journal goes out again. */
void trusted_doubt(struct sensor *s);
/* What the ledger that was asked at the start has of it. */
void trusted_recall(struct sensor *s);
/* Tell it once more, where that is due. */
MUST_USE int trusted_tell_again(struct trusted *t);
/* Why the baseline is not believed; NULL: it is. */
const char *trusted_why_doubted(const struct trusted *t);

/* baseline_diff_fn: counts, and collects what is accepted. */
int trusted_on_difference(void *ctx, struct span path, struct span was_bytes, struct span is_bytes);
MUST_USE int trusted_begin_to_write(struct trusted *t);
MUST_USE int trusted_collect_new(struct trusted *t);
MUST_USE int trusted_write_new(struct trusted *t);

#endif
