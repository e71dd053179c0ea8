/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that ask something beyond this host (command.h). */
#include "monitor/command.h"

#include "monitor/gather_priv.h"
#include "monitor/program.h"
#include "sys/io.h"
#include "sys/memfile.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

struct inputs {
        int fd[COMMAND_FILES_MAX], input; /* -1: none */
};

static int open_inputs(struct inputs *in, const struct gather *g, const struct command *c)
{
        for (size_t i = 0; i < c->n_files; i++) {
                in->fd[i] = open_file(g, &c->files[i]);
                if (in->fd[i] < 0)
                        return in->fd[i];
        }
        if (c->input.n)
                in->input = memfile_new(c->input, g->as_others ? g->net_uid : (uid_t)-1, NULL);
        return c->input.n && in->input < 0 ? in->input : 0;
}

static void close_inputs(struct inputs *in)
{
        for (size_t i = 0; i < COMMAND_FILES_MAX; i++)
                fd_close(&in->fd[i]);
        fd_close(&in->input);
}

static int run(struct gathering *x, const struct command *c, const struct inputs *in,
               struct buf *complaints, uint32_t *ret_status)
{
        struct program p = { .argv = c->argv,
                             .envp = c->envp,
                             .become = x->g->as_others,
                             .uid = x->g->net_uid,
                             .gid = x->g->net_gid,
                             .in = c->file_is_input ? in->fd[0] : in->input,
                             .more = in->fd,
                             .n_more = c->n_files,
                             .timeout_s = c->timeout_s,
                             .stop = x->g->stop,
                             .out = &x->content,
                             .out_max = GATHER_PROGRAM_MAX,
                             .complaints = complaints,
                             .complaints_max = COMMAND_ERRORS_MAX };

        return program_run(&p, ret_status);
}

static int put_parts(struct gathering *x, const struct buf *complaints, const struct state_part *p)
{
        struct state_part errors = { .name = SPAN("errors"), .bytes = buf_span(complaints) };
        int rc = gathering_put(x, p);

        return rc == 0 && p->status && errors.bytes.n ? gathering_put(x, &errors) : rc;
}

int gather_command(struct gathering *x, const struct command *c)
{
        struct buf complaints = BUF_INIT(COMMAND_ERRORS_MAX + 1);
        struct state_part p = { .name = span_str(c->name) };
        struct inputs in = { .fd = { -1, -1, -1, -1 }, .input = -1 };
        int rc;

        _Static_assert(COMMAND_FILES_MAX == 4, "in.fd begins without any");
        buf_clear(&x->content);
        rc = access(c->argv[0], X_OK) < 0 ? -errno : open_inputs(&in, x->g, c);
        if (rc == 0)
                rc = run(x, c, &in, &complaints, &p.status);
        if (rc == -ECANCELED) {
                rc = err_set(x->err, rc, "stopped");
        } else {
                if (rc < 0)
                        p.status = (uint32_t)-rc;
                else
                        p.bytes = buf_span(&x->content);
                rc = put_parts(x, &complaints, &p);
        }
        close_inputs(&in);
        buf_done(&complaints);
        return rc;
}
