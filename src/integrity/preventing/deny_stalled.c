/* SPDX-License-Identifier: Apache-2.0 */
/* deny_stalled.c - flags that somebody keeps from being set or taken off.
 *
 * That waits for whoever writes to the file, or reads it in some ways, and he has it for as long as
 * he likes.  So a hand waits (hands.h): the loop no longer than for other things, and no second
 * time for the same file. */
#include "integrity/preventing/deny_flag.h"
#include "integrity/preventing/deny_priv.h"
#include "integrity/sensor/sensor_restore.h"
#include "loop/log.h"
#include "sys/hands.h"

static const char reason[] = "somebody keeps it locked: a write to it, or a read, does not end";

struct hands *deny_hands(const struct sensor *s)
{
        return restore_hands(s);
}

static void again(struct sensor *s)
{
        int64_t at = sensor_mono(s) + DENY_STALLED_MS * NS_PER_MS;

        s->deny->stalled++;
        if (s->deny->again_ns < 0 || at < s->deny->again_ns)
                s->deny->again_ns = at;
}

int deny_stalled(struct sensor *s, struct span path, int rc)
{
        struct frozen_file *x = frozen_find(s->deny->frozen, path);

        again(s);
        if (rc == -EUSERS || !x || x->stalled)
                return 0;
        x->stalled = true;
        log_event(LOG_LEVEL_WARNING, "sensor.deny_stalled", log_bytes("path", path));
        rc = deny_say_path(s, "stalled", path, reason, 0);
        return rc < 0 ? rc : why_alert_event(s, "deny stalled", path, NULL, reason);
}

bool deny_waits(struct sensor *s, struct span path)
{
        bool waits = deny_flag_waits(deny_hands(s), path);

        if (waits)
                again(s);
        return waits;
}

int deny_stall_ended(struct sensor *s, struct frozen_file *x)
{
        struct span path = frozen_path(x);
        struct table_node *n = table_find(s->table, path);
        struct table_handle h;
        struct record is;
        int rc = deny_flag_look(deny_hands(s), x, &is);

        if (hand_gave_up(rc))
                return deny_stalled(s, path, rc);
        x->stalled = x->lifting = false;
        if (rc < 0 || !n || !deny_only_flag(n, &is))
                return rc == -ENOMEM ? rc : 0;
        rc = deny_take_flag(s, n, path, is.flags & RECORD_IMMUTABLE, is.ctime_ns);
        if (rc < 0 || is.type != RECORD_FILE || !n->parent || !table_handle_of(n->parent, &h))
                return rc;
        return look_at(s, &h, table_name(n), DIRTY_CONTENT, NULL, 0); /* since it was judged */
}
