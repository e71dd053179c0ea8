/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_answer.h - answers of a back-end made of bytes, and what may be seen of them. */
#ifndef FUZZ_FUZZ_ANSWER_H
#define FUZZ_FUZZ_ANSWER_H

#include "../tests/gateway/answer/answer_world.h"
#include "fuzz.h"

/* Made once, kept. */
static inline struct answer_world *fuzz_answer_world(void)
{
        static struct answer_world w;

        if (!w.api)
                answer_world_init(&w);
        return &w;
}

/* A byte of what policies say and of HEAD, one of the status, lines of headers up to an empty one,
 * the body. */
static inline void fuzz_answer_read(struct answer_world *w, struct span rest,
                                    struct http_header *headers, struct answer_raw *raw)
{
        static const uint16_t statuses[] = { 200, 200, 201, 204, 302, 404, 500, 304 };
        struct span line;

        if (rest.n >= 2) {
                w->says[0] = (enum mask_answer)(rest.p[0] % 3);
                w->says[1] = (enum mask_answer)(rest.p[0] / 3 % 3);
                raw->head = rest.p[0] >= 128;
                raw->status =
                        rest.p[1] < 16 ? rest.p[1] * 50 : statuses[rest.p[1] % ARRAY_LEN(statuses)];
        }
        rest = span_from(rest, 2);
        while (raw->n_headers < ANSWER_WORLD_HEADERS && fuzz_cut_line(&rest, &line) && line.n > 0) {
                const uint8_t *end = memchr(line.p, ':', line.n);
                size_t n = end ? (size_t)(end - line.p) : line.n;

                headers[raw->n_headers++] =
                        (struct http_header){ span_of(line.p, n), span_from(line, n + 2) };
        }
        raw->headers = headers;
        raw->body = rest;
}

static inline void fuzz_answer_json(struct answer_world *w, const struct answer *a,
                                    struct arena *arena)
{
        struct mask_found found = { 0 };
        struct tree t;

        assert(tree_read_real(a->body, TREE_DEPTH_MAX, arena, &t, NULL) == 0);
        if (a->status != 200 || mask_request(&w->p, 0, &t, arena, &found, NULL) < 0)
                return;
        for (uint32_t i = 0; i < found.n_values; i++)
                assert(w->says[found.values[i].class] != MASK_WITHHELD ||
                       found.values[i].value->kind == TREE_NULL);
}

static inline void fuzz_answer_check(struct answer_world *w, const struct answer_raw *raw,
                                     struct arena *arena)
{
        struct refusal refusal = { 0 };
        struct answer a;
        int rc = answer_world_check(w, raw, arena, &a, &refusal);

        assert(rc == 0 || (rc == -EACCES && refusal.reason != REFUSED_NOT));
        fuzz_check_text(span_str(refusal.text));
        if (rc < 0)
                return;
        assert(!raw->head || a.body.n == 0);
        for (uint32_t i = 0; i < a.n_headers; i++)
                assert(!memchr(a.headers[i].value.p, '\n', a.headers[i].value.n));
        for (uint32_t i = 0; i < a.n_findings; i++)
                fuzz_check_text(a.findings[i].place);
        if (a.body.n > 0 && span_starts(a.headers[0].value, SPAN("application/")))
                fuzz_answer_json(w, &a, arena);
}

#endif
