/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_request.h - a request as text, and what must be true of one that was read. */
#ifndef FUZZ_FUZZ_REQUEST_H
#define FUZZ_FUZZ_REQUEST_H

#include "fuzz.h"
#include "gateway/request/request.h"

enum { FUZZ_HEADERS_MAX = REQUEST_HEADERS_MAX + 1 };

/* Lines: the method, the target, the version ("10", "11", "20", behind it "+": open), and names and
 * values in turn. */
static inline void fuzz_request_put(struct span rest, struct http_header *room,
                                    struct request_raw *ret)
{
        struct span version = SPAN_NONE;
        uint64_t v = 0;

        assert(rest.n <= PTRDIFF_MAX); /* or the compiler thinks of a line that is longer */
        *ret = (struct request_raw){ .headers = room };
        (void)fuzz_cut_line(&rest, &ret->method);
        (void)fuzz_cut_line(&rest, &ret->target);
        (void)fuzz_cut_line(&rest, &version);
        ret->open = version.n > 2;
        if (text_to_u64(span_of(version.p, MIN_OF(version.n, (size_t)2)), &v) == 0)
                ret->version = (unsigned)v;
        while (ret->n_headers < FUZZ_HEADERS_MAX &&
               fuzz_cut_line(&rest, &room[ret->n_headers].name)) {
                if (!fuzz_cut_line(&rest, &room[ret->n_headers].value))
                        room[ret->n_headers].value = SPAN_NONE;
                ret->n_headers++;
        }
}

static inline void fuzz_request_check(const struct request *q)
{
        uint32_t n;

        assert(q->n_headers == q->raw->n_headers && q->method < API_METHODS);
        for (uint32_t i = 0; i < q->n_headers; i++) {
                const struct http_header *h = &q->headers[i];

                assert(h->name.n > 0 && (i == 0 || span_cmp(h[-1].name, h->name) <= 0));
                for (size_t k = 0; k < h->name.n; k++)
                        assert(h->name.p[k] > ' ' && h->name.p[k] < 0x7f &&
                               !(h->name.p[k] >= 'A' && h->name.p[k] <= 'Z') &&
                               h->name.p[k] != ':');
                for (size_t k = 0; k < h->value.n; k++)
                        assert(h->value.p[k] >= ' ' && h->value.p[k] != 0x7f);
                assert(request_headers_of(q, h->name, &n) <= h && n > 0);
        }
        assert((request_headers(q, "host", &n) && n == 1) || q->raw->version == 10);
        assert(!request_headers(q, "upgrade", &n));
        assert(!request_headers(q, "transfer-encoding", &n) ||
               (q->has_body && !q->length_known && q->raw->version == 11));
        assert(q->length_known == (request_headers(q, "content-length", &n) != NULL));
        assert((q->media.n > 0) == (request_headers(q, "content-type", &n) != NULL));
        fuzz_check_text(q->media);
}

#endif
