/* SPDX-License-Identifier: Apache-2.0 */
/* guard_hear.c - what the handler tells, and asks for. */
#include "integrity/preventing/guard_priv.h"
#include "loop/log.h"
#include "loop/loop.h"
#include "sys/sock.h"

#include <stdio.h>
#include <string.h>

enum { NOTICES = 64 }; /* read in one turn */

/* The name of this file that a profile has which asks for more than any; by another name, or under
 * another mount, it is the same file. */
static struct table_node *asked_name(struct sensor *s, const struct guard_file *f)
{
        struct table_node *n = NULL;

        while ((n = table_by_inode(s->table, f->dev, f->ino, n)))
                if (guard_profile_of(s, n, &s->guard->path))
                        break;
        return n;
}

/* Nothing is known of it.  Nor, perhaps, of the directory that it is in: that came with all it
 * holds. */
static int look_for(struct sensor *s, struct span path)
{
        while (path.n > 1) {
                const uint8_t *slash = memrchr(path.p, '/', path.n);
                size_t up_n = slash ? (size_t)(slash - path.p) : 0;
                struct table_node *up;
                struct table_handle h;

                if (!slash || path.n - up_n - 1 > TABLE_NAME_MAX) /* " (deleted)" is in it */
                        return 0;
                up = table_find(s->table, span_of(path.p, MAX_OF(up_n, 1u)));
                if (up && table_handle_of(up, &h))
                        return look_at(s, &h, span_from(path, up_n + 1), DIRTY_CONTENT | DIRTY_TREE,
                                       NULL, 0);
                path.n = up_n;
        }
        return 0;
}

/* Whoever executes it has made it, or moved it, before.  1: all that was told of is known; a file
 * that is still open for writing cannot be executed. */
static int catch_up(struct sensor *s)
{
        int rc = s->phase == SENSOR_LIVE ? sensor_read_all(s) : -EAGAIN;
        int64_t now = sensor_mono(s), due;

        if (rc == 0)
                rc = look_some(s);
        if (rc < 0)
                return rc == -EAGAIN ? 0 : rc;
        due = dirty_due(s->dirty, now);
        return (due < 0 || due > now) && !look_in_flight(s, SPAN("/"));
}

/* Somebody waits for it. */
static int look_now(struct sensor *s, const struct guard_notice *x)
{
        struct table_node *n = asked_name(s, &x->file);
        struct span path = span_of(x->path, x->path_n);
        const struct watch_profile *p = watchset_profile(s->o.watch, path);
        struct guard *g = s->guard;
        struct table_handle h;
        struct record r;
        int rc;

        if (!n && (!p || p->execute == WATCH_EXECUTE_ANY)) {
                /* Beside what is watched so, or under another mount. */
                rc = catch_up(s);
                if (rc <= 0)
                        return rc;
                n = asked_name(s, &x->file);
        }
        if (!n && (!p || p->execute == WATCH_EXECUTE_ANY)) {
                guard_put_file(g, &x->file, GUARD_ALLOW, guard_place(g->shared, path));
                return 0;
        }
        if (!n)
                return look_for(s, path);
        if (record_decode(table_record(n), &r, NULL) == 0 && r.ctime_ns == x->file.ctime_ns) {
                guard_note_file(s, n, &r);
                return 0;
        }
        if (!table_handle_of(n->parent, &h))
                return 0;
        return look_at(s, &h, table_name(n), DIRTY_CONTENT, NULL, 0);
}

static void ready(struct sensor *s)
{
        struct guard *g = s->guard;

        g->useful = true;
        if (!g->ready_ns)
                g->ready_ns = sensor_wall(s);
}

static void no_filesystem(struct guard *g, const struct guard_notice *x)
{
        if (g->no_fs++ == 0)
                g->again = true; /* its directories one by one */
        snprintf(g->no_fs_why, sizeof g->no_fs_why, "%.*s: %s", (int)MIN_OF(x->path_n, 64u),
                 x->path, strerror(x->pid));
        log_event(LOG_LEVEL_WARNING, "sensor.guard_filesystem",
                  log_bytes("path", span_of(x->path, x->path_n)), log_int("error", x->pid));
}

/* As many as the ledger takes; the others are counted. */
bool guard_may_say(struct sensor *s, pid_t pid)
{
        struct guard *g = s->guard;
        uint32_t uid = saying_user(s->o.processes, pid);

        if (saying_may(&g->saying, uid, sensor_mono(s)) && out_room(s))
                return true;
        g->unsaid++;
        return false;
}

static int take_notice(struct sensor *s, const struct guard_notice *x, size_t n)
{
        const size_t head = offsetof(struct guard_notice, path);
        struct guard *g = s->guard;

        if (n < head || x->path_n > sizeof x->path || n != head + x->path_n)
                return 0;
        if (x->what == GUARD_LOOK)
                return look_now(s, x);
        if (x->what == GUARD_READY)
                ready(s);
        else if (x->what == GUARD_NO_FILESYSTEM)
                no_filesystem(g, x);
        else if (guard_may_say(s, x->pid))
                return guard_say_asked(s, x);
        return 0;
}

void guard_on_notices(void *ctx, unsigned events)
{
        struct sensor *s = ctx;
        struct guard *g = s->guard;
        static struct guard_notice x; /* too large for a stack */
        size_t n = 0;
        int rc = 0;

        (void)events;
        for (int i = 0; i < NOTICES && rc == 0; i++) {
                rc = sock_recv(g->sock, &x, sizeof x, &n);
                if (rc == 0 && n == 0) {
                        g->sock_source = loop_remove(g->sock_source); /* its end is told apart */
                        return;
                }
                if (rc == 0)
                        rc = take_notice(s, &x, n);
        }
        if (rc == -ENOMEM)
                s->failed = rc;
}
