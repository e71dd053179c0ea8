/* SPDX-License-Identifier: Apache-2.0 */
/* asking.h - one request to a back-end and its whole answer, in memory.  Floor 4, in nginx.
 *
 *   CONNECTING --> SHAKING (TLS) --> SENDING --> READING --> over
 *        `--- the next address           `--- an answer may come early
 *
 * `connect` of backend.yaml is for CONNECTING and SHAKING with one address, `read` for SENDING, and
 * then once more for all of the answer.  An answer is whole or a fault: it says how long it is, by
 * Content-Length or chunks, and is not believed when it says so twice, has more than ASKING_HEAD
 * bytes of headers, or ends before.  1XX before it are skipped, ASKING_INTERIM of them; 101 is a
 * fault.
 *
 * Asked twice is only what was never sent, and GET, HEAD and OPTIONS when a connection that was
 * kept turns out to be closed before a byte of an answer came.
 *
 * SECURITY: reads a back-end's bytes, by nginx's own parsers; all of them are judged by
 * gateway/answer/answer.h afterwards. */
#ifndef NGINX_ASKING_H
#define NGINX_ASKING_H

#include "nginx/backend.h"

#include "gateway/answer/answer.h"
#include "gateway/request/outgoing.h"

enum { ASKING_HEAD = 32 * 1024, ASKING_HEADERS = 100, ASKING_INTERIM = 8 };

struct asking;

struct asking_end {
        enum refusal_reason fault; /* REFUSED_NOT: there is an answer */
        const char *text;          /* of the fault, for the entry */
        struct answer_raw answer;  /* lives as long as the request's pool */
};
typedef void asking_fn(void *ctx, const struct asking_end *end);

struct asking_what {
        struct backend *backend; /* held for as long as it lasts */
        const struct outgoing *outgoing;
        uint32_t answer_max;
        asking_fn *done; /* once, from the loop or from within asking_new() */
        void *ctx;
};

/* In the request's pool.  NULL: no memory, done is not called. */
struct asking *asking_new(ngx_http_request_t *r, const struct asking_what *what);
/* The request ends first: done is not called. */
void asking_cancel(struct asking *a);

/* Once nothing of its answer is needed: what was sent and read is zeroed. */
void asking_wipe(struct asking *a);

#endif
