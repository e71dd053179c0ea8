/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/deny_flag.h"
#include "integrity/preventing/deny_policy.h"
#include "integrity/preventing/deny_priv.h"
#include "integrity/sensor/control.h"
#include "loop/log.h"
#include "sys/dirwalk.h"
#include "sys/hands.h"
#include "sys/inodeflag.h"
#include "sys/io.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

enum {
        PATH_BYTES = 1 << 20,
        OPEN_NOW_MS = 5000,
        CLOSE_NOW_MS = 2000,
        PASSES_MAX = 4,
        LIFT_ALL_MS = 20000,
        NAMES_BYTES = 8 * 1024
};

/* ---- making and ending ---- */

int deny_init(struct sensor *s, struct err *err)
{
        struct deny *d = calloc(1, sizeof *d);
        int rc;

        if (!d)
                return err_set(err, -ENOMEM, "out of memory for mode deny");
        s->deny = d;
        d->fd = -1;
        d->again_ns = -1;
        d->cursor = d->path = BUF_INIT(PATH_BYTES);
        d->doubts = BUF_INIT(DENY_DOUBTS_MAX);
        d->encoded = BUF_INIT(RECORD_MAX);
        d->log = BUF_INIT(DENY_LOG_MAX);
        d->set.text = d->lifted.text = d->withheld.text = BUF_INIT(NAMES_BYTES);
        d->wanted = d->judge = true;
        rc = frozen_new(&d->frozen, err);
        return rc == 0 ? deny_list_open(s, err) : rc;
}

static void forget_filesystems(struct deny *d)
{
        for (size_t i = 0; i < d->n_fs; i++)
                buf_done(&d->fs[i].path);
        d->n_fs = 0;
}

void deny_done(struct sensor *s)
{
        struct deny *d = s->deny;

        if (!d)
                return;
        deny_drop_batch(d);
        deny_list_close(d);
        forget_filesystems(d);
        buf_done(&d->cursor);
        buf_done(&d->path);
        buf_done(&d->doubts);
        buf_done(&d->encoded);
        deny_good_clear(d);
        buf_done(&d->set.text);
        buf_done(&d->lifted.text);
        buf_done(&d->withheld.text);
        free(d);
        s->deny = NULL;
}

/* ---- what leads to a pass ---- */

void deny_news(struct sensor *s)
{
        if (s->deny)
                s->deny->wanted = true;
}

void deny_trusted(struct sensor *s)
{
        if (!s->deny)
                return;
        s->deny->judge = true;
        deny_news(s);
}

/* Flags are looked at in turn, because no event tells of them. */
static int look_at_flag(struct sensor *s, const struct frozen_file *x)
{
        struct table_node *n;
        struct table_handle h;
        struct fs_stat st;
        int rc;

        if (x->lifting || x->path_n >= PATH_MAX)
                return 0;
        rc = deny_flag_stat(deny_hands(s), frozen_path(x), &st);
        if (hand_gave_up(rc))
                return 0;
        if (rc == 0 && st.ino == x->ino &&
            (!(st.attr_mask & FS_ATTR_IMMUTABLE) || st.attr & FS_ATTR_IMMUTABLE))
                return 0;
        n = table_find(s->table, frozen_path(x));
        if (!n || !n->parent || !table_handle_of(n->parent, &h))
                return 0;
        deny_news(s);
        return look_at(s, &h, table_name(n), DIRTY_CHECK, NULL, 0);
}

int deny_tick(struct sensor *s)
{
        struct deny *d = s->deny;
        size_t n = MIN_OF(frozen_count(d->frozen), (size_t)DENY_SWEEP);
        int64_t wall = sensor_wall(s);
        int rc = 0;

        if (deny_open_set(&s->approvals, wall) != d->open_set ||
            (d->until_ns && wall >= d->until_ns))
                deny_news(s);
        for (size_t i = 0; i < n && rc == 0 && s->phase == SENSOR_LIVE; i++) {
                if (d->sweep_at >= frozen_count(d->frozen))
                        d->sweep_at = 0;
                rc = look_at_flag(s, frozen_at(d->frozen, d->sweep_at++));
        }
        return rc;
}

/* ---- the pass ---- */

static bool some_deny(const struct watchset *w)
{
        for (size_t i = 0; i < w->n_profiles; i++)
                if (w->profiles[i]->mode == WATCH_DENY)
                        return true;
        return false;
}

static void begin(struct sensor *s)
{
        struct deny *d = s->deny;

        d->wanted = false;
        d->again_ns = -1;
        d->any = some_deny(s->o.watch);
        d->open_set = deny_open_set(&s->approvals, sensor_wall(s));
        d->until_ns = 0;
        d->lift_at = frozen_count(d->frozen);
        d->foreign = d->unable = d->stalled = 0;
        deny_forget_names(&d->set);
        deny_forget_names(&d->lifted);
        deny_forget_names(&d->withheld);
        for (size_t i = 0; i < d->n_fs; i++)
                d->fs[i].files = 0;
        buf_clear(&d->cursor);
        buf_put_byte(&d->cursor, '/');
        d->step = DENY_LIFT;
}

/* 1: there is more. */
static int set_some(struct sensor *s)
{
        struct deny *d = s->deny;
        struct table_node *n;
        int rc = 0;

        if (!d->any || !d->judged || d->suspended || d->broken)
                return 0;
        if (dirty_count(s->dirty) > DENY_READS_MAX)
                return 1;
        n = table_after(s->table, buf_span(&d->cursor));
        for (size_t i = 0; n && i < DENY_NODES && d->n_batch < DENY_BATCH && rc == 0; i++) {
                rc = deny_consider(s, n);
                buf_clear(&d->cursor);
                table_path(n, &d->cursor);
                n = table_next_sorted(n);
        }
        look_rest(s);
        if (rc == 0 && buf_status(&d->cursor) < 0)
                rc = buf_status(&d->cursor);
        if (rc == 0 && d->n_batch)
                rc = deny_set_batch(s);
        deny_drop_batch(d);
        return rc < 0 ? rc : n != NULL;
}

static int end(struct sensor *s)
{
        struct deny *d = s->deny;
        int rc = 0;

        d->step = DENY_REST;
        d->last_foreign = d->foreign;
        d->last_unable = d->unable;
        d->last_stalled = d->stalled;
        d->last_withheld = d->withheld.n;
        deny_list_renew(s);
        if (d->lifted.n)
                rc = deny_say(s, "lifted", &d->lifted, NULL, 0);
        if (rc == 0 && d->set.n)
                rc = deny_say(s, "set", &d->set, NULL, 0);
        if (rc == 0 && d->withheld.n > d->told_withheld)
                rc = deny_say(s, "withheld", &d->withheld,
                              "not what is trusted: put it back, or accept it first", 0);
        d->told_withheld = d->withheld.n;
        if (d->set.n || d->lifted.n)
                log_event(LOG_LEVEL_INFO, "sensor.deny", log_u64("set", d->set.n),
                          log_u64("lifted", d->lifted.n), log_u64("withheld", d->withheld.n));
        return rc;
}

static bool some_matter(const struct watchset *w)
{
        for (size_t i = 0; i < w->n_profiles; i++)
                if (w->profiles[i]->execute != WATCH_EXECUTE_ANY)
                        return true;
        return some_deny(w);
}

bool deny_has_any(const struct sensor *s)
{
        return frozen_count(s->deny->frozen) > 0;
}

bool deny_has(const struct sensor *s, struct span path)
{
        return frozen_find(s->deny->frozen, path) != NULL;
}

bool deny_has_inode(struct sensor *s, uint64_t dev, uint64_t ino, struct buf *out)
{
        struct frozen_file *f = NULL;
        struct table_node *n;
        struct record r;

        while (ino && (f = frozen_by_inode(s->deny->frozen, ino, f))) {
                n = table_find(s->table, frozen_path(f));
                if (!n || !n->record || record_decode(table_record(n), &r, NULL) < 0 ||
                    r.ino != ino || r.dev != dev)
                        continue;
                buf_clear(out);
                buf_put(out, frozen_path(f));
                return true;
        }
        return false;
}

bool deny_is_judged(const struct sensor *s)
{
        return s->deny->judged && !s->deny->judge;
}

static int judge(struct sensor *s)
{
        struct deny *d = s->deny;

        if (!some_matter(s->o.watch) && !deny_doubts_any(s))
                return 0; /* once one does, what is trusted was extended before */
        d->judge = false;
        forget_filesystems(d);
        return deny_compare(s);
}

int deny_work(struct sensor *s)
{
        struct deny *d = s->deny;
        int rc = 0;

        if (s->phase != SENSOR_LIVE || s->config.step != CONFIG_SETTLED || !out_room(s))
                return 0;
        if (d->again_ns >= 0 && sensor_mono(s) >= d->again_ns)
                d->wanted = true;
        if (d->step == DENY_REST && d->wanted) {
                rc = d->judge ? judge(s) : 0;
                begin(s);
        }
        if (rc == 0 && d->step == DENY_LIFT) {
                rc = deny_lift_some(s, DENY_LIFTS);
                if (rc == 0)
                        d->step = DENY_SET;
        }
        if (rc == 0 && d->step == DENY_SET) {
                rc = set_some(s);
                if (rc == 0)
                        rc = end(s);
        }
        return MIN_OF(rc, 0);
}

int64_t deny_due(const struct sensor *s)
{
        const struct deny *d = s->deny;

        if (s->phase != SENSOR_LIVE || s->config.step != CONFIG_SETTLED)
                return -1;
        if (d->step != DENY_REST && dirty_count(s->dirty) > DENY_READS_MAX)
                return -1; /* those are looked at first, and each turn leads here again */
        return d->wanted || d->step != DENY_REST ? sensor_mono(s) : d->again_ns;
}

/* ---- being asked ---- */

/* 1: not all of it in this time. */
static int lift_now(struct sensor *s, int64_t ms)
{
        struct deny *d = s->deny;
        int64_t until = sensor_mono(s) + ms * NS_PER_MS;
        int rc = 1;

        if (frozen_count(d->frozen) == 0)
                return 0;
        deny_news(s);
        begin(s);
        while (rc > 0 && sensor_mono(s) < until)
                rc = deny_lift_some(s, DENY_LIFTS);
        if (rc == 0)
                d->step = DENY_SET; /* the rest of the pass comes by itself */
        return rc;
}

int deny_open_now(struct sensor *s)
{
        int rc;

        if (deny_open_set(&s->approvals, sensor_wall(s)) == s->deny->open_set)
                return 0;
        rc = lift_now(s, OPEN_NOW_MS);
        return MIN_OF(rc, 0);
}

/* A pass that met a file which is still to be looked at wants another. */
int deny_close_now(struct sensor *s)
{
        struct deny *d = s->deny;
        int64_t until = sensor_mono(s) + CLOSE_NOW_MS * NS_PER_MS;
        int passes = 0, rc = 0;

        if (deny_open_set(&s->approvals, sensor_wall(s)) == d->open_set)
                return 0;
        deny_news(s);
        while (rc == 0 && s->phase == SENSOR_LIVE && s->config.step == CONFIG_SETTLED &&
               out_room(s) && sensor_mono(s) < until) {
                if (d->step == DENY_REST && !d->wanted &&
                    (d->again_ns < 0 || ++passes == PASSES_MAX))
                        break;
                d->wanted |= d->step == DENY_REST;
                rc = look_some(s);
                if (rc == 0)
                        rc = deny_work(s);
        }
        return rc;
}

int deny_lift_all(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                  struct err *err)
{
        CLEANUP(buf_done) struct buf reason = BUF_INIT(APPROVAL_REASON_MAX);
        struct deny *d = s->deny;
        uint64_t before = frozen_count(d->frozen);
        struct json_writer w;
        int rc = control_get_text(c, "reason", &reason, err);

        if (rc < 0)
                return rc;
        d->suspended = true;
        rc = lift_now(s, LIFT_ALL_MS);
        if (rc >= 0 &&
            (deny_say(s, "suspended", NULL, "asked to, until the sensor is started anew", 0) < 0 ||
             why_alert_event(s, "deny suspended", SPAN("/"), who, "all flags were lifted") < 0))
                rc = -ENOMEM;
        if (rc < 0)
                return err_sys(err, rc, "taking off the flags");
        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_u64(&w, "left", frozen_count(d->frozen));
        json_member_u64(&w, "lifted", before - frozen_count(d->frozen));
        json_end_object(&w);
        return 1;
}

/* ---- escalation ---- */

int deny_announce(struct sensor *s, struct span path)
{
        uint64_t until = (uint64_t)(sensor_wall(s) + DENY_TEMPORARY_S * NS_PER_S);
        struct deny *d = s->deny;
        int rc;

        if (d->suspended || d->broken)
                return -EBUSY;
        if (frozen_find(d->frozen, path))
                return 0;
        rc = frozen_add(d->frozen, path, 0, 0, until); /* whichever file that will be */
        if (rc < 0)
                return rc;
        frozen_put_set(frozen_find(d->frozen, path), &d->log);
        return deny_list_sync(s);
}

void deny_unannounce(struct sensor *s, struct span path)
{
        struct frozen_file *x = frozen_find(s->deny->frozen, path);

        if (!x || x->ino)
                return;
        frozen_put_gone(path, &s->deny->log);
        s->deny->dead += 2;
        frozen_remove(s->deny->frozen, x);
        (void)!deny_list_sync(s);
}

static int freeze_one(struct sensor *s, struct table_node *n, struct span path, bool flagged,
                      int64_t until_ns, struct err *err)
{
        struct deny *d = s->deny;
        char name[TABLE_NAME_MAX + 1];
        CLEANUP_FD int fd = -1;
        struct record is;
        bool already;
        int dirfd = look_dir(s, n->parent), rc;

        memcpy(name, n->name, n->name_n);
        name[n->name_n] = '\0';
        fd = dirfd < 0 ? dirfd : deny_flag_open(deny_hands(s), path, dirfd, name);
        look_rest(s);
        if (fd < 0)
                return err_sys(err, fd, "open it");
        rc = observe_stat_fd(fd, &is);
        if (rc == 0)
                rc = inodeflag_is_immutable(fd, &already);
        if (rc == 0 && already && !flagged)
                return 0; /* whoever has set it */
        if (rc == 0)
                rc = frozen_add(d->frozen, path, is.ino, (uint64_t)is.btime_ns, (uint64_t)until_ns);
        if (rc < 0)
                return err_sys(err, rc, "its flag");
        frozen_put_set(frozen_find(d->frozen, path), &d->log);
        rc = deny_list_sync(s);
        if (rc == 0 && !already)
                rc = deny_flag_put(deny_hands(s), path, fd, true);
        if (rc == 0)
                rc = observe_stat_fd(fd, &is);
        if (rc == 0)
                rc = deny_take_flag(s, n, path, true, is.ctime_ns);
        if (rc == -ETIMEDOUT) /* it may be set yet: then it is ours */
                return err_sys(err, rc, "its flag");
        if (rc < 0) {
                frozen_put_gone(path, &d->log);
                frozen_remove(d->frozen, frozen_find(d->frozen, path));
                return err_sys(err, rc, "its flag");
        }
        return 0;
}

int deny_path(struct sensor *s, struct span path, bool flagged, struct err *err)
{
        struct table_node *n = table_find(s->table, path);
        int64_t until = sensor_wall(s) + DENY_TEMPORARY_S * NS_PER_S;
        struct deny *d = s->deny;
        int rc;

        if (!n || !n->record || !n->parent)
                return err_set(err, -ENOENT, "nothing is known there");
        if (table_is_dir(n))
                return err_set(err, -EINVAL, "a directory is not frozen for what is in it");
        if (d->suspended || d->broken)
                return err_set(err, -EBUSY, "no flags are set now");
        rc = freeze_one(s, n, path, flagged, until, err);
        if (rc < 0)
                return rc;
        if (d->until_ns == 0 || until < d->until_ns)
                d->until_ns = until;
        if (deny_say_path(s, "set", path, "somebody keeps changing it", until) < 0)
                return err_set(err, -ENOMEM, "out of memory");
        return 0;
}
