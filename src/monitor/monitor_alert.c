/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows of a batch alert: those that state.yaml wants, and nothing explains.
 *
 * What explains the change of the file that a row was read from explains the row; where that change
 * has raised an alert the rows are counted in that one, for it was one act.  The rest of a batch is
 * one alert for each cause.  It is durable before the first row that names it. */
#include "monitor/monitor_priv.h"

#include "base/text.h"
#include "monitor/monitor_entry.h"
#include "state/rows/row.h"

#include <stdio.h>

enum { ROW_NAME_BYTES = 512 };

static const char *word_of(struct span old, struct span new)
{
        return old.n == 0 ? "added" : new.n == 0 ? "removed" : "changed";
}

/* false: it does not alert. */
static bool judge(struct monitor *m, struct span old, struct span new, const struct cause **ret)
{
        const struct plan *p = m->now->plan;

        if (m->batch.baseline || !state_alerts(p->table, p->alert, old, new))
                return false;
        *ret = causes_of(&m->causes, json_value_of(new.n ? new : old));
        return !(*ret && (*ret)->explained);
}

/* Where there are more causes than groups, the last one has the rest. */
static struct alert_group *group_of(struct monitor *m, const struct cause *cause)
{
        for (size_t i = 0; i < m->n_alerts; i++)
                if (m->alerts[i].cause == cause || i == ALERT_GROUPS_MAX - 1)
                        return &m->alerts[i];
        return NULL;
}

static struct alert_group *new_group(struct monitor *m, const struct cause *cause)
{
        struct alert_group *g = &m->alerts[m->n_alerts++];
        struct span known = cause_alert(&m->causes, cause);

        *g = (struct alert_group){ .cause = cause,
                                   .rows = BUF_INIT(ALERT_ROWS_MAX * (ROW_NAME_BYTES + 1)) };
        if (known.n && known.n < sizeof g->id)
                memcpy(g->id, known.p, known.n);
        else
                snprintf(g->id, sizeof g->id, "%llx-m%llu-%llu",
                         (unsigned long long)m->batch.head.changed_ns / NS_PER_MS,
                         (unsigned long long)feed_run(m->feed),
                         (unsigned long long)++m->alerts_raised);
        return g;
}

static void count(struct monitor *m, struct alert_group *g, struct span old, struct span new)
{
        CLEANUP(buf_done) struct buf name = BUF_INIT(4 * STATE_ROW_MAX);
        const char *word = word_of(old, new);

        g->count++;
        g->change = !g->change || strcmp(g->change, word) == 0 ? word : "several";
        if (m->now->table->flags & STATE_PERSONAL || g->n_rows == ALERT_ROWS_MAX)
                return;
        state_row_name(m->now->table, json_value_of(new.n ? new : old), &name);
        if (buf_status(&name) < 0 || name.n == 0 || name.n > ROW_NAME_BYTES ||
            memchr(name.p, 0, name.n))
                return;
        buf_put(&g->rows, buf_span(&name));
        buf_put_byte(&g->rows, 0);
        g->n_rows++;
}

static void tell(struct monitor *m, const struct alert_group *g)
{
        struct state_alert a = { .name = m->now->name,
                                 .wall_ns = m->batch.head.changed_ns,
                                 .causes = &m->causes,
                                 .cause = g->cause,
                                 .id = g->id,
                                 .change = g->change,
                                 .count = g->count,
                                 .rows = &g->rows };

        buf_clear(&m->skeleton);
        state_alert_put(&a, &m->skeleton);
        tell_queue(m);
}

void alert_begin(struct monitor *m)
{
        struct rows_walk walk = m->batch.walk;
        const struct cause *cause;
        struct span old, new;

        alert_done(m);
        while (!m->batch.baseline && rows_next(&walk, &old, &new) != ROWS_END) {
                struct alert_group *g;

                if (!judge(m, old, new, &cause))
                        continue;
                g = group_of(m, cause);
                count(m, g ? g : new_group(m, cause), old, new);
        }
        for (size_t i = 0; i < m->n_alerts; i++)
                if (cause_alert(&m->causes, m->alerts[i].cause).n == 0)
                        tell(m, &m->alerts[i]);
}

const char *alert_of(struct monitor *m, struct span old, struct span new)
{
        const struct alert_group *g;
        const struct cause *cause;

        if (m->n_alerts == 0 || !judge(m, old, new, &cause))
                return NULL;
        g = group_of(m, cause);
        return g ? g->id : NULL;
}

void alert_done(struct monitor *m)
{
        while (m->n_alerts)
                buf_done(&m->alerts[--m->n_alerts].rows);
}
