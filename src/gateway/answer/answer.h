/* SPDX-License-Identifier: Apache-2.0 */
/* answer.h - what a back-end says, checked against the document and masked for who asked.  Floor 3.
 *
 * Source: RFC 9110.  The status must be one the document has (200, 2XX, default in this order; none
 * of 1XX; of 3XX and 206 only what stands there as such, 302 or 3XX, since `default` means neither:
 * nothing was asked for in parts, and no redirect is followed), the media type one of that
 * response's, JSON in UTF-8, Content-Encoding identity, the body within caps.response and as long
 * as Content-Length says, JSON one value that the strict parser takes and that fits its schema,
 * headers only those of the document, each fitting its schema; those of a connection and of the
 * body's form are never passed on.  204, 205, 304 and answers to HEAD have no body.  What is no
 * JSON has no classes and is passed on as it is.  Everything else is the back-end's fault: nothing
 * of it is shown.  Of a header that the document does not have only that it is one is looked at.
 *
 * Data classes that the body and the headers have are asked about one by one: `<operation>.read`,
 * then `<operation>.readMasked` on DataClass::"<class>", once a class and call.  An answer that
 * errs counts as no.
 *
 * SECURITY: hostile bytes. */
#ifndef GATEWAY_ANSWER_H
#define GATEWAY_ANSWER_H

#include "gateway/masking/find.h"
#include "gateway/masking/mask.h"
#include "gateway/request/request.h"
#include "package/call/call.h"

enum { ANSWER_HEADERS_MAX = 200, ANSWER_HEADERS_BYTES_MAX = 64 * 1024 };

/* All of it must live as long as the answer. */
struct answer_raw {
        uint16_t status;
        const struct http_header *headers;
        uint32_t n_headers;
        struct span body; /* whole; what was chunked is put together */
        bool head;        /* of a HEAD: there is none */
};

/* Who asks the policies, of one class, and once a class; ctx is the exchange's. */
typedef mask_ask_fn answer_ask_fn;
struct answer_asker {
        answer_ask_fn *ask;
        void *ctx;
        const uint8_t *hash_key; /* of this tenant, 32 bytes */
};

/* What looks personal and has no class.  place: "/accounts/ * /note" without the blanks: items of
 * arrays are one place, and so are members that the document names nowhere, since those may be
 * values; "header x-note".  The name of such a member may be it itself. */
struct answer_finding {
        enum find_kind kind;
        struct span place;
        uint32_t n;
};
enum { ANSWER_FINDINGS_MAX = 32, ANSWER_PLACE_MAX = 256 };

struct answer {
        uint16_t status;
        const struct http_header *headers; /* Content-Type among them, no Content-Length */
        uint32_t n_headers;
        struct span body;        /* the back-end's own bytes where they are what we would print */
        struct mask_found found; /* by class; what each was answered is in answers */
        struct mask_answers answers;
        struct answer_finding *findings;
        uint32_t n_findings;
        bool findings_lost; /* more than ANSWER_FINDINGS_MAX places */
};

/* -EACCES with a REFUSED_RESPONSE_...; -ENOMEM.  What takes more than the arena's ceiling is
 * REFUSED_RESPONSE_SIZE. */
MUST_USE int answer_check(const struct package *p, const struct api_operation *operation,
                          const struct answer_raw *raw, const struct answer_asker *asker,
                          struct arena *arena, struct answer *ret, struct refusal *refusal);

#endif
