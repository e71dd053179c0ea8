/* SPDX-License-Identifier: Apache-2.0 */
/* state.yaml: read at the start, and again when somebody asks.  What is stored and what is on its
 * way to the ledger has nothing to do with it, so nothing is lost. */
#include "monitor/monitor_priv.h"

#include "loop/log.h"
#include "sys/io.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- from plans to what is watched ---- */

static bool is_wanted(const struct monitor_options *o, const struct plan *p)
{
        if (!o->tables)
                return true;
        for (const char *const *name = o->tables; *name; name++)
                if (strcmp(*name, p->name) == 0 || strcmp(*name, p->table->name) == 0)
                        return true;
        return false;
}

static bool is_there(const struct monitor_config *c, const char *name)
{
        if (state_table_by_name(span_str(name)))
                return true;
        for (size_t i = 0; i < c->n; i++)
                if (strcmp(c->plans[i].name, name) == 0)
                        return true;
        return false;
}

static const struct watched *watched_before(const struct monitor *m, const struct plan *p)
{
        for (size_t i = 0; i < m->n; i++)
                if (m->at[i].table == p->table && strcmp(m->at[i].name, p->name) == 0)
                        return &m->at[i];
        return NULL;
}

/* What is known of each that stays; its sources may be others, so it is looked at anew. */
static struct watched *make_watched(const struct monitor *m, const struct monitor_config *c,
                                    size_t *ret_n)
{
        struct watched *at = calloc(PLANS_MAX, sizeof *at);
        size_t n = 0;

        for (size_t i = 0; at && i < c->n; i++) {
                const struct plan *p = &c->plans[i];
                const struct watched *before = watched_before(m, p);
                struct watched *w = &at[n];

                if (!is_wanted(&m->o, p))
                        continue;
                if (before)
                        *w = *before;
                w->table = p->table;
                w->plan = p;
                w->due_ns = p->every_s; /* long ago: what is looked at most often comes first */
                w->busy = w->woken = false;
                w->places_ns = 0;
                w->has_look = w->has_gathered = false;
                snprintf(w->name, sizeof w->name, "%s", p->name);
                n++;
        }
        *ret_n = n;
        return at;
}

static int use(struct monitor *m, struct monitor_config *c)
{
        size_t n;
        struct watched *at = make_watched(m, c, &n);

        if (!at)
                return -ENOMEM;
        wakes_forget(m);
        free(m->at);
        monitor_config_done(&m->config);
        m->at = at;
        m->n = n;
        m->config = *c;
        *c = (struct monitor_config){ 0 };
        return 0;
}

/* ---- refusing ---- */

static void log_refused(const struct monitor_config *c, const struct err *err)
{
        log_event(LOG_LEVEL_ERROR, "monitor.config_refused", log_err(err));
        for (size_t i = 0; i < c->faults.n; i++) {
                const struct conffile_fault *f = &c->faults.at[i];

                log_event(LOG_LEVEL_ERROR, "monitor.config_fault", log_u64("line", f->line),
                          log_u64("column", f->column), log_str("text", f->text));
        }
}

int reload_first(struct monitor *m, struct err *err)
{
        struct monitor_config c = { 0 };
        struct err why = { 0 };
        int rc = monitor_config_load(m->o.config, m->o.job_program, m->o.clock, &c, &why);

        if (rc < 0) {
                log_refused(&c, &why);
                snprintf(m->reload.refused, sizeof m->reload.refused, "%s", err_text(&why));
                monitor_config_done(&c);
                rc = monitor_config_load(NULL, m->o.job_program, m->o.clock, &c, err);
        }
        for (const char *const *p = m->o.tables; p && *p && rc == 0; p++)
                if (!is_there(&c, *p))
                        rc = err_set(err, -ENOENT, "there is no table \"%s\"", *p);
        if (rc == 0 && (rc = use(m, &c)) < 0)
                err_sys(err, rc, "tables");
        monitor_config_done(&c);
        return rc;
}

/* ---- once more ---- */

static void refuse(struct monitor *m, const struct err *why)
{
        char text[MONITOR_PROBLEM_MAX];

        log_refused(&m->reload.next, why);
        snprintf(text, sizeof text, "%s", err_text(why));
        tell_monitor(m, "refused", text);
        monitor_config_done(&m->reload.next);
        monitor_look_again(m);
}

static int on_fact(void *ctx, struct span json)
{
        struct monitor *m = ctx;

        return monitor_config_fact(&m->reload.next, json);
}

static void on_end(void *ctx, int result, const struct err *job_err)
{
        struct monitor *m = ctx;
        struct err err = { 0 };
        int rc = monitor_config_end(&m->reload.next, result, job_err, &err);

        m->reload.job = NULL;
        if (rc < 0) {
                refuse(m, &err);
        } else {
                m->reload.ready = true;
                loop_timer_set(m->tick, clock_mono(m->o.clock));
        }
        if (m->reload.again)
                monitor_reload(m);
}

void monitor_reload(struct monitor *m)
{
        struct reload *r = &m->reload;
        CLEANUP_FD int fd = -1;
        struct job_spec spec;
        struct err err = { 0 };
        int rc;

        r->again = r->job != NULL;
        if (r->job || m->stopping)
                return;
        r->ready = false;
        monitor_config_done(&r->next);
        rc = monitor_config_open(m->o.config, &r->next, &fd, &err);
        if (rc == 0) {
                spec = monitor_config_job(m->o.job_program, fd, m->o.clock);
                rc = job_start(m->o.loop, &spec, on_fact, on_end, m, &r->job, &err);
        }
        if (rc < 0)
                refuse(m, &err);
}

void reload_apply(struct monitor *m)
{
        m->reload.ready = false;
        if (use(m, &m->reload.next) < 0) {
                log_event(LOG_LEVEL_ERROR, "monitor.memory");
                monitor_config_done(&m->reload.next);
                return;
        }
        log_event(LOG_LEVEL_INFO, "monitor.reloaded", log_str("from", m->config.from),
                  log_u64("tables", m->n));
        tell_monitor(m, "reloaded", NULL);
}

void reload_done(struct monitor *m)
{
        if (m->reload.job)
                m->reload.job = job_cancel(m->reload.job);
        monitor_config_done(&m->reload.next);
        monitor_config_done(&m->config);
}
