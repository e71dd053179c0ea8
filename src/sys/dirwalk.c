/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/dirwalk.h"
#include "sys/io.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Newer than the headers of Debian 12. */
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x00004000U
#endif
#ifndef AT_HANDLE_FID
#define AT_HANDLE_FID AT_REMOVEDIR
#endif

STATIC_ASSERT(FS_HANDLE_MAX >= MAX_HANDLE_SZ, "every handle fits");

/* ---- directory entries ---- */

static ssize_t list(void *ctx, int fd, void *to, size_t n)
{
        ssize_t got = getdents64(fd, to, n);

        (void)ctx;
        return got < 0 ? -errno : got;
}

void dir_reader_init(struct dir_reader *r, int dirfd)
{
        dir_reader_init_by(r, dirfd, list, NULL);
}

void dir_reader_init_by(struct dir_reader *r, int dirfd, dir_list_fn *fn, void *ctx)
{
        r->fd = dirfd;
        r->list = fn;
        r->ctx = ctx;
        r->at = 0;
        r->n = 0;
}

static bool is_dots(const char *name)
{
        return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

int dir_read(struct dir_reader *r, struct dir_entry *ret)
{
        const struct dirent64 *d;
        ssize_t n;

        for (;;) {
                if (r->at == r->n) {
                        n = r->list(r->ctx, r->fd, r->buf, sizeof r->buf);
                        if (n <= 0)
                                return (int)n;
                        r->n = (size_t)n;
                        r->at = 0;
                }
                d = (const struct dirent64 *)(r->buf + r->at);
                if (r->n - r->at < offsetof(struct dirent64, d_name) + 2 ||
                    d->d_reclen > r->n - r->at || d->d_reclen <= offsetof(struct dirent64, d_name))
                        return -EBADMSG;
                r->at += d->d_reclen;
                if (is_dots(d->d_name))
                        continue;
                ret->ino = d->d_ino;
                ret->type = d->d_type;
                ret->name = d->d_name;
                ret->name_n = strnlen(d->d_name, d->d_reclen - offsetof(struct dirent64, d_name));
                return 1;
        }
}

/* ---- attributes ---- */

static const struct {
        uint64_t statx;
        unsigned ours;
} attrs[] = {
        { STATX_ATTR_IMMUTABLE, FS_ATTR_IMMUTABLE },
        { STATX_ATTR_APPEND, FS_ATTR_APPEND },
        { STATX_ATTR_NODUMP, FS_ATTR_NODUMP },
        { STATX_ATTR_COMPRESSED, FS_ATTR_COMPRESSED },
        { STATX_ATTR_ENCRYPTED, FS_ATTR_ENCRYPTED },
        { STATX_ATTR_VERITY, FS_ATTR_VERITY },
        { STATX_ATTR_MOUNT_ROOT, FS_ATTR_MOUNT_ROOT },
};

static struct fs_time to_time(struct statx_timestamp t)
{
        return (struct fs_time){ .sec = t.tv_sec, .nsec = t.tv_nsec };
}

static unsigned to_attrs(uint64_t bits)
{
        unsigned r = 0;

        for (size_t i = 0; i < ARRAY_LEN(attrs); i++)
                if (bits & attrs[i].statx)
                        r |= attrs[i].ours;
        return r;
}

static unsigned to_has(uint32_t mask)
{
        return (mask & STATX_BTIME ? FS_HAS_BTIME : 0) |
               (mask & (STATX_MNT_ID | STATX_MNT_ID_UNIQUE) ? FS_HAS_MNT_ID : 0) |
               (mask & STATX_MNT_ID_UNIQUE ? FS_HAS_UNIQUE_MNT_ID : 0);
}

static int stat_any(int dirfd, const char *name, int flags, struct fs_stat *ret)
{
        struct statx x;

        if (statx(dirfd, name, flags | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                  STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID | STATX_MNT_ID_UNIQUE, &x) < 0)
                return -errno;
        if ((x.stx_mask & STATX_BASIC_STATS) != STATX_BASIC_STATS)
                return -ENODATA; /* a filesystem that keeps part of it to itself */
        *ret = (struct fs_stat){
                .has = to_has(x.stx_mask),
                .mode = x.stx_mode,
                .uid = x.stx_uid,
                .gid = x.stx_gid,
                .nlink = x.stx_nlink,
                .ino = x.stx_ino,
                .size = x.stx_size,
                .blocks = x.stx_blocks,
                .dev_major = x.stx_dev_major,
                .dev_minor = x.stx_dev_minor,
                .rdev_major = x.stx_rdev_major,
                .rdev_minor = x.stx_rdev_minor,
                .mnt_id = x.stx_mnt_id,
                .atime = to_time(x.stx_atime),
                .mtime = to_time(x.stx_mtime),
                .ctime = to_time(x.stx_ctime),
                .btime = to_time(x.stx_btime),
                .attr = to_attrs(x.stx_attributes),
                .attr_mask = to_attrs(x.stx_attributes_mask),
        };
        return 0;
}

int fs_stat_at(int dirfd, const char *name, struct fs_stat *ret)
{
        return stat_any(dirfd, name, 0, ret);
}

int fs_stat_fd(int fd, struct fs_stat *ret)
{
        return stat_any(fd, "", AT_EMPTY_PATH, ret);
}

int fs_stat_flags(int fd, struct fs_stat *st)
{
        const unsigned wanted = FS_ATTR_IMMUTABLE | FS_ATTR_APPEND | FS_ATTR_NODUMP;
        unsigned long flags = 0; /* the kernel writes an int whatever the request number says */
        unsigned got;

        if ((st->attr_mask & wanted) == wanted)
                return 0;
        if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
                return -errno;
        got = (flags & FS_IMMUTABLE_FL ? FS_ATTR_IMMUTABLE : 0) |
              (flags & FS_APPEND_FL ? FS_ATTR_APPEND : 0) |
              (flags & FS_NODUMP_FL ? FS_ATTR_NODUMP : 0);
        st->attr = (st->attr & ~wanted) | got;
        st->attr_mask |= wanted;
        return 0;
}

int fs_where(int fd, struct fs_where *ret)
{
        struct fs_where r;
        struct fs_stat st;
        struct statfs s;
        int rc;

        if (fstatfs(fd, &s) < 0)
                return -errno;
        rc = fs_stat_fd(fd, &st);
        if (rc < 0)
                return rc;
        STATIC_ASSERT(sizeof s.f_fsid == sizeof r.fsid, "an fsid is 64 bits");
        memcpy(&r.fsid, &s.f_fsid, sizeof r.fsid);
        r.magic = (uint32_t)s.f_type;
        r.id = r.fsid ^ ((uint64_t)st.dev_major << 32 | st.dev_minor) * 0x9e3779b97f4a7c15ULL;
        *ret = r;
        return 0;
}

/* ---- extended attributes ---- */

enum { XATTR_TRIES = 4 };

static ssize_t list_once(int fd, char *p, size_t n)
{
        ssize_t r = flistxattr(fd, p, n);

        return r < 0 && errno == EBADF ? listxattr(fd_path(fd).text, p, n) : r;
}

static ssize_t get_once(int fd, const char *name, void *p, size_t n)
{
        ssize_t r = fgetxattr(fd, name, p, n);

        return r < 0 && errno == EBADF ? getxattr(fd_path(fd).text, name, p, n) : r;
}

/* Ask for the size, then for the bytes; again when they grew in between.  name NULL: the list. */
static int xattr_any(int fd, const char *name, struct buf *out)
{
        size_t begun = out->n;
        uint8_t *p;
        ssize_t n;

        for (int i = 0; i < XATTR_TRIES; i++) {
                n = name ? get_once(fd, name, NULL, 0) : list_once(fd, NULL, 0);
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                p = buf_extend(out, (size_t)n);
                if (!p)
                        return buf_status(out);
                n = name ? get_once(fd, name, p, (size_t)n) : list_once(fd, (char *)p, (size_t)n);
                out->n = begun + (n > 0 ? (size_t)n : 0);
                if (n >= 0)
                        return 0;
                if (errno != ERANGE)
                        return -errno;
        }
        return -EAGAIN;
}

int fs_xattr_list(int fd, struct buf *out)
{
        return xattr_any(fd, NULL, out);
}

int fs_xattr_get(int fd, const char *name, struct buf *out)
{
        return xattr_any(fd, name, out);
}

/* ---- handles ---- */

union handle {
        struct file_handle h;
        uint8_t room[sizeof(struct file_handle) + FS_HANDLE_MAX];
};

int fs_handle_set(struct fs_handle *h, int32_t type, struct span bytes)
{
        if (bytes.n > sizeof h->bytes)
                return -E2BIG;
        *h = (struct fs_handle){ .type = type, .n = (uint32_t)bytes.n };
        if (bytes.n)
                memcpy(h->bytes, bytes.p, bytes.n);
        return 0;
}

int fs_handle_of(int dirfd, const char *name, struct fs_handle *ret, int *ret_mount_id)
{
        union handle u = { .h.handle_bytes = FS_HANDLE_MAX };
        int flags = name[0] ? 0 : AT_EMPTY_PATH;
        int mount_id;
        int r;

        r = name_to_handle_at(dirfd, name, &u.h, &mount_id, flags);
        if (r < 0 && errno == EOPNOTSUPP) {
                r = name_to_handle_at(dirfd, name, &u.h, &mount_id, flags | AT_HANDLE_FID);
                if (r < 0 && errno == EINVAL) /* a kernel without that flag */
                        return -EOPNOTSUPP;
        }
        if (r < 0)
                return -errno;
        r = fs_handle_set(ret, u.h.handle_type,
                          span_of(u.room + sizeof(struct file_handle), u.h.handle_bytes));
        if (r == 0 && ret_mount_id)
                *ret_mount_id = mount_id;
        return r;
}

int fs_handle_open(int mount_fd, const struct fs_handle *h, int flags)
{
        union handle u = { .h.handle_bytes = h->n, .h.handle_type = h->type };
        int fd;

        memcpy(u.room + sizeof(struct file_handle), h->bytes, h->n);
        fd = open_by_handle_at(mount_fd, &u.h, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}
