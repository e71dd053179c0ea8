/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/runner.h"

#include "base/le.h"
#include "loop/jobrun.h"
#include "loop/log.h"
#include "sys/io.h"
#include "sys/sandbox.h"
#include "sys/sock.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
        NOBODY = 65534,
        GRACE_S = 10, /* beyond the program's own time */
};

/* ---- one run ---- */

static int64_t now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* What it says goes on being read, so that it never waits for us; the beginning is kept. */
static void hear(int fd, char *words, size_t *n)
{
        char more[1024];
        ssize_t got;

        while ((got = read(fd, more, sizeof more)) > 0) {
                size_t take = MIN_OF((size_t)got, RUNNER_WORDS_MAX - *n);

                memcpy(words + *n, more, take);
                *n += take;
        }
}

/* Until it has ended, or its time has, or nobody waits for it any more: the uplink, which is
 * another user, cannot take us with it. */
static bool watch(int asker, int pidfd, int said, int64_t until, char *words, size_t *n)
{
        struct pollfd p[] = { { .fd = pidfd, .events = POLLIN },
                              { .fd = said, .events = POLLIN },
                              { .fd = asker, .events = 0 } };

        for (;;) {
                int64_t left = until - now_ms();

                if (left <= 0)
                        return false;
                if (poll(p, ARRAY_LEN(p), (int)left) < 0 && errno != EINTR)
                        return false;
                if (p[2].revents)
                        return false;
                hear(said, words, n);
                if (p[0].revents)
                        return true;
                if (p[1].revents & POLLHUP)
                        p[1].fd = -1; /* it has closed its standard error */
        }
}

static int run(const struct deliver_sink *c, int asker, struct span input, uint32_t *ret_status,
               char *words, size_t *ret_n, struct err *err)
{
        const char *argv[DELIVER_ARGS_MAX + 1] = { 0 };
        struct spawn s = { .path = c->args[0], .argv = argv, .in = -1, .out = -1, .err = -1 };
        CLEANUP_FD int in = job_input(input, err), read_end = -1, write_end = -1, pidfd = -1;
        int ends[2], status = 0, rc;
        bool ended;
        pid_t pid;

        if (in < 0)
                return in;
        if (pipe2(ends, O_CLOEXEC) < 0)
                return err_sys(err, -errno, "pipe");
        read_end = ends[0];
        write_end = ends[1];
        if (fcntl(read_end, F_SETFL, O_NONBLOCK) < 0)
                return err_sys(err, -errno, "pipe");
        for (size_t i = 0; i < c->n_args; i++)
                argv[i] = c->args[i];
        s.in = in;
        s.err = write_end;
        rc = spawn_start(&s, &pid, &pidfd, err);
        if (rc < 0)
                return rc;
        fd_close(&write_end);
        ended = watch(asker, pidfd, read_end, now_ms() + c->timeout_s * 1000LL, words, ret_n);
        if (!ended)
                spawn_kill(pidfd);
        rc = spawn_wait(pid, &status);
        if (rc == 0 && !ended)
                return err_set(err, -ETIMEDOUT, "%s: ended by force after %u s", c->args[0],
                               (unsigned)c->timeout_s);
        *ret_status = (uint32_t)status;
        return rc < 0 ? err_sys(err, rc, "%s", c->args[0]) : 0;
}

/* ---- the process ---- */

static int wait_readable(int fd, int ms)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int n;

        do {
                n = poll(&p, 1, ms);
        } while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static int answer(int fd, uint32_t status, struct span words)
{
        uint8_t packet[4 + RUNNER_WORDS_MAX];

        le_put32(packet, status);
        memcpy(packet + 4, words.p, words.n);
        return sock_send(fd, span_of(packet, 4 + words.n));
}

static int serve_one(const struct deliver_sink *c, int fd, uint8_t *room)
{
        char words[RUNNER_WORDS_MAX + 1];
        uint32_t status = RUNNER_FAILED;
        struct err err = { 0 };
        size_t n = 0, n_words = 0;
        int rc = wait_readable(fd, -1);

        if (rc == 0)
                rc = sock_recv(fd, room, RUNNER_ASK_MAX, &n);
        if (rc < 0 || n == 0)
                return rc < 0 ? rc : -EPIPE;
        if (run(c, fd, span_of(room, n), &status, words, &n_words, &err) < 0) {
                snprintf(words, sizeof words, "%s", err_text(&err));
                n_words = strlen(words);
                status = RUNNER_FAILED;
        }
        return answer(fd, status, span_of(words, n_words));
}

/* Rights go; what stays is what any program needs. */
static int become_nobody(bool keep_user, struct err *err)
{
        struct sandbox_state st = { 0 };
        uid_t uid = keep_user ? (uid_t)-1 : NOBODY;
        int rc = sandbox_drop(&st, uid, uid, 0, err);

        if (rc == 0)
                rc = sandbox_no_privs(&st, err);
        if (rc == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || chdir("/") < 0))
                rc = err_sys(err, -errno, "runner");
        return rc;
}

int runner_serve(const struct deliver_sink *config, int fd, bool keep_user)
{
        uint8_t *room = malloc(RUNNER_ASK_MAX);
        struct err err = { 0 };
        int rc = room ? become_nobody(keep_user, &err) : -ENOMEM;

        if (rc < 0)
                log_event(LOG_LEVEL_ERROR, "uplink.runner", log_str("sink", config->name),
                          log_err(&err));
        while (rc == 0)
                rc = serve_one(config, fd, room);
        free(room);
        return rc == -EPIPE ? 0 : 1;
}

int runner_ask(int fd, struct span input, uint32_t timeout_s, uint32_t *ret_status,
               char ret_words[RUNNER_WORDS_MAX + 1], struct err *err)
{
        uint8_t packet[4 + RUNNER_WORDS_MAX];
        size_t n = 0;
        int rc = sock_send(fd, input);

        if (rc == 0)
                rc = wait_readable(fd, (int)(timeout_s + GRACE_S) * 1000);
        if (rc == 0)
                rc = sock_recv(fd, packet, sizeof packet, &n);
        if (rc == 0 && n < 4)
                rc = n == 0 ? -EPIPE : -EBADMSG;
        if (rc < 0)
                return err_sys(err, rc, "the process that runs commands");
        *ret_status = le_get32(packet);
        memcpy(ret_words, packet + 4, n - 4);
        ret_words[n - 4] = '\0';
        return 0;
}
