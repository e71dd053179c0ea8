/* SPDX-License-Identifier: Apache-2.0 */
/* exchange - what one call costs in the gateway's core, without network and recorder.
 *
 *   exchange SOURCE ROUNDS      SOURCE: the tree with examples/accounts; prints one JSON object:
 *                               for each sort of call the medians of its steps in us, the whole
 *                               with p99, allocations, bytes of its arena
 *
 * Steps are the functions of exchange.h: begin (and body) is all that is asked of a request, the
 * intent's entry and the request to the back-end; answered is the check of the answer, its masks
 * and the outcome's entry; the others are what goes between. */
#include "../tests/gateway/exchange/exchange_world.h"
#include "base/clock.h"
#include "samples.h"

enum { RATE = 20 /* a second, in gateway.yaml */, ROUNDS_MAX = 3500 * RATE };

enum step { BEGIN, RECORDED, ANSWERED, SHOWN, FREED, WHOLE, STEPS };
static const char *const step_names[STEPS] = { "begin", "recorded", "answered",
                                               "shown", "freed",    "whole" };

static size_t allocations;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
        allocations++;
        return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
        allocations++;
        return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
        allocations++;
        return __real_realloc(p, n);
}

struct sort {
        const char *name, *who, *method, *target, *body;
        bool forget; /* the token is verified anew each time */
        uint16_t status;
        const char *answer;
};

#define CUSTOMER                                                                                   \
        "{\"address\":{\"city\":\"Springfield\",\"country\":\"CH\",\"postcode\":\"8000\","         \
        "\"street\":\"1 Linden Road\"},\"born\":\"1950-01-01\",\"branch\":\"0100\",\"email\":"     \
        "\"ada.abel@mail.example\",\"id\":\"C000001\",\"name\":\"Ada Abel\",\"phone\":null,"       \
        "\"ssn\":\"900-10-1000\"}"
static const struct sort sorts[] = {
        { "read", "tess", "GET", "/bank/v1/customers/C000001", NULL, false, 200, CUSTOMER },
        { "written", "tess", "PATCH", "/bank/v1/customers/C000001",
          "{\"email\": \"ada.abel@mail.example\", \"address\": {\"street\": \"1 Linden Road\","
          "\"city\": \"Springfield\", \"country\": \"CH\"}}",
          false, 200, CUSTOMER },
        { "verified", "fred", "GET", "/bank/v1/accounts/A00000001", NULL, true, 200,
          "{\"balance\":{\"currency\":\"CHF\",\"hundredths\":7919},\"branch\":\"0100\",\"iban\":"
          "\"CH5600762000000000001\",\"id\":\"A00000001\",\"owner\":\"C000001\",\"status\":"
          "\"open\"}" },
        { "refused", "zoe", "GET", "/bank/v1/accounts/A00000001", NULL, false, 0, NULL },
};

struct times {
        int64_t *of[STEPS];
        size_t n, allocations, arena;
};

static void die(const char *what)
{
        fprintf(stderr, "exchange: %s\n", what);
        exit(1);
}

static void mark(struct times *t, enum step step, int64_t *from)
{
        const int64_t now = bench_now();

        t->of[step][t->n] = now - *from;
        *from = now;
}

/* One call; its steps are measured into row n of t. */
static void call(struct exchange_world *w, const struct sort *s, const struct request_raw *raw,
                 struct times *t)
{
        static const struct http_header type[] = { { SPAN_INIT("Content-Type"),
                                                     SPAN_INIT("application/json") } };
        const struct answer_raw answer = { .status = s->status,
                                           .headers = type,
                                           .n_headers = 1,
                                           .body = s->answer ? span_str(s->answer) : SPAN_NONE };
        const int64_t begun = bench_now();
        int64_t at = begun;
        enum exchange_step step;
        struct exchange *x;

        if (exchange_begin(&w->gateway, w->serving, raw, &x, &step))
                die("no memory");
        if (step == EXCHANGE_READ)
                step = exchange_body(x, span_str(s->body));
        mark(t, BEGIN, &at);
        if (s->answer) {
                step = exchange_recorded(x, raw->now_ns);
                mark(t, RECORDED, &at);
                if (step != EXCHANGE_CALL)
                        die("the back-end is not asked");
                step = exchange_answered(x, &answer, raw->now_ns);
                mark(t, ANSWERED, &at);
        }
        if (step != EXCHANGE_RECORD || exchange_recorded(x, raw->now_ns) != EXCHANGE_ANSWER ||
            x->reply.status != (s->answer ? s->status : 403))
                die(s->name);
        mark(t, SHOWN, &at);
        t->arena = x->arena.used;
        exchange_free(x);
        mark(t, FREED, &at);
        t->of[WHOLE][t->n++] = at - begun;
}

static void set_header(struct request_raw *raw, struct http_header *headers, const char *name,
                       const char *value)
{
        headers[raw->n_headers++] = (struct http_header){ span_str(name), span_str(value) };
        raw->headers = headers;
}

struct room {
        char payload[WORLD_TOKEN_MAX], bearer[WORLD_TOKEN_MAX + 8], length[24];
        struct http_header headers[8];
};

static void make_raw(const struct exchange_world *w, const struct sort *s, struct room *r,
                     struct request_raw *raw)
{
        *raw = (struct request_raw){ .method = span_str(s->method),
                                     .target = span_str(s->target),
                                     .version = 11,
                                     .address = { .address = { 10, 1, 2, 3 }, .prefix = 32 },
                                     .address_text = SPAN("10.1.2.3"),
                                     .tls_version = SPAN("TLSv1.3"),
                                     .now_ns = WORLD_NOON * NS_PER_S };
        world_payload(s->who, WORLD_NOON, r->payload);
        memcpy(r->bearer, "Bearer ", sizeof "Bearer ");
        world_sign(w, r->payload, r->bearer + strlen(r->bearer));
        set_header(raw, r->headers, "Host", "api.bank.example");
        set_header(raw, r->headers, "User-Agent", "bench/1.0");
        set_header(raw, r->headers, "Accept", "application/json");
        set_header(raw, r->headers, "Accept-Encoding", "gzip, deflate");
        set_header(raw, r->headers, "Authorization", r->bearer);
        if (!s->body)
                return;
        snprintf(r->length, sizeof r->length, "%zu", strlen(s->body));
        set_header(raw, r->headers, "Content-Type", "application/merge-patch+json");
        set_header(raw, r->headers, "Content-Length", r->length);
}

/* Calls are as far from each other as the rate wants it, and all of them within the token's hour.
 */
static void measure(struct exchange_world *w, const struct sort *s, size_t rounds, struct times *t)
{
        struct jwt_memory *memory = w->gateway.keys.memory;
        struct request_raw raw;
        struct room room;

        make_raw(w, s, &room, &raw);
        if (s->forget)
                w->gateway.keys.memory = NULL;
        call(w, s, &raw, t); /* all is warm from here on */
        t->n = 0;
        allocations = 0;
        for (size_t i = 0; i < rounds; i++) {
                raw.now_ns += NS_PER_S / RATE;
                call(w, s, &raw, t);
        }
        t->allocations = allocations / rounds;
        w->gateway.keys.memory = memory;
}

static void print(const char *name, struct times *t)
{
        printf("\"%s\":{\"n\":%zu,\"allocations\":%zu,\"arena\":%zu", name, t->n, t->allocations,
               t->arena);
        for (size_t i = 0; i < STEPS; i++)
                printf(",\"%s_us\":%.2f", step_names[i], samples_point(t->of[i], t->n, 50));
        printf(",\"whole_p99_us\":%.2f}", samples_point(t->of[WHOLE], t->n, 99));
}

int main(int argc, char **argv)
{
        static struct kept kept; /* as in a worker */
        size_t rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
        struct exchange_world w;

        if (rounds == 0 || rounds > ROUNDS_MAX) {
                fprintf(stderr, "usage: exchange SOURCE ROUNDS (at most %d)\n", ROUNDS_MAX);
                return 2;
        }
        if (setenv("ASSAY_SOURCE", argv[1], 1))
                die("no memory");
        world_open(&w);
        w.gateway.kept = &kept;
        for (size_t i = 0; i < ARRAY_LEN(sorts); i++) {
                struct times t = { 0 };

                for (size_t k = 0; k < STEPS; k++)
                        if (!(t.of[k] = calloc(rounds + 1, sizeof(int64_t))))
                                die("no memory");
                measure(&w, &sorts[i], rounds, &t);
                fputs(i ? "," : "{", stdout);
                print(sorts[i].name, &t);
                for (size_t k = 0; k < STEPS; k++)
                        free(t.of[k]);
        }
        printf("}\n");
        kept_done(&kept);
        world_close(&w);
        return 0;
}
