/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/program.h"

#include "base/clock.h"
#include "state/reading/bundle.h"
#include "sys/io.h"
#include "sys/spawn.h"
#include "sys/sysclock.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { STEP_MS = 200, LINGER_MS = 5000, CHUNK = 8 * 1024, BECOME = 6, NUMBER_MAX = 32 };

struct words {
        const char *argv[BECOME + PROGRAM_ARGS_MAX + 1];
        char uid[NUMBER_MAX], gid[NUMBER_MAX];
};

static void put_words(struct words *w, const struct program *p)
{
        size_t n = 0;

        if (p->become) {
                snprintf(w->uid, sizeof w->uid, "--reuid=%u", (unsigned)p->uid);
                snprintf(w->gid, sizeof w->gid, "--regid=%u", (unsigned)p->gid);
                w->argv[n++] = "/usr/bin/setpriv";
                w->argv[n++] = w->uid;
                w->argv[n++] = w->gid;
                w->argv[n++] = "--clear-groups";
                w->argv[n++] = "--bounding-set=-all";
                w->argv[n++] = "--no-new-privs";
        }
        for (size_t i = 0; p->argv[i]; i++) {
                assert(i < PROGRAM_ARGS_MAX);
                w->argv[n++] = p->argv[i];
        }
        w->argv[n] = NULL;
}

/* What there is, up to max and no further, or nowhere without out; 1 at its end. */
static int take(int fd, struct buf *out, size_t max, bool drop_rest)
{
        uint8_t piece[CHUNK];
        ssize_t n = read(fd, piece, sizeof piece);

        if (n <= 0)
                return n < 0 && errno != EINTR && errno != EAGAIN ? -errno : n == 0;
        if (!out)
                return 0;
        if (drop_rest)
                n = (ssize_t)MIN_OF((size_t)n, max - MIN_OF(out->n, max));
        buf_put(out, span_of(piece, (size_t)n));
        return buf_status(out) < 0 || out->n > max ? -EFBIG : 0;
}

static int read_both(const struct program *p, int out, int errors)
{
        struct pollfd fds[] = { { .fd = out, .events = POLLIN },
                                { .fd = errors, .events = POLLIN } };
        int64_t end_ns = clock_mono(&sysclock) + p->timeout_s * NS_PER_S;
        int rc;

        while (fds[0].fd >= 0 || fds[1].fd >= 0) {
                if (*p->stop)
                        return -ECANCELED;
                if (clock_mono(&sysclock) > end_ns)
                        return -ETIMEDOUT;
                if (poll(fds, 2, STEP_MS) <= 0)
                        continue;
                for (int i = 0; i < 2; i++) {
                        if (fds[i].fd < 0 || !fds[i].revents)
                                continue;
                        rc = i == 0 ? take(fds[i].fd, p->out, p->out_max, false)
                                    : take(fds[i].fd, p->complaints, p->complaints_max, true);
                        if (rc < 0)
                                return rc;
                        if (rc > 0)
                                fds[i].fd = -1;
                }
        }
        return 0;
}

/* It has closed its output; one that stays all the same is ended. */
static int wait_for_end(pid_t pid, int pidfd, bool kill_it, int *ret_status)
{
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        if (kill_it || poll(&p, 1, LINGER_MS) != 1)
                spawn_kill(pidfd);
        return spawn_wait(pid, ret_status);
}

static int start(const struct program *p, int out, int errors, pid_t *ret_pid, int *ret_pidfd)
{
        struct words w;
        struct spawn s = { .argv = w.argv,
                           .envp = p->envp,
                           .in = p->in,
                           .out = out,
                           .err = errors,
                           .more = p->more,
                           .n_more = p->n_more };

        put_words(&w, p);
        s.path = w.argv[0];
        return spawn_start(&s, ret_pid, ret_pidfd, NULL);
}

int program_run(const struct program *p, uint32_t *ret_status)
{
        int out[2] = { -1, -1 }, errors[2] = { -1, -1 }, status = 0, rc = 0;
        CLEANUP_FD int pidfd = -1;
        pid_t pid;

        if (pipe2(out, O_CLOEXEC) < 0 || (p->complaints && pipe2(errors, O_CLOEXEC) < 0))
                rc = -errno;
        if (rc == 0)
                rc = start(p, out[1], errors[1], &pid, &pidfd);
        fd_close(&out[1]);
        fd_close(&errors[1]);
        if (rc == 0) {
                rc = read_both(p, out[0], errors[0]);
                if (wait_for_end(pid, pidfd, rc < 0, &status) < 0 && rc == 0)
                        rc = -ECHILD;
        }
        fd_close(&out[0]);
        fd_close(&errors[0]);
        if (rc == 0 && status)
                *ret_status = BUNDLE_PROGRAM_FAILED + (uint32_t)status;
        return rc;
}
