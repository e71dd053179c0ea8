/* SPDX-License-Identifier: Apache-2.0 */
#include "job/run.h"

#include "job/job.h"
#include "loop/jobframe.h"
#include "loop/role.h"
#include "sys/sock.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

enum { READ_STEP = 64 * 1024 };

/* Waits while the parent is slow; its deadline ends a wait that has none here. */
static int send_frame(int out, const struct buf *b)
{
        struct pollfd p = { .fd = out, .events = POLLOUT };
        int r = buf_status(b);

        if (r < 0)
                return r;
        while ((r = sock_send(out, buf_span(b))) == -EAGAIN)
                if (poll(&p, 1, -1) < 0 && errno != EINTR)
                        return -errno;
        return r;
}

struct sender {
        int out;
        struct buf frame;
};

static int send_fact(void *ctx, struct span json)
{
        struct sender *s = ctx;

        buf_clear(&s->frame);
        job_frame_put_fact(&s->frame, json);
        return send_frame(s->out, &s->frame);
}

static int read_input(int in, struct buf *b, size_t max, struct err *err)
{
        size_t n;
        uint8_t *p;
        ssize_t r;

        for (;;) {
                n = MIN_OF((size_t)READ_STEP, max + 1 - b->n);
                p = buf_extend(b, n);
                if (!p)
                        return err_sys(err, buf_status(b), "input");
                r = read(in, p, n);
                b->n -= n - (r > 0 ? (size_t)r : 0);
                if (r < 0 && errno != EINTR)
                        return err_sys(err, -errno, "input");
                if (r == 0)
                        return 0;
                if (b->n > max)
                        return err_set(err, -EFBIG, "input of more than %zu bytes", max);
        }
}

static int read_and_run(const struct job *job, const struct job_call *c, struct job_out *out,
                        struct err *err)
{
        struct buf input = BUF_INIT(job->input_max + 1);
        int r;

        if (job->call)
                return job->call(out, c, err);
        r = read_input(c->input, &input, job->input_max, err);
        if (r == 0)
                r = job->run(out, buf_span(&input), err);
        buf_done(&input);
        return r;
}

static int enter(const struct job *job, const struct job_call *c, struct err *err)
{
        static const enum role_id roles[] = {
                [JOB_RIGHTLESS] = ROLE_JOB,
                [JOB_LARGE] = ROLE_JOB_LARGE,
                [JOB_READS_DIR] = ROLE_JOB_DIR,
                [JOB_RUNS_PROGRAMS] = ROLE_JOB_PROGRAM,
        };
        unsigned flags = geteuid() == 0 ? 0 : ROLE_KEEP_USER;
        struct role_paths paths = { 0 };
        struct sandbox_state state;

        if (job->right == JOB_READS_DIR) {
                if (c->n_args == 0 || c->args[0][0] != '/')
                        return err_set(err, -EINVAL, "no directory is named");
                paths.config = c->args[0];
        }
        if (job->prepare)
                job->prepare();
        return role_enter(roles[job->right], &paths, flags, &state, err);
}

static int enter_and_run(const char *name, const struct job_call *c, struct job_out *out,
                         struct err *err)
{
        const struct job *job = job_by_name(name);
        int r;

        if (!job)
                return err_set(err, -ENOENT, "no such job");
        r = enter(job, c, err);
        return r < 0 ? r : read_and_run(job, c, out, err);
}

/* What a parent passes besides the three standard ones (sys/spawn.h). */
static unsigned count_from(int fd)
{
        unsigned n = 0;

        while (n < SPAWN_MORE_MAX && fcntl(fd + (int)n, F_GETFD) >= 0)
                n++;
        return n;
}

int job_run(const char *name, const char *const *args, int in, int out)
{
        struct job_call c = { .input = in, .more = STDERR_FILENO + 1, .args = args };
        struct sender s = { .out = out, .frame = BUF_INIT(JOB_FRAME_MAX) };
        struct err err = { 0 };
        struct job_out facts;
        uint32_t count;
        int r, sent;

        while (args[c.n_args])
                c.n_args++;
        c.n_more = count_from(c.more);
        job_out_init(&facts, send_fact, &s);
        r = enter_and_run(name, &c, &facts, &err);
        count = facts.count;
        job_out_done(&facts);

        buf_clear(&s.frame);
        if (r == 0)
                job_frame_put_end(&s.frame, count);
        else
                job_frame_put_failed(&s.frame, err_text(&err));
        sent = send_frame(out, &s.frame);
        buf_done(&s.frame);
        return sent < 0 ? 2 : r < 0 ? 1 : 0;
}
