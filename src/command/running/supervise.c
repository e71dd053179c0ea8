/* SPDX-License-Identifier: Apache-2.0 */
/* supervise.c - see supervise.h.  Parses nothing: lines are cut at newlines and made safe. */
#include "command/running/supervise.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/io.h"

enum { NAME_COLUMNS = 8 };

/* A life shorter than this was a quick death. */
#define QUICK_NS (10 * NS_PER_S)

static int64_t back_off_ns(unsigned quick_deaths)
{
        return NS_PER_S << MIN_OF(quick_deaths, 5u);
}

static void set_state(struct child *c, enum child_state state)
{
        static const unsigned from[] = {
                [CHILD_IDLE] = 1u << CHILD_STOPS | 1u << CHILD_RUNS | 1u << CHILD_WAITS,
                [CHILD_RUNS] = 1u << CHILD_IDLE | 1u << CHILD_WAITS,
                [CHILD_WAITS] = 1u << CHILD_RUNS | 1u << CHILD_WAITS,
                [CHILD_STOPS] = 1u << CHILD_RUNS,
        };

        assert(from[state] & 1u << c->state);
        c->state = state;
}

/* ---- where it shows that ---- */

/* A description of its own of what fd is, for O_NONBLOCK is the description's and others have that
 * one, too.  What is neither a pipe nor a terminal does not hold anybody up. */
static void never_wait(int fd)
{
        CLEANUP_FD int own = -1;
        struct stat st;

        if (fstat(fd, &st) < 0 || !(S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
                return;
        own = open(fd_path(fd).text, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (own >= 0)
                (void)dup2(own, fd);
}

void supervise_never_wait(void)
{
        never_wait(STDOUT_FILENO);
        never_wait(STDERR_FILENO);
}

/* ---- what it logs ---- */

/* Nobody takes what is shown: a terminal that was stopped, a pager that rests. */
static bool is_held_up(const struct supervisor *s)
{
        struct pollfd p = { .fd = fileno(s->out.file), .events = POLLOUT };

        return s->not_shown && poll(&p, 1, 0) == 0;
}

static void show_line(struct child *c)
{
        const struct screen *s = &c->of->out;
        CLEANUP(buf_done) struct buf out = BUF_INIT(8 * CHILD_LINE_MAX);
        char name[32];

        snprintf(name, sizeof(name), "%-*s | ", NAME_COLUMNS, c->name);
        if (!is_held_up(c->of)) {
                if (c->of->not_shown)
                        buf_printf(&out, "%s: %zu lines were not shown: nobody took them\n",
                                   program_invocation_short_name, c->of->not_shown);
                screen_put(s, &out, STYLE_DIM, name);
                text_put_safe(&out, buf_span(&c->line));
                buf_put_byte(&out, '\n');
                /* Nobody reads any more: the children go on. */
                c->of->not_shown = screen_flush(s, &out) == -EAGAIN ? c->of->not_shown + 1 : 0;
        } else {
                c->of->not_shown++;
        }
        buf_clear(&c->line);
}

static void take_log(struct child *c, struct span bytes)
{
        for (size_t i = 0; i < bytes.n; i++) {
                if (bytes.p[i] == '\n' || c->line.n == CHILD_LINE_MAX)
                        show_line(c);
                if (bytes.p[i] != '\n')
                        buf_put_byte(&c->line, bytes.p[i]);
        }
}

static void close_log(struct child *c)
{
        if (c->line.n > 0)
                show_line(c);
        c->log = loop_remove(c->log);
        fd_close(&c->log_fd);
}

static void on_log(void *ctx, unsigned events)
{
        struct child *c = ctx;
        uint8_t bytes[CHILD_LINE_MAX];
        ssize_t n = read(c->log_fd, bytes, sizeof(bytes));

        if (n > 0)
                take_log(c, span_of(bytes, (size_t)n));
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
                close_log(c);
}

/* What is still in the pipe of a process that has ended. */
static void drain_log(struct child *c)
{
        while (c->log_fd >= 0) {
                uint8_t bytes[CHILD_LINE_MAX];
                ssize_t n = read(c->log_fd, bytes, sizeof(bytes));

                if (n <= 0)
                        break;
                take_log(c, span_of(bytes, (size_t)n));
        }
        close_log(c);
}

/* ---- starting ---- */

static void unblock_signals(void)
{
        sigset_t none;

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGPIPE, SIG_DFL);
        signal(SIGXFSZ, SIG_DFL);
}

/* A program that is not root now is not to become it again. */
static void drop_bounding_set(void)
{
        for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
                prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

/* In the child; never returns.  A group of its own: Ctrl-C is the supervisor's to pass on. */
static void become(const struct child *c, int log_fd, pid_t supervisor)
{
        int null = open("/dev/null", O_RDONLY);
        int program = open(c->path, O_RDONLY | O_CLOEXEC); /* its user may not reach the path */

        unblock_signals();
        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(log_fd, STDOUT_FILENO) < 0 ||
            dup2(log_fd, STDERR_FILENO) < 0 || setpgid(0, 0) < 0)
                _exit(126);
        if (c->as_user)
                drop_bounding_set();
        if (c->as_user && (setgroups(0, NULL) < 0 || setresgid(c->gid, c->gid, c->gid) < 0 ||
                           setresuid(c->uid, c->uid, c->uid) < 0)) {
                dprintf(STDERR_FILENO, "become uid %u: %s\n", (unsigned)c->uid, strerror(errno));
                _exit(126);
        }
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != supervisor) /* it has ended meanwhile */
                _exit(126);
        fexecve(program, (char *const *)(uintptr_t)c->argv, environ);
        dprintf(STDERR_FILENO, "%s: %s\n", c->path, strerror(errno));
        _exit(127);
}

static void on_timer(void *ctx);

static int prepare(struct child *c, int pipes[2], struct err *err)
{
        int status = 0;

        if (c->line.max == 0) {
                c->line = BUF_INIT(CHILD_LINE_MAX);
                status = loop_add_timer(c->of->loop, on_timer, c, &c->timer, err);
        }
        if (status == 0 && pipe2(pipes, O_CLOEXEC) < 0)
                status = err_sys(err, -errno, "pipe for %s", c->name);
        return status;
}

int child_start(struct child *c, struct err *err)
{
        pid_t supervisor = getpid(), pid;
        int pipes[2], status;

        status = prepare(c, pipes, err);
        if (status < 0)
                return status;
        pid = fork();
        if (pid == 0)
                become(c, pipes[1], supervisor);
        close(pipes[1]);
        c->log_fd = pipes[0];
        if (pid < 0) {
                status = err_sys(err, -errno, "start %s", c->name);
                fd_close(&c->log_fd);
                return status;
        }
        c->pid = pid;
        c->started_ns = clock_mono(c->of->clock);
        set_state(c, CHILD_RUNS);
        fcntl(c->log_fd, F_SETFL, O_NONBLOCK);
        return loop_add_fd(c->of->loop, c->log_fd, LOOP_READ, on_log, c, &c->log, err);
}

/* The back-off is over, or the grace to stop. */
static void on_timer(void *ctx)
{
        struct child *c = ctx;
        struct err err;

        if (c->state == CHILD_STOPS) {
                kill(c->pid, SIGKILL);
        } else if (c->state == CHILD_WAITS && child_start(c, &err) < 0) {
                fprintf(stderr, "assay up: %s\n", err_text(&err));
                loop_timer_set(c->timer, clock_mono(c->of->clock) + back_off_ns(5));
        }
}

/* ---- ending ---- */

void child_stop(struct child *c, int64_t grace_ns)
{
        if (c->state == CHILD_RUNS) {
                set_state(c, CHILD_STOPS);
                kill(c->pid, SIGTERM);
                loop_timer_set(c->timer, clock_mono(c->of->clock) + grace_ns);
        } else if (c->state == CHILD_WAITS || c->state == CHILD_IDLE) {
                if (c->state == CHILD_WAITS) {
                        loop_timer_set(c->timer, -1);
                        set_state(c, CHILD_IDLE);
                }
                c->of->on_stopped(c->of->ctx, c);
        }
}

bool child_asks_again(const struct child *c)
{
        return WIFEXITED(c->last_status) && WEXITSTATUS(c->last_status) == CHILD_AGAIN;
}

static void died(struct child *c, int status)
{
        bool asked = c->state == CHILD_STOPS;
        bool again;

        c->last_status = status;
        drain_log(c);
        c->pid = 0;
        loop_timer_set(c->timer, -1);
        if (asked) {
                set_state(c, CHILD_IDLE);
                c->of->on_stopped(c->of->ctx, c);
                return;
        }
        if (clock_mono(c->of->clock) - c->started_ns >= QUICK_NS || child_asks_again(c))
                c->quick_deaths = 0;
        again = ++c->quick_deaths < CHILD_QUICK_DEATHS;
        set_state(c, again ? CHILD_WAITS : CHILD_IDLE);
        if (again)
                loop_timer_set(c->timer,
                               clock_mono(c->of->clock) + back_off_ns(c->quick_deaths - 1));
        c->of->on_death(c->of->ctx, c, again);
}

void supervise_reap(struct supervisor *s)
{
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
                for (size_t i = 0; i < s->n; i++)
                        if (s->children[i]->pid == pid)
                                died(s->children[i], status);
}

void child_done(struct child *c)
{
        c->log = loop_remove(c->log);
        c->timer = loop_remove(c->timer);
        if (c->line.max)
                fd_close(&c->log_fd);
        buf_done(&c->line);
}

void child_put_status(const struct child *c, struct buf *out)
{
        if (WIFSIGNALED(c->last_status))
                buf_printf(out, "killed by signal %d (%s)", WTERMSIG(c->last_status),
                           strsignal(WTERMSIG(c->last_status)));
        else
                buf_printf(out, "exit status %d", WEXITSTATUS(c->last_status));
}
