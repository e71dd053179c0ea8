/* SPDX-License-Identifier: Apache-2.0 */
/* A table's sources gathered in the worker, and read by a job without rights. */
#include "monitor/monitor_priv.h"

#include "base/text.h"
#include "loop/log.h"
#include "state/bundle.h"
#include "state/row.h"
#include "sys/io.h"
#include "wire/json.h"

#include <stdio.h>

enum { READ_S = 120 };

/* ---- gathering ---- */

static void gather_run(struct pool_job *j)
{
        struct gather_job *g = CONTAINER_OF(j, struct gather_job, job);

        g->same = false;
        g->rc = 0;
        if (!g->g.command && gather_can_look(g->g.sources, g->g.n)) {
                g->rc = gather_look(&g->g, g->look, &g->err);
                g->same = g->rc == 0 && g->look_first && memcmp(g->look, g->known, SHA256_LEN) == 0;
        }
        if (g->rc == 0 && !g->same)
                g->rc = gather_all(&g->g, &g->bundle, &g->err);
}

static void gather_done(struct pool_job *j)
{
        struct gather_job *g = CONTAINER_OF(j, struct gather_job, job);

        read_gathered(g->m);
}

int read_begin(struct monitor *m, struct watched *w)
{
        struct gather_job *g = &m->gather;

        m->now = w;
        m->step = STEP_GATHER;
        *g = (struct gather_job){
                .job = { .run = gather_run, .done = gather_done },
                .m = m,
                .g = { .root = m->o.root,
                       .sources = w->plan->sources,
                       .n = w->plan->n_sources,
                       .command = w->plan->command,
                       .net_uid = m->o.net_uid,
                       .net_gid = m->o.net_gid,
                       .as_others = m->o.as_others,
                       .stop = &m->stop },
                .look_first = w->has_look,
                .bundle = BUF_INIT(BUNDLE_MAX),
        };
        memcpy(g->known, w->look, SHA256_LEN);
        return pool_submit(m->o.pool, &g->job);
}

/* ---- reading ---- */

static int take_row(struct monitor *m, struct json_value row)
{
        struct err err = { 0 };
        int rc = state_row_check(m->now->table, row, &err);

        if (rc == 0)
                rc = rows_add(&m->rows, m->now->table, row);
        if (rc < 0)
                log_event(LOG_LEVEL_WARNING, "monitor.row", log_str("table", m->now->name),
                          log_err(&err));
        return rc;
}

static void take_fault(struct monitor *m, struct json_value fact, struct json_value fault)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(PATH_MAX), safe = BUF_INIT(8 * PATH_MAX);
        struct json_value v;
        int64_t line = 0;

        if (m->faults++)
                return;
        if (json_get(fact, "name", &v) && json_value_text(v, &text))
                text_put_safe(&safe, buf_span(&text));
        if (json_get(fact, "line", &v) && json_value_int(v, &line) && line > 0)
                buf_printf(&safe, ":%lld", (long long)line);
        buf_put_str(&safe, ": ");
        buf_clear(&text);
        if (json_value_text(fault, &text))
                text_put_safe(&safe, buf_span(&text));
        snprintf(m->fault, sizeof m->fault, "%s", buf_cstr(&safe));
}

static int on_fact(void *ctx, struct span json)
{
        struct json_value fact = json_value_of(json), v;
        struct monitor *m = ctx;

        if (json_get(fact, "row", &v))
                return take_row(m, v);
        if (json_get(fact, "fault", &v))
                take_fault(m, fact, v);
        return 0;
}

static void fail(struct monitor *m, const struct err *err)
{
        struct watched *w = m->now;

        w->has_look = w->has_gathered = false;
        w->read = true;
        tell_trouble(m, w, "unreadable", err_text(err));
        monitor_next(m);
}

static void on_end(void *ctx, int result, const struct err *err)
{
        struct monitor *m = ctx;
        struct watched *w = m->now;

        m->job = NULL;
        if (result < 0) {
                fail(m, err);
                return;
        }
        memcpy(w->look, m->gather.look, SHA256_LEN);
        w->has_look = !w->plan->command && gather_can_look(w->plan->sources, w->plan->n_sources);
        w->has_gathered = true;
        w->faults = m->faults;
        w->read_ns = clock_wall(m->o.clock);
        rows_sort(&m->rows);
        tell_trouble(m, w, m->faults ? "faults" : "readable", m->faults ? m->fault : NULL);
        tell_rows(m);
}

static void start_job(struct monitor *m)
{
        const char *args[] = { m->now->table->name, NULL };
        struct job_spec spec = { .program = m->o.job_program,
                                 .job = "state",
                                 .args = args,
                                 .timeout_ns = READ_S * NS_PER_S,
                                 .facts_max = STATE_ROWS_MAX + STATE_FAULTS_MAX,
                                 .clock = m->o.clock };
        CLEANUP_FD int fd = -1;
        struct err err = { 0 };
        int rc;

        fd = job_input(buf_span(&m->gather.bundle), &err);
        buf_done(&m->gather.bundle);
        spec.input = fd;
        rows_done(&m->rows);
        m->faults = 0;
        m->step = STEP_READ;
        rc = fd < 0 ? fd : job_start(m->o.loop, &spec, on_fact, on_end, m, &m->job, &err);
        if (rc < 0)
                fail(m, &err);
}

void read_gathered(struct monitor *m)
{
        struct gather_job *g = &m->gather;
        struct watched *w = m->now;
        uint8_t digest[SHA256_LEN];

        if (g->rc < 0 && !m->stopping) {
                buf_done(&g->bundle);
                fail(m, &g->err);
                return;
        }
        if (g->rc == 0 && !g->same)
                sha256(buf_span(&g->bundle), digest);
        if (m->stopping || g->same ||
            (w->has_gathered && memcmp(digest, w->gathered, SHA256_LEN) == 0)) {
                if (!m->stopping) {
                        w->read_ns = clock_wall(m->o.clock);
                        if (!g->same)
                                memcpy(w->look, g->look, SHA256_LEN);
                }
                buf_done(&g->bundle);
                monitor_next(m);
                return;
        }
        memcpy(w->gathered, digest, SHA256_LEN);
        start_job(m);
}

void read_stop(struct monitor *m)
{
        if (m->job)
                m->job = job_cancel(m->job);
        rows_done(&m->rows);
}
