/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp.h - RFC 3161 requests and replies.  Floor 1.
 *
 * SECURITY: timestamp_check() reads a reply from a stranger; OpenSSL parses it.  A process with a
 * key or a right has the job "timestamp" call it. */
#ifndef CRYPTO_TIMESTAMP_H
#define CRYPTO_TIMESTAMP_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

/* Before rights are given up that take opening files: OpenSSL would read its configuration, and the
 * C library that of the time zone, on first use.  They work without either then. */
void timestamp_prepare(void);

/* DER TimeStampReq over the SHA-256 of data, with a random nonce and certReq set. */
MUST_USE int timestamp_request(struct span data, struct buf *out, struct err *err);

/* Does the DER TimeStampResp cover data, granted, with a chain to one of the certificates in
 * authorities (PEM, text around them is skipped)?  request may be SPAN_NONE: then the nonce is not
 * compared.  *ret_time_ns: the stamp's time.  -EBADMSG and why; -EINVAL: no certificate that can be
 * read is in authorities. */
MUST_USE int timestamp_check(struct span data, struct span request, struct span reply,
                             struct span authorities, int64_t *ret_time_ns, struct err *err);

#endif
