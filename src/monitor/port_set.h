/* SPDX-License-Identifier: Apache-2.0 */
/* port_set.h - sockets that wait for others, and the processes that hold them; what ports.c and
 * namespace_ports.c share.  Floor 3.
 *
 * To find who holds a socket takes a look into every process, so that is done when the sockets are
 * others than last time, or after a while, for a socket can be handed on.  A UDP socket with a port
 * from the range that the kernel gives out is mostly a question on its way to a name server: it
 * counts once it has been there twice. */
#ifndef MONITOR_PORT_SET_H
#define MONITOR_PORT_SET_H

#include "base/base.h"
#include "base/buf.h"
#include "sys/dirwalk.h"
#include "sys/proc.h"
#include "sys/sockdiag.h"

#include <stdatomic.h>

enum { PORT_SET_MAX = 16384, PORT_TEXT_MAX = 16 * 1024 * 1024 };

struct port {
        struct sock_addr local;
        uint32_t uid, inode;
        uint32_t netns; /* inode of its network namespace; 0: our own */
        uint8_t udp;    /* else TCP */
};

struct port_holder {
        uint64_t start; /* of the process that holds it for the longest time; 0: none is known */
        pid_t pid;
};

/* Large: on the heap. */
struct port_set {
        struct port at[PORT_SET_MAX];
        struct port_holder holder[PORT_SET_MAX];
        size_t n;
        bool too_many;
        unsigned denied; /* processes that may not be looked into */
        uint32_t inodes[SOCKDIAG_FDS_MAX];
        struct proc_info info;
        struct dir_reader reader;
};

/* What a table's last look saw.  All looks of one table are one after the other. */
struct port_last {
        struct port *at;
        size_t n;
        uint32_t *fleeting; /* inodes of UDP sockets with a port that was given out */
        size_t n_fleeting;
        struct buf text;
        int64_t until_ns;
};
#define PORT_LAST_INIT                                                                             \
        {                                                                                          \
                .text = {.max = PORT_TEXT_MAX }                                                    \
        }

/* One more; false and too_many: there is no room. */
bool port_set_take(struct port_set *p, const struct sockdiag_tcp *t, bool udp, uint32_t netns);
/* When all are taken: those that may be gone in a moment are left out, the others put in order: by
 * protocol, address and port, then namespace.  0 or ENOMEM. */
MUST_USE int port_set_settle(struct port_set *p, struct port_last *last);
/* last->text tells them as they are, and it is not long ago that it was asked who holds them. */
bool port_set_is_as_last(const struct port_set *p, const struct port_last *last, int64_t now_ns);
void port_set_keep(const struct port_set *p, struct port_last *last, int64_t now_ns);

/* 0 or an errno; ECANCELED. */
MUST_USE int port_set_find_holders(struct port_set *p, const atomic_bool *stop);
/* The fields of a socket that both tables have: protocol, address, port, user, pid, program,
 * "deleted" or "-", unit, container. */
void port_set_put(struct port_set *p, size_t i, struct buf *out);
/* The line about processes that may not be looked into, if some socket has no process. */
void port_set_put_denied(const struct port_set *p, struct buf *out);

/* Two of one protocol, address and port. */
bool port_same_place(const struct port *a, const struct port *b);

#endif
