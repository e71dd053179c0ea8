/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup.h - the unit and the container that the path of a control group names.  Floor 1, pure.
 *
 * There is no register of containers that a kernel would know: each engine makes groups, and names
 * them in its way.  Those that are known (ID: 64 hex digits; NAME: as it was given):
 *
 *   docker         /docker/ID, .../docker-ID.scope, while it builds .../buildkit/NAME
 *   podman         /libpod_parent/[POD/]libpod-ID, .../libpod-ID.scope, .../libpod-payload-ID
 *   containerd     /NAMESPACE/ID, .../nerdctl-ID.scope
 *   Kubernetes     /kubepods/.../ID, .../cri-containerd-ID.scope, .../crio-ID.scope,
 *                  .../docker-ID.scope, /system.slice/containerd.service/...:cri-containerd:ID
 *   ECS            /ecs/.../ID
 *   lxc, Incus     /lxc.payload.NAME, /lxc.payload/NAME, /lxc/NAME
 *   systemd        .../systemd-nspawn@NAME.service/payload, .../machine-NAME.scope/payload
 *   runc, crun     .../runc-NAME.scope, .../crun-NAME.scope
 *
 * Not a container: who watches one from outside (libpod-conmon-ID.scope, crio-conmon-ID.scope,
 * lxc.monitor.NAME, .../supervisor), podman's POD, a virtual machine (machine-qemu...scope).
 *
 * SECURITY: below its own group a container's root, and a user below that of his own manager, makes
 * groups of any name: what counts of those who could be meant is the first on the way down. */
#ifndef SYS_CGROUP_H
#define SYS_CGROUP_H

#include "base/base.h"

enum {
        CGROUP_NAME_MAX = 255, /* of a group, the kernel's own limit */
        CGROUP_CONTAINER_MAX = 2 * CGROUP_NAME_MAX + 1,
};

struct cgroup_names {
        /* The innermost: "ssh.service", "session-4.scope".  Where the path names no unit and no
         * container, the path itself, as far as it fits: somebody else has made that group, such as
         * ctr's "/default/web".  Empty: the root.  It points into the path. */
        struct span unit;
        /* The unit lies in something that is no slice: whoever was given that one has chosen its
         * name, a user's own systemd or a container's root. */
        bool nested;
        size_t container_n, outer_n;
        uint8_t container[CGROUP_CONTAINER_MAX]; /* "ID", or "ID/ID", see cgroup_container() */
};

/* whole: false where only the end of the path is known, and nobody can say what that lies in. */
void cgroup_names(struct span path, bool whole, struct cgroup_names *ret);

/* As its engine calls it.  In a container within a container both, a slash between them: the host's
 * own, and the innermost, which the first one has named. */
static inline struct span cgroup_container(const struct cgroup_names *n)
{
        return span_of(n->container, n->container_n);
}

/* The path was the end of one that lies in a container (as cgroup_container() has it; empty: in
 * none that is known). */
void cgroup_within(struct cgroup_names *n, struct span container);

#endif
