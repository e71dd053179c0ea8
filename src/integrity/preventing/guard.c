/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/guard_priv.h"

#include "loop/log.h"
#include "loop/loop.h"
#include "sys/io.h"
#include "sys/sock.h"
#include "sys/spawn.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

enum {
        BEAT_MS = 500,
        WATCHDOG_MS = 2000,  /* without a sign of it */
        WAIT_FIRST_MS = 200, /* where none was ever of use */
        WAIT_MAX_MS = 60000,
        WAIT_KILLED_MS = 10, /* where one was: the second time, then twice as long, until */
        WAIT_KILLED_MAX_MS = 160,
        STEADY_S = 60,  /* up so long, and its failures are forgotten */
        CLEARED_S = 60, /* until a table that was full is cleared again */
        PATH_BYTES = 1 << 20,
};

/* ---- making ---- */

int guard_init(struct sensor *s, struct err *err)
{
        struct guard *g = calloc(1, sizeof *g);
        const char *slash = s->o.job_program ? strrchr(s->o.job_program, '/') : NULL;

        if (!g)
                return err_set(err, -ENOMEM, "out of memory for execution control");
        s->guard = g;
        g->table_fd = g->sock = g->handler_fd = g->watchdog_fd = g->known_fd = -1;
        g->cursor = g->path = BUF_INIT(PATH_BYTES);
        g->again = true;
        if (slash)
                snprintf(g->program, sizeof g->program, "%.*s/assay-guard",
                         (int)(slash - s->o.job_program), s->o.job_program);
        return guard_known_open(s, err);
}

static bool some_profile(const struct watchset *w)
{
        for (size_t i = 0; i < w->n_profiles; i++)
                if (w->profiles[i]->execute != WATCH_EXECUTE_ANY)
                        return true;
        return false;
}

static int make_table(struct guard *g, struct err *err)
{
        void *p;

        if (g->shared)
                return 0;
        g->table_fd = memfd_create("assay-guard", MFD_CLOEXEC);
        if (g->table_fd < 0 || ftruncate(g->table_fd, sizeof(struct guard_shared)) < 0)
                return err_sys(err, -errno, "memory for execution control");
        p = mmap(NULL, sizeof(struct guard_shared), PROT_READ | PROT_WRITE, MAP_SHARED, g->table_fd,
                 0);
        if (p == MAP_FAILED)
                return err_sys(err, -errno, "memory for execution control");
        g->shared = p;
        if (getrandom(&g->shared->seed, sizeof g->shared->seed, 0) < 0)
                g->shared->seed = (uint64_t)(uintptr_t)p; /* never at this size */
        return 0;
}

static int64_t beat_of(const _Atomic int64_t *p)
{
        return atomic_load_explicit(p, memory_order_relaxed);
}

/* ---- the two processes ---- */

static void reap(pid_t *pid, int *pidfd, bool kill_it, int *ret_status)
{
        if (*pid == 0)
                return;
        if (kill_it)
                spawn_kill(*pidfd);
        (void)!spawn_wait(*pid, ret_status);
        fd_close(pidfd);
        *pid = 0;
}

/* The handler first: nobody waits for it any more then.  Returns how it ended. */
static int end_pair(struct guard *g)
{
        int status = 0, other;

        g->handler_source = loop_remove(g->handler_source);
        g->sock_source = loop_remove(g->sock_source);
        reap(&g->handler, &g->handler_fd, true, &status);
        reap(&g->watchdog, &g->watchdog_fd, true, &other);
        fd_close(&g->sock);
        return status;
}

static void put_lapse(const struct guard *g, int64_t silent_ns, int status, char out[GUARD_WHY_MAX])
{
        if (silent_ns > GUARD_DEADLINE_MS * NS_PER_MS)
                snprintf(out, GUARD_WHY_MAX, "it gave no sign of life for %lld ms and was killed",
                         (long long)(silent_ns / NS_PER_MS));
        else if (status > 256)
                snprintf(out, GUARD_WHY_MAX, "it was killed by signal %d", status - 256);
        else
                snprintf(out, GUARD_WHY_MAX, "it ended with status %d%s", status,
                         g->state == GUARD_MARKS ? " as it began" : "");
}

/* Where it was of use before it is begun anew at once: somebody kills it, and waits for the time
 * without.  Where it never was it would only cost. */
static int64_t wait_ms(const struct guard *g)
{
        unsigned n = MIN_OF(g->failures, 16u);

        if (!g->useful)
                return MIN_OF((int64_t)WAIT_FIRST_MS << n, (int64_t)WAIT_MAX_MS);
        return n ? MIN_OF((int64_t)WAIT_KILLED_MS << n, (int64_t)WAIT_KILLED_MAX_MS) : 0;
}

/* Executions go on unjudged from here: told at once, for there may be no second time. */
static void lapse(struct sensor *s, const char *why)
{
        struct guard *g = s->guard;
        int64_t now = sensor_mono(s), beat = beat_of(&g->shared->handler_ns), wait;
        int64_t silent = MAX_OF(now - beat, (int64_t)0);
        int status = end_pair(g);

        if (now > g->began_ns + STEADY_S * NS_PER_S)
                g->failures = 0;
        wait = wait_ms(g);
        g->failures++;
        guard_ran_since(s, now - silent);
        if (why)
                snprintf(g->why, sizeof g->why, "%s", why);
        else
                put_lapse(g, silent, status, g->why);
        if (!g->lapsed_ns) /* it goes on, when nothing was judged since */
                g->lapsed_ns = sensor_wall(s) - silent;
        g->state = GUARD_WAIT;
        g->began_ns = now + wait * NS_PER_MS;
        log_event(LOG_LEVEL_ERROR, "sensor.guard_lapsed", log_str("why", g->why),
                  log_int("again_ms", wait));
        if (guard_say(s, "lapsed", g->why, g->lapsed_ns, 0) < 0 ||
            why_alert_event(s, "execution control lapsed", SPAN("/"), NULL, g->why) < 0)
                s->failed = -ENOMEM;
}

static void on_handler_end(void *ctx, unsigned events)
{
        (void)events;
        lapse(ctx, NULL);
}

static int start_one(struct guard *g, const char *what, const int *fds, size_t n, pid_t *ret_pid,
                     int *ret_pidfd, struct err *err)
{
        const char *const argv[] = { g->program, what, NULL };
        const struct spawn spawn = { .path = g->program,
                                     .argv = argv,
                                     .in = -1,
                                     .out = -1,
                                     .err = STDERR_FILENO,
                                     .more = fds,
                                     .n_more = n };

        return spawn_start(&spawn, ret_pid, ret_pidfd, err);
}

static int start_pair(struct sensor *s, struct err *err)
{
        struct guard *g = s->guard;
        int ends[2] = { -1, -1 }, fds[2], rc = sock_pair(ends);

        if (rc < 0)
                return err_sys(err, rc, "a pair of sockets");
        (void)!sock_set_room(ends[0], sizeof(struct guard_notice));
        (void)!sock_set_room(ends[1], sizeof(struct guard_notice));
        atomic_store(&g->shared->handler_ns, sensor_mono(s));
        atomic_store(&g->shared->watchdog_ns, sensor_mono(s));
        fds[0] = ends[1];
        fds[1] = g->table_fd;
        rc = start_one(g, "handler", fds, 2, &g->handler, &g->handler_fd, err);
        fd_close(&ends[1]);
        g->sock = ends[0];
        fds[0] = g->handler_fd;
        if (rc == 0)
                rc = start_one(g, "watchdog", fds, 2, &g->watchdog, &g->watchdog_fd, err);
        if (rc == 0)
                rc = loop_add_fd(s->o.loop, g->handler_fd, LOOP_READ, on_handler_end, s,
                                 &g->handler_source, err);
        if (rc == 0)
                rc = loop_add_fd(s->o.loop, g->sock, LOOP_READ, guard_on_notices, s,
                                 &g->sock_source, err);
        if (rc < 0)
                end_pair(g);
        g->began_ns = sensor_mono(s);
        g->ready_ns = 0;
        g->no_fs = 0;
        g->fresh = true;
        return rc;
}

/* ---- life ---- */

static void set_step(struct guard *g, enum guard_state state)
{
        g->state = state;
        g->again = g->placed = false;
        g->dirs = g->unmarked = g->no_room = 0;
        buf_clear(&g->cursor);
        buf_put_byte(&g->cursor, '/');
}

void guard_say_anew(struct guard *g)
{
        set_step(g, GUARD_MARKS); /* up() tells what it has become */
}

/* 1: there is more. */
static int walk(struct sensor *s)
{
        struct guard *g = s->guard;
        struct table_node *n = table_after(s->table, buf_span(&g->cursor));
        int rc = 0;

        for (size_t i = 0; n && i < GUARD_NODES; i++) {
                rc = guard_note_node(s, n);
                if (rc == -EAGAIN) /* the same again, when the handler has taken some */
                        break;
                buf_clear(&g->cursor);
                table_path(n, &g->cursor);
                if (buf_status(&g->cursor) < 0)
                        return buf_status(&g->cursor);
                n = table_next_sorted(n);
        }
        look_rest(s);
        return n != NULL;
}

/* What lies below the bases is judged as soon as the handler runs. */
static int begin_pair(struct sensor *s)
{
        struct guard *g = s->guard;
        struct err err = { 0 };
        int rc;

        if (start_pair(s, &err) < 0) {
                lapse(s, err_text(&err));
                return 0;
        }
        set_step(g, GUARD_MARKS);
        rc = guard_say_places(s);
        g->placed = rc == 0;
        return rc == -EAGAIN ? 0 : rc;
}

static int begin(struct sensor *s)
{
        struct guard *g = s->guard;
        struct err err = { 0 };
        int rc;

        if (g->filled) /* and kept since */
                return begin_pair(s);
        rc = g->program[0] ? make_table(g, &err)
                           : err_set(&err, -ENOENT, "there is no assay-guard");
        if (rc == 0)
                guard_clear(g->shared);
        if (rc == -ENOMEM)
                return rc;
        set_step(g, rc == 0 ? GUARD_FILES : GUARD_OFF);
        if (rc < 0)
                log_event(LOG_LEVEL_ERROR, "sensor.guard", log_err(&err));
        else
                guard_ran_since(s, sensor_mono(s));
        return 0;
}

static int up(struct sensor *s)
{
        struct guard *g = s->guard;
        int64_t from = g->lapsed_ns,
                until = g->ready_ns && !g->no_fs ? g->ready_ns : sensor_wall(s);

        g->state = GUARD_UP;
        if (!g->fresh)
                return 0;
        g->fresh = false;
        g->lapsed_ns = 0;
        g->up_ns = sensor_mono(s);
        g->why[0] = '\0';
        log_event(LOG_LEVEL_INFO, "sensor.guard_up", log_u64("directories", g->dirs),
                  log_int("pid", g->handler));
        return guard_say(s, "started", NULL, from, from ? until : 0);
}

/* What is known may be walked through. */
static bool is_settled(const struct sensor *s)
{
        return s->phase == SENSOR_LIVE && s->config.step == CONFIG_SETTLED && deny_is_judged(s);
}

static int step(struct sensor *s)
{
        struct guard *g = s->guard;
        int rc = 0;

        if (g->state == GUARD_MARKS && !g->placed) {
                rc = guard_say_places(s);
                g->placed = rc == 0;
                return rc == -EAGAIN ? 0 : rc;
        }
        if (!is_settled(s))
                return 0;
        rc = walk(s);
        if (rc != 0)
                return MIN_OF(rc, 0);
        if (g->state == GUARD_FILES) {
                g->filled = true;
                return begin_pair(s);
        }
        return up(s);
}

/* Files come and go, and their places in the table stay.  Who waits meanwhile is told one by one.
 */
static void make_room(struct sensor *s)
{
        struct guard *g = s->guard;
        int64_t now = sensor_mono(s);

        if (!g->full || g->state != GUARD_UP || now < g->cleared_ns + CLEARED_S * NS_PER_S)
                return;
        guard_clear(g->shared);
        g->cleared_ns = now;
        g->full = false;
        g->again = true;
}

/* A table that is good already waits for nothing else: a long scan is no time without control. */
static bool is_urgent(const struct guard *g)
{
        return g->filled && (g->state == GUARD_WAIT || (g->state == GUARD_MARKS && !g->placed));
}

/* What is trusted need not be known for this. */
static int stop(struct sensor *s)
{
        struct guard *g = s->guard;

        end_pair(g);
        g->state = GUARD_OFF;
        g->filled = false;
        g->ran_ns = g->lapsed_ns = 0;
        return guard_say(s, "stopped", "no profile asks for it", 0, 0);
}

int guard_work(struct sensor *s)
{
        struct guard *g = s->guard;
        bool wanted = some_profile(s->o.watch);

        if (!wanted && g->state != GUARD_OFF && s->config.step == CONFIG_SETTLED && out_room(s))
                return stop(s);
        if (!is_urgent(g) && (!is_settled(s) || !out_room(s)))
                return 0;
        if (wanted &&
            (g->state == GUARD_OFF || (g->state == GUARD_WAIT && sensor_mono(s) >= g->began_ns)))
                return begin(s);
        make_room(s);
        if (g->state == GUARD_UP && g->again)
                guard_say_anew(g);
        return g->state == GUARD_FILES || g->state == GUARD_MARKS ? step(s) : 0;
}

int64_t guard_due(const struct sensor *s)
{
        const struct guard *g = s->guard;

        if (!is_urgent(g) && !is_settled(s))
                return -1;
        if (g->state == GUARD_WAIT)
                return g->began_ns;
        return g->state == GUARD_FILES || g->state == GUARD_MARKS ||
                               (g->state == GUARD_UP && g->again)
                       ? sensor_mono(s) + NS_PER_MS
                       : -1;
}

/* The sensor looks at both of them, too. */
static void on_beat(void *ctx)
{
        struct sensor *s = ctx;
        struct guard *g = s->guard;
        int64_t now = sensor_mono(s);

        loop_timer_set(g->timer, now + BEAT_MS * NS_PER_MS);
        guard_known_keep(s);
        if (!g->shared)
                return;
        atomic_store_explicit(&g->shared->sensor_ns, now, memory_order_relaxed);
        if (g->unsaid && saying_is_over(&g->saying, now) && out_room(s) && guard_say_rest(s) < 0)
                s->failed = -ENOMEM;
        if (guard_ran_work(s) < 0)
                s->failed = -ENOMEM;
        if (!g->handler)
                return;
        if (now > beat_of(&g->shared->handler_ns) + 2 * GUARD_DEADLINE_MS * NS_PER_MS)
                lapse(s, NULL);
        else if (now > beat_of(&g->shared->watchdog_ns) + WATCHDOG_MS * NS_PER_MS)
                lapse(s, "its watchdog gave no sign of life; both begin anew");
}

int guard_start(struct sensor *s, struct err *err)
{
        int rc = loop_add_timer(s->o.loop, on_beat, s, &s->guard->timer, err);

        if (rc == 0)
                on_beat(s);
        return rc;
}

void guard_done(struct sensor *s)
{
        struct guard *g = s->guard;

        if (!g)
                return;
        guard_known_keep(s);
        end_pair(g);
        loop_remove(g->timer);
        if (g->shared)
                munmap(g->shared, sizeof *g->shared);
        fd_close(&g->table_fd);
        fd_close(&g->known_fd);
        free(g->known);
        buf_done(&g->cursor);
        buf_done(&g->path);
        free(g);
        s->guard = NULL;
}
