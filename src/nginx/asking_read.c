/* SPDX-License-Identifier: Apache-2.0 */
/* asking_read.c - the answer of a back-end, as it comes in.
 *
 *   STATUS --> HEADERS --(1XX: back)--> LENGTH | CHUNKS --> WHOLE
 *
 * The head stays where it was read, its headers point into it; a body of known length is read where
 * it stays, too. */
#include "nginx/asking_priv.h"

#include <stdlib.h>

enum { FIRST_BODY = 16 * 1024, ROOMS_KEPT = 64 };

/* What a step made of the bytes so far. */
enum made { MADE_MORE, MADE_WHOLE, MADE_FAULT };

struct fault {
        enum refusal_reason reason;
        const char *text;
};

static enum made is_fault(struct fault *f, enum refusal_reason reason, const char *text)
{
        *f = (struct fault){ reason, text };
        return MADE_FAULT;
}

void asking_read_reset(struct asking *a)
{
        a->answer = (struct asking_answer){ .part = ANSWER_STATUS };
}

/* ---- rooms ---- */

/* Of answers that are over, for the next ones: gateway/exchange/kept.h says why. */
static struct asking_room *kept;
static unsigned n_kept;

static struct asking_room *take_room(void)
{
        struct asking_room *room = kept;

        if (!room)
                return malloc(sizeof(*room));
        kept = room->next;
        n_kept--;
        return room;
}

static void give_room(struct asking_room *room)
{
        if (n_kept == ROOMS_KEPT) {
                free(room);
                return;
        }
        room->next = kept;
        kept = room;
        n_kept++;
}

static bool prepare(struct asking *a)
{
        struct asking_answer *n = &a->answer;

        if (n->head.start)
                return true;
        if (!a->room)
                a->room = take_room();
        if (!a->room)
                return false;
        n->headers = a->room->headers;
        n->parser = &a->room->parser;
        ngx_memzero(n->parser, sizeof(*n->parser));
        n->parser->connection = a->r->connection;
        n->head.start = a->room->head;
        n->head.pos = n->head.last = n->head.start;
        n->head.end = n->head.start + ASKING_HEAD;
        n->head.temporary = 1;
        return true;
}

/* Chunks went through the head, so its end says nothing then. */
void asking_read_wipe(struct asking *a)
{
        const struct asking_answer *n = &a->answer;

        if (n->head.start)
                ngx_explicit_memzero(n->head.start,
                                     (size_t)(n->chunks_at ? n->head.end - n->head.start
                                                           : n->head.last - n->head.start));
        if (n->body)
                ngx_explicit_memzero(n->body, n->n_body);
        if (a->room)
                give_room(a->room);
        a->room = NULL;
        asking_read_reset(a); /* what pointed there is somebody else's now */
}

/* ---- the head ---- */

static enum made take_length(struct asking_answer *n, struct span value, struct fault *f)
{
        off_t length = ngx_atoof((u_char *)(uintptr_t)value.p, value.n);

        if (n->length_known || n->chunked || length < 0)
                return is_fault(f, REFUSED_BACKEND, "its answer has no clear length");
        n->length_known = true;
        n->length = (uint64_t)length;
        return MADE_MORE;
}

static enum made take_coding(struct asking_answer *n, struct span value, struct fault *f)
{
        if (n->length_known || n->chunked || !http_is_word(value, "chunked"))
                return is_fault(f, REFUSED_BACKEND, "its answer has no clear length");
        n->chunked = true;
        return MADE_MORE;
}

/* What is between it and us is not passed on. */
static enum made take_header(struct asking_answer *n, struct fault *f)
{
        const ngx_http_request_t *p = n->parser;
        struct span name =
                span_of(p->header_name_start, (size_t)(p->header_name_end - p->header_name_start));
        struct span value = span_of(p->header_start, (size_t)(p->header_end - p->header_start));

        if (http_is_word(name, "content-length"))
                return take_length(n, value, f);
        if (http_is_word(name, "transfer-encoding"))
                return take_coding(n, value, f);
        if (http_is_word(name, "connection")) {
                n->closes = n->closes || http_has_word(value, "close");
                return MADE_MORE;
        }
        if (http_is_word(name, "keep-alive") || http_is_word(name, "trailer"))
                return MADE_MORE;
        if (n->n_headers == ASKING_HEADERS)
                return is_fault(f, REFUSED_BACKEND, "its answer has too many headers");
        n->headers[n->n_headers++] = (struct http_header){ name, value };
        return MADE_MORE;
}

static enum made read_status(struct asking_answer *n, struct fault *f)
{
        ngx_int_t rc = ngx_http_parse_status_line(n->parser, &n->head, &n->status);

        if (rc == NGX_AGAIN)
                return MADE_MORE;
        if (rc != NGX_OK || n->status.http_version / 1000 != 1 || n->status.code < 100 ||
            n->status.code > 599)
                return is_fault(f, REFUSED_BACKEND, "its answer is no HTTP");
        n->closes = n->status.http_version < NGX_HTTP_VERSION_11;
        n->part = ANSWER_HEADERS;
        return MADE_MORE;
}

/* MADE_WHOLE: of the head. */
static enum made read_headers(struct asking_answer *n, struct fault *f)
{
        enum made made = MADE_MORE;
        ngx_int_t rc = NGX_OK;

        while (made == MADE_MORE) {
                rc = ngx_http_parse_header_line(n->parser, &n->head, 1);
                if (rc != NGX_OK)
                        break;
                made = n->parser->invalid_header
                               ? is_fault(f, REFUSED_BACKEND, "its answer has a malformed header")
                               : take_header(n, f);
        }
        if (made == MADE_FAULT || rc == NGX_AGAIN)
                return made;
        return rc == NGX_HTTP_PARSE_HEADER_DONE
                       ? MADE_WHOLE
                       : is_fault(f, REFUSED_BACKEND, "its answer has a malformed header");
}

static enum made skip_interim(struct asking_answer *n, struct fault *f)
{
        if (n->status.code == 101 || ++n->n_interim > ASKING_INTERIM || n->length_known ||
            n->chunked)
                return is_fault(f, REFUSED_BACKEND, "its answer is an interim one");
        n->status = (ngx_http_status_t){ 0 };
        n->n_headers = 0;
        n->part = ANSWER_STATUS;
        return MADE_MORE;
}

/* ---- the body ---- */

static bool grow(struct asking *a, size_t need)
{
        struct asking_answer *n = &a->answer;
        size_t max = MAX_OF(n->max_body, (size_t)FIRST_BODY);
        u_char *body;

        if (need <= n->max_body)
                return true;
        while (max < need)
                max *= 2;
        body = ngx_palloc(a->r->pool, max);
        if (!body)
                return false;
        if (n->n_body)
                memcpy(body, n->body, n->n_body);
        if (n->body) {
                ngx_explicit_memzero(n->body, n->n_body);
                (void)ngx_pfree(a->r->pool, n->body);
        }
        n->body = body;
        n->max_body = max;
        return true;
}

static enum made take_body(struct asking *a, size_t bytes, struct fault *f)
{
        struct asking_answer *n = &a->answer;

        if (bytes > a->what.answer_max - n->n_body)
                return is_fault(f, REFUSED_RESPONSE_SIZE, "its answer is above caps.response");
        if (!grow(a, n->n_body + bytes))
                return is_fault(f, REFUSED_BUSY, "no memory for its answer");
        memcpy(n->body + n->n_body, n->head.pos, bytes);
        n->n_body += bytes;
        n->head.pos += bytes;
        return MADE_MORE;
}

static enum made begin_body(struct asking *a, struct fault *f)
{
        struct asking_answer *n = &a->answer;
        bool none = a->what.outgoing->method == API_HEAD || n->status.code == 204 ||
                    n->status.code == 304;

        if (n->status.code < 200)
                return skip_interim(n, f);
        if (none || (n->length_known && n->length == 0))
                return MADE_WHOLE;
        if (n->chunked) {
                n->part = ANSWER_CHUNKS;
                n->chunks_at = n->head.pos;
                return MADE_MORE;
        }
        if (!n->length_known)
                return is_fault(f, REFUSED_BACKEND, "its answer does not say how long it is");
        if (n->length > a->what.answer_max)
                return is_fault(f, REFUSED_RESPONSE_SIZE, "its answer is above caps.response");
        n->part = ANSWER_LENGTH;
        n->body = ngx_palloc(a->r->pool, n->length);
        n->max_body = n->length;
        return n->body ? MADE_MORE : is_fault(f, REFUSED_BUSY, "no memory for its answer");
}

static enum made read_length(struct asking *a, struct fault *f)
{
        struct asking_answer *n = &a->answer;
        size_t bytes = MIN_OF((size_t)(n->head.last - n->head.pos), n->length - n->n_body);
        enum made made = bytes ? take_body(a, bytes, f) : MADE_MORE;

        return made == MADE_MORE && n->n_body == n->length ? MADE_WHOLE : made;
}

static enum made read_chunks(struct asking *a, struct fault *f)
{
        struct asking_answer *n = &a->answer;
        enum made made = MADE_MORE;
        ngx_int_t rc;
        size_t bytes;

        while (made == MADE_MORE) {
                rc = ngx_http_parse_chunked(n->parser, &n->head, &n->chunk);
                if (rc == NGX_DONE)
                        return MADE_WHOLE;
                if (rc == NGX_AGAIN)
                        return MADE_MORE;
                if (rc != NGX_OK)
                        return is_fault(f, REFUSED_BACKEND, "its answer has malformed chunks");
                bytes = MIN_OF((size_t)(n->head.last - n->head.pos), (size_t)n->chunk.size);
                made = take_body(a, bytes, f);
                n->chunk.size -= (off_t)bytes;
        }
        return made;
}

/* ---- bytes ---- */

/* As far as the bytes that are there go. */
static enum made read_on(struct asking *a, struct fault *f)
{
        struct asking_answer *n = &a->answer;
        enum made made = MADE_MORE;

        if (n->part == ANSWER_STATUS) {
                made = read_status(n, f);
                if (n->part == ANSWER_STATUS)
                        return made;
        }
        if (n->part == ANSWER_HEADERS && made == MADE_MORE) {
                made = read_headers(n, f);
                if (made != MADE_WHOLE)
                        return made;
                made = begin_body(a, f);
                if (n->part == ANSWER_STATUS && made == MADE_MORE && n->head.pos < n->head.last)
                        return read_on(a, f); /* at most ASKING_INTERIM deep */
        }
        if (n->part == ANSWER_LENGTH && made == MADE_MORE)
                made = read_length(a, f);
        else if (n->part == ANSWER_CHUNKS && made == MADE_MORE)
                made = read_chunks(a, f);
        return made;
}

/* Straight to where a body of known length stays; else behind the head, whose place is used again
 * once all of it was taken. */
static ssize_t receive(struct asking *a, enum made *ret, struct fault *f)
{
        struct asking_answer *n = &a->answer;
        ngx_connection_t *c = a->peer.connection;
        ssize_t got;

        if (n->part == ANSWER_LENGTH && n->head.pos == n->head.last) {
                got = c->recv(c, n->body + n->n_body, n->length - n->n_body);
                if (got > 0)
                        n->n_body += (size_t)got;
                *ret = n->n_body == n->length ? MADE_WHOLE : MADE_MORE;
                return got;
        }
        got = c->recv(c, n->head.last, (size_t)(n->head.end - n->head.last));
        if (got > 0) {
                n->head.last += got;
                *ret = read_on(a, f);
        }
        return got;
}

/* A body of known length needs none: it has its own. */
static bool make_room(struct asking_answer *n)
{
        if (n->chunks_at && n->head.pos == n->head.last)
                n->head.pos = n->head.last = n->chunks_at;
        return n->part == ANSWER_LENGTH || n->head.last < n->head.end;
}

static void fail(struct asking *a, ssize_t got)
{
        if (!a->answer.head.start || a->answer.head.last == a->answer.head.start) {
                a->answer.head.start = NULL;
                asking_lost(a);
        } else {
                asking_end(a, REFUSED_BACKEND,
                           got == 0 ? "its answer ends too early" : "the connection broke");
        }
}

void asking_on_read(ngx_event_t *ev)
{
        ngx_connection_t *c = ev->data;
        struct asking *a = c->data;
        enum made made = MADE_MORE;
        struct fault f = { REFUSED_NOT, NULL };
        ssize_t got = 1;

        if (ev->timedout) {
                asking_end(a, REFUSED_BACKEND_TIME, "it does not answer in time");
                return;
        }
        if (!prepare(a)) {
                asking_end(a, REFUSED_BUSY, "no memory for its answer");
                return;
        }
        while (made == MADE_MORE && got > 0) {
                if (!make_room(&a->answer)) {
                        asking_end(a, REFUSED_RESPONSE_SIZE, "its answer has a head too large");
                        return;
                }
                got = receive(a, &made, &f);
        }
        if (made == MADE_WHOLE) {
                a->answer.part = ANSWER_WHOLE;
                asking_end(a, REFUSED_NOT, NULL);
        } else if (made == MADE_FAULT) {
                asking_end(a, f.reason, f.text);
        } else if (got != NGX_AGAIN) {
                fail(a, got);
        } else if (ngx_handle_read_event(ev, 0) != NGX_OK) {
                asking_end(a, REFUSED_BACKEND, "its connection cannot be watched");
        }
}
