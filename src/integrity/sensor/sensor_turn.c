/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_turn.c - what a turn of the loop does: events, the recorder, work, and what comes now and
 * then. */
#include "integrity/sensor/sensor_above.h"
#include "integrity/sensor/sensor_deep.h"
#include "integrity/sensor/sensor_priv.h"
#include "integrity/sensor/sensor_restore.h"
#include "integrity/sensor/sensor_trusted.h"
#include "loop/log.h"
#include "loop/loop.h"
#include "sys/io.h"
#include "sys/sock.h"

enum {
        READ_BUFFERS = 4, /* of events per turn */
        READ_ALL_MAX = 256,
        TICK_S = 5,
        ALIVE_S = 60,
        POLL_SHARE = 200,   /* a scan takes no more than one part of so many of the time */
        SILENT_S = 15 * 60, /* for what makes no event: inode flags, a mapping that stays open */
        RECONNECT_MS = 500,
        CONNECT_MS = 200,
};

/* ---- events ---- */

static int overflowed(void *ctx)
{
        struct sensor *s = ctx;

        log_event(LOG_LEVEL_WARNING, "sensor.overflow", log_str("then", "rescan"));
        scan_want(s, LOSS_OVERFLOW, s->read_ns, sensor_wall(s));
        return 0;
}

const struct watch_ops turn_watch_ops = { .touched = look_touched,
                                          .renamed = rename_seen,
                                          .settled = look_settled,
                                          .complete = look_complete,
                                          .overflow = overflowed };

static void on_events(void *ctx, unsigned events)
{
        struct sensor *s = ctx;
        int64_t wall = sensor_wall(s);
        int rc = watch_read(s->watch, READ_BUFFERS);

        (void)events;
        if (rc == 0)
                s->read_ns = wall;
        if (rc < 0) {
                log_event(LOG_LEVEL_ERROR, "sensor.events", log_int("error", rc));
                s->failed = rc;
        }
}

int sensor_read_all(struct sensor *s)
{
        int64_t wall = sensor_wall(s);
        int rc = 1;

        for (int i = 0; i < READ_ALL_MAX && rc > 0 && !dirty_full(s->dirty); i++)
                rc = watch_read(s->watch, READ_BUFFERS);
        if (rc == 0)
                s->read_ns = wall;
        return MIN_OF(rc, 0);
}

static void again_soon(struct sensor *s)
{
        loop_timer_set(s->process_again, sensor_mono(s) + PROCSOURCE_AGAIN_MS * NS_PER_MS);
}

static void pull_again(void *ctx)
{
        struct sensor *s = ctx;

        bool more = procsource_pull(s->o.processes);

        if (who_catch_up(s->who) || more)
                again_soon(s);
}

static void on_processes(void *ctx, unsigned events)
{
        struct sensor *s = ctx;

        (void)events;
        procsource_pull(s->o.processes);
        again_soon(s);
}

static void on_pool(void *ctx, unsigned events)
{
        struct sensor *s = ctx;

        (void)events;
        pool_reap(s->o.pool);
}

/* The feed works at the end of the turn. */
static void on_feed(void *ctx, unsigned events)
{
        struct sensor *s = ctx;

        (void)events;
        s->feed_ready = true;
}

/* A due place is looked at at the end of the turn: being woken is all. */
static void on_wake_timer(void *ctx)
{
        (void)ctx;
}

/* ---- the recorder ---- */

/* What the recorder writes comes from what it is told: seeing it would go round for ever. */
void turn_know_recorder(struct sensor *s)
{
        struct sock_cred cred;

        if (sock_peer_cred(feed_fd(s->feed), &cred) == 0)
                watch_set_own(s->watch, cred.pid);
}

static void connect_again(void *ctx)
{
        struct sensor *s = ctx;
        uint64_t run = feed_run(s->feed);
        struct err err = { 0 };

        if (feed_connected(s->feed) || s->stopping)
                return;
        if (feed_connect(s->feed, run, CONNECT_MS, &err) < 0) {
                loop_timer_set(s->reconnect, sensor_mono(s) + RECONNECT_MS * NS_PER_MS);
                return;
        }
        turn_know_recorder(s);
        trusted_met(s, feed_run(s->feed) == run);
        feed_beat(s->feed);
        s->feed_ready = true;
        log_event(LOG_LEVEL_INFO, "sensor.connected", log_u64("run", feed_run(s->feed)),
                  log_u64("held", feed_held(s->feed)));
        if (tell_connected(s, run) < 0)
                s->failed = -ENOMEM;
}

static int watch_feed(struct sensor *s)
{
        unsigned want = LOOP_READ | (feed_wants_write(s->feed) ? LOOP_WRITE : 0u);
        struct err err = { 0 };
        int rc = 0;

        if (!feed_connected(s->feed)) {
                if (s->feed_source)
                        loop_timer_set(s->reconnect, sensor_mono(s));
                s->feed_source = loop_remove(s->feed_source);
                return 0;
        }
        if (s->feed_source)
                return loop_set_events(s->feed_source, want);
        rc = loop_add_fd(s->o.loop, feed_fd(s->feed), want, on_feed, s, &s->feed_source, &err);
        if (rc < 0)
                log_event(LOG_LEVEL_ERROR, "sensor.loop", log_err(&err));
        return rc;
}

/* ---- turns ---- */

static void watch_events(struct sensor *s)
{
        bool read = !dirty_full(s->dirty); /* also while the recorder is away: places merge */

        if (read == s->reading)
                return;
        s->reading = read;
        if (loop_set_events(s->watch_source, read ? LOOP_READ : 0) < 0)
                s->failed = -EIO;
}

static void renew_state(struct sensor *s)
{
        struct state_told told = { .run = feed_run(s->feed), .acked = s->acked };
        struct err err = { 0 };

        if (s->phase != SENSOR_LIVE || s->out_first || s->told_first || trusted_is_owed(s) ||
            !(state_wants_renewal(&s->state) || s->config.renew))
                return;
        if (fold_any(s)) { /* a snapshot would have them before the ledger has */
                if (fold_flush(s) < 0)
                        s->failed = -ENOMEM;
                return;
        }
        if (s->state.broken && sensor_mono(s) < s->alive_at_ns)
                return; /* not again before the next tick */
        watch_relieve(s->watch, true);
        if (state_renew(&s->state, config_rules(s), s->table, sensor_wall(s), &told, &err) < 0) {
                log_event(LOG_LEVEL_ERROR, "sensor.state", log_err(&err));
                state_broke(&s->state, &err);
                s->alive_at_ns = sensor_mono(s) + ALIVE_S * NS_PER_S;
        } else {
                s->config.renew = false;
        }
        watch_relieve(s->watch, false);
}

static int work(struct sensor *s)
{
        enum sensor_phase before;
        int rc = config_work(s);

        do {
                before = s->phase;
                rc = rc < 0 ? rc : scan_work(s);
        } while (rc == 0 && s->phase != before);
        if (rc == 0 && s->phase == SENSOR_LIVE)
                rc = look_some(s);
        if (rc == 0 && s->phase == SENSOR_LIVE)
                rc = status_news(s);
        if (rc == 0)
                rc = trusted_work(s);
        if (rc == 0)
                rc = restore_work(s);
        if (rc == 0)
                rc = deep_work(s);
        if (rc == 0)
                rc = deny_work(s);
        if (rc == 0)
                rc = guard_work(s);
        return rc;
}

/* Negative: never. */
static int64_t sooner(int64_t a, int64_t b)
{
        return a < 0 ? b : b < 0 ? a : MIN_OF(a, b);
}

static void on_turn(void *ctx)
{
        struct sensor *s = ctx;
        int64_t now, due;
        int rc;

        if (s->stopping)
                return;
        if (watch_waits(s->watch) && s->reading)
                on_events(s, 0);
        tell_pump(s);
        rc = s->failed ? s->failed : work(s);
        tell_pump(s);
        if (rc == 0)
                rc = watch_feed(s);
        renew_state(s);
        watch_events(s);
        if (rc < 0 || s->failed) {
                rc = rc < 0 ? rc : s->failed;
                log_event(LOG_LEVEL_ERROR, "sensor.failed", log_str("error", strerror(-rc)));
                loop_stop(s->o.loop, 1);
                return;
        }
        s->was_live = s->was_live || s->phase == SENSOR_LIVE;
        if (s->users_old)
                users_read(s);
        mounts_work(s);
        status_rest(s);
        if (s->phase != SENSOR_LIVE || !out_room(s))
                return; /* a result or an acknowledgement wakes us */
        now = sensor_mono(s);
        due = s->loss_next || watch_waits(s->watch) ? now : dirty_due(s->dirty, now);
        due = sooner(due, trusted_due(s));
        due = sooner(due, deep_due(s));
        due = sooner(due, config_due(s));
        due = sooner(due, deny_due(s));
        due = sooner(due, guard_due(s));
        due = sooner(due, restore_due(s));
        loop_timer_set(s->settle, due);
}

/* ---- now and then ---- */

void turn_tick(void *ctx)
{
        struct sensor *s = ctx;
        int64_t now = sensor_mono(s);
        int64_t poll_ns = (int64_t)(s->o.poll_s ? s->o.poll_s : SENSOR_POLL_S) * NS_PER_S;

        feed_beat(s->feed);
        if (now >= s->alive_at_ns && !s->loss_next && s->phase == SENSOR_LIVE) {
                journal_put_alive(&s->state.journal, sensor_wall(s), false);
                s->alive_at_ns = now + ALIVE_S * NS_PER_S;
        }
        if (now >= s->poll_at_ns) {
                if (s->poll_at_ns)
                        scan_want(s, LOSS_POLL, sensor_wall(s), sensor_wall(s));
                s->poll_at_ns = now + (watch_polls(s->watch) ? poll_ns : SILENT_S * NS_PER_S);
        } else if (watch_polls(s->watch)) { /* one has come since */
                s->poll_at_ns = MIN_OF(s->poll_at_ns, now + poll_ns);
        }
        s->poll_at_ns = MAX_OF(s->poll_at_ns, s->polled_ns + POLL_SHARE * s->scan_took_ns);
        if (s->state.journal.dirty && !s->state.broken) {
                s->state.journal.dirty = false;
                (void)!io_kernel.fdatasync(io_kernel.ctx, s->state.journal.fd);
        }
        if (out_room(s) && (fold_tick(s) < 0 || why_tick(s, false) < 0 || why_expire(s) < 0 ||
                            deny_tick(s) < 0 || attempts_tick(s) < 0))
                s->failed = -ENOMEM;
        if (!fold_any(s)) /* or it would have what the ledger does not have yet */
                above_keep(s);
        restore_tick(s);
        remote_tick(s);
        procsource_tick(s->o.processes);
        who_tick(s->who);
        if (kept_tick(s, false) < 0)
                s->failed = -ENOMEM;
        loop_timer_set(s->tick, now + TICK_S * NS_PER_S);
}

/* ---- all of it ---- */

int turn_start(struct sensor *s, struct err *err)
{
        struct loop *l = s->o.loop;
        int rc = loop_add_fd(l, watch_fd(s->watch), LOOP_READ, on_events, s, &s->watch_source, err);

        s->reading = true;
        if (rc == 0)
                rc = loop_add_fd(l, pool_fd(s->o.pool), LOOP_READ, on_pool, s, &s->pool_source,
                                 err);
        if (rc == 0 && procsource_fd(s->o.processes) >= 0)
                rc = loop_add_fd(l, procsource_fd(s->o.processes), LOOP_READ, on_processes, s,
                                 &s->process_source, err);
        if (rc == 0)
                rc = loop_add_timer(l, pull_again, s, &s->process_again, err);
        if (rc == 0)
                rc = mounts_init(s, err);
        if (rc == 0)
                rc = loop_add_timer(l, turn_tick, s, &s->tick, err);
        if (rc == 0)
                rc = loop_add_timer(l, on_wake_timer, s, &s->settle, err);
        if (rc == 0)
                rc = loop_add_timer(l, connect_again, s, &s->reconnect, err);
        if (rc == 0)
                rc = command_init(s, err);
        if (rc == 0)
                rc = guard_start(s, err);
        if (rc == 0)
                rc = attempts_start(s, err);
        if (rc == 0)
                loop_set_turn(l, on_turn, s);
        return rc;
}
