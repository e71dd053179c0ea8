/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/guard_handler.h"

#include "base/clock.h"
#include "integrity/preventing/guard_bases.h"
#include "integrity/preventing/guard_notice.h"
#include "integrity/trusted/observe.h"
#include "loop/role.h"
#include "sys/dirwalk.h"
#include "sys/fanperm.h"
#include "sys/io.h"
#include "sys/sock.h"
#include "sys/spawn.h"
#include "sys/sysclock.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
        HELD_MAX = 256,
        HELD_STEP_MS = 3,
        ORDERS = 64, /* taken between two looks at the kernel's questions */
        MOUNTS_MAX = 64,
        NICE = -19,
        STATUS_BAD = 1,
};

/* Under which paths are what the bases mean.  Before Linux 6.8 the number of one that is gone comes
 * again. */
struct mounts {
        uint64_t id[MOUNTS_MAX];
        size_t n;
};

struct held {
        int fd;
        enum guard_asks asks; /* nothing: its path is of a mount that says nothing */
        pid_t pid;
        int64_t until_ns;
        uint64_t place;
        struct guard_file file;
};

/* One group: a task that waits for one of two holds the other back from being closed, and whoever
 * holds both then never ends. */
struct handler {
        struct guard_shared *shared;
        int group;
        struct held held[HELD_MAX];
        size_t n_held;
        struct mounts mounts, mounts_next; /* next: since all is said anew */
        struct guard_bases bases[2];
        int bases_now; /* which of them counts */
        struct guard_notice notice;
        struct guard_order order;
};

static int64_t now_ns(void)
{
        return clock_mono(&sysclock);
}

static void count(_Atomic uint64_t *p)
{
        atomic_fetch_add_explicit(p, 1, memory_order_relaxed);
}

/* ---- after the answer ---- */

/* Never waits: what finds no room is counted. */
static void send(struct handler *h)
{
        if (sock_send(GUARD_FD_SOCKET, span_of(&h->notice, offsetof(struct guard_notice, path) +
                                                                   h->notice.path_n)) < 0)
                count(&h->shared->lost);
}

/* Into the notice: the kernel's own name for it, which looks nothing up. */
static struct span path_of(struct handler *h, int fd)
{
        char link[64];
        ssize_t n;

        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        n = readlink(link, h->notice.path, sizeof h->notice.path);
        h->notice.path_n = n < 0 ? 0 : (uint32_t)n;
        return span_of(h->notice.path, h->notice.path_n);
}

static void tell(struct handler *h, enum guard_what what, const struct held *x)
{
        h->notice.what = what;
        h->notice.pid = x->pid;
        h->notice.file = x->file;
        (void)path_of(h, x->fd);
        send(h);
}

/* ---- answering ---- */

/* As the sensor reads it, so that the two compare. */
static bool look(int fd, struct guard_file *ret)
{
        struct record r;

        if (observe_stat_fd(fd, &r) < 0)
                return false;
        *ret = guard_file_of(&r);
        return true;
}

static void answer(struct handler *h, struct held *x, bool allow, enum guard_what what)
{
        (void)!fanperm_answer(h->group, x->fd, allow);
        count(&h->shared->answered);
        if (!allow)
                count(&h->shared->refused);
        else if (what)
                count(&h->shared->let_through);
        if (what)
                tell(h, what, x);
        fd_close(&x->fd);
}

static enum guard_verdict find(const struct handler *h, const struct held *x)
{
        uint64_t place;
        enum guard_verdict v = guard_find(h->shared, &x->file, &place);

        return place == 0 || place == x->place ? v : GUARD_STALE;
}

/* true: it was answered. */
static bool judge(struct handler *h, struct held *x, bool last)
{
        enum guard_verdict v = find(h, x);
        bool unasked = last && x->asks == GUARD_ASKS_NOTHING;

        if (v == GUARD_ALLOW || (v == GUARD_STALE && unasked))
                answer(h, x, true, 0);
        else if (v == GUARD_REFUSE)
                answer(h, x, false, GUARD_WAS_REFUSED);
        else if (last && x->asks == GUARD_ASKS_STRICT)
                answer(h, x, false, GUARD_WAS_UNREAD_REFUSED);
        else if (last)
                answer(h, x, true, GUARD_WAS_UNREAD_ALLOWED);
        else
                return false;
        return true;
}

static bool has_mount(const struct mounts *m, uint64_t id)
{
        for (size_t i = 0; i < m->n; i++)
                if (m->id[i] == id)
                        return true;
        return false;
}

/* Is the path what anybody sees who looks for it here?  Kernels before Linux 5.8 do not say. */
static bool is_plain(const struct handler *h, int fd)
{
        struct fs_stat st;

        return fs_stat_fd(fd, &st) < 0 || !(st.has & FS_HAS_MNT_ID) ||
               has_mount(&h->mounts, st.mnt_id);
}

/* A path that is too long for the kernel to tell is below any of them, perhaps. */
static enum guard_asks asks_of(const struct handler *h, struct span path)
{
        const struct guard_bases *b = &h->bases[h->bases_now];

        return path.n ? guard_bases_find(b, path) : guard_bases_most(b);
}

static void take(struct handler *h, const struct fanperm_event *e)
{
        struct span path = path_of(h, e->fd);
        struct held x = { .fd = e->fd,
                          .pid = e->pid,
                          .asks = asks_of(h, path),
                          .place = guard_place(h->shared, path),
                          .until_ns = now_ns() + GUARD_HOLD_MS * NS_PER_MS };
        bool known;

        if (x.asks == GUARD_ASKS_NOTHING && is_plain(h, e->fd)) {
                answer(h, &x, true, 0);
                return;
        }
        known = look(e->fd, &x.file);
        if (judge(h, &x, !known || h->n_held == HELD_MAX))
                return;
        h->held[h->n_held++] = x;
        tell(h, GUARD_LOOK, &x);
}

static void look_at_held(struct handler *h)
{
        int64_t now = now_ns();
        size_t n = 0;

        for (size_t i = 0; i < h->n_held; i++) {
                struct held *x = &h->held[i];

                (void)!look(x->fd, &x->file); /* it may be written meanwhile */
                if (!judge(h, x, now >= x->until_ns))
                        h->held[n++] = *x;
        }
        h->n_held = n;
}

static int read_group(struct handler *h)
{
        struct fanperm_event e[FANPERM_BATCH];
        int n = fanperm_read(h->group, e);

        for (int i = 0; i < n; i++)
                take(h, &e[i]);
        return n;
}

/* ---- orders ---- */

static void mark_filesystem(struct handler *h, int fd)
{
        int rc = fanperm_mark_filesystem(h->group, fd);
        struct guard_file f = { 0 };

        if (rc == 0)
                return;
        (void)!look(fd, &f);
        h->notice.what = GUARD_NO_FILESYSTEM;
        h->notice.pid = -rc;
        h->notice.file = f;
        (void)path_of(h, fd);
        send(h);
}

static void add_mount(struct handler *h, int fd)
{
        struct mounts *const both[] = { &h->mounts, &h->mounts_next };
        struct fs_stat st;

        if (fs_stat_fd(fd, &st) < 0 || !(st.has & FS_HAS_MNT_ID))
                return;
        for (size_t i = 0; i < ARRAY_LEN(both); i++)
                if (both[i]->n < MOUNTS_MAX && !has_mount(both[i], st.mnt_id))
                        both[i]->id[both[i]->n++] = st.mnt_id;
}

static void begin_anew(struct handler *h)
{
        guard_bases_clear(&h->bases[!h->bases_now]);
        h->mounts_next.n = 0;
}

static void ready(struct handler *h)
{
        h->mounts = h->mounts_next;
        h->notice.what = GUARD_READY;
        h->notice.path_n = 0;
        send(h);
}

static void obey(struct handler *h, const struct guard_order *o, int fd)
{
        struct guard_bases *next = &h->bases[!h->bases_now];
        struct span path = span_of(o->path, o->path_n);

        if (o->what == GUARD_MARK_FILE || o->what == GUARD_MARK_DIRECTORY)
                (void)!fanperm_mark(h->group, fd, o->what == GUARD_MARK_DIRECTORY);
        else if (o->what == GUARD_MARK_FILESYSTEM)
                mark_filesystem(h, fd);
        else if (o->what == GUARD_MOUNT)
                add_mount(h, fd);
        else if (o->what == GUARD_IGNORE)
                (void)!fanperm_ignore(h->group, fd);
        else if (o->what == GUARD_BASES_BEGIN)
                begin_anew(h);
        else if (o->what == GUARD_BASE)
                guard_bases_add(next, path, o->strict ? GUARD_ASKS_STRICT : GUARD_ASKS_KNOWN);
        else if (o->what == GUARD_BASES_END)
                h->bases_now = !h->bases_now;
        else if (o->what == GUARD_IS_READY)
                ready(h);
}

/* false: the sensor is gone. */
static bool take_orders(struct handler *h)
{
        const size_t head = offsetof(struct guard_order, path);
        struct guard_order *o = &h->order;
        size_t n = 0;
        int fd = -1, rc = 0;

        for (int i = 0; i < ORDERS && rc == 0; i++) {
                rc = sock_recv_fd(GUARD_FD_SOCKET, o, sizeof *o, &n, &fd);
                if (rc == 0 && n == 0)
                        return false;
                if (rc == 0 && n >= head && o->path_n <= sizeof o->path && n == head + o->path_n)
                        obey(h, o, fd);
                if (rc == 0 && fd >= 0)
                        fd_close(&fd);
        }
        return rc == 0 || rc == -EAGAIN;
}

static int loop(struct handler *h)
{
        struct pollfd p[] = { { .fd = GUARD_FD_SOCKET, .events = POLLIN },
                              { .fd = h->group, .events = POLLIN } };

        for (;;) {
                atomic_store_explicit(&h->shared->handler_ns, now_ns(), memory_order_relaxed);
                if (poll(p, ARRAY_LEN(p), h->n_held ? HELD_STEP_MS : GUARD_BEAT_MS) < 0 &&
                    errno != EINTR)
                        return STATUS_BAD;
                if (read_group(h) < 0)
                        return STATUS_BAD; /* our end lets everybody go on */
                look_at_held(h);
                if (p[0].revents && !take_orders(h))
                        return 0;
        }
}

static struct guard_shared *map_table(void)
{
        void *p = mmap(NULL, sizeof(struct guard_shared), PROT_READ | PROT_WRITE, MAP_SHARED,
                       GUARD_FD_TABLE, 0);

        return p == MAP_FAILED ? NULL : p;
}

static int enter(struct err *err)
{
        struct role_paths none = { 0 };
        struct sandbox_state state;

        return role_enter(ROLE_GUARD, &none, ROLE_KEEP_USER, &state, err);
}

int guard_handle(void)
{
        static struct handler h; /* the only one, and too large for a stack */
        struct err err = { 0 };
        int rc;

        h.shared = map_table();
        if (!h.shared)
                return STATUS_BAD;
        (void)!setpriority(PRIO_PROCESS, 0,
                           NICE); /* whoever waits for it waits for its turn, too */
        rc = fanperm_open(&h.group, &err);
        if (rc == 0)
                rc = enter(&err);
        if (rc < 0)
                fprintf(stderr, "assay-guard: %s\n", err_text(&err));
        return rc < 0 ? STATUS_BAD : loop(&h);
}

/* ---- the watchdog ---- */

static bool overdue(const struct guard_shared *s)
{
        int64_t last = atomic_load_explicit(&s->handler_ns, memory_order_relaxed);

        return now_ns() > last + GUARD_DEADLINE_MS * NS_PER_MS;
}

int guard_watch(void)
{
        struct pollfd p = { .fd = GUARD_FD_HANDLER, .events = POLLIN };
        struct guard_shared *shared = map_table();
        struct err err = { 0 };
        int rc = shared ? enter(&err) : -ENOMEM;

        if (rc < 0) {
                fprintf(stderr, "assay-guard: %s\n", err_text(&err));
                return STATUS_BAD;
        }
        for (;;) {
                atomic_store_explicit(&shared->watchdog_ns, now_ns(), memory_order_relaxed);
                rc = poll(&p, 1, GUARD_BEAT_MS);
                if (rc > 0)
                        return 0; /* it has ended */
                if (rc == 0 && overdue(shared))
                        spawn_kill(GUARD_FD_HANDLER);
        }
}
