/* SPDX-License-Identifier: Apache-2.0 */
/* io.h - the file calls that durability hangs on, as a table.  Floor 1.
 *
 * Storage code does every write, sync, rename and unlink through one of these, so a test can make
 * each call fail in turn.  All return 0 or more, or a negative errno; none retries a failed sync.
 */
#ifndef SYS_IO_H
#define SYS_IO_H

#include "base/base.h"
#include "base/err.h"

#include <limits.h>
#include <sys/types.h>

struct io {
        int (*open)(void *ctx, int dirfd, const char *path, int flags, mode_t mode);
        ssize_t (*pread)(void *ctx, int fd, void *p, size_t n, off_t at);
        ssize_t (*pwrite)(void *ctx, int fd, const void *p, size_t n, off_t at);
        int (*fdatasync)(void *ctx, int fd);
        int (*fsync)(void *ctx, int fd);
        int (*rename)(void *ctx, int dirfd, const char *from, const char *to);
        int (*link)(void *ctx, int dirfd, const char *from, const char *to);
        int (*symlink)(void *ctx, const char *target, int dirfd, const char *path);
        int (*unlink)(void *ctx, int dirfd, const char *path);
        int (*mkdir)(void *ctx, int dirfd, const char *path, mode_t mode);
        int (*ftruncate)(void *ctx, int fd, off_t n);
        /* To a name in another directory of the same file system; what is there is replaced.  NULL:
         * cannot be done here. */
        int (*move)(void *ctx, int fromfd, const char *from, int tofd, const char *to);
        /* Two names' files, each gets the other's; NULL: cannot be done here. */
        int (*exchange)(void *ctx, int dirfd, const char *path, int otherfd, const char *other);
        void *ctx;
};

/* The kernel's.  pread and pwrite go on after EINTR and short counts, so a result below n means the
 * end of the file (pread) and does not happen (pwrite). */
extern const struct io io_kernel;

/* ---- built on the table ---- */

/* Whole file into memory: *ret is malloc'd with a terminator behind it that *ret_n does not count.
 * -EFBIG above max; -EINVAL: a pipe, a device, a directory. */
MUST_USE int io_read_file(const struct io *io, int dirfd, const char *path, size_t max,
                          uint8_t **ret, size_t *ret_n, struct err *err);
/* The same of what a user names on a command line: pipes, too. */
MUST_USE int io_read_given(const char *path, size_t max, uint8_t **ret, size_t *ret_n,
                           struct err *err);

/* path gets content, or stays as it was: temporary file beside it, write, fsync, rename, fsync of
 * the directory.  sync_dirfd is an open descriptor of the directory that holds path. */
MUST_USE int io_replace_file(const struct io *io, int dirfd, const char *path, int sync_dirfd,
                             mode_t mode, struct span content, struct err *err);

/* dir/name.  -ENAMETOOLONG. */
MUST_USE int io_join(char out[PATH_MAX], const char *dir, const char *name, struct err *err);

/* mkdir -p below dirfd, each new directory synced into its parent. */
MUST_USE int io_make_dirs(const struct io *io, int dirfd, const char *path, mode_t mode,
                          struct err *err);

/* What /proc calls an open descriptor, for calls that take no O_PATH: fd_path(fd).text. */
struct fd_path {
        char text[sizeof "/proc/self/fd/-2147483648"];
};
struct fd_path fd_path(int fd);

/* Closes and sets to -1; nothing when it is -1 already. */
void fd_close(int *fd);
#define CLEANUP_FD CLEANUP(fd_close)

#endif
