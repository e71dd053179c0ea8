/* SPDX-License-Identifier: Apache-2.0 */
/* Renames are followed as they are read, because places are named by handle and a directory keeps
 * its handle.  An event is only a hint all the same: a rename is told as one when the disk agrees,
 * and otherwise becomes two places to look at. */
#include "integrity/sensor/sensor_look.h"

#include "sys/io.h"

struct side {
        const struct table_handle *h; /* NULL: not watched */
        struct span name;
        struct table_node *dir;  /* NULL: not known, or not yet: a scan may be on its way there */
        struct table_node *node; /* NULL: not known */
        char text[TABLE_NAME_MAX + 1];
};

static void set_side(struct sensor *s, struct side *x, const struct table_handle *h,
                     struct span name)
{
        x->h = h;
        x->name = name;
        x->dir = h ? look_nth(s, h, 0) : NULL;
        x->node = x->dir ? table_child(s->table, x->dir, name) : NULL;
        memcpy(x->text, name.p, name.n);
        x->text[name.n] = '\0';
}

static int touch(struct sensor *s, const struct side *x, unsigned what, struct who *who)
{
        return x->h ? look_at(s, x->h, x->name, what, who, 0) : 0;
}

/* What waits for the old name waits for the new one now, with its authors. */
static int move_places(struct sensor *s, const struct side *from, const struct side *to)
{
        int64_t wall = sensor_wall(s);
        int rc;

        if (!from->h || !to->h)
                return 0;
        rc = look_renamed(s, from->h, from->name, to->h, to->name);
        if (rc == 0)
                rc = dirty_move(s->dirty, from->h, from->name, to->h, to->name, sensor_mono(s));
        if (rc != -ENOSPC)
                return rc;
        scan_want(s, LOSS_QUEUE, wall, wall);
        return 0;
}

static int side_path(struct sensor *s, const struct side *x, struct buf *out)
{
        buf_clear(out);
        table_path(x->dir, out);
        if (out->n > 1)
                buf_put_byte(out, '/');
        buf_put(out, x->name);
        if (buf_status(out) < 0)
                return buf_status(out);
        return watchset_covers(s->o.watch, buf_span(out)) ? 0 : -ENOENT;
}

/* A name in a directory that is known may be watched as little as one outside: a file that went
 * there has left, and is one that was away when it comes back. */
static int touch_both(struct sensor *s, const struct side *from, const struct side *to,
                      struct who *who)
{
        bool stays = to->h && to->dir && side_path(s, to, &s->path2) == 0;
        unsigned left = stays ? 0 : DIRTY_LEFT;
        int rc = touch(s, from, DIRTY_STATE | left, who);

        return rc < 0 ? rc : touch(s, to, DIRTY_CONTENT | DIRTY_TREE | DIRTY_CAME, who);
}

/* What is at the name now; -ENOENT. */
static int stat_side(struct sensor *s, const struct side *x, struct record *ret)
{
        struct table_handle unused;
        int fd = look_dir(s, x->dir);

        return fd < 0 ? fd : look_stat(s, fd, x->text, ret, &unused);
}

/* Both sides are simple: one known file, one plain directory each, no watched path itself. */
static bool followable(struct sensor *s, const struct side *from, const struct side *to)
{
        if (!from->dir || !to->dir || !from->node || !from->node->record)
                return false;
        if (look_nth(s, from->h, 1) || look_nth(s, to->h, 1))
                return false;
        if (from->node->mark & ~TABLE_DOUBT || (to->node && to->node->mark & ~TABLE_DOUBT))
                return false;
        if (watchset_divides(s->o.watch, buf_span(&s->path)) ||
            watchset_divides(s->o.watch, buf_span(&s->path2)))
                return false; /* rules speak of paths below: they do not move with it */
        if (watchset_profile(s->o.watch, buf_span(&s->path)) !=
            watchset_profile(s->o.watch, buf_span(&s->path2)))
                return false; /* gone from one, new in the other */
        for (struct table_node *n = to->dir; n; n = n->parent)
                if (n == from->node)
                        return false;
        for (struct table_node *n = from->dir; n; n = n->parent)
                if (n == to->node)
                        return false;
        return from->node != to->node;
}

/* The state known of the file, with what a rename changes. */
static void moved_state(struct record *known, const struct record *now)
{
        known->ctime_ns = now->ctime_ns;
}

static int tell_move(struct sensor *s, const struct record *was, const struct record *is, bool over,
                     struct who *who)
{
        struct change c = { .wall_ns = sensor_wall(s),
                            .path = buf_span(&s->path2),
                            .from = buf_span(&s->path),
                            .profile = watchset_profile(s->o.watch, buf_span(&s->path2)),
                            .over = over,
                            .was = was,
                            .is = is,
                            .seen = "live",
                            .who = who,
                            .unknown = "no event named a process" };

        return tell_change(s, &c, buf_span(&s->ops));
}

/* s->path and s->path2 are the two paths. */
static int exchange(struct sensor *s, struct side *a, struct side *b, struct who *who)
{
        struct record ra, rb;
        struct buf swap;
        int rc;

        if (record_decode(table_record(a->node), &ra, NULL) < 0 ||
            record_decode(table_record(b->node), &rb, NULL) < 0)
                return -EBADMSG;
        buf_clear(&s->ops);
        journal_op_put(&s->ops, JOURNAL_EXCHANGE, buf_span(&s->path), buf_span(&s->path2));
        if (buf_status(&s->ops) < 0)
                return buf_status(&s->ops);
        rc = tell_move(s, &ra, &ra, false, who);
        if (rc < 0)
                return rc;
        table_exchange(s->table, a->node, b->node);
        buf_clear(&s->ops);
        swap = s->path;
        s->path = s->path2;
        s->path2 = swap;
        rc = tell_move(s, &rb, &rb, false, who);
        if (rc == 0) /* their times have changed */
                rc = touch(s, a, DIRTY_STATE, who);
        return rc < 0 ? rc : touch(s, b, DIRTY_CONTENT | DIRTY_TREE, who);
}

static int move(struct sensor *s, struct side *from, struct side *to, const struct record *now,
                struct who *who)
{
        struct record was, is;
        struct table_node *moved;
        bool over = to->node && to->node->record;
        CLEANUP(buf_done) struct buf victim = BUF_INIT(RECORD_MAX);
        int rc;

        if (record_decode(table_record(from->node), &is, NULL) < 0)
                return -EBADMSG;
        was = is;
        if (over) {
                buf_put(&victim, table_record(to->node));
                if (record_decode(buf_span(&victim), &was, NULL) < 0)
                        return -ENOMEM;
        }
        moved_state(&is, now);
        buf_clear(&s->encoded);
        record_encode(&is, &s->encoded);
        buf_clear(&s->ops);
        journal_op_put(&s->ops, JOURNAL_MOVE, buf_span(&s->path), buf_span(&s->path2));
        journal_op_put(&s->ops, JOURNAL_SET, buf_span(&s->path2), buf_span(&s->encoded));
        if (buf_status(&s->ops) < 0 || buf_status(&s->encoded) < 0)
                return -ENOMEM;
        rc = tell_move(s, &was, &is, over, who);
        if (rc < 0)
                return rc;
        if (over && was.nlink > 1 && was.type != RECORD_DIR)
                rc = look_siblings(s, &was, to->node, who);
        if (rc < 0)
                return rc;
        if (to->node)
                table_drop_tree(s->table, to->node);
        rc = table_move(s->table, from->node, to->dir, to->name, &moved);
        if (rc == 0)
                rc = table_set_record(s->table, moved, buf_span(&s->encoded));
        /* Content, attributes and what is below are read again, and told if they differ as well. */
        return rc < 0 ? rc : touch(s, to, DIRTY_STATE, who);
}

int rename_seen(void *ctx, const struct table_handle *from_dir, struct span from_name,
                const struct table_handle *to_dir, struct span to_name, struct who *who)
{
        struct sensor *s = ctx;
        struct side from, to;
        struct record known, now, there, other;
        int rc;

        set_side(s, &from, from_dir, from_name);
        set_side(s, &to, to_dir, to_name);
        rc = move_places(s, &from, &to);
        if (rc < 0)
                return rc;
        if (s->phase != SENSOR_LIVE || !out_room(s) || !from.dir || !to.dir ||
            side_path(s, &from, &s->path) < 0 || side_path(s, &to, &s->path2) < 0 ||
            !followable(s, &from, &to) ||
            (!table_is_dir(from.node) && package_unfollowed(s, from_name, who)))
                return touch_both(s, &from, &to, who);
        if (record_decode(table_record(from.node), &known, NULL) < 0)
                return -EBADMSG;
        if (stat_side(s, &to, &now) < 0 || !record_same_file(&known, &now))
                return touch_both(s, &from, &to, who);
        if (to.node && to.node->child) /* a known directory with known files cannot be replaced */
                return touch_both(s, &from, &to, who);
        if (side_path(s, &from, &s->path) < 0 || side_path(s, &to, &s->path2) < 0)
                return -ENOMEM; /* look_dir() used one of them */
        rc = stat_side(s, &from, &there);
        if (hand_gave_up(rc))
                return touch_both(s, &from, &to, who);
        if (rc == 0) {
                bool swapped = to.node && to.node->record &&
                               record_decode(table_record(to.node), &other, NULL) == 0 &&
                               record_same_file(&other, &there);

                if (side_path(s, &from, &s->path) < 0 || side_path(s, &to, &s->path2) < 0)
                        return -ENOMEM;
                if (swapped)
                        return exchange(s, &from, &to, who);
                rc = look_at(s, from.h, from.name, DIRTY_CONTENT | DIRTY_TREE | DIRTY_CREATED, who,
                             0);
                if (rc < 0)
                        return rc;
        }
        return move(s, &from, &to, &now, who);
}
