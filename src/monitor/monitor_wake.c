/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that are looked at because a file of theirs changed, before their time has come. */
#include "monitor/monitor_priv.h"

#include "loop/log.h"
#include "sys/io.h"

enum {
        SETTLE_MS = 300,      /* who changes a file goes on for a moment */
        GAP_MIN_MS = 1000,    /* between the end of one look and the next one */
        GAP_FACTOR = 20,      /* likewise, as a multiple of what the last one took */
        PLACES_EVERY_S = 300, /* mounts come and go without an event */
};

/* Whoever makes events without an end makes a twentieth of one processor busy, and no more; and the
 * table is never looked at less often than by time alone. */
static int64_t gap_ns(const struct watched *w)
{
        int64_t gap = MAX_OF(GAP_FACTOR * w->took_ns, GAP_MIN_MS * NS_PER_MS);

        return MIN_OF(gap, w->plan->every_s * NS_PER_S);
}

int64_t wake_due(const struct watched *w, int64_t now_ns)
{
        return MAX_OF(now_ns + SETTLE_MS * NS_PER_MS, w->ended_ns + gap_ns(w));
}

static void on_wake(void *ctx, size_t owner, bool moved)
{
        struct monitor *m = ctx;
        struct watched *w = &m->at[owner];

        m->wakes++;
        w->moved |= moved;
        w->woken = w->busy;
        w->woken_look = true;
        if (!w->busy)
                w->due_ns = MIN_OF(w->due_ns, wake_due(w, clock_mono(m->o.clock)));
}

static void on_events(void *ctx, unsigned events)
{
        struct monitor *m = ctx;

        (void)events;
        wake_read(m->wake);
        monitor_wake(m);
        if (loop_set_events(m->wake_source, 0) == 0)
                loop_timer_set(m->wake_rest, clock_mono(m->o.clock) + WAKE_REST_MS * NS_PER_MS);
}

static void on_rested(void *ctx)
{
        struct monitor *m = ctx;

        if (loop_set_events(m->wake_source, LOOP_READ) < 0)
                log_event(LOG_LEVEL_ERROR, "monitor.loop");
}

/* ---- what the kernel says ---- */

static const char *const notice_names[NOTICES] = {
        [NOTICE_NFTABLES] = "nftables", [NOTICE_DEVICES] = "devices"
};

static void on_notice(void *ctx, unsigned events)
{
        struct kernel_wake *k = ctx;
        struct monitor *m = k->m;
        const char *name = notice_names[k - m->kernel_wake];

        (void)events;
        if (!notice_take(k->fd))
                return;
        for (size_t i = 0; i < m->n; i++) {
                const struct plan *p = m->at[i].plan;

                for (size_t j = 0; j < p->n_sources; j++)
                        if (p->sources[j].type == STATE_BUILTIN &&
                            p->sources[j].flags & STATE_WAKES &&
                            strcmp(p->sources[j].where, name) == 0)
                                on_wake(m, i, false);
        }
        monitor_wake(m);
}

static int start_notices(struct monitor *m, struct err *err)
{
        int rc = 0;

        for (unsigned i = 0; i < NOTICES && rc == 0; i++) {
                struct kernel_wake *k = &m->kernel_wake[i];

                k->m = m;
                k->fd = notice_open((enum notice)i);
                if (k->fd < 0)
                        log_event(LOG_LEVEL_WARNING, "monitor.wake",
                                  log_str("notices", notice_names[i]), log_int("error", k->fd));
                else
                        rc = loop_add_fd(m->o.loop, k->fd, LOOP_READ, on_notice, k, &k->source,
                                         err);
        }
        return rc;
}

/* ---- beginning and ending ---- */

int wakes_start(struct monitor *m, struct err *err)
{
        struct err why = { 0 };
        int rc = start_notices(m, err);

        if (rc < 0)
                return rc;
        if (wake_new(on_wake, m, &m->wake, &why) < 0) { /* then by time alone */
                log_event(LOG_LEVEL_WARNING, "monitor.wake", log_err(&why));
                return 0;
        }
        if (loop_add_timer(m->o.loop, on_rested, m, &m->wake_rest, err) < 0)
                return err->code;
        return loop_add_fd(m->o.loop, wake_fd(m->wake), LOOP_READ, on_events, m, &m->wake_source,
                           err);
}

void wakes_stop(struct monitor *m)
{
        m->wake_source = loop_remove(m->wake_source);
        m->wake_rest = loop_remove(m->wake_rest);
        m->wake = wake_free(m->wake);
        for (unsigned i = 0; i < NOTICES; i++) {
                m->kernel_wake[i].source = loop_remove(m->kernel_wake[i].source);
                if (m->kernel_wake[i].m && m->kernel_wake[i].fd >= 0)
                        fd_close(&m->kernel_wake[i].fd);
        }
}

bool wakes_want_places(const struct monitor *m, const struct watched *w)
{
        return m->wake && !w->plan->command &&
               (w->moved || w->places_ns == 0 ||
                clock_mono(m->o.clock) - w->places_ns > PLACES_EVERY_S * NS_PER_S);
}

void wakes_take_places(struct monitor *m, struct watched *w, struct span places)
{
        int rc = wake_set(m->wake, (size_t)(w - m->at), places);

        if (rc == 0 || m->wake_full)
                return;
        m->wake_full = true; /* said once: it is looked at by time all the same */
        log_event(LOG_LEVEL_WARNING, "monitor.wake", log_str("table", w->name),
                  log_int("error", rc), log_u64("places", wake_places(m->wake)));
}

void wakes_forget(struct monitor *m)
{
        if (m->wake)
                wake_clear(m->wake);
        m->wake_full = false;
}
