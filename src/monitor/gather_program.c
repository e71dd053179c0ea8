/* SPDX-License-Identifier: Apache-2.0 */
/* Programs: started without a shell, as nobody unless the table says otherwise, ended by force when
 * they take too long or say too much. */
#include "monitor/gather_priv.h"

#include "sys/io.h"
#include "sys/spawn.h"
#include "sys/sysclock.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { WORD_MAX = 4096, STEP_MS = 200, LINGER_MS = 5000, CHUNK = 64 * 1024 };

static const char setpriv[] = "/usr/bin/setpriv";

struct words {
        char text[WORD_MAX];
        const char *at[GATHER_ARGS_MAX + 1];
        size_t n;
        const char *program; /* the one that is meant */
};

static void add_word(struct words *w, const char *word)
{
        assert(w->n < GATHER_ARGS_MAX);
        w->at[w->n++] = word;
        w->at[w->n] = NULL;
}

static void split(const struct state_source *s, bool as_nobody, struct words *w)
{
        char *rest = w->text, *word;

        w->n = 0;
        assert(strlen(s->where) < sizeof w->text);
        memcpy(w->text, s->where, strlen(s->where) + 1);
        if (as_nobody) {
                static const char *const become[] = {
                        setpriv,          "--reuid=65534",       "--regid=65534",
                        "--clear-groups", "--bounding-set=-all", "--no-new-privs"
                };

                for (size_t i = 0; i < ARRAY_LEN(become); i++)
                        add_word(w, become[i]);
        }
        w->program = w->text;
        while ((word = strsep(&rest, " ")))
                add_word(w, word);
}

/* Read until the end, the ceiling, the deadline or a stop.  0, or a negative errno. */
static int read_all(struct gathering *x, int fd)
{
        int64_t end_ns = clock_mono(&sysclock) + GATHER_PROGRAM_S * NS_PER_S;
        struct pollfd p = { .fd = fd, .events = POLLIN };

        for (;;) {
                int n = poll(&p, 1, STEP_MS);
                uint8_t *to;
                ssize_t r;

                if (*x->g->stop)
                        return -ECANCELED;
                if (clock_mono(&sysclock) > end_ns)
                        return -ETIMEDOUT;
                if (n <= 0)
                        continue;
                to = buf_extend(&x->content, CHUNK);
                if (!to)
                        return buf_status(&x->content);
                r = read(fd, to, CHUNK);
                x->content.n -= CHUNK - (r > 0 ? (size_t)r : 0);
                if (r == 0)
                        return 0;
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (x->content.n > GATHER_PROGRAM_MAX)
                        return -EFBIG;
        }
}

/* It has closed its output; one that stays all the same is ended. */
static int wait_for_end(pid_t pid, int pidfd, bool kill_it, int *ret_status)
{
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        if (kill_it || poll(&p, 1, LINGER_MS) != 1)
                spawn_kill(pidfd);
        return spawn_wait(pid, ret_status);
}

static int run(struct gathering *x, struct words *w, uint32_t *ret_status)
{
        struct spawn spawn = { .path = w->at[0], .argv = w->at, .in = -1, .err = -1 };
        CLEANUP_FD int pidfd = -1;
        int out[2], status = 0, rc;
        pid_t pid;

        if (pipe2(out, O_CLOEXEC) < 0)
                return -errno;
        spawn.out = out[1];
        rc = spawn_start(&spawn, &pid, &pidfd, NULL);
        fd_close(&out[1]);
        if (rc == 0) {
                rc = read_all(x, out[0]);
                if (wait_for_end(pid, pidfd, rc < 0, &status) < 0 && rc == 0)
                        rc = -ECHILD;
        }
        fd_close(&out[0]);
        if (rc == 0 && status)
                *ret_status = BUNDLE_PROGRAM_FAILED + (uint32_t)status;
        return rc;
}

int gather_program(struct gathering *x, const struct state_source *s)
{
        bool as_nobody = x->g->as_others && !(s->flags & STATE_AS_ROOT);
        struct state_part p = { .name = span_str(s->where) };
        struct words w;
        int rc;

        split(s, as_nobody, &w);
        buf_clear(&x->content);
        rc = access(w.program, X_OK) < 0 ? -errno : run(x, &w, &p.status);
        if (rc == -ECANCELED)
                return err_set(x->err, rc, "stopped");
        if (rc < 0)
                p.status = (uint32_t)-rc;
        else
                p.bytes = buf_span(&x->content);
        return gathering_put(x, &p);
}
