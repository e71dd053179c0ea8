/* SPDX-License-Identifier: Apache-2.0 */
/* courier_priv.h - what the files of a courier share.  Floor 3.
 *
 *   courier.c       the process: reads, delivers, keeps the cursor
 *   courier_tell.c  what it says to the uplink */
#ifndef FLEET_COURIER_PRIV_H
#define FLEET_COURIER_PRIV_H

#include "fleet/courier.h"
#include "fleet/cursor.h"
#include "fleet/sink.h"
#include "fleet/tail.h"

enum courier_state { COURIER_UNTRIED, COURIER_UP, COURIER_DOWN };

enum {
        QUEUE_MAX = 512,
        LOOK_MS = 1000, /* at the ledger, where nothing tells of news */
};

struct courier {
        const struct courier_options *o;
        const struct deliver_sink *c;
        int own_fd, lock_fd;
        struct tail tail;
        struct cursor cursor, kept; /* as it is, as the file has it */
        struct sink *sink;
        char unusable[ERR_TEXT_MAX]; /* why the sink cannot be used at all; "": it can */
        bool lost;                   /* its cursor is damaged: for a person, and never written */
        struct message *queue[QUEUE_MAX];
        size_t n, bytes;
        enum courier_state state;
        char error[ERR_TEXT_MAX];
        int64_t first_ns; /* monotonic: when the oldest of the queue was read */
        int64_t sent_ns;  /* the last delivery */
        int64_t last_wall_ns;
        int64_t retry_ns, retry_ms;
        uint64_t reported; /* the position the uplink knows */
        int64_t report_ns;
        uint64_t told;               /* id of what was told last */
        bool unkept;                 /* the cursor could not be written */
        bool news;                   /* the uplink does not know yet */
        bool orphan;                 /* the uplink has gone */
        bool broken;                 /* to be started anew */
        int64_t started_ns, down_ns; /* monotonic: the process, and since when it is down */
        char partly[ERR_TEXT_MAX];   /* what was told last of those who do not get all */
};

/* Monotonic. */
static inline int64_t courier_now(const struct courier *k)
{
        return clock_mono(k->o->clock);
}

/* Wait for a packet of the uplink, and take it: the id that is durable. */
void courier_hear(struct courier *k, int timeout_ms, uint64_t *ret_id);
/* How it fares, for the status file. */
void courier_report(struct courier *k);

/* To be told in the ledger; 0: it is durable there.  -ETIMEDOUT: not yet, so again later. */
MUST_USE int courier_tell_down(struct courier *k);
MUST_USE int courier_tell_up(struct courier *k);
MUST_USE int courier_tell_refused(struct courier *k, const struct message *m, const char *why);
MUST_USE int courier_tell_missed(struct courier *k, const struct tail_item *gap);

#endif
