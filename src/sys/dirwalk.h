/* SPDX-License-Identifier: Apache-2.0 */
/* dirwalk.h - what the kernel says about files: directory entries, every attribute, handles.
 * Floor 1.
 *
 * All return 0 or more, or a negative errno; nothing is followed unless the comment says so.
 * SECURITY: names, attribute names and attribute values are any bytes. */
#ifndef SYS_DIRWALK_H
#define SYS_DIRWALK_H

#include "base/base.h"
#include "base/buf.h"

#include <sys/types.h>

/* ---- directory entries (getdents64(2)) ---- */

enum { DIR_BUFFER = 64 * 1024 };

/* Large: keep one per walker, not on a small stack. */
/* As getdents64(2): bytes, or a negative errno. */
typedef ssize_t dir_list_fn(void *ctx, int fd, void *to, size_t n);

struct dir_reader {
        int fd; /* borrowed */
        dir_list_fn *list;
        void *ctx;
        size_t at, n;
        _Alignas(8) uint8_t buf[DIR_BUFFER];
};

struct dir_entry {
        uint64_t ino;
        uint8_t type;     /* DT_REG, DT_DIR, ..., DT_UNKNOWN where the filesystem does not say */
        const char *name; /* one component; valid until the next dir_read() */
        size_t name_n;
};

/* dirfd's own position is used: seek it to 0 to read it again. */
void dir_reader_init(struct dir_reader *r, int dirfd);
/* The same, by a call of the owner's. */
void dir_reader_init_by(struct dir_reader *r, int dirfd, dir_list_fn *fn, void *ctx);
/* 1 and an entry ("." and ".." are left out), 0 at the end, or a negative errno. */
MUST_USE int dir_read(struct dir_reader *r, struct dir_entry *ret);

/* ---- attributes (statx(2)) ---- */

struct fs_time {
        int64_t sec; /* since 1970; any value, hostile files have any */
        uint32_t nsec;
};

enum fs_stat_has {
        FS_HAS_BTIME = 1u << 0,
        FS_HAS_MNT_ID = 1u << 1,
        FS_HAS_UNIQUE_MNT_ID = 1u << 2, /* mnt_id is never used again (Linux 6.8) */
};

enum fs_attr { /* bits of attr and attr_mask */
               FS_ATTR_IMMUTABLE = 1u << 0,
               FS_ATTR_APPEND = 1u << 1,
               FS_ATTR_NODUMP = 1u << 2,
               FS_ATTR_COMPRESSED = 1u << 3,
               FS_ATTR_ENCRYPTED = 1u << 4,
               FS_ATTR_VERITY = 1u << 5,
               FS_ATTR_MOUNT_ROOT = 1u << 6,
};

struct fs_stat {
        unsigned has; /* enum fs_stat_has */
        uint32_t mode;
        uint32_t uid, gid;
        uint32_t nlink;
        uint64_t ino;
        uint64_t size, blocks; /* blocks of 512 bytes */
        uint32_t dev_major, dev_minor;
        uint32_t rdev_major, rdev_minor;
        uint64_t mnt_id;
        struct fs_time atime, mtime, ctime, btime;
        unsigned attr;      /* enum fs_attr that are set */
        unsigned attr_mask; /* those the filesystem can tell; the others are unknown, not clear */
};

/* Of name below dirfd, a symbolic link itself and without mounting anything. */
MUST_USE int fs_stat_at(int dirfd, const char *name, struct fs_stat *ret);
/* Of an open descriptor, O_PATH included. */
MUST_USE int fs_stat_fd(int fd, struct fs_stat *ret);

/* Immutable, append and nodump by FS_IOC_GETFLAGS where statx could not tell: fills attr and
 * attr_mask.  fd is readable.  -ENOTTY, -EOPNOTSUPP: the filesystem has no such flags. */
MUST_USE int fs_stat_flags(int fd, struct fs_stat *st);

/* ---- extended attributes ---- */

/* Work on O_PATH descriptors too (by way of /proc/self/fd).
 * The list: names, each ended by a NUL, appended to out; -E2BIG above out's ceiling. */
MUST_USE int fs_xattr_list(int fd, struct buf *out);
/* The value, appended to out.  -ENODATA when it has gone, -E2BIG. */
MUST_USE int fs_xattr_get(int fd, const char *name, struct buf *out);

/* ---- handles (name_to_handle_at(2)) ---- */

enum { FS_HANDLE_MAX = 128 };

/* Opaque; equal bytes and type within one filesystem are one file, also after a rename. */
struct fs_handle {
        int32_t type;
        uint32_t n;
        uint8_t bytes[FS_HANDLE_MAX];
};

/* -E2BIG when bytes is longer than any handle. */
MUST_USE int fs_handle_set(struct fs_handle *h, int32_t type, struct span bytes);

/* Of name below dirfd ("" is dirfd itself); *ret_mount_id may be NULL.  -EOPNOTSUPP where the
 * filesystem has no handles; then one that only compares and does not open is tried (Linux 6.5). */
MUST_USE int fs_handle_of(int dirfd, const char *name, struct fs_handle *ret, int *ret_mount_id);

/* A new descriptor of it, or -ESTALE when it is gone.  mount_fd: any readable descriptor on its
 * filesystem.  Needs CAP_DAC_READ_SEARCH.  O_CLOEXEC is added to flags. */
MUST_USE int fs_handle_open(int mount_fd, const struct fs_handle *h, int flags);

/* ---- filesystems (statfs(2)) ---- */

struct fs_where {
        uint64_t fsid;  /* as fanotify reports it; FUSE has none (0), an overlay has its upper
                         * layer's, a copy of a filesystem the original's */
        uint64_t id;    /* of fsid and device: one among those mounted now */
        uint32_t magic; /* f_type */
};

MUST_USE int fs_where(int fd, struct fs_where *ret);

#endif
