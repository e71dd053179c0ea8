/* SPDX-License-Identifier: Apache-2.0 */
/* problem.h - what a caller is told of a refusal: RFC 9457.  Floor 3, pure.
 *
 *   {"instance":"urn:assay:call:<id>","status":403,"title":"Not allowed","type":"about:blank"}
 *
 * instance is the call in the log; why stands there only.  401 has WWW-Authenticate with the
 * schemes that the operation takes and nothing else, 405 Allow, 429 and 503 Retry-After. */
#ifndef GATEWAY_PROBLEM_H
#define GATEWAY_PROBLEM_H

#include "gateway/request/request.h"
#include "gateway/request/route.h"

struct reply {
        uint16_t status;
        const struct http_header *headers; /* Content-Type among them, no Content-Length */
        uint32_t n_headers;
        struct span body; /* p NULL: none */
        bool close;       /* where the request ends is in doubt: nothing behind it is another one */
};

/* id: of the call.  route and again_ns: where they are known, else NULL and 0.  -ENOMEM. */
MUST_USE int problem_reply(const struct refusal *refusal, const char *id, const struct route *route,
                           int64_t again_ns, struct arena *arena, struct reply *ret);
/* The same without memory: a constant for 503 when there is none; the connection is closed. */
extern const struct reply problem_no_memory;

#endif
