/* SPDX-License-Identifier: Apache-2.0 */
/* guard_mark.c - which files are known, and what the handler is to ask about.
 *
 * Each filesystem is marked as a whole: what is made in a directory, or moved there, is executed
 * before anybody could mark it.  Directories are marked one by one only where a filesystem is not
 * to be marked. */
#include "integrity/preventing/guard_priv.h"
#include "sys/io.h"
#include "sys/silent.h"
#include "sys/sock.h"
#include "sys/spawn.h"

#include <fcntl.h>

enum {
        DIRS_MAX = 16384,
        MOUNTED_S = 60, /* at most, until what was mounted has been looked at */
};

/* ---- what may be executed ---- */

enum guard_verdict guard_verdict_of(const struct guard *g, const struct table_node *n,
                                    const struct record *r)
{
        if (r->hash != RECORD_HASH_KNOWN)
                return GUARD_STALE;
        return !(n->mark & TABLE_DOUBT) || guard_is_known(g, r->sha256) ? GUARD_ALLOW
                                                                        : GUARD_REFUSE;
}

void guard_put_file(struct guard *g, const struct guard_file *f, enum guard_verdict v,
                    uint64_t place)
{
        if (guard_put(g->shared, f, v, place) == 0)
                return;
        g->no_room++;
        g->full = true;
}

void guard_note_file(struct sensor *s, const struct table_node *n, const struct record *r)
{
        struct guard_file f = guard_file_of(r);
        enum guard_verdict v = guard_verdict_of(s->guard, n, r);

        if (v != GUARD_STALE)
                guard_put_file(s->guard, &f, v, 0);
}

const struct watch_profile *guard_profile_of(struct sensor *s, const struct table_node *n,
                                             struct buf *path)
{
        const struct watch_profile *p;

        buf_clear(path);
        table_path(n, path);
        p = buf_status(path) == 0 ? watchset_profile(s->o.watch, buf_span(path)) : NULL;
        return p && p->execute != WATCH_EXECUTE_ANY ? p : NULL;
}

/* ---- orders ---- */

/* fd -1: none goes with it.  -EAGAIN: the handler has orders enough. */
static int order(struct guard *g, enum guard_order_what what, bool strict, int fd, struct span path)
{
        struct guard_order *o = &g->order;
        struct span packet;
        int rc;

        o->what = what;
        o->strict = strict;
        o->path_n = (uint32_t)MIN_OF(path.n, sizeof o->path);
        if (o->path_n)
                memcpy(o->path, path.p, o->path_n);
        packet = span_of(o, offsetof(struct guard_order, path) + o->path_n);
        rc = fd < 0 ? sock_send(g->sock, packet) : sock_send_fd(g->sock, packet, fd);
        return rc == -EAGAIN ? rc : 0; /* its end is told apart */
}

static bool knows_filesystem(const struct guard *g, uint64_t dev)
{
        for (size_t i = 0; i < g->n_fs; i++)
                if (g->fs[i] == dev)
                        return true;
        return false;
}

static int mark_filesystem(struct guard *g, uint64_t dev, int fd)
{
        if (knows_filesystem(g, dev))
                return 0;
        if (g->n_fs == GUARD_FS_MAX) {
                g->no_fs++;
                return 0;
        }
        g->fs[g->n_fs++] = dev;
        return order(g, GUARD_MARK_FILESYSTEM, false, fd, SPAN_NONE);
}

/* ---- what may lie anywhere ---- */

/* What exists of the way to it. */
static int open_nearest(struct span path, struct buf *text)
{
        const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        int fd;

        for (;;) {
                const uint8_t *slash = memrchr(path.p, '/', path.n);

                buf_clear(text);
                buf_put(text, path.n ? path : SPAN("/"));
                fd = buf_status(text) < 0 ? -1 : open(buf_cstr(text), flags);
                if (fd >= 0 || path.n <= 1)
                        return fd;
                path.n = slash ? (size_t)(slash - path.p) : 0;
        }
}

static int say_filesystem(struct sensor *s, struct span base)
{
        CLEANUP_FD int fd = silent_at(base) ? -1 : open_nearest(base, &s->guard->path);
        struct record r;
        int rc;

        if (fd < 0 || observe_stat_fd(fd, &r) < 0)
                return 0;
        rc = order(s->guard, GUARD_MOUNT, false, fd, SPAN_NONE);
        return rc == 0 ? mark_filesystem(s->guard, r.dev, fd) : rc;
}

/* Most of a host lies under it. */
static int say_root(struct guard *g)
{
        CLEANUP_FD int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? 0 : order(g, GUARD_MOUNT, false, fd, SPAN_NONE);
}

/* Whoever is executed by the sensor may not wait for a handler that only the sensor can end; and
 * what loads all programs is met twice as often as any of them. */
static int ignore_own(struct guard *g)
{
        static const char *const names[] = { "assay-guard", "assay-job" };
        const char *slash = strrchr(g->program, '/'), *loader = spawn_loader();
        int rc = 0;

        for (size_t i = 0; i <= ARRAY_LEN(names) && rc == 0; i++) {
                CLEANUP_FD int fd = -1;

                buf_clear(&g->path);
                if (i < ARRAY_LEN(names))
                        buf_printf(&g->path, "%.*s/%s", (int)(slash - g->program), g->program,
                                   names[i]);
                else if (loader)
                        buf_printf(&g->path, "%s", loader);
                fd = g->path.n ? open(buf_cstr(&g->path), O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
                if (fd >= 0)
                        rc = order(g, GUARD_IGNORE, false, fd, SPAN_NONE);
        }
        return rc;
}

static const struct watch_profile *asking(const struct watchset *w, const struct watch_rule *r)
{
        const struct watch_profile *p = r->profile < w->n_profiles ? w->profiles[r->profile] : NULL;

        return p && !r->exclude && p->execute != WATCH_EXECUTE_ANY ? p : NULL;
}

int guard_say_places(struct sensor *s)
{
        const struct watchset *w = s->o.watch;
        const struct watch_profile *p;
        struct guard *g = s->guard;
        int rc = order(g, GUARD_BASES_BEGIN, false, -1, SPAN_NONE);

        g->n_fs = 0;
        for (size_t i = 0; i < w->n && rc == 0; i++)
                if ((p = asking(w, &w->rules[i])))
                        rc = order(g, GUARD_BASE, p->execute == WATCH_EXECUTE_STRICT, -1,
                                   span_of(w->rules[i].text.p, MAX_OF(w->rules[i].base_n, 1u)));
        if (rc == 0)
                rc = order(g, GUARD_BASES_END, false, -1, SPAN_NONE);
        if (rc == 0)
                rc = say_root(g);
        if (rc == 0)
                rc = ignore_own(g);
        for (size_t i = 0; i < w->n && rc == 0; i++)
                if (asking(w, &w->rules[i]))
                        rc = say_filesystem(s, span_of(w->rules[i].text.p, w->rules[i].base_n));
        return rc == 0 ? order(g, GUARD_IS_READY, false, -1, SPAN_NONE) : rc;
}

/* ---- what lies where it is known ---- */

/* Nobody was asked about a filesystem before it was marked. */
static int64_t mounted_since(const struct sensor *s)
{
        int64_t age = sensor_wall(s) - s->mounts_seen_ns;

        return sensor_mono(s) -
               MIN_OF(MAX_OF(age, GUARD_ENTERED_MS * NS_PER_MS), MOUNTED_S * NS_PER_S);
}

/* A directory, or a file that is named without it. */
static int mark(struct sensor *s, struct table_node *n, const struct watch_profile *p,
                const struct record *r)
{
        struct guard *g = s->guard;
        bool is_dir = r->type == RECORD_DIR, fresh;
        char name[TABLE_NAME_MAX + 1];
        CLEANUP_FD int fd = -1;
        int dirfd, rc;

        if (!is_dir && guard_profile_of(s, n->parent, &g->path))
                return 0; /* by its directory */
        if (g->no_fs && g->dirs >= DIRS_MAX) {
                g->unmarked++;
                return 0;
        }
        if (!g->no_fs && knows_filesystem(g, r->dev)) {
                g->dirs += g->state == GUARD_MARKS;
                return 0;
        }
        dirfd = look_dir(s, n->parent);
        memcpy(name, n->name, n->name_n);
        name[n->name_n] = '\0';
        fd = dirfd < 0 ? dirfd
                       : openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return 0; /* its own event leads here again */
        fresh = !knows_filesystem(g, r->dev);
        rc = order(g, GUARD_MOUNT, false, fd, SPAN_NONE);
        if (rc == 0)
                rc = mark_filesystem(g, r->dev, fd);
        if (rc == 0)
                rc = order(g, is_dir ? GUARD_MARK_DIRECTORY : GUARD_MARK_FILE,
                           p->execute == WATCH_EXECUTE_STRICT, fd, SPAN_NONE);
        g->dirs += rc == 0 && g->state == GUARD_MARKS;
        if (g->state == GUARD_UP && fresh)
                guard_ran_since(s, mounted_since(s));
        else if (is_dir && g->state == GUARD_UP && g->no_fs)
                guard_ran_since(s, sensor_mono(s) - GUARD_ENTERED_MS * NS_PER_MS);
        return rc;
}

int guard_note_node(struct sensor *s, struct table_node *n)
{
        struct guard *g = s->guard;
        const struct watch_profile *p;
        struct record r;

        if (!n->record || !n->parent || record_decode(table_record(n), &r, NULL) < 0 ||
            (r.type != RECORD_FILE && r.type != RECORD_DIR))
                return 0;
        p = guard_profile_of(s, n, &g->path);
        if (!p)
                return 0;
        if (r.type == RECORD_FILE)
                guard_note_file(s, n, &r);
        return g->state == GUARD_MARKS || g->state == GUARD_UP ? mark(s, n, p, &r) : 0;
}

void guard_note(struct sensor *s, struct table_node *n)
{
        if (s->guard && s->guard->state != GUARD_OFF && guard_note_node(s, n) < 0)
                s->guard->again = true;
}

void guard_news(struct sensor *s)
{
        if (s->guard)
                s->guard->again = true;
}

/* The marks of a filesystem go with it, and its number comes again.  Not after the scan: that may
 * take a while. */
void guard_mounted(struct sensor *s)
{
        struct guard *g = s->guard;

        if (!g || (g->state != GUARD_UP && g->state != GUARD_MARKS))
                return;
        guard_say_anew(g);
        guard_ran_since(s, mounted_since(s));
}

void guard_judged(struct sensor *s, const struct change *c)
{
        if (s->guard && c->profile && c->profile->execute != WATCH_EXECUTE_ANY && c->is &&
            c->is->type == RECORD_FILE && c->is->hash == RECORD_HASH_KNOWN &&
            c->why->state != WHY_UNEXPLAINED && c->why->content)
                guard_know(s, c->is->sha256);
}
