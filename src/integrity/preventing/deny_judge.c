/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/deny_priv.h"
#include "integrity/sensor/sensor_trusted.h"
#include "integrity/trusted/baseline.h"
#include "loop/log.h"
#include "sys/io.h"

/* Nothing but the immutable flag? */
static bool is_flag_only(const struct change *c)
{
        return c->was && c->is && change_differs(c) == RECORD_F_FLAGS &&
               (c->was->flags ^ c->is->flags) == RECORD_IMMUTABLE;
}

bool deny_expects(const struct sensor *s, const struct change *c)
{
        const struct frozen_file *x;

        if (!s->deny || frozen_count(s->deny->frozen) == 0 || !is_flag_only(c))
                return false;
        x = frozen_find(s->deny->frozen, c->path);
        return x && (x->lifting || c->is->flags & RECORD_IMMUTABLE);
}

/* Somebody else took a flag of ours off. */
static void taken_off(struct sensor *s, struct span path)
{
        struct frozen_file *x = frozen_find(s->deny->frozen, path);
        int64_t now = sensor_mono(s);

        if (!x || x->lifting)
                return;
        if (x->cleared == 0 || now >= x->cleared_ns + DENY_FIGHT_S * NS_PER_S) {
                x->cleared_ns = now;
                x->cleared = 0;
        }
        if (++x->cleared == DENY_FIGHTS + 1 &&
            (deny_say_path(s, "given_up", path,
                           "the flag was taken off by somebody else again and again", 0) < 0 ||
             why_alert_event(s, "deny given up", path, NULL,
                             "the flag was taken off by somebody else again and again") < 0))
                s->failed = -ENOMEM;
}

/* Profiles for which it matters whether a file is what is trusted. */
static bool matters(const struct watch_profile *p)
{
        return p && (p->mode == WATCH_DENY || p->execute != WATCH_EXECUTE_ANY);
}

void deny_judged(struct sensor *s, const struct change *c)
{
        struct table_node *n;

        if (!matters(c->profile) || !c->is)
                return;
        if (c->was && c->was->flags & RECORD_IMMUTABLE && !(c->is->flags & RECORD_IMMUTABLE))
                taken_off(s, c->path);
        n = is_flag_only(c) ? NULL : table_find(s->table, c->path);
        if (n && c->why->state == WHY_UNEXPLAINED)
                n->mark |= TABLE_DOUBT;
        else if (n && c->why->content) /* what explains a mode says nothing of the content */
                n->mark &= (uint8_t)~TABLE_DOUBT;
        deny_news(s);
}

static int on_difference(void *ctx, struct span path, struct span was_bytes, struct span is_bytes)
{
        struct sensor *s = ctx;
        struct change c = { .path = path, .profile = watchset_profile(s->o.watch, path) };
        struct record was, is;
        struct table_node *n;

        if (is_bytes.n == 0 || !matters(c.profile))
                return 0;
        n = table_find(s->table, path);
        if (!n)
                return 0;
        if (was_bytes.n) {
                if (record_decode(was_bytes, &was, NULL) < 0 ||
                    record_decode(is_bytes, &is, NULL) < 0)
                        return -EBADMSG;
                was.flags &= ~(uint32_t)RECORD_IMMUTABLE; /* taken while it was frozen */
                c.was = &was;
                c.is = &is;
                if (!change_differs_since(&c))
                        return 0;
        }
        n->mark |= TABLE_DIFFERS;
        return 0;
}

/* What is frozen was judged before it was: an approved change may have made it what the baseline
 * does not have yet. */
static int settle(struct sensor *s)
{
        struct table_node *top = table_root(s->table);
        struct deny *d = s->deny;

        for (struct table_node *n = top; n; n = table_next(top, n)) {
                bool differs = n->mark & TABLE_DIFFERS;

                if (!(n->mark & (TABLE_DIFFERS | TABLE_DOUBT)))
                        continue;
                n->mark &= (uint8_t)~TABLE_DIFFERS;
                if (!differs) {
                        n->mark &= (uint8_t)~TABLE_DOUBT;
                        continue;
                }
                buf_clear(&d->path);
                table_path(n, &d->path);
                if (buf_status(&d->path) == -ENOMEM)
                        return -ENOMEM;
                if (!frozen_find(d->frozen, buf_span(&d->path)))
                        n->mark |= TABLE_DOUBT;
        }
        return 0;
}

int deny_compare(struct sensor *s)
{
        struct err err = { 0 };
        int rc;

        watch_relieve(s->watch, true);
        rc = trusted_is_ours(s, &err);
        if (rc == 0)
                rc = baseline_diff(s->state.io, s->state.dirfd, s->o.watch, s->table, on_difference,
                                   s, &err);
        watch_relieve(s->watch, false);
        if (rc == 0)
                rc = settle(s);
        if (rc < 0)
                log_event(LOG_LEVEL_ERROR, "sensor.deny_baseline", log_err(&err));
        s->deny->judged = rc == 0;
        guard_news(s);
        return rc == -ENOMEM ? rc : 0;
}
