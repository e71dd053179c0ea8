/* SPDX-License-Identifier: Apache-2.0 */
/* proof_writer.c - see proof_writer.h.  Over a pair of sockets, both ways:
 *
 *   struct order, and as many bytes as it says  ->
 *                                               <-  struct err: how it went
 *
 * SECURITY: the orders come from a process that has read a stranger's ledger. */
#include "command/verify/proof_writer.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "command/places.h"
#include "sys/io.h"
#include "wire/tlogproof.h"

struct order {
        uint32_t which, secret, n;
};

enum { CONTENT_MAX = TLOG_PROOF_MAX };

/* ---- files ---- */

/* A terminal, a pipe, /dev/null: nothing to put a new file in the place of. */
static int write_to_device(int fd, const char *path, struct span content, struct err *err)
{
        while (content.n) {
                ssize_t n = write(fd, content.p, content.n);

                if (n < 0 && errno != EINTR)
                        return err_sys(err, -errno, "%s", path);
                if (n > 0)
                        content = span_from(content, (size_t)n);
        }
        return 0;
}

static bool is_trusted(const struct stat *st)
{
        return st->st_uid == 0 || st->st_uid == geteuid();
}

/* dirfd/name, which leads to something that is no file.  Who owns the directory, or a link in it,
 * may have led it anywhere by the time that it is opened: to a disk, say. */
static int open_device(int dirfd, const char *name, const char *path, struct err *err)
{
        CLEANUP_FD int fd = -1;
        struct stat dir, link, st;
        int status;

        if (fstat(dirfd, &dir) < 0 || fstatat(dirfd, name, &link, AT_SYMLINK_NOFOLLOW) < 0)
                return err_sys(err, -errno, "%s", path);
        if (!is_trusted(&dir) || !is_trusted(&link))
                return err_set(err, -EPERM,
                               "%s: it is no file, and another user decides what it is: not "
                               "written to",
                               path);
        fd = openat(dirfd, name, O_WRONLY | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return err_sys(err, -errno, "%s", path);
        if (S_ISREG(st.st_mode))
                return err_set(err, -EBUSY, "%s: it has just become a file", path);
        status = fd;
        fd = -1;
        return status;
}

/* A proof with disclosures is for its reader only. */
static int write_file(const char *path, bool secret, struct span content, struct err *err)
{
        CLEANUP_FD int dirfd = -1, fd = -1;
        char copy[PLACES_PATH_MAX], base[PLACES_PATH_MAX];
        const char *name;
        struct stat st;
        int status;

        if (strlen(path) >= sizeof(copy))
                return err_set(err, -ENAMETOOLONG, "%s: too long", path);
        memcpy(copy, path, strlen(path) + 1);
        memcpy(base, path, strlen(path) + 1);
        status = places_open_dir(dirname(copy), &dirfd, err);
        if (status < 0)
                return status;
        name = basename(base);
        if (fstatat(dirfd, name, &st, 0) < 0 || S_ISREG(st.st_mode))
                return io_replace_file(&io_kernel, dirfd, name, dirfd, secret ? 0600 : 0644,
                                       content, err);
        fd = open_device(dirfd, name, path, err);
        return fd < 0 ? fd : write_to_device(fd, path, content, err);
}

/* ---- the process that writes ---- */

/* false: the other end is gone. */
static bool get(int fd, void *p, size_t n)
{
        while (n > 0) {
                ssize_t got = recv(fd, p, n, 0);

                if (got < 0 && errno == EINTR)
                        continue;
                if (got <= 0)
                        return false;
                p = (char *)p + got;
                n -= (size_t)got;
        }
        return true;
}

static bool put(int fd, const void *p, size_t n)
{
        while (n > 0) {
                ssize_t done = send(fd, p, n, MSG_NOSIGNAL);

                if (done < 0 && errno == EINTR)
                        continue;
                if (done <= 0)
                        return false;
                p = (const char *)p + done;
                n -= (size_t)done;
        }
        return true;
}

static int obey(const struct proof_writer *w, int fd, const struct order *o, struct err *err)
{
        CLEANUP(buf_done) struct buf content = BUF_INIT(CONTENT_MAX);
        uint8_t *at = o->n > 0 && o->n <= CONTENT_MAX ? buf_extend(&content, o->n) : NULL;

        if (!at || o->which >= PROOF_FILES || !w->path[o->which] || !get(fd, at, o->n))
                return err_set(err, -EBADMSG, "no such file is to be written");
        return write_file(w->path[o->which], o->secret, buf_span(&content), err);
}

/* What was not understood is not read on from. */
static void serve(const struct proof_writer *w, int fd)
{
        struct order o;
        int status = 0;

        while (status != -EBADMSG && get(fd, &o, sizeof o)) {
                struct err err = { 0 };

                status = obey(w, fd, &o, &err);
                if (!put(fd, &err, sizeof err))
                        return;
        }
}

int proof_writer_start(struct proof_writer *w, struct err *err)
{
        int end[2];

        if (geteuid() != 0 || (!w->path[PROOF_FILE_PROOF] && !w->path[PROOF_FILE_ENTRY]))
                return 0;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end) < 0)
                return err_sys(err, -errno, "writer of files");
        w->pid = fork();
        if (w->pid < 0) {
                int code = -errno;

                close(end[0]);
                close(end[1]);
                return err_sys(err, code, "writer of files");
        }
        if (w->pid == 0) {
                close(end[0]);
                serve(w, end[1]);
                _exit(0);
        }
        close(end[1]);
        w->fd = end[0];
        return 0;
}

/* ---- the other ---- */

int proof_writer_put(struct proof_writer *w, enum proof_file which, bool secret,
                     struct span content, struct err *err)
{
        const struct order o = { .which = which, .secret = secret, .n = (uint32_t)content.n };
        struct err said;

        assert(w->path[which] && content.n > 0 && content.n <= CONTENT_MAX);
        if (w->fd <= 0)
                return write_file(w->path[which], secret, content, err);
        if (!put(w->fd, &o, sizeof o) || !put(w->fd, content.p, content.n) ||
            !get(w->fd, &said, sizeof said))
                return err_set(err, -EPIPE, "%s: its writer is gone", w->path[which]);
        if (said.code < 0)
                return err_set(err, said.code, "%s", err_text(&said));
        return 0;
}

void proof_writer_done(struct proof_writer *w)
{
        int status;

        if (w->fd <= 0)
                return;
        fd_close(&w->fd);
        while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
                ;
        w->fd = 0;
}
