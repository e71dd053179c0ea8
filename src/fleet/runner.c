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
        PIECE = 4096,
        ASK_HEAD = 8,
        ANSWER_HEAD = 12,
};

/* ---- one run ---- */

static int64_t now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* What it says goes on being read, so that it never waits for us; the beginning is kept.  A piece
 * each time: one that never stops talking has to be looked at and ended all the same. */
static void hear(int fd, char *words, size_t *n)
{
        char more[PIECE];
        ssize_t got = read(fd, more, sizeof more);
        size_t take = got > 0 ? MIN_OF((size_t)got, RUNNER_WORDS_MAX - *n) : 0;

        memcpy(words + *n, more, take);
        *n += take;
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
                if (poll(p, ARRAY_LEN(p), (int)left) < 0) {
                        if (errno == EINTR)
                                continue;
                        return false;
                }
                if (p[2].revents)
                        return false;
                if (p[1].revents & POLLIN)
                        hear(said, words, n);
                else if (p[1].revents)
                        p[1].fd = -1; /* it has closed its standard error */
                if (p[0].revents)
                        return true;
        }
}

static int run(const struct deliver_sink *c, int asker, struct span input, uint32_t *ret_status,
               char *words, size_t *ret_n, struct err *err)
{
        const char *argv[DELIVER_ARGS_MAX + 1] = { 0 };
        struct spawn s = {
                .path = c->args[0], .argv = argv, .in = -1, .out = -1, .err = -1, .own_group = true
        };
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
        if (!ended) /* and what it has started: nothing of it goes on unseen */
                spawn_kill_group(pid);
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

static int answer(int fd, uint64_t number, uint32_t status, struct span words)
{
        uint8_t packet[ANSWER_HEAD + RUNNER_WORDS_MAX];

        le_put64(packet, number);
        le_put32(packet + ASK_HEAD, status);
        memcpy(packet + ANSWER_HEAD, words.p, words.n);
        return sock_send(fd, span_of(packet, ANSWER_HEAD + words.n));
}

/* What is asked last: whoever asked before has given up waiting. */
static int take_ask(int fd, uint8_t *room, size_t *ret_n)
{
        int rc = wait_readable(fd, -1);

        if (rc == 0)
                rc = sock_recv(fd, room, RUNNER_PACKET_MAX, ret_n);
        while (rc == 0 && *ret_n && wait_readable(fd, 0) == 0)
                rc = sock_recv(fd, room, RUNNER_PACKET_MAX, ret_n);
        if (rc == 0 && *ret_n < ASK_HEAD)
                rc = *ret_n ? -EBADMSG : -EPIPE;
        return rc;
}

static int serve_one(const struct deliver_sink *c, int fd, uint8_t *room)
{
        char words[RUNNER_WORDS_MAX + 1];
        uint32_t status = RUNNER_FAILED;
        struct err err = { 0 };
        size_t n = 0, n_words = 0;
        int rc = take_ask(fd, room, &n);

        if (rc < 0)
                return rc;
        if (run(c, fd, span_of(room + ASK_HEAD, n - ASK_HEAD), &status, words, &n_words, &err) <
            0) {
                snprintf(words, sizeof words, "%s", err_text(&err));
                n_words = strlen(words);
                status = RUNNER_FAILED;
        }
        return answer(fd, le_get64(room), status, span_of(words, n_words));
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
        uint8_t *room = malloc(RUNNER_PACKET_MAX);
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

static int ask(int fd, uint64_t number, struct span input)
{
        uint8_t *packet = malloc(ASK_HEAD + input.n);
        int rc;

        if (!packet)
                return -ENOMEM;
        le_put64(packet, number);
        memcpy(packet + ASK_HEAD, input.p, input.n);
        rc = sock_send(fd, span_of(packet, ASK_HEAD + input.n));
        free(packet);
        return rc;
}

/* Those to what was asked before are passed over. */
static int take_answer(int fd, uint64_t number, int64_t until, uint8_t *packet, size_t *ret_n)
{
        for (;;) {
                int64_t left = until - now_ms();
                int rc = left > 0 ? wait_readable(fd, (int)left) : -ETIMEDOUT;

                if (rc == 0)
                        rc = sock_recv(fd, packet, ANSWER_HEAD + RUNNER_WORDS_MAX, ret_n);
                if (rc == 0 && *ret_n == 0)
                        rc = -EPIPE;
                if (rc < 0)
                        return rc;
                if (*ret_n >= ANSWER_HEAD && le_get64(packet) == number)
                        return 0;
        }
}

int runner_ask(int fd, uint64_t number, struct span input, uint32_t timeout_s, uint32_t *ret_status,
               char ret_words[RUNNER_WORDS_MAX + 1], struct err *err)
{
        int64_t until = now_ms() + (timeout_s + GRACE_S) * 1000LL;
        uint8_t packet[ANSWER_HEAD + RUNNER_WORDS_MAX];
        size_t n = 0;
        int rc = ask(fd, number, input);

        if (rc == 0)
                rc = take_answer(fd, number, until, packet, &n);
        if (rc == -EPIPE || rc == -ECONNRESET)
                rc = -EOWNERDEAD;
        if (rc == -EBADMSG)
                rc = -EIO; /* never as if the program had refused */
        if (rc < 0)
                return err_sys(err, rc, "the process that runs commands");
        *ret_status = le_get32(packet + ASK_HEAD);
        memcpy(ret_words, packet + ANSWER_HEAD, n - ANSWER_HEAD);
        ret_words[n - ANSWER_HEAD] = '\0';
        return 0;
}
