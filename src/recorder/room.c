/* SPDX-License-Identifier: Apache-2.0 */
/* room.c - segments of the write-ahead log in good time; the full disk. */
#include "loop/log.h"
#include "recorder/recorder_priv.h"

#include <poll.h>
#include <unistd.h>

enum { VAULT_ROOM = 4 << 20 };

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
        return faccessat(r->private_fd, "ballast", F_OK, 0) < 0 &&
               own_disk_free(r) < publishing_ballast(r) + PUBLISHER_ROUND_BYTES;
}

/* The vault takes room a little at a time, and has no reserve. */
static bool vault_is_short(const struct recorder *r)
{
        return r->vault_short && own_disk_free(r) < VAULT_ROOM;
}

void room_leave_full(struct recorder *r)
{
        if (!r->full || ledger_is_full(r->ledger) || room_is_short(r) || vault_is_short(r))
                return;
        r->short_of_room = r->vault_short = false;
        r->full = false;
        log_event(LOG_LEVEL_INFO, "recorder.resumed", log_u64("refused", r->full_refused));
        own_resumed(r);
        for (struct peer *p = r->peers; p; p = p->next)
                if (p->state == PEER_OPEN)
                        peer_send_stopped(p, 0, "");
}

/* ---- subjects ---- */

static uint32_t most_subjects(const struct recorder *r)
{
        return r->o->subjects ? r->o->subjects : VAULT_SUBJECTS_MAX;
}

uint32_t room_for_subjects(const struct recorder *r, enum role_id role)
{
        uint32_t most = most_subjects(r);

        return role == ROLE_GATEWAY ? most - most / 16 : most;
}

bool room_has_few_subjects(const struct recorder *r)
{
        uint32_t most = most_subjects(r);

        return vault_subjects(r->vault) >= most - most / 8;
}

void room_watch_subjects(struct recorder *r)
{
        if (r->subjects_told || !room_has_few_subjects(r))
                return;
        r->subjects_told = true;
        log_event(LOG_LEVEL_WARNING, "recorder.subjects",
                  log_u64("known", vault_subjects(r->vault)), log_u64("most", most_subjects(r)));
}

/* ---- the backlog ---- */

static void watch_backlog(struct recorder *r)
{
        uint64_t most = r->o->backlog_bytes ? r->o->backlog_bytes : RECORDER_BACKLOG_DEFAULT;
        uint64_t now = ledger_backlog(r->ledger, r->published);
        bool behind = now > (r->behind ? most / 2 : most);

        if (behind == r->behind)
                return;
        r->behind = behind;
        log_event(behind ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
                  behind ? "recorder.held" : "recorder.released", log_u64("backlog", now),
                  log_u64("size", ledger_size(r->ledger)), log_u64("published", r->published));
}

void room_hold_writers(struct recorder *r)
{
        bool held;

        watch_backlog(r);
        held = r->behind || command_is_waiting(r);
        if (held == r->held)
                return;
        r->held = held;
        for (struct peer *p = r->peers; p; p = p->next)
                peer_listen(p);
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
        /* On a full disk the publisher needs what room there is first. */
        if (r->stop_code || (r->full && r->published != ledger_size(r->ledger)) ||
            !ledger_wants_segment(r->ledger, &r->segment.order))
                return;
        r->segment.job.run = segment_run;
        r->segment.job.done = segment_done;
        r->segment.r = r;
        if (pool_submit(r->pool, &r->segment.job) < 0) {
                r->segment.order.result = -EAGAIN;
                ledger_segment_done(r->ledger, &r->segment.order);
        }
}
