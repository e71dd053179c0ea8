/* SPDX-License-Identifier: Apache-2.0 */
/* answer_priv.h - between the files of answer.h.  Floor 3, pure. */
#ifndef GATEWAY_ANSWER_PRIV_H
#define GATEWAY_ANSWER_PRIV_H

#include "gateway/answer/findings.h"

/* One answer on its way. */
struct answering {
        const struct package *package;
        const struct api_response *response;
        const struct answer_raw *raw;
        const struct answer_asker *asker;
        struct arena *arena;
        struct answer *ret;
        struct refusal *refusal;
        struct findings findings;
};

/* ---- answer_head.c: what single headers say ---- */

struct answer_head {
        struct span content_type; /* as it was sent; p NULL: there is none */
        struct span media;        /* of it, in lower case, without parameters */
        bool media_utf8;          /* no charset, or utf-8 */
};
MUST_USE int answer_head_read(struct answering *a, struct answer_head *ret);

/* ---- answer_header.c: those that are passed on ---- */

/* content_type: empty: none. */
MUST_USE int answer_put_headers(struct answering *a, struct span content_type);

/* ---- answer_body.c ---- */

/* Masked for who asks, into a->ret->body. */
MUST_USE int answer_put_json(struct answering *a, uint32_t schema);

/* ---- answer.c ---- */

/* Of a body or a header: masked into *ret, *ret_n values of it. */
MUST_USE int answer_mask(struct answering *a, uint32_t schema, const struct tree *v,
                         struct tree *ret, uint32_t *ret_n);
/* -ENOMEM as it is, unless it was the arena's ceiling: that is a size. */
MUST_USE int answer_no_memory(struct answering *a);

#endif
