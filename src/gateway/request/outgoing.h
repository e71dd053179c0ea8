/* SPDX-License-Identifier: Apache-2.0 */
/* outgoing.h - the request that the back-end gets, built of what was parsed.  Floor 3, pure.
 *
 * Nothing of the caller's bytes is passed on as it came: the path is the back-end's base and the
 * operation's segments with the values that were read, the query the parameters of the document in
 * their order, headers and cookies those of the document, Accept what its responses have,
 * Content-Type and Content-Length, Host as the package says, X-Request-Id (the call's id, which the
 * entries have), Authorization only where an identity is passed through; the body is printed from
 * the tree that was checked.  A back-end of a package with `identity` learns nothing else of the
 * caller.  HEAD is sent as HEAD.
 *
 * HTTP/1.1, no Expect, no Accept-Encoding but "identity", no Connection header of the caller's. */
#ifndef GATEWAY_OUTGOING_H
#define GATEWAY_OUTGOING_H

#include "gateway/request/request.h"
#include "package/call/call.h"

struct outgoing {
        enum api_method method;
        struct span target;                /* "/api/accounts/A00000001?limit=2" */
        const struct http_header *headers; /* without Host, Connection and Content-Length */
        uint32_t n_headers;
        struct span host; /* for Host: "accounts.internal:8443"; "localhost" of a unix socket */
        struct span body; /* p NULL: none */
};

/* pass: what goes into Authorization, empty: nothing.  id: of the call, outlives ret.  The body
 * takes q->length bytes of arena where that is known, else caps.request.  -EACCES with
 * REFUSED_SIZE: the target grew above TARGET_MAX, the body above those; -ENOMEM. */
MUST_USE int outgoing_build(const struct package *p, const struct request *q, const struct call *c,
                            struct span pass, const char *id, struct arena *arena,
                            struct outgoing *ret, struct refusal *refusal);

#endif
