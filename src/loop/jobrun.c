/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/jobrun.h"

#include "loop/jobframe.h"
#include "sys/io.h"
#include "sys/sock.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FRAMES_PER_TURN = 256, SIGNALLED = 256 };

struct job_run {
        struct job_spec spec;
        job_fact_fn *on_fact;
        job_end_fn *on_end;
        void *ctx;
        pid_t pid;
        int pidfd, sock;
        struct loop_source *on_exit, *on_frame, *deadline;
        uint32_t facts;
        bool ended; /* the end frame was seen */
        int result; /* the first failure */
        struct err err;
        uint8_t frame[JOB_FRAME_MAX];
};

/* The first failure is the one to tell; the process goes at once. */
static void fail(struct job_run *j, int code)
{
        if (j->result < 0)
                return;
        j->result = code;
        spawn_kill(j->pidfd);
}

static void free_run(struct job_run *j)
{
        loop_remove(j->on_exit);
        loop_remove(j->on_frame);
        loop_remove(j->deadline);
        fd_close(&j->sock);
        fd_close(&j->pidfd);
        free(j);
}

static void take_fact(struct job_run *j, struct span json)
{
        int r;

        if (j->facts >= j->spec.facts_max) {
                fail(j, err_set(&j->err, -E2BIG, "job %s: more than %u facts", j->spec.job,
                                j->spec.facts_max));
                return;
        }
        j->facts++;
        r = j->on_fact(j->ctx, json);
        if (r < 0)
                fail(j, err_sys(&j->err, r, "job %s: fact %u refused", j->spec.job, j->facts));
}

static void take_frame(struct job_run *j, struct span packet)
{
        struct job_frame f;
        int r = job_frame_parse(packet, &f, &j->err);

        if (r == 0 && j->ended)
                r = err_set(&j->err, -EBADMSG, "job %s: a frame after the end", j->spec.job);
        if (r < 0) {
                fail(j, r);
                return;
        }
        switch (f.type) {
        case JOB_FRAME_FACT:
                take_fact(j, f.fact);
                break;
        case JOB_FRAME_END:
                j->ended = true;
                if (f.count != j->facts)
                        fail(j, err_set(&j->err, -EBADMSG, "job %s: says %u facts, sent %u",
                                        j->spec.job, f.count, j->facts));
                break;
        case JOB_FRAME_FAILED:
                fail(j, err_set(&j->err, -EIO, "job %s: %.*s", j->spec.job, (int)f.text.n,
                                (const char *)f.text.p));
                break;
        }
}

/* Up to max frames; false when there are no more for now. */
static bool take_frames(struct job_run *j, unsigned max)
{
        size_t n;
        int r;

        for (unsigned i = 0; i < max && j->result == 0; i++) {
                r = sock_recv(j->sock, j->frame, sizeof j->frame, &n);
                if (r == -EAGAIN || (r == 0 && n == 0))
                        return false;
                if (r < 0)
                        fail(j, err_sys(&j->err, r == -EMSGSIZE ? -EBADMSG : r, "job %s: receive",
                                        j->spec.job));
                else
                        take_frame(j, span_of(j->frame, n));
        }
        return j->result == 0;
}

static void on_frame(void *ctx, unsigned events)
{
        struct job_run *j = ctx;
        bool more = take_frames(j, FRAMES_PER_TURN);

        /* nothing will come any more, or nothing is believed any more: the exit is next */
        if (j->result < 0 || (!more && (events & LOOP_HANGUP)))
                j->on_frame = loop_remove(j->on_frame);
}

static int judge(struct job_run *j, int status)
{
        if (j->result < 0)
                return j->result;
        if (status >= SIGNALLED)
                return err_set(&j->err, -EIO, "job %s: crashed by signal %d (%s)", j->spec.job,
                               status - SIGNALLED, strsignal(status - SIGNALLED));
        if (status != 0)
                return err_set(&j->err, -EIO, "job %s: ended with status %d", j->spec.job, status);
        if (!j->ended)
                return err_set(&j->err, -EBADMSG, "job %s: ended in the middle", j->spec.job);
        return 0;
}

static void on_exit_(void *ctx, unsigned events)
{
        struct job_run *j = ctx;
        job_end_fn *on_end = j->on_end;
        void *end_ctx = j->ctx;
        struct err err;
        int status = -1;
        int r;

        while (take_frames(j, FRAMES_PER_TURN)) {
        }
        r = spawn_wait(j->pid, &status);
        r = r < 0 ? err_sys(&j->err, r, "job %s: wait", j->spec.job) : judge(j, status);
        err = j->err;
        free_run(j);
        on_end(end_ctx, r, &err);
}

static void on_deadline(void *ctx)
{
        struct job_run *j = ctx;

        fail(j, err_set(&j->err, -ETIMEDOUT, "job %s: not done after %lld ms", j->spec.job,
                        (long long)(j->spec.timeout_ns / NS_PER_MS)));
}

static int watch(struct loop *l, struct job_run *j, struct err *err)
{
        int r = loop_add_fd(l, j->pidfd, LOOP_READ, on_exit_, j, &j->on_exit, err);

        if (r == 0)
                r = loop_add_fd(l, j->sock, LOOP_READ, on_frame, j, &j->on_frame, err);
        if (r == 0)
                r = loop_add_timer(l, on_deadline, j, &j->deadline, err);
        if (r == 0)
                loop_timer_set(j->deadline, clock_mono(j->spec.clock) + j->spec.timeout_ns);
        return r;
}

static int spawn_job(struct job_run *j, struct err *err)
{
        const char *argv[2 + JOB_ARGS_MAX + 1] = { "assay-job", j->spec.job };
        struct spawn s = { .path = j->spec.program,
                           .argv = argv,
                           .in = j->spec.input,
                           .err = -1,
                           .more = j->spec.more,
                           .n_more = j->spec.n_more };
        int pair[2];
        int r = sock_pair(pair);

        for (size_t i = 0; j->spec.args && j->spec.args[i]; i++) {
                assert(i < JOB_ARGS_MAX);
                argv[2 + i] = j->spec.args[i];
        }

        if (r < 0)
                return err_sys(err, r, "job %s: socket", j->spec.job);
        s.out = pair[1];
        r = spawn_start(&s, &j->pid, &j->pidfd, err);
        close(pair[1]);
        if (r < 0)
                close(pair[0]);
        else
                j->sock = pair[0];
        return r;
}

int job_start(struct loop *l, const struct job_spec *spec, job_fact_fn *on_fact, job_end_fn *on_end,
              void *ctx, struct job_run **ret, struct err *err)
{
        struct job_run *j = calloc(1, sizeof *j);
        int r;

        if (!j)
                return err_sys(err, -ENOMEM, "job %s", spec->job);
        j->spec = *spec;
        j->on_fact = on_fact;
        j->on_end = on_end;
        j->ctx = ctx;
        j->pidfd = j->sock = -1;
        r = spawn_job(j, err);
        j->spec.more = NULL; /* were borrowed */
        j->spec.args = NULL;
        if (r < 0) {
                free_run(j);
                return r;
        }
        r = watch(l, j, err);
        if (r < 0) {
                job_cancel(j);
                return r;
        }
        *ret = j;
        return 0;
}

struct job_run *job_cancel(struct job_run *j)
{
        int status, r;

        if (!j)
                return NULL;
        spawn_kill(j->pidfd);
        r = spawn_wait(j->pid, &status); /* killed: does not wait for long */
        assert(r == 0);
        free_run(j);
        return NULL;
}

/* ---- without a loop ---- */

struct waiting {
        struct loop *loop;
        job_fact_fn *on_fact;
        void *ctx;
        int result;
        struct err err;
};

static int wait_fact(void *ctx, struct span json)
{
        struct waiting *w = ctx;

        return w->on_fact(w->ctx, json);
}

static void wait_end(void *ctx, int result, const struct err *err)
{
        struct waiting *w = ctx;

        w->result = result;
        w->err = *err;
        loop_stop(w->loop, 0);
}

int job_run_wait(const struct job_spec *spec, job_fact_fn *on_fact, void *ctx, struct err *err)
{
        CLEANUP(loop_freep) struct loop *l = NULL;
        struct waiting w = { .on_fact = on_fact, .ctx = ctx };
        struct job_run *j;
        int r;

        r = loop_new(spec->clock, &l, err);
        if (r < 0)
                return r;
        w.loop = l;
        r = job_start(l, spec, wait_fact, wait_end, &w, &j, err);
        if (r < 0)
                return r;
        r = loop_run(l);
        if (r < 0) {
                job_cancel(j);
                return err_sys(err, r, "job %s: loop", spec->job);
        }
        if (w.result < 0 && err)
                *err = w.err;
        return w.result;
}

int job_input(struct span bytes, struct err *err)
{
        CLEANUP_FD int fd = memfd_create("job-input", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        ssize_t n;
        int r;

        if (fd < 0)
                return err_sys(err, -errno, "job input");
        n = bytes.n ? io_kernel.pwrite(NULL, fd, bytes.p, bytes.n, 0) : 0;
        if (n < 0)
                return err_sys(err, (int)n, "job input of %zu bytes", bytes.n);
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
                return err_sys(err, -errno, "job input: seal");
        r = fd;
        fd = -1;
        return r;
}

int job_program(char out[PATH_MAX], struct err *err)
{
        ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
        char *slash;

        if (n < 0)
                return err_sys(err, -errno, "/proc/self/exe");
        out[n] = '\0';
        slash = strrchr(out, '/');
        if (!slash || (size_t)(slash + 1 - out) + sizeof "assay-job" > PATH_MAX)
                return err_set(err, -ENAMETOOLONG, "%s: too long", out);
        memcpy(slash + 1, "assay-job", sizeof "assay-job");
        return access(out, X_OK) < 0 ? err_sys(err, -errno, "%s", out) : 0;
}
