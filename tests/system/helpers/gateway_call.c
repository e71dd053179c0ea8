/* SPDX-License-Identifier: Apache-2.0 */
/* gateway_call - runs calls through the gateway's core, as lines of JSON, without network, recorder
 * and clock.
 *
 *   gateway_call [--jwks SCHEME=FILE]... [--tokens FILE] PACKAGE.assay... < CALLS > RESULTS
 *
 * A call, one a line; what stands behind the bar may be left out:
 *
 *   {"request": {"method": "GET", "target": "/bank/v1/branches",
 *                | "version": 11, "headers": [["Host", "h"], ...], "body": "text",
 *                  "address": "10.1.2.3", "tls": "TLSv1.3", "ms": <since 1970>,
 *                  "client_cn": "...", "client_uri": "...", "client_ca": "/path"},
 *    | "answer": {"status": 200, "headers": [...], "body": "text"},
 *      "fails": "backend_time",     the owner's reason, while it reads or waits
 *      "unrecorded": 2}             which record the recorder does not take, from 1
 *
 * and what came of it:
 *
 *   {"steps": ["read", "record", "call", "record", "answer"],
 *    "sent": {"method": ..., "target": ..., "host": ..., "headers": [...], "body": ...},
 *    "entries": [{"skeleton": {...}, "fields": [[subject, name, value], ...]}, ...],
 *    "reply": {"status": ..., "headers": [...], "body": ...}}
 *
 * A field's value is null where it is none, but for whom the entry is (wire/msg.h).
 * Bodies are UTF-8.  Calls have limits, a cache and remembered tokens in common, in one process. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway/exchange/exchange.h"
#include "policy/value/extension.h"
#include "sys/io.h"
#include "wire/tree.h"

enum {
        LINE_MAX_BYTES = 4 << 20,
        OUT_MAX = 64 << 20,
        SETS_MAX = 16,
        SLOTS = 4096,
        CACHE_BYTES = 8 << 20,
        HEADERS_MAX = 256,
};

struct key_set {
        const char *scheme;
        struct jwks *keys;
};

struct caller {
        struct gateway gateway;
        struct key_set sets[SETS_MAX];
        size_t n_sets;
        struct package *packages[LIVE_APIS_MAX];
        uint32_t n_packages;
        struct generation *generation;
        struct serving *serving;
};

static _Noreturn void die(const char *what, const struct err *err)
{
        fprintf(stderr, "gateway_call: %s%s%s\n", what, err ? ": " : "", err ? err_text(err) : "");
        exit(2);
}

/* ---- what is served ---- */

static const struct jwks *find_keys(void *ctx, const struct config_identity *identity)
{
        const struct caller *c = ctx;

        for (size_t i = 0; i < c->n_sets; i++)
                if (span_eq_str(identity->scheme, c->sets[i].scheme))
                        return c->sets[i].keys;
        return NULL;
}

static void refetch(void *ctx, const struct config_identity *identity)
{
        (void)ctx;
        (void)identity;
}

static void random_bytes(uint8_t *out, size_t n)
{
        if (getrandom(out, n, 0) != (ssize_t)n)
                die("no random bytes", NULL);
}

static struct span read_path(const char *path)
{
        struct err err = { 0 };
        uint8_t *text;
        size_t n;

        if (io_read_file(&io_kernel, AT_FDCWD, path, TOKENS_FILE_MAX, &text, &n, &err) < 0)
                die(path, &err);
        return span_of(text, n);
}

static void add_keys(struct caller *c, char *text)
{
        char *path = strchr(text, '=');
        struct err err = { 0 };

        if (!path || c->n_sets == SETS_MAX)
                die("--jwks SCHEME=FILE", NULL);
        *path++ = 0;
        c->sets[c->n_sets].scheme = text;
        if (jwks_read(read_path(path), &c->sets[c->n_sets++].keys, &err) < 0)
                die(path, &err);
}

static void add_package(struct caller *c, const char *path)
{
        struct err err = { 0 };
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || c->n_packages == LIVE_APIS_MAX)
                die(path, NULL);
        if (package_open(fd, NULL, 0, &c->packages[c->n_packages++], &err) < 0)
                die(path, &err);
        close(fd);
}

static int by_name(const void *a, const void *b)
{
        const struct package *const *x = a, *const *y = b;

        return span_cmp((*x)->config.name, (*y)->config.name);
}

static void serve(struct caller *c)
{
        uint8_t key[16];
        struct err err = { 0 };
        void *limits = calloc(1, limits_bytes(SLOTS)), *cache = calloc(1, CACHE_BYTES);

        random_bytes(key, sizeof key);
        if (!limits || !cache || jwt_memory_new(SLOTS, &c->gateway.keys.memory) < 0)
                die("no memory", NULL);
        c->gateway.keys.jwks = find_keys;
        c->gateway.keys.refetch = refetch;
        c->gateway.keys.ctx = c;
        c->gateway.limits = limits_init(limits, SLOTS, key);
        c->gateway.cache = cache_init(cache, CACHE_BYTES, key);
        c->gateway.random = random_bytes;
        qsort(c->packages, c->n_packages, sizeof *c->packages, by_name);
        if (generation_new(1, c->packages, c->n_packages, &c->generation) < 0)
                die("no memory", NULL);
        if (serving_new(&c->gateway, c->generation, &c->serving, &err) < 0)
                die("packages", &err);
}

/* ---- what is asked ---- */

static struct span text_of(const struct tree *t, const char *key)
{
        const struct tree *v = t ? tree_get(t, key) : NULL;

        if (v && v->kind != TREE_STRING)
                die(key, NULL);
        return v ? v->text : SPAN_NONE;
}

static int64_t number_of(const struct tree *t, const char *key, int64_t otherwise)
{
        const struct tree *v = t ? tree_get(t, key) : NULL;

        if (v && v->kind != TREE_NUMBER)
                die(key, NULL);
        return v ? v->number : otherwise;
}

static uint32_t read_headers(const struct tree *t, struct http_header ret[HEADERS_MAX])
{
        const struct tree *list = t ? tree_get(t, "headers") : NULL;

        if (!list)
                return 0;
        if (list->kind != TREE_ARRAY || list->n > HEADERS_MAX)
                die("headers", NULL);
        for (uint32_t i = 0; i < list->n; i++) {
                const struct tree *pair = &list->items[i];

                if (pair->kind != TREE_ARRAY || pair->n != 2 ||
                    pair->items[0].kind != TREE_STRING || pair->items[1].kind != TREE_STRING)
                        die("headers", NULL);
                ret[i] = (struct http_header){ pair->items[0].text, pair->items[1].text };
        }
        return list->n;
}

struct asked_call {
        struct http_header headers[HEADERS_MAX], answer_headers[HEADERS_MAX];
        struct request_raw raw;
        struct answer_raw answer;
        struct span body;
        enum refusal_reason fails;
        int64_t unrecorded;
};

static enum refusal_reason reason_of(struct span name)
{
        for (int i = REFUSED_NOT + 1; name.n && i < REFUSED_REASONS; i++)
                if (span_eq_str(name, refusal_about((enum refusal_reason)i)->name))
                        return (enum refusal_reason)i;
        if (name.n)
                die("fails: no such reason", NULL);
        return REFUSED_NOT;
}

static void read_address(struct request_raw *raw, struct span text)
{
        struct err err = { 0 };

        raw->address_text = text.n ? text : SPAN("10.1.2.3");
        if (cedar_ip_parse(raw->address_text, &raw->address, &err) < 0)
                die("address", &err);
}

static void read_asked(const struct tree *line, struct asked_call *a)
{
        const struct tree *q = tree_get(line, "request"), *answer = tree_get(line, "answer");

        if (!q)
                die("a call without a request", NULL);
        *a = (struct asked_call){ .raw = { .method = text_of(q, "method"),
                                           .target = text_of(q, "target"),
                                           .version = (unsigned)number_of(q, "version", 11),
                                           .headers = a->headers,
                                           .tls_version = text_of(q, "tls"),
                                           .client_subject_cn = text_of(q, "client_cn"),
                                           .client_san_uri = text_of(q, "client_uri"),
                                           .client_ca = text_of(q, "client_ca"),
                                           .now_ns = number_of(q, "ms", 0) * NS_PER_MS },
                                  .body = text_of(q, "body"),
                                  .fails = reason_of(text_of(line, "fails")),
                                  .unrecorded = number_of(line, "unrecorded", 0) };
        a->raw.n_headers = read_headers(q, a->headers);
        a->raw.open = a->raw.version == 20 && a->body.n > 0;
        read_address(&a->raw, text_of(q, "address"));
        a->answer = (struct answer_raw){ .status = (uint16_t)number_of(answer, "status", 0),
                                         .headers = a->answer_headers,
                                         .n_headers = read_headers(answer, a->answer_headers),
                                         .body = text_of(answer, "body"),
                                         .head = span_eq_str(a->raw.method, "HEAD") };
}

/* ---- what comes of it ---- */

static void put_text(struct buf *out, struct span text)
{
        const struct tree t = { .kind = TREE_STRING, .text = text };

        tree_print(&t, out);
}

static void put_headers(struct buf *out, const struct http_header *h, uint32_t n)
{
        buf_put_str(out, "\"headers\":[");
        for (uint32_t i = 0; i < n; i++) {
                buf_put_str(out, i ? ",[" : "[");
                put_text(out, h[i].name);
                buf_put_byte(out, ',');
                put_text(out, h[i].value);
                buf_put_byte(out, ']');
        }
        buf_put_byte(out, ']');
}

static void put_sent(struct buf *out, const struct outgoing *o)
{
        buf_printf(out, "{\"method\":\"%s\",\"target\":", api_method_name(o->method));
        put_text(out, o->target);
        buf_put_str(out, ",\"host\":");
        put_text(out, o->host);
        buf_put_byte(out, ',');
        put_headers(out, o->headers, o->n_headers);
        buf_put_str(out, ",\"body\":");
        put_text(out, o->body);
        buf_put_byte(out, '}');
}

static void put_entry(struct buf *out, const struct record *r)
{
        buf_put_str(out, out->n ? ",{\"skeleton\":" : "{\"skeleton\":");
        buf_put(out, r->skeleton);
        buf_put_str(out, ",\"fields\":[");
        for (uint32_t i = 0; i < r->n_fields; i++) {
                buf_put_str(out, i ? ",[" : "[");
                put_text(out, r->fields[i].subject);
                buf_put_byte(out, ',');
                put_text(out, r->fields[i].name);
                buf_put_byte(out, ',');
                if (r->fields[i].value.n)
                        buf_put(out, r->fields[i].value);
                else
                        buf_put_str(out, "null");
                buf_put_byte(out, ']');
        }
        buf_put_str(out, "]}");
}

struct told {
        struct buf steps, sent, entries;
        int64_t records;
};

static void tell(const struct exchange *x, enum exchange_step step, struct told *t)
{
        static const char *const names[] = { [EXCHANGE_READ] = "read",
                                             [EXCHANGE_RECORD] = "record",
                                             [EXCHANGE_CALL] = "call",
                                             [EXCHANGE_ANSWER] = "answer" };

        buf_printf(&t->steps, "%s\"%s\"", t->steps.n ? "," : "", names[step]);
        if (step == EXCHANGE_CALL)
                put_sent(&t->sent, &x->outgoing);
        if (step != EXCHANGE_RECORD)
                return;
        t->records++;
        for (uint32_t i = 0; i < x->records.n; i++)
                put_entry(&t->entries, &x->records.at[i]);
}

static enum exchange_step go_on(struct exchange *x, enum exchange_step step,
                                const struct asked_call *a, const struct told *t, int64_t now_ns)
{
        if (step == EXCHANGE_RECORD)
                return t->records == a->unrecorded ? exchange_unrecorded(x, RECORD_NOTHING, now_ns)
                                                   : exchange_recorded(x, now_ns);
        if (a->fails != REFUSED_NOT)
                return exchange_refuse(x, a->fails, "as asked for", now_ns);
        if (step == EXCHANGE_READ)
                return exchange_body(x, a->body);
        if (!a->answer.status)
                die("the back-end is asked, and there is no answer", NULL);
        return exchange_answered(x, &a->answer, now_ns);
}

static void print(const struct exchange *x, struct told *t)
{
        struct buf out = BUF_INIT(OUT_MAX);

        buf_put_str(&out, "{\"steps\":[");
        buf_put(&out, buf_span(&t->steps));
        buf_put_str(&out, "],\"sent\":");
        buf_put_str(&out, t->sent.n ? "" : "null");
        buf_put(&out, buf_span(&t->sent));
        buf_put_str(&out, ",\"entries\":[");
        buf_put(&out, buf_span(&t->entries));
        buf_printf(&out, "],\"reply\":{\"status\":%u,", x->reply.status);
        put_headers(&out, x->reply.headers, x->reply.n_headers);
        buf_put_str(&out, ",\"body\":");
        put_text(&out, x->reply.body);
        buf_put_str(&out, "}}\n");
        if (buf_status(&out) < 0 || fwrite(out.p, 1, out.n, stdout) != out.n)
                die("no room for a result", NULL);
        buf_done(&out);
}

static void call(struct caller *c, const struct asked_call *a)
{
        struct told t = { BUF_INIT(4096), BUF_INIT(OUT_MAX), BUF_INIT(OUT_MAX), 0 };
        CLEANUP(exchange_freep) struct exchange *x = NULL;
        enum exchange_step step;
        int64_t now = a->raw.now_ns;

        if (exchange_begin(&c->gateway, c->serving, &a->raw, &x, &step) < 0)
                die("no memory", NULL);
        for (;; now += NS_PER_MS) {
                exchange_assert_valid(x);
                tell(x, step, &t);
                if (step == EXCHANGE_ANSWER)
                        break;
                step = go_on(x, step, a, &t, now);
        }
        print(x, &t);
        buf_done(&t.steps);
        buf_done(&t.sent);
        buf_done(&t.entries);
}

static void call_line(struct caller *c, struct span line)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT((size_t)LINE_MAX_BYTES * 64);
        static struct asked_call a;
        struct err err = { 0 };
        struct tree t;

        if (tree_read(line, &arena, &t, &err) < 0)
                die("a call", &err);
        read_asked(&t, &a);
        call(c, &a);
}

int main(int argc, char **argv)
{
        static struct caller c;
        char *line = NULL;
        size_t cap = 0;
        ssize_t n;

        for (int i = 1; i < argc; i++) {
                struct err err = { 0 };

                if (strcmp(argv[i], "--jwks") == 0 && i + 1 < argc)
                        add_keys(&c, argv[++i]);
                else if (strcmp(argv[i], "--tokens") != 0)
                        add_package(&c, argv[i]);
                else if (i + 1 == argc ||
                         tokens_read(read_path(argv[++i]), (struct tokens **)&c.gateway.keys.tokens,
                                     &err) < 0)
                        die("--tokens", &err);
        }
        serve(&c);
        while ((n = getline(&line, &cap, stdin)) > 0)
                call_line(&c, span_of(line, (size_t)n));
        free(line);
        return 0;
}
