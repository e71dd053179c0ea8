/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/observe.h"

#include "base/clock.h"
#include "integrity/trusted/content.h"
#include "integrity/trusted/observe_priv.h"
#include "sys/io.h"
#include "sys/silent.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
        TRIES = 3,         /* while a file keeps changing */
        PATH_PIECE = 4000, /* below PATH_MAX */
};

int observer_new(struct observer **ret, struct err *err)
{
        struct observer *o = calloc(1, sizeof *o);

        if (o)
                o->hash = sha256_new();
        if (!o || !o->hash) {
                free(o);
                return err_set(err, -ENOMEM, "out of memory for reading files");
        }
        o->fd = -1;
        o->hash_max = OBSERVE_HASH_MAX;
        o->names = BUF_INIT(OBSERVE_VALUE_MAX);
        o->value = BUF_INIT(OBSERVE_VALUE_MAX);
        o->attrs = BUF_INIT(RECORD_ATTRS_MAX + 2 + UINT8_MAX + RECORD_HASH);
        *ret = o;
        return 0;
}

struct observer *observer_free(struct observer *o)
{
        if (!o)
                return NULL;
        observe_abandon(o);
        sha256_free(o->hash);
        buf_done(&o->names);
        buf_done(&o->value);
        buf_done(&o->attrs);
        free(o->order);
        free(o);
        return NULL;
}

int observe_call_open(const struct observe_calls *c, int dirfd, const char *name, int flags)
{
        int fd;

        if (c && c->open)
                return c->open(c->ctx, dirfd, name, flags);
        fd = openat(dirfd, name, flags);
        return fd < 0 ? -errno : fd;
}

ssize_t observe_call_read(const struct observe_calls *c, int fd, void *to, size_t n, off_t at)
{
        ssize_t got;

        if (c && c->read)
                return c->read(c->ctx, fd, to, n, at);
        got = pread(fd, to, n, at);
        return got < 0 ? -errno : got;
}

off_t observe_call_seek(const struct observe_calls *c, int fd, off_t at, int whence)
{
        if (c && c->seek)
                return c->seek(c->ctx, fd, at, whence);
        at = lseek(fd, at, whence);
        return at < 0 ? -errno : at;
}

void observer_set_calls(struct observer *o, const struct observe_calls *c)
{
        o->calls = c;
}

void observer_set_pace(struct observer *o, struct pace *p)
{
        o->pace = p;
}

void observer_set_ended(struct observer *o, const atomic_bool *ended)
{
        o->ended = ended;
}

void observer_set_counter(struct observer *o, atomic_uint_fast64_t *read)
{
        o->counter = read;
}

void observer_set_max(struct observer *o, uint64_t max)
{
        o->hash_max = MIN_OF(max, (uint64_t)OBSERVE_HASH_MAX);
}

void observer_keep(struct observer *o, struct content *c, uint64_t max_size)
{
        o->content = c;
        o->keep_max = max_size ? max_size : UINT64_MAX;
}

/* ---- directories ---- */

static int open_piece(void *ctx, int dirfd, const char *path)
{
        struct open_how how = {
                .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                .resolve = RESOLVE_NO_SYMLINKS,
        };
        long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);

        (void)ctx;
        return fd < 0 ? -errno : (int)fd;
}

int observe_open_dir(struct span path)
{
        return observe_open_dir_by(path, open_piece, NULL);
}

int observe_open_dir_by(struct span path, observe_piece_fn *fn, void *ctx)
{
        char piece[PATH_PIECE + 1];
        CLEANUP_FD int fd = -1;
        int next;

        if (path.n == 0 || path.p[0] != '/')
                return -EINVAL;
        if (silent_at(path))
                return -EHOSTDOWN;
        for (;;) {
                size_t n = MIN_OF(path.n, (size_t)PATH_PIECE);

                while (n < path.n && path.p[n] != '/')
                        n--;
                memcpy(piece, path.p, n);
                piece[n] = '\0';
                next = fn(ctx, fd < 0 ? AT_FDCWD : fd, piece);
                if (next < 0)
                        return next;
                fd_close(&fd);
                path = span_from(path, n + 1);
                if (path.n == 0)
                        return next;
                fd = next;
        }
}

bool observe_invented(int dirfd)
{
        static const unsigned long types[] = {
                PROC_SUPER_MAGIC,
                SYSFS_MAGIC,
                DEVPTS_SUPER_MAGIC,
                CGROUP_SUPER_MAGIC,
                CGROUP2_SUPER_MAGIC,
                DEBUGFS_MAGIC,
                TRACEFS_MAGIC,
                SECURITYFS_MAGIC,
                BPF_FS_MAGIC,
                PSTOREFS_MAGIC,
                EFIVARFS_MAGIC,
                SELINUX_MAGIC,
                NSFS_MAGIC,
                BINFMTFS_MAGIC,
                0x62656570 /* configfs */,
                0x19800202 /* mqueue */,
        };
        struct statfs st;

        if (fstatfs(dirfd, &st) < 0)
                return false;
        for (size_t i = 0; i < ARRAY_LEN(types); i++)
                if ((unsigned long)st.f_type == types[i])
                        return true;
        return false;
}

int observe_handle(int fd, struct table_handle *ret)
{
        struct table_handle h = { 0 };
        struct fs_handle fh;
        struct fs_where at;
        int rc;

        STATIC_ASSERT((int)TABLE_HANDLE_MAX >= (int)FS_HANDLE_MAX, "every handle fits");
        rc = fs_handle_of(fd, "", &fh, NULL);
        if (rc == 0)
                rc = fs_where(fd, &at);
        if (rc < 0)
                return rc;
        h.fsid = at.id;
        h.type = fh.type;
        h.n = (uint8_t)fh.n;
        memcpy(h.b, fh.bytes, fh.n);
        *ret = h;
        return 0;
}

/* ---- what stat tells ---- */

/* Hostile times are clamped, not wrapped. */
static int64_t to_ns(struct fs_time t)
{
        int64_t ns;

        if (__builtin_mul_overflow(t.sec, NS_PER_S, &ns) ||
            __builtin_add_overflow(ns, (int64_t)t.nsec, &ns))
                return t.sec < 0 ? INT64_MIN : INT64_MAX;
        return ns;
}

static enum record_type type_of(uint32_t mode)
{
        switch (mode & S_IFMT) {
        case S_IFREG:
                return RECORD_FILE;
        case S_IFDIR:
                return RECORD_DIR;
        case S_IFLNK:
                return RECORD_LINK;
        case S_IFIFO:
                return RECORD_FIFO;
        case S_IFSOCK:
                return RECORD_SOCKET;
        case S_IFCHR:
                return RECORD_CHAR;
        default:
                return RECORD_BLOCK;
        }
}

static uint32_t flags_of(unsigned attr)
{
        static const struct {
                unsigned attr;
                uint32_t flag;
        } map[] = {
                { FS_ATTR_IMMUTABLE, RECORD_IMMUTABLE },   { FS_ATTR_APPEND, RECORD_APPEND },
                { FS_ATTR_VERITY, RECORD_VERITY },         { FS_ATTR_ENCRYPTED, RECORD_ENCRYPTED },
                { FS_ATTR_COMPRESSED, RECORD_COMPRESSED }, { FS_ATTR_NODUMP, RECORD_NODUMP },
        };
        uint32_t f = 0;

        for (size_t i = 0; i < ARRAY_LEN(map); i++)
                f |= attr & map[i].attr ? map[i].flag : 0;
        return f;
}

static void fill(const struct fs_stat *st, struct record *r)
{
        bool device;

        *r = (struct record){
                .type = type_of(st->mode),
                .hash = RECORD_HASH_SKIPPED,
                .reason = RECORD_REASON_NOT_A_FILE,
                .mode = st->mode & 07777,
                .uid = st->uid,
                .gid = st->gid,
                .nlink = st->nlink,
                .flags = flags_of(st->attr),
                .size = st->size,
                .ino = st->ino,
                .dev = (uint64_t)st->dev_major << 32 | st->dev_minor,
                .mtime_ns = to_ns(st->mtime),
                .ctime_ns = to_ns(st->ctime),
                .btime_ns = st->has & FS_HAS_BTIME ? to_ns(st->btime) : 0,
        };
        memset(r->known, RECORD_SKIPPED, sizeof r->known);
        if (st->attr_mask & FS_ATTR_IMMUTABLE)
                r->known[RECORD_FLAGS] = RECORD_KNOWN;
        device = r->type == RECORD_CHAR || r->type == RECORD_BLOCK;
        r->rdev = device ? (uint64_t)st->rdev_major << 32 | st->rdev_minor : 0;
}

static int stat_name(const struct observer *o, int dirfd, const char *name, struct fs_stat *ret)
{
        CLEANUP_FD int fd = -1;

        if (!o->calls || !o->calls->open)
                return fs_stat_at(dirfd, name, ret);
        fd = observe_call_open(o->calls, dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? fd : fs_stat_fd(fd, ret);
}

static int look(struct observer *o, int dirfd, const char *name)
{
        struct fs_stat st;
        int rc = silent_name(dirfd, name) ? -EHOSTDOWN : stat_name(o, dirfd, name, &st);

        if (rc < 0)
                return rc;
        fill(&st, &o->r);
        return 0;
}

/* One that is mounted here by itself lies elsewhere, and is changed there by that name. */
static bool has_other_names(const struct record *r, const struct fs_stat *st)
{
        return r->type != RECORD_DIR && (r->nlink > 1 || st->attr & FS_ATTR_MOUNT_ROOT);
}

int observe_stat(int dirfd, const char *name, struct record *ret, struct table_handle *ret_handle)
{
        CLEANUP_FD int fd = -1;
        struct fs_stat st;
        int rc = silent_name(dirfd, name) ? -EHOSTDOWN : fs_stat_at(dirfd, name, &st);

        ret_handle->n = 0;
        if (rc < 0)
                return rc;
        fill(&st, ret);
        if (!has_other_names(ret, &st))
                return 0;
        fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || observe_handle(fd, ret_handle) < 0)
                ret_handle->n = 0;
        return 0;
}

int observe_stat_path(int fd, struct record *ret, struct table_handle *ret_handle)
{
        struct fs_stat st;
        int rc = fs_stat_fd(fd, &st);

        ret_handle->n = 0;
        if (rc < 0)
                return rc;
        fill(&st, ret);
        if (has_other_names(ret, &st) && observe_handle(fd, ret_handle) < 0)
                ret_handle->n = 0;
        return 0;
}

int observe_stat_fd(int fd, struct record *ret)
{
        struct fs_stat st;
        int rc = fs_stat_fd(fd, &st);

        if (rc < 0)
                return rc;
        fill(&st, ret);
        return 0;
}

/* ---- one file ---- */

static int open_file(const struct observer *o, int dirfd, const char *name)
{
        const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        int fd = observe_call_open(o->calls, dirfd, name, flags | O_NOATIME);

        if (fd == -EPERM) /* not the owner: the access time will show */
                fd = observe_call_open(o->calls, dirfd, name, flags);
        return fd;
}

static void want_handle(struct observer *o, int fd, const struct fs_stat *st)
{
        o->handle.n = 0;
        if (o->r.type == RECORD_DIR || has_other_names(&o->r, st))
                if (observe_handle(fd, &o->handle) < 0)
                        o->handle.n = 0;
}

/* Inode flags where statx(2) does not tell them.  A descriptor that is O_PATH cannot be asked. */
static void want_flags(struct observer *o, int fd, struct fs_stat *st)
{
        CLEANUP_FD int dir = -1;
        int rc = 0;

        if (o->r.known[RECORD_FLAGS] == RECORD_KNOWN)
                return;
        if (o->r.type == RECORD_DIR) {
                dir = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                rc = dir < 0 ? -errno : fs_stat_flags(dir, st);
        } else if (o->r.type == RECORD_FILE) {
                rc = fs_stat_flags(fd, st);
        } else {
                rc = -EOPNOTSUPP;
        }
        o->r.flags = flags_of(st->attr);
        o->r.known[RECORD_FLAGS] = rc == 0                              ? RECORD_KNOWN
                                   : rc == -ENOTTY || rc == -EOPNOTSUPP ? RECORD_UNSUPPORTED
                                                                        : RECORD_UNREADABLE;
}

/* All that needs no content, of a descriptor that is open for no more than that. */
static int observe_closed(struct observer *o, int dirfd, const char *name)
{
        CLEANUP_FD int fd =
                observe_call_open(o->calls, dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct fs_stat st;
        struct record r;
        int rc;

        if (fd < 0)
                return fd == -ENOENT ? -EAGAIN : fd;
        rc = fs_stat_fd(fd, &st);
        if (rc < 0)
                return rc;
        fill(&st, &r);
        if (r.type != o->r.type)
                return -EAGAIN;
        o->r = r;
        if (r.type == RECORD_LINK) {
                ssize_t n = readlinkat(fd, "", (char *)o->link, sizeof o->link);

                if (n < 0)
                        return -errno;
                o->r.link = span_of(o->link, (size_t)n);
        }
        if (r.type != RECORD_FILE)
                want_flags(o, fd, &st);
        else if (r.known[RECORD_FLAGS] != RECORD_KNOWN)
                o->r.known[RECORD_FLAGS] = RECORD_UNREADABLE;
        observe_attrs(o, fd, &st);
        want_handle(o, fd, &st);
        return 0;
}

/* A file that may not be read still has a state. */
static int observe_unreadable(struct observer *o, int dirfd, const char *name, int error)
{
        int rc = observe_closed(o, dirfd, name);

        if (rc == 0)
                observe_no_hash(&o->r, observe_reason(error));
        return rc;
}

/* -EAGAIN: what was opened is not what was seen. */
static int begin_file(struct observer *o, int dirfd, const char *name)
{
        struct record seen = o->r;
        struct fs_stat st;
        int rc;

        o->fd = open_file(o, dirfd, name);
        if (o->fd == -ENOENT || o->fd == -ELOOP || o->fd == -ENXIO)
                return -EAGAIN;
        if (o->fd == -EMFILE || o->fd == -ENFILE || o->fd == -ENOMEM || o->fd == -ETIMEDOUT ||
            o->fd == -EUSERS)
                return o->fd; /* says something about us, not about the file */
        if (o->fd < 0)
                return observe_unreadable(o, dirfd, name, o->fd);
        rc = fs_stat_fd(o->fd, &st);
        if (rc < 0)
                return rc;
        fill(&st, &o->r);
        if (!record_same_file(&seen, &o->r))
                return -EAGAIN;
        want_flags(o, o->fd, &st);
        observe_attrs(o, o->fd, &st);
        want_handle(o, o->fd, &st);
        o->reading = observe_may_hash(o);
        return 0;
}

/* The content is read: is this still the file that we began with?  Only then its content is kept.
 */
static int end_file(struct observer *o)
{
        struct record after;
        struct fs_stat st;
        int rc;

        if (o->content && o->r.hash == RECORD_HASH_KNOWN &&
            content_keep_by(o->content, observe_read, o, o->r.sha256, o->r.size, o->keep_max) ==
                    -EAGAIN)
                return -EAGAIN;
        rc = fs_stat_fd(o->fd, &st);
        if (rc < 0)
                return rc;
        fill(&st, &after);
        after.flags = o->r.flags;
        return record_same_stat(&o->r, &after) ? 0 : -EAGAIN;
}

void observe_abandon(struct observer *o)
{
        fd_close(&o->fd);
        o->reading = false;
}

int observe_begin(struct observer *o, int dirfd, const char *name)
{
        int rc;

        observe_abandon(o);
        rc = look(o, dirfd, name);
        if (rc == 0)
                rc = o->r.type == RECORD_FILE ? begin_file(o, dirfd, name)
                                              : observe_closed(o, dirfd, name);
        if (rc < 0)
                observe_abandon(o);
        return rc;
}

int observe_more(struct observer *o, uint64_t max)
{
        int rc = o->reading ? observe_hash(o, max) : 0;

        if (rc > 0)
                return rc;
        if (rc == 0 && o->reading)
                rc = end_file(o);
        observe_abandon(o);
        return rc;
}

void observe_pause(struct observer *o)
{
        fd_close(&o->fd);
}

int observe_resume(struct observer *o, int dirfd, const char *name)
{
        struct fs_stat st;
        struct record now;
        int rc;

        assert(o->reading && o->fd < 0);
        o->fd = open_file(o, dirfd, name);
        rc = o->fd < 0 ? o->fd : fs_stat_fd(o->fd, &st);
        if (rc == 0) {
                fill(&st, &now);
                now.flags = o->r.flags;
                rc = record_same_stat(&o->r, &now) ? 0 : -EAGAIN;
        }
        if (rc < 0)
                observe_abandon(o);
        return rc;
}

void observe_result(const struct observer *o, struct record *ret, struct table_handle *ret_handle)
{
        *ret = o->r;
        if (ret_handle)
                *ret_handle = o->handle;
}

int observe(struct observer *o, int dirfd, const char *name, struct record *ret,
            struct table_handle *ret_handle)
{
        int rc = -EAGAIN;

        for (int i = 0; i < TRIES && rc == -EAGAIN; i++) {
                rc = observe_begin(o, dirfd, name);
                if (rc == 0)
                        rc = observe_more(o, UINT64_MAX);
        }
        if (rc == -EAGAIN && o->r.type == RECORD_FILE) {
                observe_no_hash(&o->r, RECORD_REASON_CHANGING);
                o->handle.n = 0;
                rc = 0;
        }
        if (rc == 0)
                observe_result(o, ret, ret_handle);
        return rc;
}
