/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/observe.h"

#include "base/clock.h"
#include "crypto/sha256.h"
#include "sys/dirwalk.h"
#include "sys/io.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
        READ_SIZE = 128 * 1024,
        LINK_MAX_BYTES = 4096,
        XATTR_VALUE_MAX = 65536, /* the kernel's XATTR_SIZE_MAX */
        TRIES = 3,               /* while a file keeps changing */
        PATH_PIECE = 4000,       /* below PATH_MAX */
};

struct observer {
        struct sha256_ctx *hash;
        struct buf names, sorted, value;
        const char **order; /* names in order */
        size_t order_max;
        uint64_t bytes;
        uint8_t link[LINK_MAX_BYTES];
        uint8_t buf[READ_SIZE];
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
        o->names = BUF_INIT(XATTR_VALUE_MAX);
        o->sorted = BUF_INIT(XATTR_VALUE_MAX);
        o->value = BUF_INIT(XATTR_VALUE_MAX);
        *ret = o;
        return 0;
}

struct observer *observer_free(struct observer *o)
{
        if (!o)
                return NULL;
        sha256_free(o->hash);
        buf_done(&o->names);
        buf_done(&o->sorted);
        buf_done(&o->value);
        free(o->order);
        free(o);
        return NULL;
}

uint64_t observer_bytes(const struct observer *o)
{
        return o->bytes;
}

/* ---- directories ---- */

static int open_piece(int dirfd, const char *path)
{
        struct open_how how = {
                .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                .resolve = RESOLVE_NO_SYMLINKS,
        };
        long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);

        return fd < 0 ? -errno : (int)fd;
}

int observe_open_dir(struct span path)
{
        char piece[PATH_PIECE + 1];
        CLEANUP_FD int fd = -1;
        int next;

        if (path.n == 0 || path.p[0] != '/')
                return -EINVAL;
        for (;;) {
                size_t n = MIN_OF(path.n, (size_t)PATH_PIECE);

                while (n < path.n && path.p[n] != '/')
                        n--;
                memcpy(piece, path.p, n);
                piece[n] = '\0';
                next = open_piece(fd < 0 ? AT_FDCWD : fd, piece);
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
        int rc;

        STATIC_ASSERT((int)TABLE_HANDLE_MAX >= (int)FS_HANDLE_MAX, "every handle fits");
        rc = fs_handle_of(fd, "", &fh, NULL);
        if (rc == 0)
                rc = fs_fsid(fd, &h.fsid);
        if (rc < 0)
                return rc;
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
        device = r->type == RECORD_CHAR || r->type == RECORD_BLOCK;
        r->rdev = device ? (uint64_t)st->rdev_major << 32 | st->rdev_minor : 0;
}

static int look(int dirfd, const char *name, struct record *ret)
{
        struct fs_stat st;
        int rc = fs_stat_at(dirfd, name, &st);

        if (rc < 0)
                return rc;
        fill(&st, ret);
        return 0;
}

int observe_stat(int dirfd, const char *name, struct record *ret, struct table_handle *ret_handle)
{
        CLEANUP_FD int fd = -1;
        int rc = look(dirfd, name, ret);

        ret_handle->n = 0;
        if (rc < 0 || ret->type != RECORD_FILE || ret->nlink < 2)
                return rc;
        fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || observe_handle(fd, ret_handle) < 0)
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

/* ---- content ---- */

static enum record_reason reason_of(int error)
{
        switch (error) {
        case -EACCES:
        case -EPERM:
                return RECORD_REASON_DENIED;
        case -EAGAIN:
        case -EBUSY:
        case -ETXTBSY:
                return RECORD_REASON_BUSY;
        case -ENOMEM:
                return RECORD_REASON_NO_MEMORY;
        default:
                return RECORD_REASON_IO;
        }
}

static void no_hash(struct record *r, enum record_reason why)
{
        r->hash = RECORD_HASH_UNREADABLE;
        r->reason = why;
        memset(r->sha256, 0, sizeof r->sha256);
}

static void hash_content(struct observer *o, int fd, struct record *r)
{
        off_t at = 0;

        sha256_begin(o->hash);
        for (;;) {
                ssize_t n = pread(fd, o->buf, sizeof o->buf, at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        no_hash(r, reason_of(-errno));
                        return;
                }
                if (n == 0)
                        break;
                sha256_add(o->hash, span_of(o->buf, (size_t)n));
                at += n;
                /* A writer can append for ever; what was there when we began is enough to know that
                 * it has changed. */
                if ((uint64_t)at > r->size + 2 * (uint64_t)READ_SIZE)
                        break;
                /* A short count at the size stat gave is the end: saves a call per small file. */
                if ((size_t)n < sizeof o->buf && (uint64_t)at == r->size)
                        break;
        }
        o->bytes += (uint64_t)at;
        sha256_end(o->hash, r->sha256);
        r->hash = RECORD_HASH_KNOWN;
        r->reason = RECORD_REASON_NONE;
}

/* ---- extended attributes ---- */

static int name_cmp(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Puts o->names in order; returns how many, or a negative errno. */
static int sort_names(struct observer *o)
{
        size_t n = 0;

        for (size_t at = 0; at < o->names.n; at += strlen((char *)o->names.p + at) + 1) {
                if (n == o->order_max) {
                        size_t max = o->order_max ? o->order_max * 2 : 16;
                        const char **p = realloc(o->order, max * sizeof(const char *));

                        if (!p)
                                return -ENOMEM;
                        o->order = p;
                        o->order_max = max;
                }
                o->order[n++] = (char *)o->names.p + at;
        }
        qsort(o->order, n, sizeof(const char *), name_cmp);
        return (int)n;
}

static void add_sized(struct sha256_ctx *h, struct span s)
{
        uint8_t n[4] = { (uint8_t)s.n, (uint8_t)(s.n >> 8), (uint8_t)(s.n >> 16),
                         (uint8_t)(s.n >> 24) };

        sha256_add(h, span_of(n, sizeof n));
        sha256_add(h, s);
}

/* SHA-256 over, for each name in order: u32le length, name, u32le length, value. */
static int digest_values(struct observer *o, int fd, int n, uint8_t out[RECORD_HASH])
{
        buf_clear(&o->sorted);
        sha256_begin(o->hash);
        for (int i = 0; i < n; i++) {
                int rc;

                buf_clear(&o->value);
                rc = fs_xattr_get(fd, o->order[i], &o->value);
                if (rc < 0)
                        return rc;
                buf_put(&o->sorted, span_of(o->order[i], strlen(o->order[i]) + 1));
                add_sized(o->hash, span_str(o->order[i]));
                add_sized(o->hash, buf_span(&o->value));
        }
        sha256_end(o->hash, out);
        return buf_status(&o->sorted);
}

static void read_xattrs(struct observer *o, int fd, struct record *r)
{
        int rc, n = 0;

        buf_clear(&o->names);
        rc = fs_xattr_list(fd, &o->names);
        if (rc == -EOPNOTSUPP) {
                r->xattr_status = RECORD_XATTRS_UNSUPPORTED;
                return;
        }
        if (rc >= 0 && o->names.n == 0)
                return;
        if (rc >= 0 && o->names.n > UINT16_MAX)
                rc = -E2BIG;
        if (rc >= 0)
                rc = n = sort_names(o);
        if (rc >= 0)
                rc = digest_values(o, fd, n, r->xattr_digest);
        if (rc < 0) {
                r->xattr_status = RECORD_XATTRS_UNREADABLE;
                memset(r->xattr_digest, 0, sizeof r->xattr_digest);
                return;
        }
        r->xattrs = buf_span(&o->sorted);
}

/* ---- one file ---- */

static int open_file(int dirfd, const char *name)
{
        const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        int fd = openat(dirfd, name, flags | O_NOATIME);

        if (fd < 0 && errno == EPERM) /* not the owner: the access time will show */
                fd = openat(dirfd, name, flags);
        return fd < 0 ? -errno : fd;
}

static void want_handle(int fd, const struct record *r, struct table_handle *ret)
{
        if (!ret)
                return;
        ret->n = 0;
        if (r->type == RECORD_DIR || (r->type == RECORD_FILE && r->nlink > 1))
                if (observe_handle(fd, ret) < 0)
                        ret->n = 0;
}

/* 0, -ENOENT, -EAGAIN: what was opened is not what was seen, or it changed. */
static int observe_file(struct observer *o, int dirfd, const char *name, struct record *ret,
                        struct table_handle *ret_handle)
{
        CLEANUP_FD int fd = open_file(dirfd, name);
        struct fs_stat st;
        struct record r = *ret, after;
        int rc;

        if (fd == -ENOENT || fd == -ELOOP || fd == -ENXIO)
                return -EAGAIN;
        if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM)
                return fd; /* says something about us, not about the file */
        if (fd < 0) {
                no_hash(ret, reason_of(fd));
                ret->xattr_status = RECORD_XATTRS_UNREADABLE;
                if (ret_handle)
                        ret_handle->n = 0;
                return 0;
        }
        rc = fs_stat_fd(fd, &st);
        if (rc < 0)
                return rc;
        if ((st.attr_mask & FS_ATTR_IMMUTABLE) == 0)
                (void)!fs_stat_flags(fd, &st); /* without an answer the flags stay clear */
        fill(&st, &r);
        if (!record_same_file(ret, &r))
                return -EAGAIN;
        hash_content(o, fd, &r);
        read_xattrs(o, fd, &r);
        want_handle(fd, &r, ret_handle);
        rc = fs_stat_fd(fd, &st);
        if (rc < 0)
                return rc;
        fill(&st, &after);
        after.flags = r.flags;
        *ret = r;
        return record_same_stat(&r, &after) ? 0 : -EAGAIN;
}

static int observe_other(struct observer *o, int dirfd, const char *name, struct record *ret,
                         struct table_handle *ret_handle)
{
        CLEANUP_FD int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct fs_stat st;
        struct record r;
        int rc;

        if (fd < 0)
                return errno == ENOENT ? -EAGAIN : -errno;
        rc = fs_stat_fd(fd, &st);
        if (rc < 0)
                return rc;
        fill(&st, &r);
        if (r.type == RECORD_FILE)
                return -EAGAIN;
        if (r.type == RECORD_LINK) {
                ssize_t n = readlinkat(fd, "", (char *)o->link, sizeof o->link);

                if (n < 0)
                        return -errno;
                r.link = span_of(o->link, (size_t)n);
        }
        read_xattrs(o, fd, &r);
        want_handle(fd, &r, ret_handle);
        *ret = r;
        return 0;
}

int observe(struct observer *o, int dirfd, const char *name, struct record *ret,
            struct table_handle *ret_handle)
{
        struct record r;
        int rc = -EAGAIN;

        for (int i = 0; i < TRIES && rc == -EAGAIN; i++) {
                rc = look(dirfd, name, &r);
                if (rc < 0)
                        return rc;
                rc = r.type == RECORD_FILE ? observe_file(o, dirfd, name, &r, ret_handle)
                                           : observe_other(o, dirfd, name, &r, ret_handle);
        }
        if (rc == -EAGAIN && r.type == RECORD_FILE) {
                if (r.hash != RECORD_HASH_KNOWN) /* it never came as far as its attributes */
                        r.xattr_status = RECORD_XATTRS_UNREADABLE;
                no_hash(&r, RECORD_REASON_CHANGING);
                if (ret_handle)
                        ret_handle->n = 0;
                rc = 0;
        }
        if (rc < 0)
                return rc;
        *ret = r;
        return 0;
}
