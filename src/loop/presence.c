/* SPDX-License-Identifier: Apache-2.0 */
/* presence.c - see presence.h. */
#include "loop/presence.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "sys/io.h"
#include "wire/json.h"

enum { NAME_MAX_BYTES = 64, READ_TRIES = 5, TRY_AGAIN_MS = 2 };

static void file_name(const char *proc, char out[NAME_MAX_BYTES])
{
        int n = snprintf(out, NAME_MAX_BYTES, "%s.status", proc);

        assert(n > 0 && n < NAME_MAX_BYTES);
}

/* Locks of the open file description: they can be asked about without being taken. */
static struct flock whole_file(void)
{
        return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

int presence_open(int run_fd, const char *proc, int64_t now_ns, struct presence *ret,
                  struct err *err)
{
        struct flock lock = whole_file();
        CLEANUP_FD int fd = -1;
        char name[NAME_MAX_BYTES];

        file_name(proc, name);
        fd = openat(run_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return err_sys(err, -errno, "%s", name);
        if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
                return err_set(err, -errno, "%s: another %s runs here", name, proc);
        if (fchmod(fd, 0644) < 0)
                return err_sys(err, -errno, "%s", name);
        *ret = (struct presence){ .fd = fd, .proc = proc, .since_ns = now_ns };
        fd = -1;
        return 0;
}

void presence_done(struct presence *p)
{
        fd_close(&p->fd);
}

static void put_sandbox(struct json_writer *w, const struct sandbox_state *st)
{
        json_begin_array(w);
        for (int i = 0; i < SANDBOX_STEPS; i++) {
                json_begin_array(w);
                json_put_string(w, span_str(sandbox_step_name((enum sandbox_step)i)));
                json_put_string(w, span_str(sandbox_result_name(st->step[i].result)));
                json_put_string(w, span_str(st->step[i].note));
                json_end_array(w);
        }
        json_end_array(w);
}

static void put_state(struct buf *out, const struct presence *p, const struct sandbox_state *st,
                      struct span more)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_raw(&w, "more", more.n ? more : SPAN("{}"));
        json_member_int(&w, "pid", getpid());
        json_member_text(&w, "proc", p->proc);
        json_put_key(&w, "sandbox");
        put_sandbox(&w, st);
        json_member_time(&w, "since", p->since_ns);
        json_member_int(&w, "uid", geteuid());
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

int presence_say(struct presence *p, const struct sandbox_state *st, struct span more,
                 struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(PRESENCE_MAX);
        ssize_t n;

        put_state(&text, p, st, more);
        if (buf_status(&text) < 0)
                return err_sys(err, buf_status(&text), "%s.status", p->proc);
        n = io_kernel.pwrite(io_kernel.ctx, p->fd, text.p, text.n, 0);
        if (n < 0)
                return err_sys(err, (int)n, "%s.status", p->proc);
        /* A longer line from before may follow; readers stop at the first newline. */
        return ftruncate(p->fd, (off_t)text.n) < 0 ? err_sys(err, -errno, "%s.status", p->proc) : 0;
}

/* The first line; empty when it was caught half written. */
static int read_line(int fd, struct buf *out, struct err *err)
{
        size_t begun = out->n;
        const uint8_t *end;
        ssize_t n;
        uint8_t *p = buf_extend(out, PRESENCE_MAX);

        if (!p)
                return err_sys(err, buf_status(out), "status file");
        n = io_kernel.pread(io_kernel.ctx, fd, p, PRESENCE_MAX, 0);
        out->n = begun;
        if (n < 0)
                return err_sys(err, (int)n, "status file");
        end = memchr(p, '\n', (size_t)n);
        if (end && json_check(span_of(p, (size_t)(end - p)), NULL) == 0)
                out->n += (size_t)(end - p);
        return 0;
}

int presence_read(int run_fd, const char *proc, struct buf *ret, bool *ret_lives, struct err *err)
{
        static const struct timespec nap = { .tv_nsec = TRY_AGAIN_MS * NS_PER_MS };
        struct flock lock = whole_file();
        CLEANUP_FD int fd = -1;
        char name[NAME_MAX_BYTES];
        size_t begun = ret->n;
        int r = 0;

        file_name(proc, name);
        fd = openat(run_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0)
                return err_sys(err, -errno, "%s", name);
        r = read_line(fd, ret, err);
        for (int i = 1; i < READ_TRIES && r == 0 && ret->n == begun; i++) {
                nanosleep(&nap, NULL); /* who writes it may wait for a processor */
                r = read_line(fd, ret, err);
        }
        if (r < 0)
                return err_wrap(err, "%s", name);
        if (ret->n == begun && lseek(fd, 0, SEEK_END) == 0)
                return err_set(err, -ENOENT, "%s: nothing said yet", name);
        if (ret->n == begun)
                return err_set(err, -EBADMSG, "%s: no JSON object in its first line", name);
        if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
                return err_sys(err, -errno, "%s: lock", name);
        *ret_lives = lock.l_type != F_UNLCK;
        return 0;
}
