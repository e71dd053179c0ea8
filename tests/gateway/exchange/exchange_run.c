/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"

enum { HEADERS_MAX = EXCHANGE_HEADERS_MAX, RAN_TEXT = 1 << 20 };

/* ---- what is sent ---- */

static void add_header(struct exchange_sent *s, const char *name, struct span value)
{
        assert_true(s->raw.n_headers < HEADERS_MAX);
        s->headers[s->raw.n_headers++] = (struct http_header){ span_str(name), value };
}

static void add_lines(struct http_header *headers, uint32_t *n, const char *lines)
{
        while (lines && *lines) {
                const char *colon = strstr(lines, ": "), *end = strchr(lines, '\n');
                size_t len = end ? (size_t)(end - lines) : strlen(lines);

                assert_true(colon && colon < lines + len && *n < HEADERS_MAX);
                headers[(*n)++] =
                        (struct http_header){ span_of(lines, (size_t)(colon - lines)),
                                              span_of(colon + 2,
                                                      len - (size_t)(colon + 2 - lines)) };
                lines += len + (end != NULL);
        }
}

/* "!expired", "!forged": tess's, two hours ago, and with another signature. */
static void make_token(const struct exchange_world *w, const char *who, int64_t now_s,
                       char ret[WORLD_TOKEN_MAX])
{
        char payload[WORLD_TOKEN_MAX];

        if (strcmp(who, "ticket") == 0 || strcmp(who, "ring") == 0) {
                snprintf(ret, WORLD_TOKEN_MAX, "%s", who[0] == 't' ? world_ticket : world_ring);
                return;
        }
        if (strcmp(who, "!expired") == 0)
                now_s -= 7200;
        world_payload(who[0] == '!' ? "tess" : who, now_s, payload);
        world_sign(w, payload, ret);
        if (strcmp(who, "!forged") == 0)
                ret[strlen(ret) - 10] ^= 1;
}

static void show(const struct exchange_world *w, const struct exchange_case *c, int64_t now_s,
                 struct exchange_sent *s)
{
        if (!c->who)
                return;
        if (strncmp(c->who, "other:", 6) == 0) {
                s->raw.client_subject_cn = span_str(c->who + 6);
                s->raw.client_ca = SPAN("/etc/assay/ca/other.pem");
        } else if (strncmp(c->who, "cert:", 5) == 0) {
                s->raw.client_subject_cn = span_str(c->who + 5);
                s->raw.client_ca = strstr(c->request, " /odd/")
                                           ? SPAN("/etc/assay/ca/machines.pem")
                                           : SPAN("/etc/assay/ca/partners.pem");
        } else if (strncmp(c->who, "text:", 5) == 0) {
                add_header(s, "Authorization", span_str(c->who + 5));
        } else {
                make_token(w, c->who, now_s, s->token);
                snprintf(s->bearer, sizeof s->bearer, "Bearer %s", s->token);
                add_header(s, "Authorization", span_str(s->bearer));
        }
}

static void describe_body(const struct exchange_case *c, struct exchange_sent *s)
{
        if (!c->body || c->bare)
                return;
        if (!c->headers || !strstr(c->headers, "Content-Type"))
                add_header(s, "Content-Type", SPAN("application/json"));
        if (c->headers &&
            (strstr(c->headers, "Transfer-Encoding") || strstr(c->headers, "Content-Length")))
                return;
        snprintf(s->length, sizeof s->length, "%zu", strlen(c->body));
        add_header(s, "Content-Length", span_str(s->length));
}

void exchange_make_sent(const struct exchange_world *w, const struct exchange_case *c,
                        struct exchange_sent *s)
{
        const char *blank = strchr(c->request, ' ');
        int64_t now_s = c->at_s ? c->at_s : WORLD_NOON;
        uint8_t last = c->address ? c->address : 3;

        *s = (struct exchange_sent){ .raw = { .version = c->version ? c->version : 11,
                                              .address = { .address = { 10, 1, 2, last },
                                                           .prefix = 32 },
                                              .tls_version = SPAN("TLSv1.3"),
                                              .now_ns = now_s * NS_PER_S } };
        s->raw.method = span_of(c->request, (size_t)(blank - c->request));
        s->raw.target = span_str(blank + 1);
        snprintf(s->address, sizeof s->address, "10.1.2.%u", last);
        s->raw.address_text = span_str(s->address);
        s->raw.headers = s->headers;
        if (!c->bare) {
                add_header(s, "Host", SPAN("api.bank.example"));
                show(w, c, now_s, s);
                describe_body(c, s);
        }
        add_lines(s->headers, &s->raw.n_headers, c->headers);
}

/* ---- what comes of it ---- */

/* With the call's id told as "<id>". */
static void put_named(struct buf *out, struct span text, const char *id)
{
        const size_t n = strlen(id);

        for (size_t i = 0; i < text.n;) {
                if (span_starts(span_from(text, i), span_str(id))) {
                        buf_put_str(out, "<id>");
                        i += n;
                } else {
                        buf_put_byte(out, text.p[i++]);
                }
        }
}

static void put_headers(struct buf *out, const struct http_header *h, uint32_t n, const char *id)
{
        for (uint32_t i = 0; i < n; i++) {
                buf_put(out, h[i].name);
                buf_put_str(out, ": ");
                put_named(out, h[i].value, id);
                buf_put_byte(out, '\n');
        }
        buf_put_byte(out, '\n');
}

static void tell_sent(const struct exchange *x, struct exchange_ran *r)
{
        const struct outgoing *o = &x->outgoing;

        buf_printf(&r->sent, "%s ", api_method_name(o->method));
        buf_put(&r->sent, o->target);
        buf_put_str(&r->sent, "\nhost: ");
        buf_put(&r->sent, o->host);
        buf_put_byte(&r->sent, '\n');
        put_headers(&r->sent, o->headers, o->n_headers, x->id);
        buf_put(&r->sent, o->body);
}

/* No sensitive value is in a skeleton, but for short ones that are part of other words. */
static void check_sealed(const struct record *e)
{
        for (uint32_t i = 0; i < e->n_fields; i++) {
                struct span v = e->fields[i].value;

                if (v.n > 6 && memmem(e->skeleton.p, e->skeleton.n, v.p, v.n))
                        fail_msg("%.*s is in %.*s", (int)v.n, v.p, (int)e->skeleton.n,
                                 e->skeleton.p);
        }
}

static void tell_entries(const struct exchange *x, const struct records *records,
                         struct exchange_ran *r)
{
        for (uint32_t i = 0; i < records->n; i++) {
                const struct record *e = &records->at[i];

                check_sealed(e);
                put_named(&r->entries, e->skeleton, x->id);
                buf_put_byte(&r->entries, '\n');
                for (uint32_t k = 0; k < e->n_fields; k++) {
                        buf_put(&r->entries, e->fields[k].subject);
                        buf_put_str(&r->entries, " ");
                        buf_put(&r->entries, e->fields[k].name);
                        buf_put_str(&r->entries, "=");
                        buf_put(&r->entries, e->fields[k].value);
                        buf_put_byte(&r->entries, '\n');
                }
        }
}

static void tell_reply(const struct exchange *x, struct exchange_ran *r)
{
        buf_printf(&r->reply, "%u\n", x->reply.status);
        put_headers(&r->reply, x->reply.headers, x->reply.n_headers, x->id);
        put_named(&r->reply, x->reply.body, x->id);
        r->closes = x->reply.close;
}

static bool has(const struct record *r, const char *word)
{
        return memmem(r->skeleton.p, r->skeleton.n, word, strlen(word));
}

static bool has_intent(const struct records *r)
{
        for (uint32_t i = 0; i < r->n; i++)
                if (has(&r->at[i], "\"api.intent\""))
                        return true;
        return false;
}

static char letter(const struct exchange *x, enum exchange_step step)
{
        const struct record *last;

        switch (step) {
        case EXCHANGE_READ:
                return 'B';
        case EXCHANGE_CALL:
                return 'C';
        case EXCHANGE_ANSWER:
                return 'A';
        default:
                assert_true(x->records.n > 0);
                last = &x->records.at[x->records.n - 1];
                if (has(last, "\"api.outcome\""))
                        return has_intent(&x->records) ? 'K' : 'O';
                return has(last, "\"api.intent\"") ? 'I' : 'D';
        }
}

static void make_answer(const struct exchange_case *c, struct http_header *headers,
                        struct answer_raw *ret)
{
        *ret = (struct answer_raw){ .status = c->status,
                                    .headers = headers,
                                    .body = c->answer ? span_str(c->answer) : SPAN_NONE,
                                    .head = strncmp(c->request, "HEAD", 4) == 0 };
        if (c->answer && !(c->answer_headers && strstr(c->answer_headers, "Content-Type")))
                headers[ret->n_headers++] =
                        (struct http_header){ SPAN("Content-Type"), SPAN("application/json") };
        add_lines(headers, &ret->n_headers, c->answer_headers);
}

static void tell(const struct exchange *x, enum exchange_step step, const struct exchange_case *c,
                 struct exchange_ran *r)
{
        assert_true(r->n_steps < sizeof r->steps - 1);
        r->steps[r->n_steps++] = letter(x, step);
        if (step == EXCHANGE_RECORD) {
                tell_entries(x, &x->records, r);
                r->records++;
        } else if (step == EXCHANGE_CALL) {
                tell_sent(x, r);
                if (!c->fails && !c->status)
                        fail_msg("%s: the back-end is asked", c->name);
        } else if (step == EXCHANGE_ANSWER) {
                tell_entries(x, &x->afterwards, r);
                tell_reply(x, r);
        }
}

static enum exchange_step go_on(struct exchange *x, enum exchange_step step,
                                const struct exchange_case *c, const struct answer_raw *raw,
                                const struct exchange_ran *r, int64_t now_ns)
{
        if (step == EXCHANGE_RECORD)
                return r->records == c->unrecorded ? exchange_unrecorded(x, c->fate, now_ns)
                                                   : exchange_recorded(x, now_ns);
        if (c->fails)
                return exchange_refuse(x, c->fails, "as the test says", now_ns);
        if (step == EXCHANGE_READ)
                return exchange_body(x, span_str(c->body));
        return exchange_answered(x, raw, now_ns);
}

static void within(const struct exchange_ran *r, bool begins)
{
        if (r->within)
                r->within(begins);
}

int exchange_run(struct exchange_world *w, const struct exchange_case *c, struct exchange_ran *r)
{
        CLEANUP(exchange_freep) struct exchange *x = NULL;
        struct http_header headers[HEADERS_MAX];
        enum exchange_step step;
        struct answer_raw raw;
        struct exchange_sent s;
        int rc;

        exchange_make_sent(w, c, &s);
        make_answer(c, headers, &raw);
        within(r, true);
        rc = exchange_begin(&w->gateway, w->serving, &s.raw, &x, &step);
        within(r, false);
        for (int64_t now = s.raw.now_ns; rc == 0; now += NS_PER_MS) {
                tell(x, step, c, r);
                if (step == EXCHANGE_ANSWER || r->n_steps == r->stop)
                        break;
                within(r, true);
                step = go_on(x, step, c, &raw, r, now);
                within(r, false);
                exchange_assert_valid(x);
        }
        if (x)
                r->count = exchange_count(x, s.raw.now_ns + 5 * NS_PER_S);
        return rc;
}

void exchange_ran_init(struct exchange_ran *r)
{
        *r = (struct exchange_ran){ .sent = BUF_INIT(RAN_TEXT),
                                    .entries = BUF_INIT(RAN_TEXT),
                                    .reply = BUF_INIT(RAN_TEXT) };
}

void exchange_ran_done(struct exchange_ran *r)
{
        buf_done(&r->sent);
        buf_done(&r->entries);
        buf_done(&r->reply);
}

static void check_entries(const struct exchange_case *c, struct exchange_ran *r)
{
        for (size_t i = 0; i < EXCHANGE_ENTRIES_MAX && c->entries[i]; i++)
                if (!strstr(buf_cstr(&r->entries), c->entries[i]))
                        fail_msg("%s: no %s in:\n%s", c->name, c->entries[i],
                                 buf_cstr(&r->entries));
}

void exchange_check(struct exchange_world *w, const struct exchange_case *c)
{
        struct exchange_ran r;

        exchange_ran_init(&r);
        assert_int_equal(exchange_run(w, c, &r), 0);
        if (strcmp(r.steps, c->steps) != 0 ||
            strcmp(buf_cstr(&r.sent), c->sent ? c->sent : "") != 0)
                fail_msg("%s: %s, sent:\n%s\nrecorded:\n%s\nreply:\n%s", c->name, r.steps,
                         buf_cstr(&r.sent), buf_cstr(&r.entries), buf_cstr(&r.reply));
        check_entries(c, &r);
        if (strcmp(buf_cstr(&r.reply), c->reply) != 0)
                fail_msg("%s: reply:\n%s\nnot:\n%s", c->name, buf_cstr(&r.reply), c->reply);
        if (r.closes != c->closes)
                fail_msg("%s: the connection is%s closed", c->name, r.closes ? "" : " not");
        exchange_ran_done(&r);
}
