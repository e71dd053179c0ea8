/* SPDX-License-Identifier: Apache-2.0 */
/* fsput.h - giving a file its attributes, and names their files: what putting back takes.  Floor 1.
 *
 * Everything works on a descriptor, O_PATH included, or on a name below an open directory; nothing
 * is followed.  All return 0 or a negative errno.  Needs /proc where a descriptor is O_PATH. */
#ifndef SYS_FSPUT_H
#define SYS_FSPUT_H

#include "base/base.h"
#include "sys/dirwalk.h"

/* ---- attributes ---- */

/* Takes the set-user-id bits and capabilities away, as the kernel does: set those afterwards. */
MUST_USE int fs_chown(int fd, uint32_t uid, uint32_t gid);
MUST_USE int fs_chmod(int fd, uint32_t mode);
/* The access time stays. */
MUST_USE int fs_set_mtime(int fd, int64_t mtime_ns);
MUST_USE int fs_xattr_set(int fd, const char *name, struct span value);
MUST_USE int fs_xattr_remove(int fd, const char *name);

/* Immutable, append and nodump (enum fs_attr): clear some, then set some; *ret_before, if not NULL,
 * gets those that were set.  fd is readable, not O_PATH.  -ENOTTY, -EOPNOTSUPP: there are no such
 * flags here. */
MUST_USE int fs_flags_change(int fd, unsigned clear, unsigned set, unsigned *ret_before);

/* ---- names ---- */

/* The two names change places at once.  -EINVAL, -ENOSYS, -EOPNOTSUPP: not on this filesystem. */
MUST_USE int fs_exchange(int dirfd, const char *a, const char *b);
/* -EEXIST when something has the new name; the same errors as above where that cannot be asked. */
MUST_USE int fs_rename_new(int from_dirfd, const char *from, int to_dirfd, const char *to);
/* Does this error say that the filesystem cannot do either of the two? */
static inline bool fs_cannot(int rc)
{
        return rc == -EINVAL || rc == -ENOSYS || rc == -EOPNOTSUPP;
}

/* A pipe or a device: type is S_IFIFO, S_IFCHR or S_IFBLK.  Mode 0600. */
MUST_USE int fs_make_node(int dirfd, const char *name, uint32_t type, uint32_t major,
                          uint32_t minor);

/* Does somebody have this file open for writing, or mapped so, or run it?  1, 0, or a negative
 * errno where it cannot be told.  fd is open for reading. */
MUST_USE int fs_is_held(int fd);

#endif
