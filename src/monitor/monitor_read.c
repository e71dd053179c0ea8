/* SPDX-License-Identifier: Apache-2.0 */
/* A table's sources gathered in a worker, and read by a job without rights. */
#include "monitor/monitor_priv.h"

#include "base/text.h"
#include "loop/log.h"
#include "monitor/builtin.h"
#include "state/reading/bundle.h"
#include "state/rows/row.h"
#include "sys/io.h"
#include "wire/json.h"

#include <stdio.h>

/* Times of files are coarse: two writes of one moment may look like one.  So what was woken is read
 * whatever its times say, and everything now and then. */
enum { TRUST_S = 3600 };

enum { READ_S = 120, LATE_S = 600, LATE_WALK_S = 2 * 3600 };

/* ---- lanes ---- */

static bool has_source(const struct plan *p, enum state_source_type type)
{
        for (size_t i = 0; i < p->n_sources; i++)
                if (p->sources[i].type == type)
                        return true;
        return false;
}

/* Files that state.yaml lists may be very many, and anywhere. */
static bool walks(const struct plan *p)
{
        for (size_t i = 0; i < p->n_sources; i++)
                if (p->sources[i].type == STATE_BUILTIN && !(p->sources[i].flags & STATE_WAKES) &&
                    builtin_is_walk(builtin_by_name(p->sources[i].where)))
                        return true;
        return p->table->flags & STATE_TAKES_FILES;
}

enum lane_id lane_of(const struct plan *p, unsigned *ret_n)
{
        *ret_n = p->command ? LANES - LANE_TARGETS : 1;
        return p->command                                                      ? LANE_TARGETS
               : walks(p)                                                      ? LANE_WALK
               : has_source(p, STATE_PROGRAM)                                  ? LANE_PROGRAMS
               : has_source(p, STATE_HOMES) || has_source(p, STATE_HOME_TREES) ? LANE_HOMES
                                                                               : LANE_FILES;
}

static void lane_done(struct lane *l)
{
        struct watched *w = l->now;

        w->took_ns = clock_mono(l->m->o.clock) - l->since_ns;
        rows_done(&l->rows);
        buf_done(&l->gather.bundle);
        buf_done(&l->gather.places);
        l->now = NULL;
        l->step = LANE_IDLE;
        monitor_rest(l->m, w);
}

void read_late(struct lane *l, int64_t now_ns)
{
        int64_t s = (now_ns - l->since_ns) / NS_PER_S;
        struct err err = { 0 };

        if (l->step == LANE_IDLE || l->step == LANE_READY || l->late ||
            s < (l == &l->m->lanes[LANE_WALK] ? LATE_WALK_S : LATE_S))
                return;
        l->late = true;
        l->now->has_gathered = false; /* its end is told by reading it */
        (void)!err_set(&err, -ETIMEDOUT, "not answered for %lld minutes, and still asked",
                       (long long)s / 60);
        tell_trouble(l->m, l->now, "unreadable", err_text(&err));
}

/* ---- gathering ---- */

static void gather_run(struct pool_job *j)
{
        struct gather_job *g = CONTAINER_OF(j, struct gather_job, job);

        g->same = false;
        g->rc = 0;
        if (g->want_places) {
                g->rc = gather_places(&g->g, &g->places, &g->err);
                return;
        }
        if (!g->g.command && gather_can_look(g->g.sources, g->g.n)) {
                g->rc = gather_look(&g->g, g->look, &g->err);
                g->same = g->rc == 0 && g->look_first && memcmp(g->look, g->known, SHA256_LEN) == 0;
        }
        if (g->rc == 0 && !g->same)
                g->rc = gather_all(&g->g, &g->bundle, &g->err);
}

static void read_gathered(struct lane *l);

/* Where the files lie is known before they are read, so that no change is between the two. */
static int watch_then_gather(struct lane *l)
{
        struct gather_job *g = &l->gather;

        if (g->rc == 0)
                wakes_take_places(l->m, l->now, buf_span(&g->places));
        else
                log_event(LOG_LEVEL_WARNING, "monitor.wake", log_str("table", l->now->name),
                          log_err(&g->err));
        buf_done(&g->places);
        g->want_places = false;
        return pool_submit(l->m->o.pool, &g->job);
}

static void gather_done(struct pool_job *j)
{
        struct gather_job *g = CONTAINER_OF(j, struct gather_job, job);
        struct lane *l = g->lane;

        if (!g->want_places || l->stop || (g->rc = watch_then_gather(l)) < 0)
                read_gathered(l);
}

int read_begin(struct lane *l, struct watched *w)
{
        struct gather_job *g = &l->gather;
        struct monitor *m = l->m;
        int rc;

        *g = (struct gather_job){
                .job = { .run = gather_run, .done = gather_done },
                .lane = l,
                .g = { .root = m->o.root,
                       .sources = w->plan->sources,
                       .n = w->plan->n_sources,
                       .command = w->plan->command,
                       .net_uid = m->o.net_uid,
                       .net_gid = m->o.net_gid,
                       .as_others = m->o.as_others,
                       .stop = &l->stop },
                .want_places = wakes_want_places(m, w),
                .places = BUF_INIT(MONITOR_PLACES_MAX),
                .look_first = w->has_look && !w->woken_look &&
                              clock_mono(m->o.clock) - w->gathered_ns < TRUST_S * NS_PER_S,
                .bundle = BUF_INIT(BUNDLE_MAX),
        };
        memcpy(g->known, w->look, SHA256_LEN);
        w->woken_look = false;
        if (g->want_places) {
                w->moved = false; /* what moves from here on is for the next time */
                w->places_ns = clock_mono(m->o.clock);
        }
        l->stop = false;
        rc = pool_submit(m->o.pool, &g->job);
        if (rc < 0)
                return rc;
        l->now = w;
        l->step = LANE_GATHER;
        l->since_ns = clock_mono(m->o.clock);
        l->wall_ns = clock_wall(m->o.clock);
        l->late = false;
        w->busy = true;
        return 0;
}

/* ---- reading ---- */

static int take_row(struct lane *l, struct json_value row)
{
        struct err err = { 0 };
        int rc = state_row_check(l->now->table, row, &err);

        if (rc == 0)
                rc = rows_add(&l->rows, l->now->table, row);
        if (rc < 0)
                log_event(LOG_LEVEL_WARNING, "monitor.row", log_str("table", l->now->name),
                          log_err(&err));
        return rc;
}

static void take_fault(struct lane *l, struct json_value fact, struct json_value fault)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(PATH_MAX), safe = BUF_INIT(8 * PATH_MAX);
        struct json_value v;
        int64_t line = 0;

        if (l->faults++)
                return;
        if (json_get(fact, "name", &v) && json_value_text(v, &text))
                text_put_safe(&safe, buf_span(&text));
        if (json_get(fact, "line", &v) && json_value_int(v, &line) && line > 0)
                buf_printf(&safe, ":%lld", (long long)line);
        buf_put_str(&safe, ": ");
        buf_clear(&text);
        if (json_value_text(fault, &text))
                text_put_safe(&safe, buf_span(&text));
        snprintf(l->fault, sizeof l->fault, "%s", buf_cstr(&safe));
}

static int on_fact(void *ctx, struct span json)
{
        struct json_value fact = json_value_of(json), v;
        struct lane *l = ctx;

        if (json_get(fact, "row", &v))
                return take_row(l, v);
        if (json_get(fact, "fault", &v))
                take_fault(l, fact, v);
        return 0;
}

static void fail(struct lane *l, const struct err *err)
{
        struct watched *w = l->now;

        w->has_look = w->has_gathered = false;
        w->read = true;
        tell_trouble(l->m, w, "unreadable", err_text(err));
        lane_done(l);
}

static void on_end(void *ctx, int result, const struct err *err)
{
        struct lane *l = ctx;
        struct watched *w = l->now;

        l->job = NULL;
        if (result < 0) {
                fail(l, err);
                return;
        }
        memcpy(w->look, l->gather.look, SHA256_LEN);
        w->has_look = !w->plan->command && gather_can_look(w->plan->sources, w->plan->n_sources);
        w->has_gathered = true;
        w->faults = l->faults;
        w->took_ns = clock_mono(l->m->o.clock) - l->since_ns;
        w->read_ns = clock_wall(l->m->o.clock);
        rows_sort(&l->rows);
        tell_trouble(l->m, w, l->faults ? "faults" : "readable", l->faults ? l->fault : NULL);
        l->step = LANE_READY;
        monitor_wake(l->m);
}

static void start_job(struct lane *l)
{
        const char *args[] = { l->now->table->name, NULL };
        struct monitor *m = l->m;
        struct job_spec spec = { .program = m->o.job_program,
                                 .job = "state",
                                 .args = args,
                                 .timeout_ns = READ_S * NS_PER_S,
                                 .facts_max = STATE_ROWS_MAX + STATE_FAULTS_MAX,
                                 .clock = m->o.clock };
        CLEANUP_FD int fd = -1;
        struct err err = { 0 };
        int rc;

        fd = job_input(buf_span(&l->gather.bundle), &err);
        buf_done(&l->gather.bundle);
        spec.input = fd;
        rows_done(&l->rows);
        l->faults = 0;
        l->step = LANE_READ;
        rc = fd < 0 ? fd : job_start(m->o.loop, &spec, on_fact, on_end, l, &l->job, &err);
        if (rc < 0)
                fail(l, &err);
}

static bool is_new(struct lane *l)
{
        uint8_t digest[SHA256_LEN];
        struct watched *w = l->now;

        if (l->gather.same)
                return false;
        w->gathered_ns = l->since_ns;
        sha256(buf_span(&l->gather.bundle), digest);
        if (w->has_gathered && memcmp(digest, w->gathered, SHA256_LEN) == 0) {
                memcpy(w->look, l->gather.look, SHA256_LEN);
                return false;
        }
        memcpy(w->gathered, digest, SHA256_LEN);
        return true;
}

static void read_gathered(struct lane *l)
{
        struct gather_job *g = &l->gather;
        struct watched *w = l->now;

        if (l->stop) {
                lane_done(l);
        } else if (g->rc < 0) {
                fail(l, &g->err);
        } else if (is_new(l)) {
                start_job(l);
        } else {
                w->read_ns = clock_wall(l->m->o.clock);
                w->looked_ns = l->wall_ns;
                w->has_look = w->has_look && !l->late;
                lane_done(l);
        }
}

void read_stop(struct monitor *m)
{
        for (unsigned i = 0; i < LANES; i++) {
                struct lane *l = &m->lanes[i];

                l->stop = true;
                if (l->job)
                        l->job = job_cancel(l->job);
                if (l->step != LANE_READ && l->step != LANE_READY)
                        continue;
                l->now->has_look = l->now->has_gathered = false;
                lane_done(l);
        }
}
