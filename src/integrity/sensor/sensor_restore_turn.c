/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is to be put back, and when. */
#include "integrity/sensor/sensor_restore_priv.h"

#include "integrity/sensor/sensor_trusted.h"
#include "loop/log.h"

#include <stdio.h>

enum {
        SUSPENDED_MS = 1000,
        SLOWED_S = 60,
};

/* ---- whose turn it is ---- */

/* Somebody is at work there who may: later. */
static int suspend(struct restores *r, struct restore_place *p, const char *owner, int64_t until_ns)
{
        bool told = p->flags & RESTORE_SUSPENDED;

        p->due_ns = sensor_mono(r->sensor) + SUSPENDED_MS * NS_PER_MS;
        p->flags |= RESTORE_SUSPENDED;
        return told ? 0
                    : restore_tell_not(r, restore_place_path(p), "suspended", span_str(owner),
                                       until_ns);
}

/* 1: it waits. */
static int suspended(struct restores *r, struct restore_place *p)
{
        struct sensor *s = r->sensor;
        struct span path = restore_place_path(p);
        const struct approval *a = approvals_owner(&s->approvals, path, sensor_wall(s));
        char text[APPROVAL_ID_MAX + 64];
        int rc;

        if (!a && !(p->flags & RESTORE_PACKAGED && packages_own(s, path))) {
                p->flags &= ~(unsigned)RESTORE_SUSPENDED;
                return 0;
        }
        snprintf(text, sizeof text,
                 "a package transaction runs, changed it, and the path is one of its");
        if (a)
                snprintf(text, sizeof text, "the approved change %.*s is open", (int)a->id.n,
                         (const char *)a->id.p);
        rc = suspend(r, p, text, a ? a->until_ns : 0);
        return rc < 0 ? rc : 1;
}

/* More waits than is put back in a moment: somebody changes all there is. */
static int say_many(struct restores *r, struct span path)
{
        size_t n = restore_places_wanted(r->places);
        int64_t now = sensor_mono(r->sensor);

        if (n <= RESTORE_MANY || now < r->slowed_ns)
                return 0;
        r->slowed_ns = now + SLOWED_S * NS_PER_S;
        r->incidents++;
        return restore_tell_incident(r, path, "slowed", n, 0, 0,
                                     SPAN("one after the other, at most 100 paths and 64 MiB in a "
                                          "second"));
}

static int begin(struct restores *r, struct restore_place *p)
{
        struct sensor *s = r->sensor;
        struct span path = restore_place_path(p);
        int rc = say_many(r, path);

        if (rc < 0)
                return rc;
        if (!restore_profile_of(s, path)) { /* not any more */
                restore_drop(r, p);
                return 0;
        }
        if (restore_is_stalled(r, p))
                return 0;
        rc = suspended(r, p);
        if (rc == 0)
                rc = restore_mounted(r, p);
        if (rc != 0)
                return MIN_OF(rc, 0);
        if (!restore_may_begin(r, path)) {
                p->due_ns = sensor_mono(s) + RESTORE_HOLD_MS * NS_PER_MS;
                return 0;
        }
        return restore_submit(r, RESTORE_PUT, p, path, restore_place_good(p));
}

/* One that is due; NULL: none, and r->temps_due_ns says when, or r->temps that there are none. */
static struct restore_place *with_temp(struct restores *r)
{
        struct restore_place *p = restore_places_first(r->places);
        int64_t now = sensor_mono(r->sensor), due = INT64_MAX;
        size_t n = 0;

        for (; p; p = restore_places_after(r->places, p)) {
                if (!p->temp[0])
                        continue;
                if (p->sweep_ns <= now && hands_is_stuck(r->tools.hands, p->hash))
                        p->sweep_ns = now + RESTORE_STALLED_MS * NS_PER_MS;
                if (p->sweep_ns <= now)
                        return p;
                due = MIN_OF(due, p->sweep_ns);
                n++;
        }
        r->temps = n;
        r->temps_due_ns = due;
        return NULL;
}

static struct restore_place *with_keep(struct restores *r)
{
        struct restore_place *p = restore_places_first(r->places);

        while (p && !(p->flags & RESTORE_KEEP))
                p = restore_places_after(r->places, p);
        return p;
}

/* 1: a task began; 0: there is none of these. */
static int begin_other(struct restores *r)
{
        struct restore_place *p;
        int rc;

        if (r->temps && r->temps_due_ns <= sensor_mono(r->sensor)) {
                /* before anything else: it lies where something may be put back */
                p = with_temp(r);
                if (p)
                        return restore_submit(r, RESTORE_SWEEP, p, restore_place_path(p),
                                              SPAN_NONE) == 0;
        }
        rc = restore_call_work(r);
        if (rc != 0 || !r->keeps || trusted_busy(r->sensor))
                return rc;
        p = with_keep(r);
        r->keeps = p ? r->keeps : 0;
        if (!p)
                return 0;
        rc = restore_submit(r, RESTORE_KEEPING, p, restore_place_path(p), SPAN_NONE);
        if (rc == 0)
                restore_keep_later(r, p, false);
        return rc == 0;
}

/* ---- turns ---- */

/* A scan keeps the table as it is; a sweep, what is kept. */
static bool may_work(const struct sensor *s)
{
        const struct restores *r = s->restores;

        return r->kind == RESTORE_IDLE && s->phase == SENSOR_LIVE && s->was_live && !s->loss_next &&
               !mounts_scan_waits(s) && s->config.step == CONFIG_SETTLED && !s->config.has_next &&
               !s->stopping && out_room(s) && !trusted_sweeps(s);
}

int restore_work(struct sensor *s)
{
        struct restores *r = s->restores;
        struct restore_place *p;
        int64_t now = sensor_mono(s);
        int rc = 0;

        restore_free_stalled(r);
        if (!may_work(s))
                return 0;
        if (r->rebase && !trusted_busy(s))
                rc = restore_rebase_now(r);
        if (rc == 0)
                rc = begin_other(r);
        if (rc != 0)
                return MIN_OF(rc, 0);
        if (restore_budget_due(&r->budget, now) > now)
                return 0;
        p = restore_places_next(r->places, now);
        if (!p)
                return 0;
        rc = begin(r, p);
        return rc == -EAGAIN ? 0 : rc;
}

int64_t restore_due(const struct sensor *s)
{
        struct restores *r = s->restores;
        int64_t now = sensor_mono(s), due;

        if (!may_work(s))
                return -1;
        if (r->rebase || r->keeps || r->call.active)
                return now + RESTORE_HOLD_MS * NS_PER_MS;
        due = restore_places_due(r->places, now);
        due = due < 0 ? INT64_MAX : MAX_OF(due, restore_budget_due(&r->budget, now));
        if (r->temps)
                due = MIN_OF(due, MAX_OF(r->temps_due_ns, now + RESTORE_HOLD_MS * NS_PER_MS));
        if (hands_stuck(r->tools.hands))
                due = MIN_OF(due, now + RESTORE_REAP_MS * NS_PER_MS);
        return due == INT64_MAX ? -1 : due;
}

void restore_tick(struct sensor *s)
{
        struct restores *r = s->restores;
        int64_t now = sensor_mono(s);
        struct restore_place *p, *next;
        struct err err = { 0 };

        for (p = restore_places_first(r->places); p; p = next) {
                next = restore_places_after(r->places, p);
                if (!(p->flags & (RESTORE_HAS_GOOD | RESTORE_WANTED)) && !p->temp[0] &&
                    p->rest_ns < now && !restore_place_recent(p, now))
                        restore_places_drop(r->places, p);
        }
        if (r->kind == RESTORE_IDLE && out_room(s) && restore_look(r) < 0)
                s->failed = -ENOMEM;
        if (r->kind == RESTORE_IDLE && (r->log_n > r->log_again || r->log_fd < 0) &&
            restore_write_anew(r, &err) < 0)
                log_event(LOG_LEVEL_ERROR, "sensor.restores", log_err(&err));
}
