/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/deny_flag.h"
#include "integrity/preventing/deny_policy.h"
#include "integrity/preventing/deny_priv.h"
#include "loop/log.h"
#include "sys/hands.h"
#include "sys/io.h"

#include <stdio.h>

/* ---- filesystems without a flag ---- */

static struct deny_fs *refusal_of(struct deny *d, uint64_t dev)
{
        for (size_t i = 0; i < d->n_fs; i++)
                if (d->fs[i].dev == dev)
                        return &d->fs[i];
        return NULL;
}

/* Of the filesystem as a whole, and not of one file. */
static const char *why_refused(int error)
{
        switch (error) {
        case -ENOTTY:
        case -EOPNOTSUPP:
        case -EINVAL:
        case -ENOSYS:
                return "this filesystem has no immutable flag";
        case -EROFS:
                return "it is mounted read-only: nothing can change there, and no flag be set";
        case -EPERM:
        case -EACCES:
                return "the kernel does not let the sensor set the flag here";
        default:
                return NULL;
        }
}

/* Once told, it is not tried again before what is watched or trusted is another. */
static int refused(struct sensor *s, uint64_t dev, struct span path, int error)
{
        struct deny *d = s->deny;
        const char *why = why_refused(error);
        struct deny_fs *x;

        if (!why || d->n_fs == DENY_FS_MAX) {
                d->unable++;
                log_event(LOG_LEVEL_WARNING, "sensor.deny_set", log_bytes("path", path),
                          log_str("error", strerror(-error)));
                return 0;
        }
        if (refusal_of(d, dev))
                return 0;
        x = &d->fs[d->n_fs++];
        *x = (struct deny_fs){ .dev = dev, .files = 1, .path = BUF_INIT(WATCH_PATH_MAX) };
        buf_put(&x->path, span_of(path.p, MIN_OF(path.n, (size_t)WATCH_PATH_MAX)));
        snprintf(x->why, sizeof x->why, "%s", why);
        return deny_say_path(s, "unsupported", path, why, 0);
}

/* ---- which ---- */

/* Something happened to it that is still to be looked at. */
static int look_first(struct sensor *s, struct table_node *n)
{
        struct table_handle h;

        s->deny->again_ns = sensor_mono(s) + DENY_AGAIN_MS * NS_PER_MS;
        if (!table_handle_of(n->parent, &h))
                return 0;
        return look_at(s, &h, table_name(n), DIRTY_CHECK, NULL, 0);
}

static bool same_as_known(const struct record *was, const struct record *is)
{
        struct record now = *is;

        if (is->known[RECORD_FLAGS] != RECORD_KNOWN)
                now.flags = was->flags; /* statx(2) does not tell here */
        return record_same_stat(was, &now);
}

static int add(struct sensor *s, struct table_node *n, const struct record *was)
{
        struct deny *d = s->deny;
        char name[TABLE_NAME_MAX + 1];
        struct record is;
        int dirfd = look_dir(s, n->parent), fd, rc;

        memcpy(name, n->name, n->name_n);
        name[n->name_n] = '\0';
        fd = dirfd < 0 ? dirfd : deny_flag_open(deny_hands(s), buf_span(&d->path), dirfd, name);
        if (hand_gave_up(fd))
                return deny_stalled(s, buf_span(&d->path), fd);
        if (fd < 0)
                return fd == -ENOMEM ? fd : look_first(s, n);
        rc = observe_stat_fd(fd, &is);
        if (rc < 0 || !same_as_known(was, &is)) {
                fd_close(&fd);
                return rc == -ENOMEM ? rc : look_first(s, n);
        }
        d->batch[d->n_batch++] = (struct deny_item){ .fd = fd, .node = n, .was = is };
        return 0;
}

static bool given_up(const struct sensor *s, const struct frozen_file *x)
{
        return x && x->cleared > DENY_FIGHTS &&
               sensor_mono(s) < x->cleared_ns + DENY_FIGHT_S * NS_PER_S;
}

int deny_consider(struct sensor *s, struct table_node *n)
{
        struct deny *d = s->deny;
        const struct watch_profile *p;
        struct frozen_file *x;
        struct deny_fs *fs;
        struct record r;

        if (!n->record || !n->parent || record_decode(table_record(n), &r, NULL) < 0 ||
            (r.type != RECORD_FILE && r.type != RECORD_DIR))
                return 0;
        buf_clear(&d->path);
        table_path(n, &d->path);
        if (buf_status(&d->path) < 0)
                return buf_status(&d->path) == -ENOMEM ? -ENOMEM : 0;
        p = watchset_profile(s->o.watch, buf_span(&d->path));
        if (!p || p->mode != WATCH_DENY ||
            deny_is_open(&s->approvals, buf_span(&d->path), r.type == RECORD_DIR, sensor_wall(s)))
                return 0;
        x = frozen_find(d->frozen, buf_span(&d->path));
        fs = refusal_of(d, r.dev);
        if (r.flags & RECORD_IMMUTABLE) {
                d->foreign += !x;
                return 0;
        }
        if (fs) {
                fs->files++;
                return 0;
        }
        if (n->mark & TABLE_DOUBT) {
                deny_name(&d->withheld, buf_span(&d->path));
                return 0;
        }
        return given_up(s, x) || deny_waits(s, buf_span(&d->path)) ? 0 : add(s, n, &r);
}

/* ---- setting ---- */

void deny_drop_batch(struct deny *d)
{
        for (size_t i = 0; i < d->n_batch; i++)
                fd_close(&d->batch[i].fd);
        d->n_batch = 0;
}

static void not_ours(struct deny *d, struct span path)
{
        struct frozen_file *x = frozen_find(d->frozen, path);

        if (!x)
                return;
        frozen_put_gone(path, &d->log);
        frozen_remove(d->frozen, x);
        d->dead += 2;
}

/* The flag is on: is it still the file that was judged?  Then what it holds is read once more, for
 * between the look and the flag somebody may have written and set the time back. */
static int check_again(struct sensor *s, struct deny_item *i, struct span path)
{
        struct deny *d = s->deny;
        struct table_handle h;
        struct record is, now;
        int rc = observe_stat_fd(i->fd, &is);

        now = is;
        now.flags = i->was.flags;
        now.ctime_ns = i->was.ctime_ns;
        if (rc < 0 || !record_same_stat(&i->was, &now)) {
                rc = deny_flag_put(deny_hands(s), path, i->fd, false);
                if (hand_gave_up(rc))
                        return deny_stalled(s, path, rc);
                if (rc == 0)
                        not_ours(d, path);
                return look_first(s, i->node);
        }
        deny_name(&d->set, path);
        rc = deny_take_flag(s, i->node, path, true, is.ctime_ns);
        if (rc < 0 || is.type != RECORD_FILE || !table_handle_of(i->node->parent, &h))
                return rc;
        return look_at(s, &h, table_name(i->node), DIRTY_CONTENT, NULL, 0);
}

static int set_one(struct sensor *s, struct deny_item *i)
{
        struct deny *d = s->deny;
        int rc;

        buf_clear(&d->path);
        table_path(i->node, &d->path);
        if (buf_status(&d->path) < 0)
                return buf_status(&d->path);
        if (refusal_of(d, i->was.dev)) {
                not_ours(d, buf_span(&d->path));
                return 0;
        }
        rc = deny_flag_put(deny_hands(s), buf_span(&d->path), i->fd, true);
        if (rc == 0)
                return check_again(s, i, buf_span(&d->path));
        if (rc == -EUSERS)
                not_ours(d, buf_span(&d->path));
        if (hand_gave_up(rc)) /* it may be set yet: then it is ours */
                return deny_stalled(s, buf_span(&d->path), rc);
        not_ours(d, buf_span(&d->path));
        return refused(s, i->was.dev, buf_span(&d->path), rc);
}

/* All are in the list on disk before the first has its flag. */
int deny_set_batch(struct sensor *s)
{
        struct deny *d = s->deny;
        struct frozen_file *x;
        int rc = 0;

        for (size_t i = 0; i < d->n_batch && rc == 0; i++) {
                const struct record *r = &d->batch[i].was;

                buf_clear(&d->path);
                table_path(d->batch[i].node, &d->path);
                rc = buf_status(&d->path);
                if (rc == 0)
                        rc = frozen_add(d->frozen, buf_span(&d->path), r->ino,
                                        (uint64_t)r->btime_ns, 0);
                x = rc == 0 ? frozen_find(d->frozen, buf_span(&d->path)) : NULL;
                if (x)
                        frozen_put_set(x, &d->log);
        }
        if (rc == -ENOSPC)
                log_event(LOG_LEVEL_ERROR, "sensor.deny_full", log_u64("flags", FROZEN_MAX));
        if (rc == 0)
                rc = deny_list_sync(s);
        for (size_t i = 0; i < d->n_batch && rc == 0; i++)
                rc = set_one(s, &d->batch[i]);
        if (rc == 0)
                (void)!deny_list_sync(s);
        d->unable += rc < 0 ? d->n_batch : 0;
        deny_drop_batch(d);
        return rc == -ENOMEM ? rc : 0;
}
