/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_exchange.h - one call that a fuzzer makes up, from the request to the reply, with what must
 * hold whatever is sent and answered. */
#ifndef FUZZ_FUZZ_EXCHANGE_H
#define FUZZ_FUZZ_EXCHANGE_H

#include <stdio.h>

#include "../tests/gateway/exchange/exchange_world.h"
#include "base/clock.h"
#include "fuzz.h"
#include "gateway/exchange/exchange_priv.h"

enum { FUZZ_HEADERS = REQUEST_HEADERS_MAX + 2, FUZZ_TELLING = 8 };

/* A request or an answer: its first line, lines of headers, an empty one, the body. */
struct fuzz_message {
        struct span first, body;
        struct http_header headers[FUZZ_HEADERS];
        uint32_t n_headers;
};

/* What happens besides: the first two bytes. */
struct fuzz_call {
        uint8_t who, how;
        struct fuzz_message request, answer;
        char bearer[WORLD_TOKEN_MAX + 8];
        bool intent, outcome; /* recorded */
};

enum fuzz_how {
        FUZZ_NO_INTENT = 1,
        FUZZ_NO_OUTCOME = 2,
        FUZZ_NO_BODY = 4,
        FUZZ_NO_ANSWER = 8,
        FUZZ_HTTP10 = 16,
        FUZZ_HTTP2 = 32,
        FUZZ_TWICE = 64, /* the second time from the cache, if it was kept */
};

static inline struct exchange_world *fuzz_world(void)
{
        static struct exchange_world w;

        if (!w.serving)
                world_open(&w);
        return &w;
}

static inline void fuzz_read_message(struct span text, struct fuzz_message *m)
{
        struct span line;

        fuzz_cut_line(&text, &m->first);
        while (fuzz_cut_line(&text, &line) && line.n) {
                const uint8_t *colon = memchr(line.p, ':', line.n);
                size_t n = colon ? (size_t)(colon - line.p) : line.n;
                struct span value = span_from(line, n + 1);

                if (value.n && value.p[0] == ' ')
                        value = span_from(value, 1);
                if (m->n_headers < FUZZ_HEADERS)
                        m->headers[m->n_headers++] =
                                (struct http_header){ span_of(line.p, n), value };
        }
        m->body = text;
}

static inline void fuzz_add_header(struct fuzz_message *m, struct span name, struct span value)
{
        if (m->n_headers < FUZZ_HEADERS)
                m->headers[m->n_headers++] = (struct http_header){ name, value };
}

/* Two bytes, the request, a byte 0, the answer. */
static inline void fuzz_read_call(struct span data, struct fuzz_call *c)
{
        size_t n;

        *c = (struct fuzz_call){ .who = data.n > 0 ? data.p[0] : 0,
                                 .how = data.n > 1 ? data.p[1] : 0 };
        data = span_from(data, 2);
        n = data.n ? strnlen((const char *)data.p, data.n) : 0;
        fuzz_read_message(span_of(data.p, n), &c->request);
        fuzz_read_message(span_from(data, n + 1), &c->answer);
}

/* Somebody shows something that is good, or what the fuzzer says. */
static inline void fuzz_show(struct fuzz_call *c, struct request_raw *raw)
{
        static const char *const people[] = { "tess", "fred", "audrey", "zoe", "frank" };
        char payload[WORLD_TOKEN_MAX], token[WORLD_TOKEN_MAX];
        const unsigned who = c->who % 8;

        if (who < ARRAY_LEN(people)) {
                world_payload(people[who], WORLD_NOON, payload);
                world_sign(fuzz_world(), payload, token);
                snprintf(c->bearer, sizeof c->bearer, "Bearer %s", token);
                fuzz_add_header(&c->request, SPAN("Authorization"), span_str(c->bearer));
        } else if (who == 5) {
                raw->client_subject_cn = SPAN("payroll.partner.example");
                raw->client_ca = SPAN("/etc/assay/ca/partners.pem");
        } else if (who == 6) {
                snprintf(c->bearer, sizeof c->bearer, "Bearer %s", world_ticket);
                fuzz_add_header(&c->request, SPAN("Authorization"), span_str(c->bearer));
        }
}

static inline void fuzz_make_raw(struct fuzz_call *c, struct request_raw *raw)
{
        const struct span line = c->request.first;
        const uint8_t *blank = line.n ? memchr(line.p, ' ', line.n) : NULL;
        const size_t n = blank ? (size_t)(blank - line.p) : line.n;

        *raw = (struct request_raw){ .method = span_of(line.p, n),
                                     .target = span_from(line, n + 1),
                                     .version = c->how & FUZZ_HTTP10  ? 10
                                                : c->how & FUZZ_HTTP2 ? 20
                                                                      : 11,
                                     .open = (c->how & FUZZ_HTTP2) && c->request.body.n,
                                     .address = { .address = { 10, 1, 2, 3 }, .prefix = 32 },
                                     .address_text = SPAN("10.1.2.3"),
                                     .tls_version = SPAN("TLSv1.3"),
                                     .now_ns = WORLD_NOON * NS_PER_S };
        fuzz_show(c, raw);
        raw->headers = c->request.headers;
        raw->n_headers = c->request.n_headers;
}

/* Nothing ends a line before its end. */
static inline void fuzz_check_headers(const struct http_header *h, uint32_t n)
{
        for (uint32_t i = 0; i < n; i++) {
                assert(h[i].name.n > 0);
                for (size_t k = 0; k < h[i].name.n; k++)
                        assert(h[i].name.p[k] > ' ' && h[i].name.p[k] != ':');
                for (size_t k = 0; k < h[i].value.n; k++)
                        assert(h[i].value.p[k] >= ' ' || h[i].value.p[k] == '\t');
        }
}

static inline size_t fuzz_count(struct span text, struct span what)
{
        size_t n = 0;

        for (size_t i = 0; i + what.n <= text.n; i++)
                n += memcmp(text.p + i, what.p, what.n) == 0;
        return n;
}

/* What was withheld, and stands nowhere else in what the back-end said, is not in the reply. */
static inline void fuzz_check_withheld(const struct exchange *x, struct span said)
{
        const struct mask_found *f = &x->priv->answer.found;

        for (uint32_t i = 0; i < f->n_values; i++) {
                const struct mask_value *v = &f->values[i];

                if (v->answer == MASK_WITHHELD && v->value->kind == TREE_STRING &&
                    v->value->text.n >= FUZZ_TELLING && !memchr(said.p, '\\', said.n) &&
                    fuzz_count(said, v->value->text) == 1)
                        assert(fuzz_count(x->reply.body, v->value->text) == 0);
        }
}

static inline void fuzz_check_reply(const struct exchange *x, const struct fuzz_call *c)
{
        assert(x->reply.status >= 200 && x->reply.status < 600);
        fuzz_check_headers(x->reply.headers, x->reply.n_headers);
        if (c->outcome && x->priv->refusal.reason == REFUSED_NOT)
                fuzz_check_withheld(x, c->answer.body);
        else
                assert(span_starts(x->reply.body, SPAN("{\"instance\":\"urn:assay:call:")));
}

static inline enum exchange_step fuzz_record(struct exchange *x, struct fuzz_call *c, int64_t now)
{
        bool intent = false, outcome = false;
        enum exchange_step step;

        for (uint32_t i = 0; i < x->records.n; i++) {
                const struct span s = x->records.at[i].skeleton;

                assert(json_check(s, NULL) == 0);
                intent |= memmem(s.p, s.n, "\"api.intent\"", 12) != NULL;
                outcome |= memmem(s.p, s.n, "\"api.outcome\"", 13) != NULL;
        }
        if ((intent && (c->how & FUZZ_NO_INTENT)) || (outcome && (c->how & FUZZ_NO_OUTCOME))) {
                step = exchange_unrecorded(x, RECORD_PERHAPS, now);
                assert(x->afterwards.n > 0); /* what may be there does not stand alone */
                return step;
        }
        c->intent |= intent;
        c->outcome |= outcome;
        return exchange_recorded(x, now);
}

static inline enum exchange_step fuzz_answer(struct exchange *x, struct fuzz_call *c,
                                             struct answer_raw *raw, int64_t now)
{
        uint64_t status = 0;

        assert(c->intent && !c->outcome);
        assert(x->outgoing.target.n && x->outgoing.target.p[0] == '/');
        for (size_t i = 0; i < x->outgoing.target.n; i++)
                assert(x->outgoing.target.p[i] > ' ' && x->outgoing.target.p[i] < 0x7f);
        fuzz_check_headers(x->outgoing.headers, x->outgoing.n_headers);
        if (c->how & FUZZ_NO_ANSWER)
                return exchange_refuse(x, REFUSED_BACKEND_TIME, "late", now);
        for (size_t i = 0; i < c->answer.first.n && i < 3; i++)
                status = status * 10 + (c->answer.first.p[i] & 15);
        *raw = (struct answer_raw){ .status = (uint16_t)status,
                                    .headers = c->answer.headers,
                                    .n_headers = c->answer.n_headers,
                                    .body = c->answer.body,
                                    .head = x->outgoing.method == API_HEAD };
        return exchange_answered(x, raw, now);
}

static inline void fuzz_call_once(struct fuzz_call *c)
{
        struct exchange_world *w = fuzz_world();
        CLEANUP(exchange_freep) struct exchange *x = NULL;
        enum exchange_step step = EXCHANGE_ANSWER;
        struct answer_raw answer;
        struct request_raw raw;

        fuzz_make_raw(c, &raw);
        assert(exchange_begin(&w->gateway, w->serving, &raw, &x, &step) == 0);
        for (int64_t now = raw.now_ns; step != EXCHANGE_ANSWER; now += NS_PER_MS) {
                exchange_assert_valid(x);
                if (step == EXCHANGE_READ)
                        step = c->how & FUZZ_NO_BODY ? exchange_refuse(x, REFUSED_SIZE, "long", now)
                                                     : exchange_body(x, c->request.body);
                else if (step == EXCHANGE_RECORD)
                        step = fuzz_record(x, c, now);
                else
                        step = fuzz_answer(x, c, &answer, now);
        }
        exchange_assert_valid(x);
        fuzz_check_reply(x, c);
}

#endif
