/* SPDX-License-Identifier: Apache-2.0 */
/* procconn.h - the kernel's process connector: fork, exec, new ids and exit by netlink.  Floor 1.
 *
 * The second choice behind sys/bpf.h.  It tells process numbers and, of users, the two that a
 * process changes to; everything else has to be read while the process lives.
 *
 * A datagram, in the machine's byte order (linux/netlink.h, connector.h, cn_proc.h):
 *
 *    0  nlmsghdr  16: length of all, type NLMSG_DONE, flags, sequence, port (0: the kernel)
 *   16  cn_msg    20: idx 1, val 1, sequence, ack, length of what follows
 *   36  proc_event: what, cpu, time (CLOCK_MONOTONIC), and by what:
 *   52    fork  parent thread, parent, child thread, child
 *         exec, sid  thread, process
 *         uid, gid   thread, process, real id, effective id
 *         comm  thread, process, name[16]
 *         exit  thread, process, ... */
#ifndef SYS_PROCCONN_H
#define SYS_PROCCONN_H

#include "base/base.h"
#include "base/err.h"
#include "sys/process.h"

struct procconn;

/* Subscribe; takes CAP_NET_ADMIN, which reading does not.  The error's text is the reason, for
 * people. */
MUST_USE int procconn_open(struct procconn **ret, struct err *err);
struct procconn *procconn_free(struct procconn *c); /* NULL is fine */
DEFINE_CLEANUP(struct procconn, procconn_free)

int procconn_fd(const struct procconn *c);
/* Pass on each event that waits; one that returns below 0 ends it, and is returned. */
MUST_USE int procconn_read(struct procconn *c,
                           int (*each)(void *ctx, const struct process_event *e), void *ctx);
/* How often the kernel found no room; how many events went each time it does not say. */
uint64_t procconn_lost(const struct procconn *c);

/* One datagram.  ahead_ns: how far CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC.  1: an event; 0:
 * nothing that concerns processes as a whole (a thread, a trace, the answer to the subscription);
 * -EBADMSG.  Pure. */
MUST_USE int procconn_decode(struct span datagram, uint64_t ahead_ns, struct process_event *ret,
                             struct err *err);

#endif
