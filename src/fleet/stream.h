/* SPDX-License-Identifier: Apache-2.0 */
/* stream.h - bytes to a host over TCP or TLS, and whether it has read them.  Floor 3.
 *
 * Syslog over TCP has no acknowledgement: what the kernel took may never be read.  So a connection
 * carries one batch: it is closed in our direction behind it, and counts as delivered when the
 * other end then closes in order and its kernel has acknowledged every byte.  A program that dies
 * with bytes unread resets the connection instead (RFC 1122, 4.2.2.13); one that closes before it
 * can know that we do has not read to the end.  Then the batch is sent again. */
#ifndef FLEET_STREAM_H
#define FLEET_STREAM_H

#include "base/base.h"
#include "base/err.h"

/* Certificates, read once; NULL means no TLS. */
struct stream_tls;

/* ca: a file of certificates; "": the system's.  cert and key: of ours, or "".  name: what the
 * server's certificate has to be for, a host's name or address. */
MUST_USE int stream_tls_new(const char *ca, const char *cert, const char *key, const char *name,
                            struct stream_tls **ret, struct err *err);
struct stream_tls *stream_tls_free(struct stream_tls *t);
DEFINE_CLEANUP(struct stream_tls, stream_tls_free)

/* Connect, send, close, and wait for the other end to close. */
MUST_USE int stream_send(const char *host, uint16_t port, const struct stream_tls *tls,
                         struct span bytes, struct err *err);

/* Connect a datagram socket, for sends without any answer. */
MUST_USE int stream_connect(const char *host, uint16_t port, int type, int *ret_fd,
                            struct err *err);

#endif
