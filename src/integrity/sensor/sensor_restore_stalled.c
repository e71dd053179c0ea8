/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_restore_stalled.c - what cannot be put back, for somebody keeps it locked.
 *
 * A call that waits for him is a hand's (sys/hands.h), and the rest is put back meanwhile.  It is
 * told once, and is an alert; when the call has come back its path is tried again at once, and
 * otherwise now and then, without waiting a second time for the same. */
#include "integrity/sensor/sensor_restore_priv.h"

#include "base/text.h"
#include "wire/json.h"

enum {
        SHIFT_MAX = 6,
        LATEST_S = 60,
        PATHS_SHOWN = 8,
        PATH_SHOWN_MAX = 1024,
};

void restore_keep_beside(struct restores *r, struct restore_place *p)
{
        if (!r->task.beside || !p->temp[0]) {
                p->temp[0] = '\0';
                return;
        }
        p->sweep_ns = sensor_mono(r->sensor) + RESTORE_STALLED_MS * NS_PER_MS;
        r->temps_due_ns = r->temps ? MIN_OF(r->temps_due_ns, p->sweep_ns) : p->sweep_ns;
        r->temps++;
}

/* Who does it again and again is waited for less and less. */
static int64_t pause_ns(const struct restore_place *p)
{
        return ((int64_t)RESTORE_STALLED_MS << MIN_OF(p->stalls, SHIFT_MAX)) * NS_PER_MS;
}

int restore_stalled(struct restores *r, struct restore_place *p)
{
        struct sensor *s = r->sensor;
        bool told = p->flags & RESTORE_STALLED;
        struct span path = restore_place_path(p);
        int rc;

        if (r->task.raced || r->task.halfway) /* what lies there then is swept */
                r->task.beside = true;
        restore_keep_beside(r, p);
        p->due_ns = sensor_mono(s) + pause_ns(p);
        p->stalls += p->stalls < UINT8_MAX;
        p->flags |= RESTORE_STALLED;
        p->flags |= r->task.raced ? RESTORE_RACED | RESTORE_LATE : 0u;
        p->flags |= r->task.halfway ? RESTORE_LATE : 0u;
        if (told)
                return 0;
        rc = restore_tell_not(r, path, "stalled", span_str(err_text(&r->task.err)),
                              sensor_wall(s) + LATEST_S * NS_PER_S);
        return rc < 0 ? rc
                      : why_alert_event(s, "restore stalled", tell_path(s, path), NULL,
                                        err_text(&r->task.err));
}

bool restore_is_stalled(struct restores *r, struct restore_place *p)
{
        bool waits = p->temp[0] ||
                     (p->flags & RESTORE_STALLED && hands_is_stuck(r->tools.hands, p->hash));

        if (waits)
                p->due_ns = sensor_mono(r->sensor) + RESTORE_STALLED_MS * NS_PER_MS;
        return waits;
}

void restore_free_stalled(struct restores *r)
{
        int64_t now = sensor_mono(r->sensor);
        struct restore_place *p;

        if (!hands_reap(r->tools.hands))
                return;
        for (p = restore_places_first(r->places); p; p = restore_places_after(r->places, p)) {
                if (!(p->flags & RESTORE_STALLED) || hands_is_stuck(r->tools.hands, p->hash))
                        continue;
                p->due_ns = MIN_OF(p->due_ns, now + pause_ns(p) / 16);
                p->sweep_ns = MIN_OF(p->sweep_ns, now);
        }
        r->temps_due_ns = 0;
}

void restore_stall_ended(struct restore_place *p)
{
        p->flags &= ~(unsigned)(RESTORE_STALLED | RESTORE_LATE);
}

void restore_put_stalled(const struct restores *r, struct json_writer *w)
{
        const struct restore_place *p = restore_places_first(r->places);
        CLEANUP(buf_done) struct buf b = BUF_INIT(4 * PATH_SHOWN_MAX);
        uint64_t n = 0;

        json_put_key(w, "stalled");
        json_begin_array(w);
        for (; p; p = restore_places_after(r->places, p)) {
                if (!(p->flags & RESTORE_STALLED) || !(p->flags & RESTORE_WANTED))
                        continue;
                if (n++ >= PATHS_SHOWN)
                        continue;
                buf_clear(&b);
                text_put_safe(&b, span_of(p->path, MIN_OF(p->path_n, (size_t)PATH_SHOWN_MAX)));
                json_put_string(w, buf_span(&b));
        }
        json_end_array(w);
        json_member_u64(w, "stalled_files", n);
        json_member_u64(w, "stuck", hands_stuck(r->tools.hands));
}
