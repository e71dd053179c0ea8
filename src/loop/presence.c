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

static void file_name(const char *proc, const char *suffix, char out[NAME_MAX_BYTES])
{
        int n = snprintf(out, NAME_MAX_BYTES, "%s.%s", proc, suffix);

        assert(n > 0 && n < NAME_MAX_BYTES);
}

/* Locks of the open file description: they can be asked about without being taken. */
static struct flock whole_file(short type)
{
        return (struct flock){ .l_type = type, .l_whence = SEEK_SET };
}

/* Does a writer, which only one of us is, have it locked?  Or a negative errno. */
static int is_anothers(int fd)
{
        struct flock lock = whole_file(F_RDLCK);

        return fcntl(fd, F_OFD_GETLK, &lock) < 0 ? -errno : lock.l_type != F_UNLCK;
}

/* Is it what the name leads to? */
static bool is_named(int run_fd, const char *name, int fd)
{
        struct stat a, b;

        return fstat(fd, &a) == 0 && fstatat(run_fd, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
               a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* Locked for writing and open to all readers.  -EAGAIN: somebody has a lock on it. */
static int take(int run_fd, const char *name, mode_t mode, int *ret_fd)
{
        struct flock lock = whole_file(F_WRLCK);
        int fd = openat(run_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
        int rc = fd < 0 ? -errno : 0;

        if (rc == 0 && fcntl(fd, F_OFD_SETLK, &lock) < 0)
                rc = errno == EACCES ? -EAGAIN : -errno;
        if (rc == 0 && !is_named(run_fd, name, fd))
                rc = -EAGAIN; /* another put its own there meanwhile */
        if (rc == 0 && fchmod(fd, 0644) < 0)
                rc = -errno;
        if (rc == -EAGAIN || rc == 0)
                *ret_fd = fd;
        else
                fd_close(&fd);
        return rc;
}

/* Whoever may read what is said may lock it against us: then another file takes its place, which
 * nobody else can open before it is locked.  The lock of that one keeps two of us apart. */
static int replace(int run_fd, const char *proc, const char *name, int was, int *ret_fd)
{
        CLEANUP_FD int fd = -1, now = -1;
        char fresh[NAME_MAX_BYTES];
        int rc = is_anothers(was);

        if (rc)
                return rc < 0 ? rc : -EAGAIN;
        file_name(proc, "status.new", fresh);
        rc = take(run_fd, fresh, 0600, &fd);
        if (rc < 0)
                return rc;
        now = openat(run_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        rc = now < 0 ? 0 : is_anothers(now);
        if (rc == 0 && renameat(run_fd, fresh, run_fd, name) < 0)
                rc = -errno;
        if (rc)
                return rc < 0 ? rc : -EAGAIN;
        *ret_fd = fd;
        fd = -1;
        return 0;
}

int presence_open(int run_fd, const char *proc, int64_t now_ns, struct presence *ret,
                  struct err *err)
{
        CLEANUP_FD int fd = -1, was = -1;
        char name[NAME_MAX_BYTES];
        int rc;

        file_name(proc, "status", name);
        rc = take(run_fd, name, 0644, &fd);
        if (rc == -EAGAIN) {
                was = fd;
                fd = -1;
                rc = replace(run_fd, proc, name, was, &fd);
        }
        if (rc == -EAGAIN)
                return err_set(err, -EWOULDBLOCK, "%s: another %s runs here", name, proc);
        if (rc < 0)
                return err_sys(err, rc, "%s", name);
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
        CLEANUP_FD int fd = -1;
        char name[NAME_MAX_BYTES];
        size_t begun = ret->n;
        int r = 0;

        file_name(proc, "status", name);
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
        r = is_anothers(fd);
        if (r < 0)
                return err_sys(err, r, "%s: lock", name);
        *ret_lives = r;
        return 0;
}
