/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/deny_priv.h"
#include "integrity/sensor/sensor_trusted.h"
#include "integrity/trusted/baseline.h"
#include "loop/log.h"
#include "sys/io.h"

/* A doubt outlives us: a program that was replaced would be trusted after a restart otherwise. path
 * is where n will be when that is read again. */
static void set_doubt_at(struct sensor *s, struct table_node *n, struct span path, bool yes)
{
        if (!(n->mark & TABLE_DOUBT) == !yes)
                return;
        n->mark ^= TABLE_DOUBT;
        journal_op_put(&s->deny->doubts, yes ? JOURNAL_DOUBT : JOURNAL_TRUST, path, SPAN_NONE);
}

static void set_doubt(struct sensor *s, struct table_node *n, bool yes)
{
        struct deny *d = s->deny;

        buf_clear(&d->path);
        table_path(n, &d->path);
        if (buf_status(&d->path) == 0)
                set_doubt_at(s, n, buf_span(&d->path), yes);
}

/* The node that will be at c->path.  A rename is told before the table follows it, and takes its
 * mark along; of two that change places each place keeps its own. */
static struct table_node *node_of(const struct sensor *s, const struct change *c)
{
        struct table_node *n = table_find(s->table, c->path);
        bool exchanged = n && n->record && !c->over;

        return c->from.n && !exchanged ? table_find(s->table, c->from) : n;
}

struct buf *deny_doubts(struct sensor *s)
{
        return &s->deny->doubts;
}

bool deny_doubts_any(const struct sensor *s)
{
        struct table_node *top = table_root(s->table), *n = top;

        while (n && !(n->mark & TABLE_DOUBT))
                n = table_next(top, n);
        return n != NULL;
}

/* What no change of a file carries. */
static int tell_doubts(struct sensor *s)
{
        struct buf *b = &s->deny->doubts;
        int rc = buf_status(b);

        if (rc == 0 && b->n)
                rc = tell_silent(s, buf_span(b));
        buf_clear(b);
        return rc;
}

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

/* Nothing explains it, and where it happened was no doubt before: that was trusted. */
static void keep_good(struct sensor *s, const struct change *c, const struct table_node *n)
{
        struct table_node *from = c->from.n ? table_find(s->table, c->from) : NULL;

        if (from && !(from->mark & TABLE_DOUBT) && c->was && !c->over)
                deny_good_keep(s, c->from, c->was);
        if (n && !(n->mark & TABLE_DOUBT) && c->was && (c->over || !c->from.n))
                deny_good_keep(s, c->path, c->was);
}

static void unexplained(struct sensor *s, const struct change *c)
{
        struct table_node *n = node_of(s, c);

        keep_good(s, c, table_find(s->table, c->path));
        if (!n || !c->is)
                return;
        if (deny_good_is(s, c->path, c->is)) {
                set_doubt_at(s, n, c->path, false);
                deny_good_drop(s, c->path);
        } else {
                set_doubt_at(s, n, c->path, true);
        }
}

/* What explains a mode says nothing of the content. */
static void explained(struct sensor *s, const struct change *c)
{
        struct table_node *n = node_of(s, c);

        if (c->is && !c->why->content)
                return;
        if (n)
                set_doubt_at(s, n, c->path, false);
        deny_good_drop(s, c->path);
        if (c->from.n)
                deny_good_drop(s, c->from);
}

void deny_put_back(struct sensor *s, struct table_node *n)
{
        struct deny *d = s->deny;
        struct record is;

        if (!d || record_decode(table_record(n), &is, NULL) < 0)
                return;
        buf_clear(&d->path);
        table_path(n, &d->path);
        if (buf_status(&d->path) < 0 || !matters(watchset_profile(s->o.watch, buf_span(&d->path))))
                return;
        if (!deny_good_is(s, buf_span(&d->path), &is))
                return;
        set_doubt(s, n, false);
        if (tell_doubts(s) < 0)
                s->failed = -ENOMEM;
        deny_good_drop(s, buf_span(&d->path));
        guard_note(s, n);
        deny_news(s);
}

static bool brought_content(const struct change *c)
{
        const unsigned content = RECORD_F_TYPE | RECORD_F_SHA256 | RECORD_F_LINK;

        return !c->was || c->from.n || record_diff(c->was, c->is) & content;
}

/* Elsewhere it only matters whether what is executed may be taken for its name (sensor_actor.c),
 * and whether a key or a source of apt is believed (sensor_package_trust.c). */
static void doubt_program(struct sensor *s, const struct change *c)
{
        bool may = c->is->type == RECORD_FILE || c->is->type == RECORD_LINK;
        struct table_node *n = may ? node_of(s, c) : NULL;

        if (n && c->why->state == WHY_UNEXPLAINED && brought_content(c))
                set_doubt_at(s, n, c->path, true);
        else if (n && c->why->content)
                set_doubt_at(s, n, c->path, false);
}

void deny_judged(struct sensor *s, const struct change *c)
{
        if (!matters(c->profile)) {
                if (c->is)
                        doubt_program(s, c);
                return;
        }
        if (!c->is && !c->was)
                return;
        if (c->was && c->is && c->was->flags & RECORD_IMMUTABLE &&
            !(c->is->flags & RECORD_IMMUTABLE))
                taken_off(s, c->path);
        deny_news(s);
        if (is_flag_only(c))
                return;
        if (c->why->state == WHY_UNEXPLAINED)
                unexplained(s, c);
        else
                explained(s, c);
}

/* It stays so while it differs. */
static bool is_doubted_program(struct sensor *s, struct span path, struct span is)
{
        const struct table_node *n = is.n ? table_find(s->table, path) : NULL;

        return n && n->mark & TABLE_DOUBT;
}

static int on_difference(void *ctx, struct span path, struct span was_bytes, struct span is_bytes)
{
        struct sensor *s = ctx;
        struct change c = { .path = path, .profile = watchset_profile(s->o.watch, path) };
        struct record was, is;
        struct table_node *n;

        if (!matters(c.profile) && !is_doubted_program(s, path, is_bytes))
                return 0;
        if (was_bytes.n && record_decode(was_bytes, &was, NULL) < 0)
                return -EBADMSG;
        if (is_bytes.n == 0) {
                deny_good_keep(s, path, &was);
                return 0;
        }
        n = table_find(s->table, path);
        if (!n)
                return 0;
        if (was_bytes.n) {
                if (record_decode(is_bytes, &is, NULL) < 0)
                        return -EBADMSG;
                was.flags &= ~(uint32_t)RECORD_IMMUTABLE; /* taken while it was frozen */
                c.was = &was;
                c.is = &is;
                if (!change_differs_since(&c))
                        return 0;
                deny_good_keep(s, path, &was);
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
                if (d->doubts.n > DENY_DOUBTS && tell_doubts(s) < 0)
                        return -ENOMEM;
                if (!differs) {
                        set_doubt(s, n, false);
                        continue;
                }
                buf_clear(&d->path);
                table_path(n, &d->path);
                if (buf_status(&d->path) == -ENOMEM)
                        return -ENOMEM;
                if (!frozen_find(d->frozen, buf_span(&d->path)))
                        set_doubt(s, n, true);
                else
                        deny_good_drop(s, buf_span(&d->path));
        }
        return tell_doubts(s);
}

int deny_compare(struct sensor *s)
{
        struct err err = { 0 };
        int rc;

        deny_good_clear(s->deny);
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
