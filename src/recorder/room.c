/* SPDX-License-Identifier: Apache-2.0 */
/* room.c - segments of the write-ahead log in good time; the full disk. */
#include "loop/log.h"
#include "recorder/recorder_priv.h"

#include <poll.h>
#include <unistd.h>

enum { ROOM_BYTES = 4 * 1024 * 1024 }; /* for publishing, before entries are taken again */

/* ---- the full disk ---- */

void room_enter_full(struct recorder *r)
{
        if (r->full)
                return;
        r->full = true;
        r->full_since_ns = clock_mono(r->clock);
        r->full_refused = 0;
        log_event(LOG_LEVEL_ERROR, "recorder.full", log_u64("size", ledger_size(r->ledger)));
        own_full(r);
        for (struct peer *p = r->peers; p; p = p->next) {
                p->discarding = true; /* what it has sent already would leave a gap */
                if (p->state == PEER_OPEN)
                        peer_send_stopped(p, -ENOSPC, "the disk is full");
        }
}

bool room_is_short(const struct recorder *r)
{
        return faccessat(r->private_fd, "ballast", F_OK, 0) < 0 && own_disk_free(r) < ROOM_BYTES;
}

void room_leave_full(struct recorder *r)
{
        if (!r->full || ledger_is_full(r->ledger) || room_is_short(r))
                return;
        r->short_of_room = false;
        r->full = false;
        log_event(LOG_LEVEL_INFO, "recorder.resumed", log_u64("refused", r->full_refused));
        own_resumed(r);
        for (struct peer *p = r->peers; p; p = p->next)
                if (p->state == PEER_OPEN)
                        peer_send_stopped(p, 0, "");
}

/* ---- segments ---- */

void room_await_segment(struct recorder *r)
{
        struct pollfd p = { .fd = pool_fd(r->pool), .events = POLLIN };

        poll(&p, 1, RECORDER_TICK_MS);
        pool_reap(r->pool);
}

static void segment_run(struct pool_job *job)
{
        segment_prepare(&((struct segment_job *)job)->order);
}

static void segment_done(struct pool_job *job)
{
        struct segment_job *j = (struct segment_job *)job;

        ledger_segment_done(j->r->ledger, &j->order);
}

void room_order_segment(struct recorder *r)
{
        if (r->stop_code || !ledger_wants_segment(r->ledger, &r->segment.order))
                return;
        r->segment.job.run = segment_run;
        r->segment.job.done = segment_done;
        r->segment.r = r;
        if (pool_submit(r->pool, &r->segment.job) < 0) {
                r->segment.order.result = -EAGAIN;
                ledger_segment_done(r->ledger, &r->segment.order);
        }
}
