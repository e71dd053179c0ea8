/* SPDX-License-Identifier: Apache-2.0 */
/* restore_name.c - names in a directory of which somebody may have taken hold, and what is read
 * there.
 *
 * Who makes a name in a directory, looks for one that the kernel has not at hand, or lists it,
 * waits for its lock; and its owner, or who only reads it, can have that for as long as he likes: a
 * rename of his that waits for a file, entries that go to memory which he keeps back.  So all of
 * that is done by hands (hands.h).
 *
 * A file is written where it has no name, and gets one when it is as it will be: so nobody can have
 * it locked meanwhile. */
#include "integrity/restoring/restore_disk_priv.h"

#include "integrity/restoring/quarantine.h"
#include "sys/io.h"
#include "sys/silent.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what is there ---- */

static struct hand_ask how(const struct restorer *r)
{
        return (struct hand_ask){ .key = r->key, .group = r->group, .wait_ms = r->wait_ms };
}

static int opened(struct restorer *r, int dirfd, int fd)
{
        if (!hand_gave_up(fd))
                return fd;
        r->locked = true;
        return restore_say_stuck(r, dirfd, fd);
}

int restore_open(struct restorer *r, int dirfd, const char *name, int flags)
{
        const struct hand_ask a = how(r);

        if (r->locked)
                return -ETIMEDOUT;
        return opened(r, dirfd, hand_open(r->hands, &a, dirfd, name, flags));
}

static int open_piece(void *ctx, int dirfd, const char *piece)
{
        struct restorer *r = ctx;
        const struct hand_ask a = how(r);

        return opened(r, dirfd,
                      hand_open_path(r->hands, &a, dirfd, piece,
                                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

int restore_open_dir(struct restorer *r, struct span path)
{
        return observe_open_dir_by(path, open_piece, r);
}

static int open_to_look(struct restorer *r, int dirfd, const char *name)
{
        return silent_name(dirfd, name)
                       ? -EHOSTDOWN
                       : restore_open(r, dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

int restore_stat_name(struct restorer *r, int dirfd, const char *name, struct fs_stat *ret)
{
        CLEANUP_FD int fd = open_to_look(r, dirfd, name);

        return fd < 0 ? fd : fs_stat_fd(fd, ret);
}

int restore_stat(struct restorer *r, int dirfd, const char *name, struct record *ret,
                 struct table_handle *ret_handle)
{
        CLEANUP_FD int fd = open_to_look(r, dirfd, name);

        ret_handle->n = 0;
        return fd < 0 ? fd : observe_stat_path(fd, ret, ret_handle);
}

ssize_t restore_list(void *ctx, int fd, void *to, size_t n)
{
        struct restorer *r = ctx;
        const struct hand_ask a = how(r);
        ssize_t got = r->locked ? -ETIMEDOUT : hand_list(r->hands, &a, fd, to, n);

        r->locked |= hand_gave_up(got);
        return hand_gave_up(got) ? restore_say_stuck(r, fd, (int)got) : got;
}

int restore_rewind(struct restorer *r, int fd)
{
        return restore_call(r, (struct hand_ask){ .act = HAND_REWIND, .fd = fd }, NULL);
}

/* ---- reading a file ---- */

static int open_for(void *ctx, int dirfd, const char *name, int flags)
{
        return restore_open(ctx, dirfd, name, flags);
}

static ssize_t read_for(void *ctx, int fd, void *to, size_t n, off_t at)
{
        struct restorer *r = ctx;
        const struct hand_ask a = how(r);
        ssize_t got = r->stuck ? -ETIMEDOUT : hand_read(r->hands, &a, fd, to, n, at);

        return hand_gave_up(got) ? restore_say_stuck(r, fd, (int)got) : got;
}

static off_t seek_for(void *ctx, int fd, off_t at, int whence)
{
        struct restorer *r = ctx;
        const struct hand_ask a = how(r);
        off_t got = r->stuck ? -ETIMEDOUT : hand_seek(r->hands, &a, fd, at, whence);

        return hand_gave_up(got) ? restore_say_stuck(r, fd, (int)got) : got;
}

void restore_begin(struct restorer *r, struct restore_task *t)
{
        r->task = t;
        r->stuck = r->locked = false;
        r->calls = (struct observe_calls){ open_for, read_for, seek_for, r };
        observer_set_calls(r->observer, &r->calls);
        if (r->quarantine)
                quarantine_set_calls(r->quarantine, &r->calls);
}

void restore_observe(struct restorer *r, struct span path)
{
        CLEANUP_FD int fd = -1;
        struct span dir, name;
        char text[TABLE_NAME_MAX + 1];
        struct record rec;

        restore_begin(r, NULL);
        restore_split(path, &dir, &name);
        if (name.n == 0 || name.n > TABLE_NAME_MAX)
                return;
        memcpy(text, name.p, name.n);
        text[name.n] = '\0';
        fd = restore_open_dir(r, dir);
        if (fd >= 0)
                (void)!observe(r->observer, fd, text, &rec, NULL);
}

/* ---- new names ---- */

static int make(struct restore_run *p, struct hand_ask a, struct hand_got *got)
{
        int rc = restore_call(p->r, a, got);

        return hand_gave_up(rc) ? restore_say_stuck(p->r, p->dirfd, rc) : rc;
}

/* EISDIR: a kernel that knows of none such. */
static bool has_no_unnamed(int fd)
{
        return fd == -EOPNOTSUPP || fd == -EISDIR || fd == -EINVAL || fd == -ENOENT;
}

static int make_file(struct restore_run *p)
{
        const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOATIME | O_CLOEXEC;
        struct hand_ask a = {
                .act = HAND_OPEN, .fd = p->dirfd, .name = p->t->temp, .a = flags, .b = 0600
        };
        struct hand_got got = { .fd = -1 };
        int fd = openat(p->dirfd, ".", O_TMPFILE | O_RDWR | O_NOATIME | O_CLOEXEC, 0600);
        int rc = fd < 0 ? -errno : 0;

        p->unnamed = rc == 0;
        if (!has_no_unnamed(rc))
                return rc < 0 ? rc : fd;
        rc = make(p, a, &got);
        return rc < 0 ? rc : got.fd;
}

static int make_other(struct restore_run *p)
{
        const struct record *g = &p->good;
        struct hand_ask a = { .fd = p->dirfd, .name = p->t->temp };

        switch (g->type) {
        case RECORD_DIR:
                a.act = HAND_MKDIR;
                a.a = 0700;
                break;
        case RECORD_LINK:
                a.act = HAND_SYMLINK;
                a.value = g->link;
                break;
        case RECORD_FIFO:
                a.act = HAND_NODE;
                a.a = S_IFIFO;
                break;
        case RECORD_CHAR:
        case RECORD_BLOCK:
                a.act = HAND_NODE;
                a.a = g->type == RECORD_CHAR ? S_IFCHR : S_IFBLK;
                a.b = (int64_t)g->rdev;
                break;
        default:
                return -ENOTSUP;
        }
        return make(p, a, NULL);
}

int restore_make(struct restore_run *p)
{
        int rc;

        if (p->good.type == RECORD_FILE)
                return make_file(p);
        rc = make_other(p);
        if (rc < 0)
                return rc;
        rc = restore_open(p->r, p->dirfd, p->t->temp,
                          O_NOFOLLOW | O_CLOEXEC |
                                  (p->good.type == RECORD_DIR ? O_RDONLY | O_DIRECTORY : O_PATH));
        p->t->beside |= rc < 0;
        return rc;
}

int restore_name_it(struct restore_run *p, int fd)
{
        const struct hand_ask a = {
                .act = HAND_LINK, .fd = p->dirfd, .fd2 = fd, .name = p->t->temp
        };
        int rc = p->unnamed ? make(p, a, NULL) : 0;

        p->unnamed = p->unnamed && rc < 0;
        return rc;
}

int restore_sync(struct restorer *r, int fd)
{
        const struct hand_ask a = { .act = HAND_SYNC, .fd = fd, .group = r->group };
        int rc = hand_call(r->hands, &a, NULL);

        return hand_gave_up(rc) || rc == -EINVAL ? 0 : rc;
}
