/* SPDX-License-Identifier: Apache-2.0 */
/* service.h - a program and its service, as several tables ask after them: is it there, does it
 * start with the host, does it run.  Floor 2, pure.
 *
 * A unit runs when its control group has a process (Documentation/admin-guide/cgroup-v2.rst,
 * systemd.unit(5)); only where systemd is the host's first process can that be told. */
#ifndef STATE_SERVICE_H
#define STATE_SERVICE_H

#include "state/rows/row.h"

/* For the sources of a table, once. */
#define UNIT_HOST                                                                                  \
        {                                                                                          \
                STATE_FILES, STATE_NAMES, "/run/systemd/system"                                    \
        }
/* For each of them. */
#define UNIT_SOURCES(program, unit)                                                                \
        { STATE_FILES, STATE_NAMES | STATE_FOLLOW, program },                                      \
                { STATE_FILES, STATE_NAMES, "/etc/systemd/system/*.wants/" unit },                 \
                { STATE_KERNELS, 0, "/sys/fs/cgroup/system.slice/" unit "/cgroup.procs" },         \
        {                                                                                          \
                STATE_KERNELS, 0, "/sys/fs/cgroup/systemd/system.slice/" unit "/cgroup.procs"      \
        }

struct unit {
        const char *name, *program, *service;
};

struct unit_state {
        bool installed, enabled, running, can_tell; /* can_tell: whether it runs */
};

void unit_state_of(struct state_in in, const struct unit *u, struct unit_state *ret);
/* Columns enabled, installed, running: all bool. */
void unit_put(struct state_out *o, const struct unit_state *s);

#endif
