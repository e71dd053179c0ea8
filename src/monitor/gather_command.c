/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that ask something beyond this host (command.h). */
#include "monitor/command.h"

#include "monitor/gather_priv.h"
#include "sys/io.h"
#include "sys/memfile.h"
#include "sys/spawn.h"
#include "sys/sysclock.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP_MS = 200, LINGER_MS = 5000, CHUNK = 64 * 1024, BECOME = 6, NUMBER_MAX = 32 };

/* ---- credentials ---- */

/* -EACCES: others may read what must be secret. */
static int check_file(int fd, const struct command_file *f)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if (f->form == COMMAND_PUBLIC)
                return 0;
        return (st.st_uid == 0 || st.st_uid == geteuid()) && !(st.st_mode & 077) ? 0 : -EACCES;
}

static int read_file(const struct command_file *f, struct buf *out)
{
        CLEANUP_FD int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        size_t max = f->form == COMMAND_PUBLIC ? COMMAND_FILE_MAX : COMMAND_SECRET_MAX;
        int rc = fd < 0 ? -errno : check_file(fd, f);
        uint8_t *p;
        ssize_t n;

        if (rc < 0)
                return rc;
        p = buf_extend(out, max + 1);
        if (!p)
                return buf_status(out);
        n = io_kernel.pread(NULL, fd, p, max + 1, 0);
        out->n -= max + 1 - (n > 0 ? (size_t)n : 0);
        return n < 0 ? (int)n : (size_t)n > max ? -EFBIG : 0;
}

static struct span first_line(struct span s)
{
        const uint8_t *end = s.n ? memchr(s.p, '\n', s.n) : NULL;

        s.n = end ? (size_t)(end - s.p) : s.n;
        return s.n && s.p[s.n - 1] == '\r' ? span_of(s.p, s.n - 1) : s;
}

static void put_pgpass(struct buf *out, struct span password)
{
        buf_put_str(out, "*:*:*:*:");
        for (size_t i = 0; i < password.n; i++) {
                if (password.p[i] == ':' || password.p[i] == '\\')
                        buf_put_byte(out, '\\');
                buf_put_byte(out, password.p[i]);
        }
        buf_put_byte(out, '\n');
}

/* A descriptor of it that the program's user may read, or a negative errno. */
static int open_file(const struct gather *g, const struct command_file *f)
{
        struct buf raw = BUF_INIT(COMMAND_FILE_MAX + 1), given = BUF_INIT(2 * COMMAND_SECRET_MAX);
        int rc = read_file(f, &raw);

        if (rc == 0 && f->form == COMMAND_PASSWORD)
                buf_put(&given, first_line(buf_span(&raw)));
        else if (rc == 0 && f->form == COMMAND_PGPASS)
                put_pgpass(&given, first_line(buf_span(&raw)));
        if (rc == 0)
                rc = buf_status(&given);
        if (rc == 0)
                rc = memfile_new(f->form >= COMMAND_PASSWORD ? buf_span(&given) : buf_span(&raw),
                                 g->as_others ? g->net_uid : (uid_t)-1, NULL);
        if (f->form != COMMAND_PUBLIC) {
                if (raw.cap)
                        explicit_bzero(raw.p, raw.cap);
                if (given.cap)
                        explicit_bzero(given.p, given.cap);
        }
        buf_done(&raw);
        buf_done(&given);
        return rc;
}

/* ---- the program ---- */

struct running {
        const char *argv[BECOME + COMMAND_ARGS_MAX + 1];
        char uid[NUMBER_MAX], gid[NUMBER_MAX];
        int fd[COMMAND_FILES_MAX], input; /* -1: none */
        int out, errors;
        struct buf complaints;
        int64_t end_ns;
};

static void put_arguments(struct running *r, const struct gather *g, const struct command *c)
{
        size_t n = 0;

        if (g->as_others) {
                snprintf(r->uid, sizeof r->uid, "--reuid=%u", (unsigned)g->net_uid);
                snprintf(r->gid, sizeof r->gid, "--regid=%u", (unsigned)g->net_gid);
                r->argv[n++] = "/usr/bin/setpriv";
                r->argv[n++] = r->uid;
                r->argv[n++] = r->gid;
                r->argv[n++] = "--clear-groups";
                r->argv[n++] = "--bounding-set=-all";
                r->argv[n++] = "--no-new-privs";
        }
        for (size_t i = 0; c->argv[i]; i++)
                r->argv[n++] = c->argv[i];
        r->argv[n] = NULL;
}

static int open_inputs(struct running *r, const struct gather *g, const struct command *c)
{
        for (size_t i = 0; i < c->n_files; i++) {
                r->fd[i] = open_file(g, &c->files[i]);
                if (r->fd[i] < 0)
                        return r->fd[i];
        }
        if (c->input.n)
                r->input = memfile_new(c->input, g->as_others ? g->net_uid : (uid_t)-1, NULL);
        return c->input.n && r->input < 0 ? r->input : 0;
}

/* What there is, up to max and no further; 1 at its end. */
static int take(int fd, struct buf *out, size_t max, bool drop_rest)
{
        uint8_t piece[CHUNK / 8];
        ssize_t n = read(fd, piece, sizeof piece);

        if (n <= 0)
                return n < 0 && errno != EINTR && errno != EAGAIN ? -errno : n == 0;
        if (drop_rest)
                n = (ssize_t)MIN_OF((size_t)n, max - MIN_OF(out->n, max));
        buf_put(out, span_of(piece, (size_t)n));
        return buf_status(out) < 0 || out->n > max ? -EFBIG : 0;
}

static int read_both(struct gathering *x, struct running *r)
{
        struct pollfd p[] = { { .fd = r->out, .events = POLLIN },
                              { .fd = r->errors, .events = POLLIN } };
        int rc;

        while (p[0].fd >= 0 || p[1].fd >= 0) {
                if (*x->g->stop)
                        return -ECANCELED;
                if (clock_mono(&sysclock) > r->end_ns)
                        return -ETIMEDOUT;
                if (poll(p, 2, STEP_MS) <= 0)
                        continue;
                for (int i = 0; i < 2; i++) {
                        if (p[i].fd < 0 || !p[i].revents)
                                continue;
                        rc = i == 0 ? take(p[i].fd, &x->content, GATHER_PROGRAM_MAX, false)
                                    : take(p[i].fd, &r->complaints, COMMAND_ERRORS_MAX, true);
                        if (rc < 0)
                                return rc;
                        if (rc > 0)
                                p[i].fd = -1;
                }
        }
        return 0;
}

static int wait_for_end(pid_t pid, int pidfd, bool kill_it, int *ret_status)
{
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        if (kill_it || poll(&p, 1, LINGER_MS) != 1)
                spawn_kill(pidfd);
        return spawn_wait(pid, ret_status);
}

static int start(struct running *r, const struct command *c, int out, int errors, pid_t *ret_pid,
                 int *ret_pidfd)
{
        struct spawn s = { .path = r->argv[0],
                           .argv = r->argv,
                           .envp = c->envp,
                           .in = c->file_is_input ? r->fd[0] : r->input,
                           .out = out,
                           .err = errors,
                           .more = r->fd,
                           .n_more = c->n_files };

        return spawn_start(&s, ret_pid, ret_pidfd, NULL);
}

static int run(struct gathering *x, struct running *r, const struct command *c,
               uint32_t *ret_status)
{
        int out[2] = { -1, -1 }, errors[2] = { -1, -1 }, status = 0, rc = 0;
        CLEANUP_FD int pidfd = -1;
        pid_t pid;

        if (pipe2(out, O_CLOEXEC) < 0 || pipe2(errors, O_CLOEXEC) < 0)
                rc = -errno;
        r->out = out[0];
        r->errors = errors[0];
        if (rc == 0)
                rc = start(r, c, out[1], errors[1], &pid, &pidfd);
        fd_close(&out[1]);
        fd_close(&errors[1]);
        if (rc == 0) {
                rc = read_both(x, r);
                if (wait_for_end(pid, pidfd, rc < 0, &status) < 0 && rc == 0)
                        rc = -ECHILD;
        }
        fd_close(&out[0]);
        fd_close(&errors[0]);
        if (rc == 0 && status)
                *ret_status = BUNDLE_PROGRAM_FAILED + (uint32_t)status;
        return rc;
}

static int put_parts(struct gathering *x, struct running *r, const struct state_part *p)
{
        struct state_part errors = { .name = SPAN("errors"), .bytes = buf_span(&r->complaints) };
        int rc = gathering_put(x, p);

        return rc == 0 && p->status && errors.bytes.n ? gathering_put(x, &errors) : rc;
}

int gather_command(struct gathering *x, const struct command *c)
{
        struct state_part p = { .name = span_str(c->name) };
        struct running r = { .fd = { -1, -1, -1, -1 },
                             .input = -1,
                             .complaints = BUF_INIT(COMMAND_ERRORS_MAX + 1),
                             .end_ns = clock_mono(&sysclock) + c->timeout_s * NS_PER_S };
        int rc;

        _Static_assert(COMMAND_FILES_MAX == 4, "r.fd begins without any");
        buf_clear(&x->content);
        put_arguments(&r, x->g, c);
        rc = access(c->argv[0], X_OK) < 0 ? -errno : open_inputs(&r, x->g, c);
        if (rc == 0)
                rc = run(x, &r, c, &p.status);
        if (rc == -ECANCELED) {
                rc = err_set(x->err, rc, "stopped");
        } else {
                if (rc < 0)
                        p.status = (uint32_t)-rc;
                else
                        p.bytes = buf_span(&x->content);
                rc = put_parts(x, &r, &p);
        }
        for (size_t i = 0; i < COMMAND_FILES_MAX; i++)
                fd_close(&r.fd[i]);
        fd_close(&r.input);
        buf_done(&r.complaints);
        return rc;
}
