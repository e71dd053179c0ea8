/* SPDX-License-Identifier: Apache-2.0 */
/* procnet.h - who waits for connections and datagrams in a process' network namespace, from
 * /proc/<pid>/net.  Floor 1.
 *
 * It takes no right to enter the namespace, as sock_diag(7) does; but the interface of a link-local
 * address is not told.  Documentation/networking/proc_net_tcp.rst.
 * SECURITY: the kernel writes it, about sockets that anybody makes. */
#ifndef SYS_PROCNET_H
#define SYS_PROCNET_H

#include "sys/sockdiag.h"

/* A line of net/tcp and net/udp (AF_INET) or net/tcp6 and net/udp6 (AF_INET6), without its end.
 * -EBADMSG, which the heading is as well.  Pure. */
MUST_USE int procnet_line(struct span line, uint8_t family, struct sockdiag_tcp *ret);

enum { PROCNET_LINES_MAX = 16384 }; /* of one file */

/* Every TCP socket that listens, or every UDP socket that anybody may send to, of the namespace
 * that the process is in; procfd is of proc_open().  -ESRCH: it has exited; it may have before the
 * last one was told.  -E2BIG: there are more lines than are read; what was told is true. */
MUST_USE int procnet_each(int procfd, bool udp, sockdiag_fn *fn, void *ctx);

#endif
