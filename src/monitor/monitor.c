/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/monitor.h"

#include "base/text.h"
#include "loop/log.h"
#include "monitor/monitor_priv.h"
#include "wire/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
        CONNECT_MS = 200,
        RECONNECT_MS = 500,
        STOP_MS = 3000,
        IDLE_MS = 1000,
        RETRY_S = 5,
        LATE_CHECK_S = 30
};

#define ENTRY_MAX_HERE (64 * 1024)

static int64_t mono(const struct monitor *m)
{
        return clock_mono(m->o.clock);
}

/* ---- making and ending ---- */

int monitor_new(const struct monitor_options *o, struct monitor **ret, struct err *err)
{
        CLEANUP(monitor_freep) struct monitor *m = calloc(1, sizeof *m);
        struct feed_options f = { .socket = o->socket, .proc = "monitor", .on_nak = tell_on_nak };
        int rc;

        if (!m)
                return err_set(err, -ENOMEM, "out of memory");
        m->o = *o;
        m->skeleton = BUF_INIT(ENTRY_MAX_HERE);
        m->field = BUF_INIT(ENTRY_MAX_HERE);
        rows_init(&m->rows);
        rows_init(&m->batch.old);
        for (unsigned i = 0; i < LANES; i++) {
                m->lanes[i].m = m;
                rows_init(&m->lanes[i].rows);
        }
        m->dirfd = open(o->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (m->dirfd < 0)
                return err_sys(err, -errno, "%s", o->state_dir);
        rc = reload_first(m, err);
        f.ctx = m;
        if (rc == 0)
                rc = feed_new(&f, &m->feed, err);
        if (rc < 0)
                return rc;
        *ret = m;
        m = NULL;
        return 0;
}

struct monitor *monitor_free(struct monitor *m)
{
        if (!m)
                return NULL;
        loop_remove(m->feed_source);
        loop_remove(m->pool_source);
        m->tick = loop_remove(m->tick);
        loop_remove(m->reconnect);
        wakes_stop(m);
        read_stop(m);
        tell_done(m);
        cause_stop(m);
        feed_free(m->feed);
        fd_close(&m->dirfd);
        buf_done(&m->skeleton);
        buf_done(&m->field);
        reload_done(m);
        free(m->at);
        free(m);
        return NULL;
}

/* ---- which one is next ---- */

/* Of those that this lane may take. */
static struct watched *most_due(struct monitor *m, enum lane_id lane)
{
        struct watched *best = NULL;

        for (size_t i = 0; i < m->n; i++) {
                struct watched *w = &m->at[i];
                unsigned n;
                enum lane_id first = lane_of(w->plan, &n);

                if (!w->busy && lane >= first && lane < first + n &&
                    (!best || w->due_ns < best->due_ns))
                        best = w;
        }
        return best;
}

static int64_t begin_lane(struct lane *l, int64_t now)
{
        struct watched *w = most_due(l->m, (enum lane_id)(l - l->m->lanes));

        if (!w)
                return INT64_MAX;
        if (w->due_ns > now)
                return w->due_ns;
        return read_begin(l, w) < 0 ? now + IDLE_MS * NS_PER_MS : INT64_MAX;
}

/* The next of the lanes whose rows wait, the longest first. */
static void tell_next(struct monitor *m)
{
        struct lane *best = NULL;

        for (unsigned i = 0; i < LANES; i++)
                if (m->lanes[i].step == LANE_READY &&
                    (!best || m->lanes[i].since_ns < best->since_ns))
                        best = &m->lanes[i];
        if (best && m->step == STEP_IDLE)
                tell_rows(m, best);
}

static bool all_idle(const struct monitor *m)
{
        for (unsigned i = 0; i < LANES; i++)
                if (m->lanes[i].step != LANE_IDLE)
                        return false;
        return m->step == STEP_IDLE;
}

/* Another configuration waits: nothing is begun, and what takes time is given up. */
static void make_way(struct monitor *m)
{
        read_stop(m);
        if (all_idle(m))
                reload_apply(m);
}

static void on_tick(void *ctx)
{
        struct monitor *m = ctx;
        int64_t now = mono(m), next = now + LATE_CHECK_S * NS_PER_S;

        if (m->stopping || !m->begun)
                return;
        m->woken = false;
        if (m->reload.ready)
                make_way(m);
        tell_next(m);
        for (unsigned i = 0; i < LANES; i++) {
                struct lane *l = &m->lanes[i];

                if (l->step == LANE_IDLE && !m->reload.ready) {
                        int64_t due = begin_lane(l, now);

                        next = MIN_OF(next, due);
                } else {
                        read_late(l, now);
                }
        }
        if (!m->woken)
                loop_timer_set(m->tick, next);
}

void monitor_wake(struct monitor *m)
{
        m->woken = true;
        if (m->tick)
                loop_timer_set(m->tick, mono(m));
}

void monitor_rest(struct monitor *m, struct watched *w)
{
        unsigned every_s =
                w->problem[0] ? MAX_OF(w->plan->every_s, (unsigned)RETRY_S) : w->plan->every_s;

        w->busy = false;
        w->ended_ns = mono(m);
        w->due_ns = w->ended_ns + every_s * NS_PER_S;
        if (w->woken)
                w->due_ns = MIN_OF(w->due_ns, wake_due(w, w->ended_ns));
        w->woken = false;
        monitor_wake(m);
}

void monitor_look_again(struct monitor *m)
{
        for (size_t i = 0; i < m->n; i++) {
                m->at[i].due_ns = m->at[i].plan->every_s;
                m->at[i].has_look = m->at[i].has_gathered = false;
                m->at[i].woken = m->at[i].busy; /* once more, then */
        }
        monitor_wake(m);
}

/* ---- the recorder ---- */

static void on_feed(void *ctx, unsigned events)
{
        (void)ctx;
        (void)events; /* it works at the end of the turn */
}

static void on_pool(void *ctx, unsigned events)
{
        struct monitor *m = ctx;

        (void)events;
        pool_reap(m->o.pool);
}

/* The recorder is there for the first time. */
static void begin(struct monitor *m)
{
        struct err err = { 0 };

        m->begun = true;
        if (tell_resume(m, &err) < 0)
                log_event(LOG_LEVEL_ERROR, "monitor.store", log_err(&err));
        tell_monitor(m, "started", NULL);
        if (m->reload.refused[0])
                tell_monitor(m, "refused", m->reload.refused);
        loop_timer_set(m->tick, mono(m));
}

static void connect_again(void *ctx)
{
        struct monitor *m = ctx;
        uint64_t run = m->begun ? feed_run(m->feed) : m->left_run;
        struct err err = { 0 };

        if (feed_connected(m->feed) || m->stopping)
                return;
        if (feed_connect(m->feed, run, CONNECT_MS, &err) < 0) {
                loop_timer_set(m->reconnect, mono(m) + RECONNECT_MS * NS_PER_MS);
                return;
        }
        log_event(LOG_LEVEL_INFO, "monitor.connected", log_u64("run", feed_run(m->feed)));
        if (!m->begun)
                begin(m);
        else if (feed_run(m->feed) != run)
                tell_renumbered(m);
}

static void watch_feed(struct monitor *m)
{
        unsigned want = LOOP_READ | (feed_wants_write(m->feed) ? LOOP_WRITE : 0u);
        struct err err = { 0 };
        int rc = 0;

        if (!feed_connected(m->feed)) {
                if (m->feed_source)
                        loop_timer_set(m->reconnect, mono(m));
                m->feed_source = loop_remove(m->feed_source);
                return;
        }
        rc = m->feed_source ? loop_set_events(m->feed_source, want)
                            : loop_add_fd(m->o.loop, feed_fd(m->feed), want, on_feed, m,
                                          &m->feed_source, &err);
        if (rc < 0) {
                log_event(LOG_LEVEL_ERROR, "monitor.loop", log_err(&err));
                loop_stop(m->o.loop, rc);
        }
}

static void on_turn(void *ctx)
{
        struct monitor *m = ctx;
        struct err err = { 0 };

        if (feed_connected(m->feed) && feed_work(m->feed, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "monitor.recorder_gone", log_err(&err));
        tell_pump(m);
        if (feed_connected(m->feed) && feed_work(m->feed, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "monitor.recorder_gone", log_err(&err));
        watch_feed(m);
}

int monitor_start(struct monitor *m, struct err *err)
{
        int rc = tell_left_over(m, &m->left_run, err);

        if (rc == 0)
                rc = loop_add_fd(m->o.loop, pool_fd(m->o.pool), LOOP_READ, on_pool, m,
                                 &m->pool_source, err);
        if (rc == 0)
                rc = loop_add_timer(m->o.loop, on_tick, m, &m->tick, err);
        if (rc == 0)
                rc = loop_add_timer(m->o.loop, connect_again, m, &m->reconnect, err);
        if (rc == 0)
                rc = wakes_start(m, err);
        if (rc == 0)
                rc = cause_start(m, err);
        if (rc < 0)
                return rc;
        loop_set_turn(m->o.loop, on_turn, m);
        loop_timer_set(m->reconnect, mono(m));
        return 0;
}

void monitor_stop(struct monitor *m, const struct loop_sender *asked)
{
        struct err err = { 0 };

        m->stopping = true;
        read_stop(m);
        pool_drain(m->o.pool);
        if (m->step != STEP_TELL)
                m->step = STEP_IDLE;
        tell_monitor(m, "stopped", NULL);
        tell_pump(m);
        if (feed_connected(m->feed) && feed_flush(m->feed, STOP_MS, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "monitor.stop", log_err(&err));
        tell_pump(m);
        if (feed_connected(m->feed) && feed_flush(m->feed, STOP_MS, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "monitor.stop", log_err(&err));
        feed_bye(m->feed, false, asked->pid, asked->uid);
}

void monitor_beat(struct monitor *m)
{
        feed_beat(m->feed);
}

/* ---- status ---- */

bool monitor_is_ready(const struct monitor *m)
{
        for (size_t i = 0; i < m->n; i++)
                if (!m->at[i].read)
                        return false;
        return true;
}

static void put_watched(const struct watched *w, struct json_writer *j)
{
        char when[TEXT_TIME_LEN + 1];
        CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * MONITOR_PROBLEM_MAX);

        text_time(w->read_ns, when);
        text_put_safe(&safe, span_str(w->problem));
        json_begin_array(j);
        json_put_string(j, span_str(w->name));
        json_put_u64(j, w->rows);
        json_put_u64(j, w->faults);
        json_put_string(j, span_str(w->read_ns ? when : ""));
        json_put_string(j, buf_span(&safe));
        json_put_u64(j, w->plan->every_s);
        json_put_u64(j, (uint64_t)(w->took_ns / NS_PER_MS));
        json_end_array(j);
}

static void put_config(const struct monitor_config *c, struct json_writer *j)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * PATH_MAX);
        char hex[2 * SHA256_LEN + 1];

        text_hex(span_of(c->digest, SHA256_LEN), hex);
        text_put_safe(&safe, span_str(c->from));
        json_put_key(j, "config");
        json_begin_object(j);
        json_member_string(j, "from", buf_span(&safe));
        json_member_text(j, "sha256", hex);
        json_end_object(j);
}

void monitor_put_status(const struct monitor *m, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        put_config(&m->config, &w);
        json_member_u64(&w, "entries", m->entries);
        json_member_u64(&w, "pending", feed_pending(m->feed) + m->n_out);
        json_member_u64(&w, "places", m->wake ? wake_places(m->wake) : 0);
        json_member_bool(&w, "places_full", m->wake_full);
        json_member_bool(&w, "ready", monitor_is_ready(m));
        json_member_u64(&w, "refused", m->refused);
        json_put_key(&w, "tables");
        json_begin_array(&w);
        for (size_t i = 0; i < m->n; i++)
                put_watched(&m->at[i], &w);
        json_end_array(&w);
        json_member_u64(&w, "woken", m->wakes);
        json_end_object(&w);
}
