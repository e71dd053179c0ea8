/* SPDX-License-Identifier: Apache-2.0 */
/* request_priv.h - between the files of request.h.  Floor 3, pure. */
#ifndef GATEWAY_REQUEST_PRIV_H
#define GATEWAY_REQUEST_PRIV_H

#include "gateway/request/request.h"

/* RFC 9110, 5.6.2: a byte of a token in lower case, 0: it is none of one. */
extern const uint8_t request_token[256];

/* What single headers say, of a request whose headers are in order.  Sets has_body, length and
 * media. */
MUST_USE int request_check(struct request *q, struct arena *arena, struct refusal *refusal);

#endif
