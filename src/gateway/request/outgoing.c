/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request/outgoing.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

enum {
        NUMBER_MAX = sizeof "-9223372036854775808",
        PRINT_ROOM = 32, /* to spare */
        HOST_MAX = CONFIG_TEXT_MAX + sizeof "[]:65535",
        ACCEPT_TYPES_MAX = 32,
        ACCEPT_MAX = ACCEPT_TYPES_MAX * (API_NAME_MAX + 2),
        OWN_HEADERS_MAX = 6,
};

struct builder {
        const struct package *package;
        const struct request *q;
        const struct call *call;
        struct arena *arena;
        struct refusal *refusal;
        struct http_header *headers;
        uint32_t n_headers;
};

/* ---- values as text ---- */

/* room: NUMBER_MAX bytes */
static struct span scalar_text(const struct tree *v, char *room)
{
        switch (v->kind) {
        case TREE_BOOL:
                return v->boolean ? SPAN("true") : SPAN("false");
        case TREE_NUMBER:
                return span_of(room, (size_t)snprintf(room, NUMBER_MAX, "%" PRId64, v->number));
        default:
                assert(v->kind == TREE_STRING || v->kind == TREE_REAL);
                return v->text;
        }
}

typedef void put_fn(struct buf *out, struct span text);

/* A list: its items between commas, which none of them holds: see call_parameter(). */
static void put_value(struct buf *out, const struct tree *v, put_fn *put)
{
        char room[NUMBER_MAX];

        if (v->kind != TREE_ARRAY) {
                put(out, scalar_text(v, room));
                return;
        }
        for (uint32_t i = 0; i < v->n; i++) {
                if (i > 0)
                        buf_put_byte(out, ',');
                put(out, scalar_text(&v->items[i], room));
        }
}

static size_t value_room(const struct tree *v)
{
        size_t n = 1;

        if (v->kind == TREE_STRING || v->kind == TREE_REAL)
                return v->text.n + 1;
        if (v->kind != TREE_ARRAY)
                return NUMBER_MAX;
        for (uint32_t i = 0; i < v->n; i++)
                n += value_room(&v->items[i]);
        return n;
}

/* ---- target ---- */

static const struct tree *path_value(const struct call *c, struct span name)
{
        const struct api_operation *o = c->operation;
        uint32_t i = 0;

        while (i < o->n_parameters &&
               !(o->parameters[i].in == API_IN_PATH && span_eq(o->parameters[i].name, name)))
                i++;
        assert(i < o->n_parameters && c->parameters[i].present);
        return &c->parameters[i].value;
}

static void put_path(const struct builder *b, struct buf *out)
{
        const struct api_operation *o = b->call->operation;

        buf_put(out, b->package->config.backend.base);
        for (uint32_t i = 0; i < o->n_segments; i++) {
                const struct api_segment *s = &o->segments[i];

                buf_put_byte(out, '/');
                if (s->parameter)
                        put_value(out, path_value(b->call, s->text), target_put_segment);
                else
                        target_put_word(out, s->text);
        }
}

static void put_pair(struct buf *out, char *mark, struct span name, const struct tree *v)
{
        buf_put_byte(out, (uint8_t)*mark);
        *mark = '&';
        target_put_query(out, name);
        buf_put_byte(out, '=');
        put_value(out, v, target_put_query);
}

static void put_query(const struct builder *b, struct buf *out)
{
        const struct api_operation *o = b->call->operation;
        char mark = '?';

        for (uint32_t i = 0; i < o->n_parameters; i++) {
                const struct api_parameter *p = &o->parameters[i];
                const struct call_value *v = &b->call->parameters[i];

                if (p->in != API_IN_QUERY || !v->present)
                        continue;
                if (v->value.kind != TREE_ARRAY || !p->explode) {
                        put_pair(out, &mark, p->name, &v->value);
                        continue;
                }
                for (uint32_t k = 0; k < v->value.n; k++)
                        put_pair(out, &mark, p->name, &v->value.items[k]);
        }
}

static int keep(const struct builder *b, const struct buf *text, struct span *ret)
{
        const char *p = arena_copy(b->arena, buf_span(text));

        if (!p)
                return -ENOMEM;
        *ret = span_of(p, text->n);
        return 0;
}

static int make_target(const struct builder *b, struct span *ret)
{
        uint8_t room[TARGET_MAX];
        struct buf out = BUF_OVER(room, sizeof room);

        put_path(b, &out);
        put_query(b, &out);
        if (buf_status(&out) < 0)
                return refuse(b->refusal, REFUSED_SIZE, "a target of more than %d bytes",
                              TARGET_MAX);
        return keep(b, &out, ret);
}

/* ---- headers ---- */

static void add_header(struct builder *b, struct span name, struct span value)
{
        b->headers[b->n_headers++] = (struct http_header){ name, value };
}

/* No line of its own, whatever made the value. */
static int check_line(const struct builder *b, struct span line)
{
        for (size_t i = 0; i < line.n; i++)
                if (line.p[i] < ' ' || line.p[i] == 0x7f)
                        return refuse(b->refusal, REFUSED_PARAMETER,
                                      "a control character in a header");
        return 0;
}

static int add_parameter(struct builder *b, struct span name, const struct tree *v)
{
        size_t n = value_room(v);
        struct buf out = BUF_OVER(arena_alloc(b->arena, n), n);
        int rc;

        if (!out.p)
                return -ENOMEM;
        put_value(&out, v, buf_put);
        rc = check_line(b, buf_span(&out));
        if (rc == 0)
                add_header(b, name, buf_span(&out));
        return rc;
}

static size_t cookie_room(const struct builder *b)
{
        const struct api_operation *o = b->call->operation;
        size_t n = 0;

        for (uint32_t i = 0; i < o->n_parameters; i++)
                if (o->parameters[i].in == API_IN_COOKIE && b->call->parameters[i].present)
                        n += o->parameters[i].name.n + value_room(&b->call->parameters[i].value) +
                             sizeof "; =";
        return n;
}

/* All of them in one, as RFC 6265 has it. */
static int add_cookies(struct builder *b)
{
        const struct api_operation *o = b->call->operation;
        size_t n = cookie_room(b);
        struct buf out;
        int rc;

        if (n == 0)
                return 0;
        out = BUF_OVER(arena_alloc(b->arena, n), n);
        if (!out.p)
                return -ENOMEM;
        for (uint32_t i = 0; i < o->n_parameters; i++) {
                if (o->parameters[i].in != API_IN_COOKIE || !b->call->parameters[i].present)
                        continue;
                if (out.n > 0)
                        buf_put(&out, SPAN("; "));
                buf_put(&out, o->parameters[i].name);
                buf_put_byte(&out, '=');
                put_value(&out, &b->call->parameters[i].value, buf_put);
        }
        rc = check_line(b, buf_span(&out));
        if (rc == 0)
                add_header(b, SPAN("cookie"), buf_span(&out));
        return rc;
}

static bool is_there(const struct span *list, uint32_t n, struct span one)
{
        for (uint32_t i = 0; i < n; i++)
                if (span_eq(list[i], one))
                        return true;
        return false;
}

/* What the operation's responses are of, the first of each; false: too many. */
static bool put_accept(const struct api_operation *o, struct buf *out)
{
        struct span seen[ACCEPT_TYPES_MAX];
        uint32_t n = 0;

        for (uint32_t i = 0; i < o->n_responses; i++)
                for (uint32_t k = 0; k < o->responses[i].n_media; k++) {
                        struct span type = o->responses[i].media[k].type;

                        if (is_there(seen, n, type))
                                continue;
                        if (n == ACCEPT_TYPES_MAX)
                                return false;
                        if (n > 0)
                                buf_put(out, SPAN(", "));
                        buf_put(out, type);
                        seen[n++] = type;
                }
        return n > 0 && buf_status(out) == 0;
}

static int add_accept(struct builder *b)
{
        uint8_t room[ACCEPT_MAX];
        struct buf out = BUF_OVER(room, sizeof room);
        struct span value = SPAN("*/*");
        int rc = 0;

        if (put_accept(b->call->operation, &out))
                rc = keep(b, &out, &value);
        if (rc == 0)
                add_header(b, SPAN("accept"), value);
        return rc;
}

/* As the document spells it. */
static void add_media(struct builder *b)
{
        const struct api_body *body = b->call->operation->request;

        for (uint32_t i = 0; b->call->body && body && i < body->n_media; i++)
                if (span_eq(body->media[i].type, b->q->media))
                        add_header(b, SPAN("content-type"), body->media[i].type);
}

static int make_headers(struct builder *b, struct span pass, const char *id)
{
        const struct api_operation *o = b->call->operation;
        int rc;

        b->headers =
                arena_alloc(b->arena, (o->n_parameters + OWN_HEADERS_MAX) * sizeof *b->headers);
        if (!b->headers)
                return -ENOMEM;
        rc = add_accept(b);
        add_header(b, SPAN("accept-encoding"), SPAN("identity"));
        add_media(b);
        add_header(b, SPAN("x-request-id"), span_str(id));
        if (rc == 0 && pass.n > 0) {
                rc = check_line(b, pass);
                add_header(b, SPAN("authorization"), pass);
        }
        if (rc == 0)
                rc = add_cookies(b);
        for (uint32_t i = 0; rc == 0 && i < o->n_parameters; i++)
                if (o->parameters[i].in == API_IN_HEADER && b->call->parameters[i].present)
                        rc = add_parameter(b, o->parameters[i].name, &b->call->parameters[i].value);
        return rc;
}

/* ---- host and body ---- */

static int make_host(const struct builder *b, struct span *ret)
{
        const struct config_backend *to = &b->package->config.backend;
        uint8_t room[HOST_MAX];
        char port[TEXT_U64_MAX + 1];
        struct buf out = BUF_OVER(room, sizeof room);
        bool v6;

        if (to->unix_path.n > 0) {
                *ret = SPAN("localhost");
                return 0;
        }
        v6 = to->host.n > 0 && memchr(to->host.p, ':', to->host.n);
        buf_put_str(&out, v6 ? "[" : "");
        buf_put(&out, to->host);
        buf_put_str(&out, v6 ? "]" : "");
        if (to->port != (to->tls ? 443 : 80)) {
                buf_put_byte(&out, ':');
                buf_put(&out, span_of(port, text_u64(to->port, port)));
        }
        assert(buf_status(&out) == 0);
        return keep(b, &out, ret);
}

/* Printed it is never longer than it was sent. */
static int make_body(const struct builder *b, struct span *ret)
{
        uint64_t n = b->q->length_known ? b->q->length : b->package->config.request_max;
        size_t room = (size_t)MIN_OF(n, (uint64_t)CONFIG_BODY_MAX) + PRINT_ROOM;
        struct buf out = BUF_OVER(NULL, room);

        if (!b->call->body)
                return 0;
        out.p = arena_alloc(b->arena, room);
        if (!out.p)
                return -ENOMEM;
        tree_print(b->call->body, &out);
        if (buf_status(&out) < 0)
                return refuse(b->refusal, REFUSED_SIZE, "a body of more than %zu bytes",
                              room - PRINT_ROOM);
        *ret = buf_span(&out);
        return 0;
}

int outgoing_build(const struct package *p, const struct request *q, const struct call *c,
                   struct span pass, const char *id, struct arena *arena, struct outgoing *ret,
                   struct refusal *refusal)
{
        struct builder b = { .package = p, .q = q, .call = c, .arena = arena, .refusal = refusal };
        struct outgoing out = { .method = c->operation->method };
        int rc;

        if (q->method == API_HEAD)
                out.method = API_HEAD;
        rc = make_target(&b, &out.target);
        if (rc == 0)
                rc = make_headers(&b, pass, id);
        if (rc == 0)
                rc = make_host(&b, &out.host);
        if (rc == 0)
                rc = make_body(&b, &out.body);
        if (rc < 0)
                return rc;
        out.headers = b.headers;
        out.n_headers = b.n_headers;
        *ret = out;
        return 0;
}
