/* SPDX-License-Identifier: Apache-2.0 */
/* Who changed what differs: asked of the ledger before it is told. */
#include "monitor/monitor_priv.h"

#include "loop/presence.h"
#include "sys/io.h"

#include <fcntl.h>

enum { CAUSE_MS = 700 }; /* the sensor's entry, written and published */

static bool sensor_lives(const struct monitor *m)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(2 * PRESENCE_MAX);
        CLEANUP_FD int run = open(m->o.run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool lives = false;

        return run >= 0 && presence_read(run, "sensor", &text, &lives, NULL) == 0 && lives;
}

bool cause_find(struct monitor *m)
{
        int64_t since_ns = m->since_ns ? m->since_ns : m->now->head.changed_ns;
        const struct plan *p = m->now->plan;

        causes_done(&m->causes);
        if (!causes_possible(p->table, p->sources, p->n_sources))
                return true;
        causes_find(m->o.ledger, m->o.root, p->sources, p->n_sources, since_ns, &m->causes);
        return causes_has(&m->causes);
}

static void on_time(void *ctx)
{
        struct monitor *m = ctx;

        if (m->step != STEP_CAUSE || m->stopping)
                return;
        (void)cause_find(m);
        tell_begin(m);
}

int cause_start(struct monitor *m, struct err *err)
{
        causes_done(&m->causes);
        return loop_add_timer(m->o.loop, on_time, m, &m->cause_timer, err);
}

void cause_stop(struct monitor *m)
{
        m->cause_timer = loop_remove(m->cause_timer);
        alert_done(m);
        causes_done(&m->causes);
}

void cause_then_tell(struct monitor *m)
{
        if (m->batch.baseline || cause_find(m) || !sensor_lives(m)) {
                tell_begin(m);
                return;
        }
        m->step = STEP_CAUSE;
        loop_timer_set(m->cause_timer, clock_mono(m->o.clock) + CAUSE_MS * NS_PER_MS);
}
