/* SPDX-License-Identifier: Apache-2.0 */
/* datagram.h - datagrams to a unix socket that somebody listens at.  Floor 3. */
#ifndef FLEET_DATAGRAM_H
#define FLEET_DATAGRAM_H

#include "base/base.h"
#include "base/err.h"

MUST_USE int datagram_connect(const char *path, int *ret_fd, struct err *err);
/* Waits at most some seconds for room.  -EMSGSIZE: too large for a datagram. */
MUST_USE int datagram_send(int fd, struct span bytes, const char *path, struct err *err);
/* An empty one that carries a descriptor. */
MUST_USE int datagram_send_fd(int fd, int passed, const char *path, struct err *err);

#endif
