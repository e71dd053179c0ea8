/* SPDX-License-Identifier: Apache-2.0 */
/* inodeflag.h - the immutable flag of a file or directory (FS_IOC_SETFLAGS, ioctl_iflags(2)).
 * Floor 1.
 *
 * While it is set nobody, root included, can write the file, change its attributes, link, rename or
 * remove it, or make, rename or remove a name in the directory.  Taking it off needs
 * CAP_LINUX_IMMUTABLE, and so does setting it. */
#ifndef SYS_INODEFLAG_H
#define SYS_INODEFLAG_H

#include "base/base.h"

/* fd is open for reading, not O_PATH.  -ENOTTY, -EOPNOTSUPP: the filesystem has no flags. */
MUST_USE int inodeflag_is_immutable(int fd, bool *ret);
/* Leaves the other flags alone, and asks again: -EOPNOTSUPP when the flag did not stay.  -EROFS:
 * the filesystem is mounted read-only. */
MUST_USE int inodeflag_set_immutable(int fd, bool immutable);

#endif
