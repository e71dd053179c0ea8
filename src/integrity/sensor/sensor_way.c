/* SPDX-License-Identifier: Apache-2.0 */
/* Places that are not watched, on the way to what is: directories to walk through, and links that
 * stand where one was or should be. */
#include "integrity/sensor/sensor_above.h"
#include "integrity/sensor/sensor_look.h"

#include "sys/io.h"

#include <fcntl.h>

/* Of the directory with this name: a negative errno when there is none. */
static int dir_handle(struct sensor *s, int dirfd, const char *name, struct table_handle *ret)
{
        CLEANUP_FD int fd =
                look_open(s, dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
                return fd;
        if (observe_handle(fd, ret) < 0)
                ret->n = 0;
        return 0;
}

static bool same_handle(const struct table_node *n, const struct table_handle *h)
{
        struct table_handle is;

        return table_handle_of(n, &is) && table_handle_eq(&is, h);
}

/* Is a symbolic link where a directory leads to what is watched, or is one known there?  What is
 * behind it is not watched: that it stands there, or went, is told.  1: there is none, nor was. */
static int look_link(struct sensor *s, struct table_node *dir, struct span name, const char *text,
                     struct dirty_place *p)
{
        struct table_node *n = table_child(s->table, dir, name);
        struct table_handle unused;
        struct record r;
        int fd = look_dir(s, dir);
        int rc = fd < 0 ? fd : look_stat(s, fd, text, &r, &unused);

        if (hand_gave_up(rc))
                return look_stalled(s, dir, name, p);
        if (rc == 0 && r.type == RECORD_LINK) {
                rc = n && !n->record ? look_forget_below(s, n, p) : 0;
                if (n)
                        n->mark &= (uint8_t)~TABLE_WAY;
                return rc != 0 ? rc : look_read(s, dir, name, fd, p);
        }
        if (!n || !n->record)
                return 1;
        n->mark |= TABLE_NEW; /* it stays for what is below it */
        rc = look_forget(s, n, "live", p->by[0], p->wall_ns);
        n->mark &= (uint8_t)~TABLE_NEW;
        return rc == 0 ? 1 : rc;
}

/* s->path has moved: what a scan finds below it is the doing of who moved it. */
static void moved(struct sensor *s, struct who *who)
{
        if (!who)
                return;
        s->way.many |= s->way.who && s->way.who->pid != who->pid;
        who_ref(who);
        who_unref(s->way.who);
        s->way.who = who;
        buf_clear(&s->way.path);
        buf_put(&s->way.path, buf_span(&s->path));
}

struct who *way_author(const struct sensor *s, struct span path)
{
        return s->way.who && !s->way.many && buf_status(&s->way.path) == 0 &&
                               path_within(path, buf_span(&s->way.path))
                       ? s->way.who
                       : NULL;
}

void way_done(struct sensor *s)
{
        s->way.who = who_unref(s->way.who);
        s->way.many = false;
}

int look_way(struct sensor *s, struct table_node *dir, struct span name, struct dirty_place *p)
{
        struct table_node *n = table_child(s->table, dir, name);
        char text[TABLE_NAME_MAX + 1];
        struct table_handle h;
        int fd, rc;

        if (!watchset_leads(s->o.watch, buf_span(&s->path)))
                return 0;
        memcpy(text, name.p, name.n);
        text[name.n] = '\0';
        if (n && n->mark & TABLE_ABOVE) {
                if (!(p->what & DIRTY_CHANGED) ||
                    p->what & (DIRTY_CAME | DIRTY_LEFT | DIRTY_CREATED | DIRTY_DELETED))
                        moved(s, p->by[0]);
                scan_want(s, LOSS_MOUNTS, p->wall_ns, p->wall_ns);
        }
        rc = look_link(s, dir, name, text, p);
        if (rc != 1)
                return rc;
        n = table_child(s->table, dir, name);
        if (n && n->mark & (TABLE_ABOVE | TABLE_WAY)) {
                rc = above_look(s, n, "live", p->by[0], p->wall_ns);
                if (rc < 0 || n->mark & TABLE_ABOVE)
                        return rc;
        }
        fd = look_dir(s, dir);
        rc = fd < 0 ? fd : dir_handle(s, fd, text, &h);
        if (rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM)
                return LOOK_LATER;
        if (hand_gave_up(rc))
                return look_stalled(s, dir, name, p);
        if (rc < 0) {
                rc = n ? look_forget_below(s, n, p) : 0;
                if (rc == 0 && n) {
                        above_forget(s, n);
                        n->mark &= (uint8_t)~TABLE_WAY;
                        table_drop_record(s->table, n);
                }
                return rc;
        }
        if (n && n->mark & TABLE_WAY && !(p->what & DIRTY_TREE) && same_handle(n, &h))
                return 0; /* what is in it has events of its own */
        n = table_make_child(s->table, dir, name);
        if (!n)
                return -ENOMEM;
        n->mark |= TABLE_WAY;
        rc = above_look(s, n, "live", p->by[0], p->wall_ns);
        return rc < 0 ? rc : look_enter(s, n, p->by[0]);
}
