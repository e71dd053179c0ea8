/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/guard_handler.h"

#include "base/clock.h"
#include "integrity/preventing/guard_notice.h"
#include "integrity/trusted/observe.h"
#include "loop/role.h"
#include "sys/fanperm.h"
#include "sys/io.h"
#include "sys/sock.h"
#include "sys/spawn.h"
#include "sys/sysclock.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
        GROUPS = 2, /* lenient, strict */
        HELD_MAX = 256,
        HELD_STEP_MS = 3,
        ORDERS = 64, /* taken between two looks at the kernel's questions */
        STATUS_BAD = 1,
};

struct held {
        int fd, group;
        pid_t pid;
        int64_t until_ns;
        struct guard_file file;
};

struct handler {
        struct guard_shared *shared;
        int group[GROUPS];
        struct held held[HELD_MAX];
        size_t n_held;
        struct guard_notice notice;
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
static void tell(struct handler *h, enum guard_what what, const struct held *x)
{
        char link[64];
        ssize_t n;

        h->notice.what = what;
        h->notice.pid = x->pid;
        h->notice.file = x->file;
        snprintf(link, sizeof link, "/proc/self/fd/%d", x->fd);
        n = readlink(link, h->notice.path, sizeof h->notice.path);
        h->notice.path_n = n < 0 ? 0 : (uint32_t)n;
        if (sock_send(GUARD_FD_SOCKET, span_of(&h->notice, offsetof(struct guard_notice, path) +
                                                                   h->notice.path_n)) < 0)
                count(&h->shared->lost);
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
        (void)!fanperm_answer(h->group[x->group], x->fd, allow);
        count(&h->shared->answered);
        if (!allow)
                count(&h->shared->refused);
        else if (what)
                count(&h->shared->let_through);
        if (what)
                tell(h, what, x);
        fd_close(&x->fd);
}

/* true: it was answered. */
static bool judge(struct handler *h, struct held *x, bool last)
{
        enum guard_verdict v = guard_find(h->shared, &x->file);

        if (v == GUARD_ALLOW)
                answer(h, x, true, 0);
        else if (v == GUARD_REFUSE)
                answer(h, x, false, GUARD_WAS_REFUSED);
        else if (last)
                answer(h, x, x->group == 0,
                       x->group == 0 ? GUARD_WAS_UNREAD_ALLOWED : GUARD_WAS_UNREAD_REFUSED);
        else
                return false;
        return true;
}

static void take(struct handler *h, int group, const struct fanperm_event *e)
{
        struct held x = { .fd = e->fd,
                          .pid = e->pid,
                          .group = group,
                          .until_ns = now_ns() + GUARD_HOLD_MS * NS_PER_MS };
        bool known = look(e->fd, &x.file);

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

static int read_group(struct handler *h, int group)
{
        struct fanperm_event e[FANPERM_BATCH];
        int n = fanperm_read(h->group[group], e);

        for (int i = 0; i < n; i++)
                take(h, group, &e[i]);
        return n;
}

/* ---- orders ---- */

/* false: the sensor is gone. */
static bool take_orders(struct handler *h)
{
        struct guard_order o;
        size_t n = 0;
        int fd = -1, rc = 0;

        for (int i = 0; i < ORDERS && rc == 0; i++) {
                rc = sock_recv_fd(GUARD_FD_SOCKET, &o, sizeof o, &n, &fd);
                if (rc == 0 && n == 0)
                        return false;
                if (rc == 0 && n == sizeof o && fd >= 0)
                        (void)!fanperm_mark(h->group[o.strict ? 1 : 0], fd, o.directory);
                if (rc == 0 && fd >= 0)
                        fd_close(&fd);
        }
        return rc == 0 || rc == -EAGAIN;
}

static int loop(struct handler *h)
{
        struct pollfd p[] = { { .fd = GUARD_FD_SOCKET, .events = POLLIN },
                              { .fd = h->group[0], .events = POLLIN },
                              { .fd = h->group[1], .events = POLLIN } };

        for (;;) {
                atomic_store_explicit(&h->shared->handler_ns, now_ns(), memory_order_relaxed);
                if (poll(p, ARRAY_LEN(p), h->n_held ? HELD_STEP_MS : GUARD_BEAT_MS) < 0 &&
                    errno != EINTR)
                        return STATUS_BAD;
                if (read_group(h, 0) < 0 || read_group(h, 1) < 0)
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
        int rc = 0;

        h.shared = map_table();
        if (!h.shared)
                return STATUS_BAD;
        for (int i = 0; i < GROUPS && rc == 0; i++)
                rc = fanperm_open(&h.group[i], &err);
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
