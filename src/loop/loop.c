/* SPDX-License-Identifier: Apache-2.0 */
/* A turn: wait, run ready descriptors, run due timers, run the turn function, bury the removed.
 *
 * Invariants: a source is on the loop's list until it is buried; removed sources are only marked
 * dead during a turn, because the events of the turn still point at them.  A timer is in the heap
 * (armed), on the turn's due list (due), or neither. */
#include "loop/loop.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_PER_TURN = 64, SIGNALS = 65 };
enum { NOT_IN_HEAP = -1 };

enum source_kind { SOURCE_FD, SOURCE_TIMER };

struct loop_source {
        struct loop *loop;
        enum source_kind kind;
        bool dead;
        struct loop_source *prev, *next;
        void *ctx;
        union {
                struct {
                        int fd;
                        unsigned events; /* enum loop_events, as asked for */
                        loop_io_fn *fn;
                } io;
                struct {
                        loop_timer_fn *fn;
                        int64_t at;
                        ssize_t heap_at;
                        bool due;
                        struct loop_source *next_due;
                } timer;
        };
};

struct loop {
        const struct clock *clock;
        int epfd;
        int sigfd;
        struct loop_source *signals_source;
        sigset_t signals;
        struct {
                loop_signal_fn *fn;
                void *ctx;
        } on_signal[SIGNALS];
        struct loop_sender sender;
        struct loop_source *sources;
        struct loop_source **heap; /* earliest first; room for every timer that exists */
        size_t n_heap, n_timers, cap_heap;
        bool any_dead;
        loop_turn_fn *turn;
        void *turn_ctx;
        bool running, stopping;
        int code;
};

/* ---- the heap ---- */

static void heap_place(struct loop *l, size_t at, struct loop_source *s)
{
        l->heap[at] = s;
        s->timer.heap_at = (ssize_t)at;
}

static void heap_up(struct loop *l, size_t at)
{
        struct loop_source *s = l->heap[at];

        while (at > 0 && l->heap[(at - 1) / 2]->timer.at > s->timer.at) {
                heap_place(l, at, l->heap[(at - 1) / 2]);
                at = (at - 1) / 2;
        }
        heap_place(l, at, s);
}

static void heap_down(struct loop *l, size_t at)
{
        struct loop_source *s = l->heap[at];
        size_t child;

        while ((child = 2 * at + 1) < l->n_heap) {
                if (child + 1 < l->n_heap &&
                    l->heap[child + 1]->timer.at < l->heap[child]->timer.at)
                        child++;
                if (l->heap[child]->timer.at >= s->timer.at)
                        break;
                heap_place(l, at, l->heap[child]);
                at = child;
        }
        heap_place(l, at, s);
}

static void heap_remove(struct loop *l, struct loop_source *s)
{
        ssize_t at = s->timer.heap_at;
        struct loop_source *last;

        if (at == NOT_IN_HEAP)
                return;
        s->timer.heap_at = NOT_IN_HEAP;
        last = l->heap[--l->n_heap];
        if (last == s)
                return;
        heap_place(l, (size_t)at, last);
        heap_up(l, (size_t)at);
        heap_down(l, (size_t)last->timer.heap_at);
}

static int heap_reserve(struct loop *l)
{
        size_t cap = l->cap_heap ? l->cap_heap * 2 : 16;
        struct loop_source **p;

        if (l->n_timers < l->cap_heap)
                return 0;
        p = reallocarray(l->heap, cap, sizeof(struct loop_source *));
        if (!p)
                return -ENOMEM;
        l->heap = p;
        l->cap_heap = cap;
        return 0;
}

/* ---- sources ---- */

static struct loop_source *source_new(struct loop *l, enum source_kind kind, void *ctx)
{
        struct loop_source *s = calloc(1, sizeof *s);

        if (!s)
                return NULL;
        s->loop = l;
        s->kind = kind;
        s->ctx = ctx;
        s->next = l->sources;
        if (s->next)
                s->next->prev = s;
        l->sources = s;
        return s;
}

static void source_free(struct loop_source *s)
{
        struct loop *l = s->loop;

        if (s->prev)
                s->prev->next = s->next;
        else
                l->sources = s->next;
        if (s->next)
                s->next->prev = s->prev;
        if (s->kind == SOURCE_TIMER)
                l->n_timers--;
        free(s);
}

static uint32_t to_epoll(unsigned events)
{
        return (events & LOOP_READ ? EPOLLIN : 0) | (events & LOOP_WRITE ? EPOLLOUT : 0);
}

static unsigned from_epoll(uint32_t events)
{
        return (events & EPOLLIN ? LOOP_READ : 0) | (events & EPOLLOUT ? LOOP_WRITE : 0) |
               (events & (EPOLLHUP | EPOLLERR) ? LOOP_HANGUP : 0);
}

int loop_add_fd(struct loop *l, int fd, unsigned events, loop_io_fn *fn, void *ctx,
                struct loop_source **ret, struct err *err)
{
        struct loop_source *s = source_new(l, SOURCE_FD, ctx);
        struct epoll_event ev = { .events = to_epoll(events), .data.ptr = s };
        int r;

        if (!s)
                return err_sys(err, -ENOMEM, "watch descriptor %d", fd);
        s->io.fd = fd;
        s->io.events = events;
        s->io.fn = fn;
        if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) < 0) {
                r = err_sys(err, -errno, "watch descriptor %d", fd);
                source_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

int loop_set_events(struct loop_source *s, unsigned events)
{
        struct epoll_event ev = { .events = to_epoll(events), .data.ptr = s };

        assert(s->kind == SOURCE_FD && !s->dead);
        if (events == s->io.events)
                return 0;
        s->io.events = events;
        return epoll_ctl(s->loop->epfd, EPOLL_CTL_MOD, s->io.fd, &ev) < 0 ? -errno : 0;
}

int loop_add_timer(struct loop *l, loop_timer_fn *fn, void *ctx, struct loop_source **ret,
                   struct err *err)
{
        struct loop_source *s;

        if (heap_reserve(l) < 0)
                return err_sys(err, -ENOMEM, "timer");
        s = source_new(l, SOURCE_TIMER, ctx);
        if (!s)
                return err_sys(err, -ENOMEM, "timer");
        l->n_timers++;
        s->timer.fn = fn;
        s->timer.heap_at = NOT_IN_HEAP;
        *ret = s;
        return 0;
}

void loop_timer_set(struct loop_source *s, int64_t at_ns)
{
        struct loop *l = s->loop;

        assert(s->kind == SOURCE_TIMER && !s->dead);
        heap_remove(l, s);
        s->timer.due = false;
        if (at_ns < 0)
                return;
        s->timer.at = at_ns;
        l->heap[l->n_heap] = s;
        heap_up(l, l->n_heap++);
}

struct loop_source *loop_remove(struct loop_source *s)
{
        if (!s)
                return NULL;
        assert(!s->dead);
        if (s->kind == SOURCE_TIMER)
                loop_timer_set(s, -1);
        else
                epoll_ctl(s->loop->epfd, EPOLL_CTL_DEL, s->io.fd, NULL);
        if (s->loop->running) {
                s->dead = true;
                s->loop->any_dead = true;
        } else {
                source_free(s);
        }
        return NULL;
}

static void bury(struct loop *l)
{
        struct loop_source *next;

        if (!l->any_dead)
                return;
        for (struct loop_source *s = l->sources; s; s = next) {
                next = s->next;
                if (s->dead)
                        source_free(s);
        }
        l->any_dead = false;
}

/* ---- signals ---- */

static void on_sigfd(void *ctx, unsigned events)
{
        struct loop *l = ctx;
        struct signalfd_siginfo info;
        unsigned signo;

        while (read(l->sigfd, &info, sizeof info) == sizeof info) {
                signo = info.ssi_signo;
                l->sender = (struct loop_sender){ (pid_t)info.ssi_pid, info.ssi_uid };
                if (signo < SIGNALS && l->on_signal[signo].fn)
                        l->on_signal[signo].fn(l->on_signal[signo].ctx, (int)signo);
        }
}

int loop_add_signal(struct loop *l, int signo, loop_signal_fn *fn, void *ctx, struct err *err)
{
        int fd;

        if (signo <= 0 || signo >= SIGNALS)
                return err_set(err, -EINVAL, "signal %d: out of range", signo);
        sigaddset(&l->signals, signo);
        if (pthread_sigmask(SIG_BLOCK, &l->signals, NULL) != 0)
                return err_set(err, -EINVAL, "signal %d: cannot be blocked", signo);
        fd = signalfd(l->sigfd, &l->signals, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd < 0)
                return err_sys(err, -errno, "signal %d: signalfd", signo);
        l->sigfd = fd;
        l->on_signal[signo].fn = fn;
        l->on_signal[signo].ctx = ctx;
        if (l->signals_source)
                return 0;
        return loop_add_fd(l, fd, LOOP_READ, on_sigfd, l, &l->signals_source, err);
}

struct loop_sender loop_signal_sender(const struct loop *l)
{
        return l->sender;
}

/* ---- the turn ---- */

/* Time until the first timer; NULL waits for ever. */
static struct timespec *time_left(const struct loop *l, struct timespec *ts)
{
        int64_t left;

        if (l->n_heap == 0)
                return NULL;
        left = l->heap[0]->timer.at - clock_mono(l->clock); /* asked once: it goes on meanwhile */
        left = MAX_OF(left, 0);
        ts->tv_sec = left / NS_PER_S;
        ts->tv_nsec = left % NS_PER_S;
        return ts;
}

static void run_ready(const struct epoll_event *events, int n)
{
        for (int i = 0; i < n; i++) {
                struct loop_source *s = events[i].data.ptr;

                if (!s->dead)
                        s->io.fn(s->ctx, from_epoll(events[i].events));
        }
}

/* Those due now, in order; one that is armed again for "now" has its turn in the next turn. */
static void run_due(struct loop *l)
{
        struct loop_source *first = NULL, **tail = &first;
        int64_t now;

        if (l->n_heap == 0)
                return;
        now = clock_mono(l->clock);
        while (l->n_heap > 0 && l->heap[0]->timer.at <= now) {
                struct loop_source *s = l->heap[0];

                heap_remove(l, s);
                s->timer.due = true;
                s->timer.next_due = NULL;
                *tail = s;
                tail = &s->timer.next_due;
        }
        for (struct loop_source *s = first; s; s = s->timer.next_due) {
                if (!s->timer.due)
                        continue; /* disarmed, armed anew or removed by one before it */
                s->timer.due = false;
                s->timer.fn(s->ctx);
        }
}

static int turn(struct loop *l)
{
        struct epoll_event events[EVENTS_PER_TURN];
        struct timespec ts;
        int n;

        n = epoll_pwait2(l->epfd, events, EVENTS_PER_TURN, time_left(l, &ts), NULL);
        if (n < 0 && errno != EINTR)
                return -errno;
        run_ready(events, n);
        run_due(l);
        if (l->turn)
                l->turn(l->turn_ctx);
        bury(l);
        return 0;
}

int loop_run(struct loop *l)
{
        int r = 0;

        assert(!l->running);
        l->running = true;
        while (!l->stopping && r == 0)
                r = turn(l);
        l->running = false;
        bury(l);
        if (r < 0)
                return r;
        l->stopping = false;
        return l->code;
}

void loop_stop(struct loop *l, int code)
{
        l->stopping = true;
        l->code = code;
}

void loop_set_turn(struct loop *l, loop_turn_fn *fn, void *ctx)
{
        l->turn = fn;
        l->turn_ctx = ctx;
}

int loop_new(const struct clock *clock, struct loop **ret, struct err *err)
{
        struct loop *l = calloc(1, sizeof *l);
        int r;

        if (!l)
                return err_sys(err, -ENOMEM, "loop");
        l->clock = clock;
        l->sigfd = -1;
        sigemptyset(&l->signals);
        l->epfd = epoll_create1(EPOLL_CLOEXEC);
        if (l->epfd < 0) {
                r = err_sys(err, -errno, "loop: epoll_create1");
                free(l);
                return r;
        }
        *ret = l;
        return 0;
}

struct loop *loop_free(struct loop *l)
{
        if (!l)
                return NULL;
        assert(!l->running);
        while (l->sources)
                loop_remove(l->sources);
        if (l->sigfd >= 0)
                close(l->sigfd);
        close(l->epfd);
        free(l->heap);
        free(l);
        return NULL;
}
