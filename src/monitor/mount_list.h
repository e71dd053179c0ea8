/* SPDX-License-Identifier: Apache-2.0 */
/* mount_list.h - what one process sees mounted, and what of it is not so on the host.  Floor 3,
 * pure.
 *
 * SECURITY: whoever may make a user namespace mounts in it what he likes. */
#ifndef MONITOR_MOUNT_LIST_H
#define MONITOR_MOUNT_LIST_H

#include "base/base.h"
#include "base/buf.h"
#include "state/storage/mount_line.h"

enum { MOUNT_LIST_MAX = 1024 };

/* Large: on the heap. */
struct mount_list {
        uint8_t *text; /* what the lines point into; owned */
        struct mount_line at[MOUNT_LIST_MAX];
        size_t n;
        bool cut; /* there are more */
};

/* Whose a mount is, in a line of namespace_mounts.c. */
struct mount_owner {
        uint64_t inode; /* of the namespace */
        struct span name;
        uint64_t nth, pid;
};

/* Takes n bytes of a mountinfo (proc_pid_mountinfo(5)), from malloc(); lines that are none are left
 * out. */
void mount_list_take(struct mount_list *l, uint8_t *text, size_t n);
void mount_list_done(struct mount_list *l);

/* Does m show what the host shows at the same path, with no option less that takes rights away? */
bool mount_list_shows(const struct mount_list *host, const struct mount_line *m);
/* Append the line of l's mount i. */
void mount_list_put(const struct mount_list *l, size_t i, const struct mount_owner *of,
                    struct buf *out);

#endif
