/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/sensor/sensor_look.h"

enum { GONE_MS = 50 };

static int tell_gone(struct sensor *s, struct table_node *n, const char *seen, struct who *who,
                     int64_t wall_ns)
{
        struct record was;
        int rc;

        buf_clear(&s->path);
        table_path(n, &s->path);
        buf_clear(&s->ops);
        journal_op_put(&s->ops, JOURNAL_DROP, buf_span(&s->path), SPAN_NONE);
        rc = record_decode(table_record(n), &was, NULL);
        if (rc == 0)
                rc = buf_status(&s->path) < 0 ? buf_status(&s->path) : buf_status(&s->ops);
        if (rc == 0)
                rc = tell_change(
                        s,
                        &(struct change){
                                .wall_ns = wall_ns,
                                .path = buf_span(&s->path),
                                .profile = watchset_way_profile(s->o.watch, buf_span(&s->path)),
                                .was = &was,
                                .seen = seen,
                                .who = who,
                                .by_way = who && who == s->way.who,
                                .unknown = "seen by a scan, not as it happened" },
                        buf_span(&s->ops));
        n->mark &= (uint8_t)~TABLE_OWED;
        if (rc == 0 && was.type != RECORD_DIR && was.nlink > 1)
                rc = look_siblings(s, &was, n, who);
        if (rc == 0)
                table_drop_record(s->table, n);
        return rc;
}

/* Deepest first, so that a directory is told after what was in it; below top, and top last. */
static struct table_node *next_gone(struct table_node *top, struct table_node *n)
{
        if (n == top)
                return NULL;
        return n->next ? table_deepest(n->next) : n->parent;
}

int look_forget(struct sensor *s, struct table_node *n, const char *seen, struct who *who,
                int64_t wall_ns)
{
        struct table_node *x = table_deepest(n), *next;
        int rc = 0, told = 0;

        for (; x && rc == 0; x = next) {
                next = next_gone(n, x);
                if (!x->record)
                        continue;
                if (told++ == FORGET_BUDGET)
                        return LOOK_MORE;
                rc = tell_gone(s, x, seen, who, wall_ns); /* may take x away, never next */
        }
        return rc;
}

int look_forget_below(struct sensor *s, struct table_node *n, const struct dirty_place *p)
{
        struct table_node *c, *next;
        int rc = 0;

        for (c = n->child; c && rc == 0; c = next) {
                next = c->next;
                rc = look_forget(s, c, "live", p->by[0], p->wall_ns);
        }
        return rc;
}

/* A directory that was known early is none after all. */
static int forget_new(struct sensor *s, struct table_node *n)
{
        int rc = table_set_handle(s->table, n, NULL);

        n->mark &= (uint8_t)~TABLE_NEW;
        table_drop_record(s->table, n);
        return rc;
}

/* Made and gone again before it could be read: what the kernel told of it is all there is. */
static int tell_passed(struct sensor *s, struct table_node *dir, struct span name,
                       const struct dirty_place *p)
{
        struct change c = { .wall_ns = p->wall_ns,
                            .passed = p->what,
                            .seen = "live",
                            .who = p->by[0],
                            .also = p->by + 1,
                            .unknown = "no event named a process" };

        if (!look_watched(s, dir, name)) /* puts the path into s->path */
                return 0;
        c.path = buf_span(&s->path);
        c.profile = watchset_profile(s->o.watch, c.path);
        return tell_change(s, &c, SPAN_NONE);
}

int look_not_there(struct sensor *s, struct table_node *dir, struct span name,
                   struct dirty_place *p)
{
        struct table_node *n = table_child(s->table, dir, name);
        bool came = p->what & (DIRTY_CREATED | DIRTY_CAME);
        int rc = 0;

        if (came && !(p->what & (DIRTY_DELETED | DIRTY_LEFT)) && p->tries++ == 0) {
                look_put_back(s, p, GONE_MS); /* how it ended waits in the kernel's queue */
                return LOOK_TAKEN;
        }
        if (came)
                rc = tell_passed(s, dir, name, p);
        if (rc < 0 || !n || n->record || !(n->mark & TABLE_NEW))
                return rc;
        if (came) { /* what happened in it is still to be looked at, and needs its path */
                p->what = DIRTY_BURY;
                look_put_back(s, p, GONE_MS);
                return LOOK_TAKEN;
        }
        return forget_new(s, n);
}
