/* SPDX-License-Identifier: Apache-2.0 */
/* mount_line.h - a line of /proc/<pid>/mountinfo (proc_pid_mountinfo(5)).  Floor 2, pure.
 *
 *   36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
 *   id of  dev root  point options  more...    - type source    options of the filesystem
 *
 * with blank, tab, newline and backslash in octal (\040). */
#ifndef STATE_MOUNT_LINE_H
#define STATE_MOUNT_LINE_H

#include "base/base.h"
#include "base/buf.h"

/* As they stand in the line; source may be empty. */
struct mount_line {
        struct span dev, root, point, options, type, source, fs_options;
        bool shared, slave, unbindable; /* of the more: shared:N, master:N and unbindable */
};

/* false: it is none. */
bool mount_line_split(struct span line, struct mount_line *ret);
/* The bytes that a field stands for.  Appends. */
void mount_line_put(struct buf *out, struct span field);

#endif
