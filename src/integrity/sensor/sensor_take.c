/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/sensor/sensor_look.h"
#include "integrity/sensor/sensor_restore.h"

#include "loop/log.h"
#include "sys/dirwalk.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdlib.h>

enum {
        PATH_DEEP = 1 << 19, /* as in scan.c: a directory below this is not entered */
        COMES_MS = 20,       /* between two looks at what is about to come back, */
        COMES_FOR_MS = 1000, /* and no longer than that */
};

/* ---- files with several names ---- */

/* Their number of names has changed at one of them: so it has at the others. */
int look_siblings(struct sensor *s, const struct record *r, const struct table_node *but,
                  struct who *who)
{
        struct table_node *n = table_by_inode(s->table, r->dev, r->ino, NULL);
        struct table_handle dir;
        int rc = 0;

        for (; n && rc == 0; n = table_by_inode(s->table, r->dev, r->ino, n))
                if (n != but && table_handle_of(n->parent, &dir) &&
                    !dirty_has(s->dirty, &dir, table_name(n)))
                        rc = look_at(s, &dir, table_name(n), DIRTY_CHECK, who, 0);
        return rc;
}

/* ---- a directory that is new here ---- */

/* Is this name in the directory watched, or may it lead to what is? */
static bool wanted(struct sensor *s, const struct watch_at *dir, struct span name)
{
        struct watch_at at;

        if (name.n > TABLE_NAME_MAX) /* scans say that there are such names */
                return false;
        watch_at_name(s->o.watch, dir, name, &at);
        return watch_at_rule(s->o.watch, &at) || watch_at_leads(s->o.watch, &at);
}

/* Found in a directory that who made.  An event has told already who touched it?  Then it was they.
 */
static int look_listed(struct sensor *s, const struct table_handle *dir, struct span name,
                       struct who *who)
{
        bool told = dirty_has(s->dirty, dir, name);

        return look_at(s, dir, name, DIRTY_CONTENT | DIRTY_TREE | DIRTY_BEGUN, told ? NULL : who,
                       0);
}

int look_enter(struct sensor *s, struct table_node *n, struct who *who)
{
        CLEANUP_FD int fd = -1;
        struct watch_at at;
        struct dir_reader *r;
        struct table_handle h;
        struct dir_entry e;
        struct err err = { 0 };
        int rc;

        buf_clear(&s->path2);
        table_path(n, &s->path2);
        if (buf_status(&s->path2) < 0 || s->path2.n > PATH_DEEP) {
                log_event(LOG_LEVEL_WARNING, "sensor.too_deep", log_u64("bytes", s->path2.n));
                return 0;
        }
        fd = look_open_dir(s, buf_span(&s->path2));
        if (hand_gave_up(fd))
                return look_later(s, n, who);
        if (fd < 0)
                return 0; /* gone again, or closed to us: its own state was told */
        rc = watch_filesystem(s->watch, fd, buf_span(&s->path2), &err);
        if (rc < 0 && rc != -ENOMEM) {
                log_event(LOG_LEVEL_ERROR, "sensor.unwatched",
                          log_bytes("path", buf_span(&s->path2)), log_err(&err));
                return 0;
        }
        if (rc <= 0)
                return rc;
        if (observe_handle(fd, &h) < 0)
                return 0;
        rc = table_set_handle(s->table, n, &h);
        if (rc == 0)
                rc = watch_directory(s->watch, &h, fd);
        if (rc < 0)
                return rc;
        /* What is known below it may belong to a directory that was here before. */
        for (struct table_node *c = n->child; c && rc == 0; c = c->next)
                rc = look_listed(s, &h, table_name(c), who);
        r = malloc(sizeof *r);
        if (!r)
                return -ENOMEM;
        dir_reader_init_by(r, fd, look_list, &s->by_loop);
        watch_at_path(s->o.watch, buf_span(&s->path2), &at);
        while (rc == 0 && (rc = dir_read(r, &e)) > 0)
                rc = wanted(s, &at, span_of(e.name, e.name_n))
                             ? look_listed(s, &h, span_of(e.name, e.name_n), who)
                             : 0;
        free(r);
        if (hand_gave_up(rc))
                return look_later(s, n, who);
        if (rc == -ENOENT) /* removed while it was listed */
                rc = 0;
        return rc;
}

/* ---- what is there, against what was known ---- */

static int make_ops(struct sensor *s, struct span encoded)
{
        buf_clear(&s->ops);
        journal_op_put(&s->ops, JOURNAL_SET, buf_span(&s->path), encoded);
        return buf_status(&s->ops);
}

/* s->path is the place.  was may be NULL. */
static int tell_state(struct sensor *s, struct table_node *n, struct span encoded,
                      const struct record *was, const struct record *is,
                      const struct dirty_place *p)
{
        struct change c = { .wall_ns = p->wall_ns,
                            .path = buf_span(&s->path),
                            .profile = watchset_way_profile(s->o.watch, buf_span(&s->path)),
                            .on_way = !watchset_covers(s->o.watch, buf_span(&s->path)),
                            .existed = n->mark & TABLE_OWED,
                            .was = was,
                            .is = is,
                            .seen = "live",
                            .who = p->by[0],
                            .also = p->by + 1,
                            .unknown = "no event named a process" };
        int rc = make_ops(s, encoded);

        if (change_reverted(&c, p->what))
                c.passed = p->what;
        /* Owed: told even when no more than its ctime says that something happened. */
        if (rc == 0 && (!was || c.existed || c.passed || change_differs(&c)) &&
            !deny_expects(s, &c))
                rc = tell_change(s, &c, buf_span(&s->ops));
        else if (rc == 0)
                rc = tell_silent(s, buf_span(&s->ops));
        if (rc == 0)
                rc = table_set_record(s->table, n, encoded);
        if (rc == 0)
                guard_note(s, n);
        return rc;
}

/* A file that is mounted by itself may be all that is watched of its filesystem. */
int look_meet(struct sensor *s, struct table_node *n)
{
        const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        char text[TABLE_NAME_MAX + 1];
        CLEANUP_FD int fd = -1;
        struct table_handle h;
        struct err err = { 0 };
        struct record r;
        int rc;

        if (!table_handle_of(n, &h) || watch_is_met(s->watch, &h) || !n->record ||
            record_decode(table_record(n), &r, NULL) < 0 || r.type != RECORD_FILE)
                return 0;
        rc = look_dir(s, n->parent);
        memcpy(text, n->name, n->name_n);
        text[n->name_n] = '\0';
        fd = rc < 0 ? rc : look_open(s, rc, text, flags);
        if (fd < 0)
                return 0;
        buf_clear(&s->path2);
        table_path(n, &s->path2);
        rc = buf_status(&s->path2);
        if (rc == 0)
                rc = watch_filesystem(s->watch, fd, buf_span(&s->path2), &err);
        if (rc < 0 && rc != -ENOMEM)
                log_event(LOG_LEVEL_WARNING, "sensor.unwatched", log_err(&err));
        return rc == -ENOMEM ? rc : 0;
}

/* Mark a watched file that has other names.  What is read of it before it is marked may be old. */
int look_linked(struct sensor *s, struct table_node *n)
{
        char text[TABLE_NAME_MAX + 1];
        struct table_handle file, dir;
        int rc;

        if (table_handle_marked(n) || !table_handle_of(n, &file) ||
            !table_handle_of(n->parent, &dir))
                return 0;
        rc = look_meet(s, n);
        if (rc < 0)
                return rc;
        rc = look_dir(s, n->parent);
        if (rc < 0)
                return 0; /* its own event leads here again */
        memcpy(text, n->name, n->name_n);
        text[n->name_n] = '\0';
        rc = watch_linked(s->watch, &file, rc, text);
        if (rc < 0)
                return rc == -ENOMEM ? rc : 0;
        table_handle_mark(n);
        return look_at(s, &dir, table_name(n), DIRTY_CHECK, NULL, 0);
}

/* The names that the old file and the new one have besides this. */
static int look_at_siblings(struct sensor *s, const struct table_node *n, const struct record *was,
                            const struct record *is, struct who *who)
{
        bool same = was && record_same_file(was, is);
        int rc = 0;

        if (was && !same && was->type != RECORD_DIR && was->nlink > 1)
                rc = look_siblings(s, was, n, who);
        if (rc == 0 && is->type != RECORD_DIR && is->nlink != (same ? was->nlink : 1))
                rc = look_siblings(s, is, n, who);
        return rc;
}

/* Is what is in this directory, which is here now, yet to be found out?  Its handle may be another
 * although it is the same: where the filesystem has no checksums, root may give an inode any
 * generation (FS_IOC_SETVERSION), and notices of what happens in it carry the new handle then. */
static bool is_to_enter(const struct table_node *n, const struct record *was,
                        const struct record *is, const struct table_handle *h, unsigned what)
{
        struct table_handle known;

        if (is->type != RECORD_DIR)
                return false;
        if (!was || !record_same_file(was, is) || what & DIRTY_TREE || !table_handle_of(n, &known))
                return true;
        return h->n && !table_handle_eq(h, &known);
}

/* The place holds this now.  1: there is more to be told first. */
static int take_state(struct sensor *s, struct table_node *dir, struct span name,
                      struct span encoded, const struct table_handle *h,
                      const struct dirty_place *p)
{
        struct table_node *n = table_make_child(s->table, dir, name);
        struct record is, was;
        bool known, enter;
        int rc;

        if (!n || record_decode(encoded, &is, NULL) < 0)
                return -ENOMEM;
        known = n->record_n > 0;
        if (known && record_decode(table_record(n), &was, NULL) < 0)
                return -EBADMSG;
        enter = is_to_enter(n, known ? &was : NULL, &is, h, p->what);
        if (known && was.type == RECORD_DIR && is.type != RECORD_DIR) {
                rc = look_forget_below(s, n,
                                       p); /* the directory went, and with it what was below */
                if (rc != 0)
                        return rc;
        }
        buf_clear(&s->path);
        table_path(n, &s->path);
        if (!known || !span_eq(encoded, table_record(n)))
                rc = tell_state(s, n, encoded, known ? &was : NULL, &is, p);
        else if (n->mark & TABLE_OWED)
                rc = tell_state(s, n, encoded, NULL, &is, p);
        else
                rc = 0;
        n->mark &= (uint8_t) ~(TABLE_NEW | TABLE_OWED);
        if (rc == 0)
                rc = look_at_siblings(s, n, known ? &was : NULL, &is, p->by[0]);
        if (rc == 0 && is.type != RECORD_DIR)
                rc = table_keep_handle(s->table, n, h, known && record_same_file(&was, &is));
        if (rc == 0 && is.type != RECORD_DIR && h->n)
                rc = look_linked(s, n);
        if (rc == 0 && enter)
                rc = look_enter(s, n, p->by[0]);
        return rc;
}

/* Was it taken away where something says what should be there?  Who puts that there takes away
 * first what was, as git does: both are one change. */
static bool comes_back(struct sensor *s, struct table_node *dir, struct span name,
                       const struct dirty_place *p)
{
        const unsigned moved = DIRTY_CAME | DIRTY_LEFT;

        return p->what & DIRTY_DELETED && !(p->what & moved) &&
               sensor_mono(s) < p->since_ns + COMES_FOR_MS * NS_PER_MS &&
               look_watched(s, dir, name) && why_expects(s, buf_span(&s->path));
}

int look_take(struct sensor *s, struct table_node *dir, struct span name, int error,
              struct span encoded, const struct table_handle *h, struct dirty_place *p)
{
        struct table_node *n;

        if (error == 0)
                return take_state(s, dir, name, encoded, h, p);
        if (hand_gave_up(error))
                return look_stalled(s, dir, name, p);
        if (error == -EAGAIN || error == -EMFILE || error == -ENFILE || error == -ENOMEM)
                return LOOK_LATER; /* -EAGAIN: another thing each time it was looked at */
        if (error != -ENOENT && error != -ESTALE && error != -ENOTDIR) {
                log_event(LOG_LEVEL_WARNING, "sensor.unreadable", log_bytes("name", name),
                          log_int("error", error));
                return 0;
        }
        n = table_child(s->table, dir, name);
        if (n && n->record && p->name_n && comes_back(s, dir, name, p)) {
                look_put_back(s, p, COMES_MS);
                return LOOK_TAKEN;
        }
        if (n && n->record)
                return look_forget(s, n, "live", p->by[0], p->wall_ns);
        return look_not_there(s, dir, name, p);
}
