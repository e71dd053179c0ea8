/* SPDX-License-Identifier: Apache-2.0 */
#include "job/run.h"

#include "job/job.h"
#include "loop/jobframe.h"
#include "loop/role.h"
#include "sys/sock.h"

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

static int read_and_run(const struct job *job, int in, struct sender *s, uint32_t *ret_count,
                        struct err *err)
{
        struct buf input = BUF_INIT(job->input_max + 1);
        struct job_out out;
        int r;

        job_out_init(&out, send_fact, s);
        r = read_input(in, &input, job->input_max, err);
        if (r == 0)
                r = job->run(&out, buf_span(&input), err);
        *ret_count = out.count;
        job_out_done(&out);
        buf_done(&input);
        return r;
}

static int enter_and_run(const char *name, int in, struct sender *s, uint32_t *ret_count,
                         struct err *err)
{
        unsigned flags = geteuid() == 0 ? 0 : ROLE_KEEP_USER;
        const struct role_paths none = { NULL, NULL, NULL };
        const struct job *job = job_by_name(name);
        struct sandbox_state state;
        int r;

        if (!job)
                return err_set(err, -ENOENT, "no such job");
        r = role_enter(ROLE_JOB, &none, flags, &state, err);
        return r < 0 ? r : read_and_run(job, in, s, ret_count, err);
}

int job_run(const char *name, int in, int out)
{
        struct sender s = { .out = out, .frame = BUF_INIT(JOB_FRAME_MAX) };
        struct err err = { 0 };
        uint32_t count = 0;
        int r = enter_and_run(name, in, &s, &count, &err);
        int sent;

        buf_clear(&s.frame);
        if (r == 0)
                job_frame_put_end(&s.frame, count);
        else
                job_frame_put_failed(&s.frame, err_text(&err));
        sent = send_frame(out, &s.frame);
        buf_done(&s.frame);
        return sent < 0 ? 2 : r < 0 ? 1 : 0;
}
