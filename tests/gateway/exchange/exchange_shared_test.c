/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that have something to do with each other: limits, answers that are kept, what is served.
 */
#include "exchange_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "exchange_words.h"

/* ---- limits ---- */

#define LEGACY(user)                                                                               \
        {                                                                                          \
                .name = "legacy", .who = "text:Basic " user, .request = "GET /odd/legacy",         \
                .status = 200,                                                                     \
                .answer_headers = "Cache-Control: no-store\nContent-Type: application/json",       \
                .answer = "1", .steps = "ICOA",                                                    \
                .sent = SENT_ODD("GET /inner/legacy", "application/json",                          \
                                 OWN "authorization: Basic " user "\n"),                           \
                .reply = GOT("1")                                                                  \
        }
#define ANN "YW5uOnB3"
#define BOB "Ym9iOnB3"

/* `rate: 2/m` is two at once and then one every 30 s, of each caller. */
static void a_rate_is_held(void **state)
{
        static const struct exchange_case ann = LEGACY(ANN), bob = LEGACY(BOB);
        struct exchange_case late = LEGACY(ANN), refused = ann;

        world_forget(*state);
        exchange_check(*state, &ann);
        exchange_check(*state, &ann);
        refused.steps = "DA";
        refused.sent = NULL;
        refused.entries[0] = REASON("rate");
        refused.reply = PROBLEM("429", "Too many requests", "retry-after: 30\n");
        exchange_check(*state, &refused);
        exchange_check(*state, &refused);
        exchange_check(*state, &bob);
        late.at_s = WORLD_NOON + 30;
        exchange_check(*state, &late);
}

/* Nobody has verified these names: one who says that he is ann takes nothing from her elsewhere. */
static void who_is_not_verified_is_limited_where_he_is(void **state)
{
        static const struct exchange_case ann = LEGACY(ANN);
        struct exchange_case refused = ann, elsewhere = ann;

        world_forget(*state);
        exchange_check(*state, &ann);
        exchange_check(*state, &ann);
        refused.steps = "DA";
        refused.sent = NULL;
        refused.reply = PROBLEM("429", "Too many requests", "retry-after: 30\n");
        exchange_check(*state, &refused);
        elsewhere.address = 4;
        exchange_check(*state, &elsewhere);
}

/* Another name each time is no way around it: an address has ten times `rate: 2/m`. */
static void many_names_are_one_address(void **state)
{
        /* "u0:x" to "u9:x", by base64(1) */
        static const struct exchange_case names[] = {
                LEGACY("dTA6eA=="), LEGACY("dTE6eA=="), LEGACY("dTI6eA=="), LEGACY("dTM6eA=="),
                LEGACY("dTQ6eA=="), LEGACY("dTU6eA=="), LEGACY("dTY6eA=="), LEGACY("dTc6eA=="),
                LEGACY("dTg6eA=="), LEGACY("dTk6eA=="),
        };
        static const struct exchange_case ann = LEGACY(ANN);
        struct exchange_case refused = ann, elsewhere = ann, later = ann;

        world_forget(*state);
        for (unsigned i = 0; i < 2 * ARRAY_LEN(names); i++)
                exchange_check(*state, &names[i / 2]);
        refused.steps = "DA";
        refused.sent = NULL;
        refused.entries[0] = REASON("rate");
        refused.entries[1] = "from this address: more than 20 in 60 s, 20 at once";
        refused.reply = PROBLEM("429", "Too many requests", "retry-after: 3\n");
        exchange_check(*state, &refused);
        elsewhere.address = 4;
        exchange_check(*state, &elsewhere);
        later.at_s = WORLD_NOON + 3;
        exchange_check(*state, &later);
}

/* 200 a day, of which this one is refused by the policies: it counts as well. */
static void a_quota_is_held(void **state)
{
        struct exchange_case c = { .name = "quota",
                                   .who = "zoe",
                                   .request = SEND,
                                   .headers = "Idempotency-Key: " KEY,
                                   .body = NEW_TRANSFER("1"),
                                   .at_s = WORLD_NOON,
                                   .steps = "BDA",
                                   .entries = { REASON("policy") },
                                   .reply = NOT_ALLOWED };

        world_forget(*state);
        for (unsigned i = 0; i < 200; i++, c.at_s++)
                exchange_check(*state, &c);
        c.steps = "DA";
        c.entries[0] = REASON("quota");
        c.reply = PROBLEM("429", "Too many requests", "retry-after: 43000\n");
        exchange_check(*state, &c);
        c.at_s = WORLD_NOON + 12 * 3600;
        c.steps = "BDA";
        c.entries[0] = REASON("policy");
        c.reply = NOT_ALLOWED;
        exchange_check(*state, &c);
}

/* ---- answers that are kept ---- */

#define BRANCHES "[{\"city\":\"Springfield\",\"id\":\"0100\",\"name\":\"Main Street\"}]"
#define LIST_BRANCHES(caller)                                                                      \
        {                                                                                          \
                .name = "branches of " caller, .who = caller, .request = "GET /bank/v1/branches",  \
                .status = 200, .answer = BRANCHES, .steps = "ICOA",                                \
                .sent = SENT("GET /branches", OWN), .entries = { "\"result\":\"answered\"" },      \
                .reply = GOT(BRANCHES)                                                             \
        }

static struct exchange_case hit(struct exchange_case c)
{
        c.steps = "KA";
        c.sent = NULL;
        c.entries[0] = "\"result\":\"cached\"";
        return c;
}

/* Those who may the same share what is kept `by: rights`; each is asked about and recorded. */
static void an_answer_is_kept_by_rights(void **state)
{
        struct exchange_case fred = LIST_BRANCHES("fred"), frank = LIST_BRANCHES("frank"),
                             tess = LIST_BRANCHES("tess"), zoe = LIST_BRANCHES("zoe"), kept;

        world_forget(*state);
        exchange_check(*state, &fred);
        kept = hit(fred);
        exchange_check(*state, &kept);
        kept = hit(frank);
        kept.entries[1] = "who.user=\"frank\"";
        exchange_check(*state, &kept);
        exchange_check(*state, &tess);
        zoe.steps = "DA";
        zoe.sent = NULL;
        zoe.entries[0] = REASON("policy");
        zoe.reply = NOT_ALLOWED;
        exchange_check(*state, &zoe);
        fred.at_s = WORLD_NOON + 301; /* for: 5m */
        exchange_check(*state, &fred);
}

#define OPEN                                                                                       \
        {                                                                                          \
                .name = "open", .request = "GET /odd/open", .status = 200, .answer = "{\"n\":1}",  \
                .steps = "ICOA",                                                                   \
                .sent = SENT_ODD("GET /inner/open", "application/json, text/plain", OWN),          \
                .entries = { "\"result\":\"answered\"" }, .reply = GOT("{\"n\":1}")                \
        }
#define FORGET                                                                                     \
        {                                                                                          \
                .name = "forget", .request = "DELETE /odd/note", .status = 204, .steps = "ICOA",   \
                .sent = SENT_ODD("DELETE /inner/note", "*/*", OWN), .reply = "204\n" NO_STORE      \
        }

/* Kept is what the back-end said: what is forbidden now is masked now. */
static void what_is_kept_is_masked_for_who_asks(void **state)
{
        struct exchange_case c = OPEN;

        world_forget(*state);
        c.request = "GET /odd/open?near=withheld";
        c.sent = SENT_ODD("GET /inner/open?near=withheld", "application/json, text/plain", OWN);
        c.answer = "{\"n\":1,\"seen\":\"here\"}";
        exchange_check(*state, &c);
        c = hit(c);
        c.entries[1] = "\"reads\":[[\"place\",1,\"withheld\"]]";
        c.entries[2] = "what.values_1=[\"here\"]";
        exchange_check(*state, &c);
}

static void what_is_written_erases_what_is_kept(void **state)
{
        struct exchange_case c = OPEN, kept = hit(c), forget = FORGET, fails = FORGET;

        world_forget(*state);
        exchange_check(*state, &c);
        exchange_check(*state, &kept);
        exchange_check(*state, &forget);
        exchange_check(*state, &c);
        exchange_check(*state, &kept);
        fails.fails = REFUSED_BACKEND_TIME; /* it may have done it */
        fails.reply = PROBLEM("504", "Gateway timeout", "");
        exchange_check(*state, &fails);
        exchange_check(*state, &c);
        fails.unrecorded = 1; /* it has seen nothing */
        fails.steps = "IA";
        fails.sent = NULL;
        fails.reply = UNAVAILABLE;
        exchange_check(*state, &fails);
        exchange_check(*state, &kept);
}

/* Two packages may have one back-end, and only one of them a cache; what is of another back-end
 * stays. */
static void what_another_package_writes_erases_too(void **state)
{
        struct exchange_world *w = *state;
        struct exchange_case list = LIST_BRANCHES("fred"), kept = hit(list), forget = FORGET;
        struct config *config = &w->packages[1]->config;
        struct serving_api *apis = w->serving->apis;
        const uint64_t sources = apis[1].sources;
        const uint32_t n = config->n_caches;

        world_forget(w);
        exchange_check(w, &list);
        config->n_caches = 0;
        exchange_check(w, &forget);
        exchange_check(w, &kept);
        apis[1].sources |= apis[0].sources;
        exchange_check(w, &forget);
        exchange_check(w, &list); /* asked for anew */
        apis[1].sources = sources;
        config->n_caches = n;
}

/* A back-end is known by its addresses, however they are written, and whichever port it has. */
static void which_backends_are_one(void **state)
{
        static const struct span lists[][2] = {
                { SPAN_INIT("10.0.0.1"), SPAN_INIT("10.0.0.2") },
                { SPAN_INIT("10.0.0.2"), SPAN_INIT("10.0.0.3") },
                { SPAN_INIT("2001:db8:0:0::7"), SPAN_INIT("10.0.0.9") },
        };
#define LISTED(i, name, number)                                                                    \
        {                                                                                          \
                .host = SPAN_INIT(name), .port = (number), .addresses = lists[i], .n_addresses = 2 \
        }
#define AT(name, number)                                                                           \
        {                                                                                          \
                .host = SPAN_INIT(name), .port = (number)                                          \
        }
#define UNIX(path)                                                                                 \
        {                                                                                          \
                .unix_path = SPAN_INIT(path)                                                       \
        }
        static const struct {
                struct config_backend a, b;
                bool one;
        } rows[] = {
                { UNIX("/run/a.sock"), UNIX("/run/a.sock"), true },
                { UNIX("/run/a.sock"), UNIX("/run/b.sock"), false },
                { AT("10.0.0.1", 80), AT("10.0.0.1", 81), true },
                { AT("10.0.0.1", 80), AT("10.0.0.3", 80), false },
                { AT("2001:db8::7", 80), AT("2001:db8:0::7", 80), true },
                { LISTED(0, "x", 80), LISTED(1, "y", 81), true },
                { LISTED(0, "x", 80), AT("10.0.0.2", 443), true },
                { LISTED(0, "x", 80), AT("10.0.0.3", 80), false },
                { LISTED(2, "x", 80), AT("2001:DB8::7", 443), true },
        };
        struct exchange_world *w = *state;
        struct config *a = &w->packages[0]->config, *b = &w->packages[1]->config;
        const struct config_backend kept[] = { a->backend, b->backend };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CLEANUP(serving_unrefp) struct serving *s = NULL;
                struct err err = { 0 };

                a->backend = rows[i].a;
                b->backend = rows[i].b;
                assert_int_equal(serving_new(&w->gateway, w->generation, &s, &err), 0);
                if (((s->apis[0].sources & s->apis[1].sources) != 0) != rows[i].one)
                        fail_msg("%zu: %llx %llx", i, (unsigned long long)s->apis[0].sources,
                                 (unsigned long long)s->apis[1].sources);
        }
        a->backend = kept[0];
        b->backend = kept[1];
}

/* What the back-end forbids, what has more than a body, what is not good, is not kept. */
static void not_everything_is_kept(void **state)
{
        static const struct {
                uint16_t status;
                const char *headers, *answer, *reply;
        } rows[] = {
                { 200, "Content-Type: application/json\nCache-Control: max-age=5, No-Store", "{}",
                  GOT("{}") },
                { 200, "Content-Type: application/json\nCache-Control: no-cache=\"x\"", "{}",
                  GOT("{}") },
                { 200, "Content-Type: application/json\nSet-Cookie: a=b", "{}", GOT("{}") },
                { 200, "Content-Type: application/json\nX-Count: 1", "{}",
                  "200\ncontent-type: application/json\nx-count: 1\n" NO_STORE "{}" },
                { 204, NULL, NULL, "204\n" NO_STORE },
                /* where the document has it, others may keep what the back-end lets them */
                { 204, "Cache-Control: max-age=5", NULL, "204\ncache-control: max-age=5\n\n" },
                { 200, "Content-Type: application/json", "{\"n\":\"\"}", BAD_GATEWAY },
        };
        struct exchange_case c = OPEN;

        world_forget(*state);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                c.status = rows[i].status;
                c.answer_headers = rows[i].headers;
                c.answer = rows[i].answer;
                c.reply = rows[i].reply;
                c.entries[0] = NULL;
                exchange_check(*state, &c); /* asked for each time */
        }
}

/* ---- two calls at once ---- */

static enum exchange_step begin(struct exchange_world *w, const struct exchange_case *c,
                                struct exchange_sent *s, struct exchange **ret)
{
        enum exchange_step step;

        exchange_make_sent(w, c, s);
        assert_int_equal(exchange_begin(&w->gateway, w->serving, &s->raw, ret, &step), 0);
        return step;
}

/* What was asked for before somebody wrote may be what was there before. */
static void an_answer_from_before_a_write_is_not_kept(void **state)
{
        static const struct http_header type[] = { { SPAN_INIT("content-type"),
                                                     SPAN_INIT("application/json") } };
        const struct answer_raw old = {
                .status = 200, .headers = type, .n_headers = 1, .body = SPAN("{\"n\":1}")
        };
        const struct exchange_case read = OPEN, write = FORGET;
        CLEANUP(exchange_freep) struct exchange *x = NULL;
        struct exchange_sent s;

        world_forget(*state);
        assert_int_equal(begin(*state, &read, &s, &x), EXCHANGE_RECORD);
        assert_int_equal(exchange_recorded(x, s.raw.now_ns), EXCHANGE_CALL);
        exchange_check(*state, &write);
        assert_int_equal(exchange_answered(x, &old, s.raw.now_ns), EXCHANGE_RECORD);
        assert_int_equal(exchange_recorded(x, s.raw.now_ns), EXCHANGE_ANSWER);
        exchange_check(*state, &read); /* asks again */
}

/* Who is gone while the back-end is asked may have written. */
static void who_goes_away_erases_too(void **state)
{
        const struct exchange_case read = OPEN, write = FORGET;
        struct exchange_case kept = hit(read);
        CLEANUP(exchange_freep) struct exchange *x = NULL;
        struct exchange_sent s;

        world_forget(*state);
        exchange_check(*state, &read);
        assert_int_equal(begin(*state, &write, &s, &x), EXCHANGE_RECORD);
        x = exchange_free(x); /* nothing was asked */
        exchange_check(*state, &kept);
        assert_int_equal(begin(*state, &write, &s, &x), EXCHANGE_RECORD);
        assert_int_equal(exchange_recorded(x, s.raw.now_ns), EXCHANGE_CALL);
        x = exchange_free(x);
        exchange_check(*state, &read);
}

/* Nothing is left of a call that ends at any step, and the next one is as ever. */
static void a_call_may_end_at_any_step(void **state)
{
        const struct exchange_case c = {
                .name = "a note",
                .request = "POST /odd/note",
                .body = "{\"at\":\"here\"}",
                .status = 200,
                .answer = "null",
                .steps = "BICOA",
                .sent = SENT_ODD("POST /inner/note", "application/json",
                                 "content-type: application/json\n" OWN) "{\"at\":\"here\"}",
                .reply = GOT("null")
        };

        for (unsigned stop = 1; stop < strlen(c.steps); stop++) {
                struct exchange_ran r;

                exchange_ran_init(&r);
                r.stop = stop;
                assert_int_equal(exchange_run(*state, &c, &r), 0);
                assert_int_equal(r.n_steps, stop);
                exchange_ran_done(&r);
                exchange_check(*state, &c);
        }
}

/* The bench of the policies is everybody's: what was decided first is recorded as it was. */
static void calls_do_not_mix(void **state)
{
        static const struct exchange_case one = { .who = "fred", .request = READ_ACCOUNT },
                                          two = { .who = "zoe", .request = READ_ACCOUNT };
        CLEANUP(exchange_freep) struct exchange *a = NULL, *b = NULL;
        struct exchange_sent s, t;

        assert_int_equal(begin(*state, &one, &s, &a), EXCHANGE_RECORD);
        assert_int_equal(begin(*state, &two, &t, &b), EXCHANGE_RECORD);
        assert_non_null(memmem(a->records.at[a->records.n - 1].skeleton.p,
                               a->records.at[a->records.n - 1].skeleton.n, "staff may look", 14));
        assert_string_not_equal(a->id, b->id);
        assert_int_equal(exchange_recorded(b, t.raw.now_ns), EXCHANGE_ANSWER);
        assert_int_equal(exchange_recorded(a, s.raw.now_ns), EXCHANGE_CALL);
}

/* ---- what is served ---- */

static void nothing_is_deployed(void **state)
{
        struct exchange_case c = { .name = "nothing is deployed",
                                   .request = "GET /",
                                   .steps = "DA",
                                   .entries = { REASON("package") },
                                   .reply = UNAVAILABLE };
        struct exchange_world w = *(struct exchange_world *)*state;

        w.serving = NULL;
        exchange_check(&w, &c);
}

/* A call keeps its generation, whoever else lets it go. */
static void a_call_keeps_its_serving(void **state)
{
        static const struct exchange_case call = { .who = "fred", .request = READ_ACCOUNT };
        struct exchange_world *w = *state;
        CLEANUP(exchange_freep) struct exchange *x = NULL;
        struct generation *g = NULL;
        struct exchange_sent s;
        enum exchange_step step;
        struct serving *other;

        assert_int_equal(generation_new(18, w->packages, 1, &g), 0);
        assert_int_equal(serving_new(&w->gateway, g, &other, NULL), 0);
        generation_unref(g);
        exchange_make_sent(w, &call, &s);
        assert_int_equal(exchange_begin(&w->gateway, other, &s.raw, &x, &step), 0);
        assert_int_equal(other->refs, 2);
        serving_unref(other);
        assert_int_equal(x->serving->refs, 1);
        assert_int_equal(step, EXCHANGE_RECORD);
        assert_int_equal(exchange_recorded(x, s.raw.now_ns), EXCHANGE_CALL);
        assert_ptr_equal(x->package, w->packages[0]);
}

static void what_there_is_no_memory_for_is_not_served(void **state)
{
        struct exchange_world *w = *state;
        struct gateway poor = w->gateway;
        struct serving *s = NULL;
        struct err err = { 0 };

        poor.limits = NULL;
        assert_int_equal(serving_new(&poor, w->generation, &s, &err), -EOPNOTSUPP);
        assert_string_equal(err.text,
                            "accounts: it has limits, for which this gateway has no memory");
        poor = w->gateway;
        poor.cache = NULL;
        assert_int_equal(serving_new(&poor, w->generation, &s, &err), -EOPNOTSUPP);
        assert_string_equal(err.text,
                            "accounts: it has a cache, for which this gateway has no memory");
        assert_null(s);
}

/* Nobody can be told from anybody until the issuer's keys were read. */
static void there_are_no_keys(void **state)
{
        struct exchange_case c = { .name = "no keys",
                                   .who = "tess",
                                   .request = READ_ACCOUNT,
                                   .steps = "DA",
                                   .entries = { REASON("keys") },
                                   .reply = UNAVAILABLE };
        struct exchange_world *w = *state;
        struct jwks *kept = w->jwks;
        const unsigned before = w->refetched;

        w->jwks = NULL;
        exchange_check(w, &c);
        w->jwks = kept;
        assert_int_equal(w->refetched, before + 1);
}

/* Whoever hammers is told of one by one for a while, then counted; the reply stays the same. */
static void refusals_are_folded(void **state)
{
        struct exchange_case c = { .name = "folded",
                                   .request = "GET /bank/v1/admin",
                                   .steps = "DA",
                                   .entries = { REASON("path") },
                                   .reply = NOT_FOUND };
        struct exchange_world w = *(struct exchange_world *)*state;
        struct arena arena = ARENA_INIT(1 << 20);
        struct records told;

        assert_int_equal(record_fold_new(&w.gateway.fold), 0);
        for (unsigned i = 0; i < RECORD_DENIED_BURST; i++)
                exchange_check(&w, &c);
        c.steps = "A";
        c.entries[0] = NULL;
        for (unsigned i = 0; i < 100; i++)
                exchange_check(&w, &c);
        assert_int_equal(record_fold_due(w.gateway.fold, (WORLD_NOON + 2) * NS_PER_S, false, &arena,
                                         &told, NULL),
                         1);
        assert_non_null(memmem(told.at[0].skeleton.p, told.at[0].skeleton.n, "\"count\":100", 11));
        record_fold_free(w.gateway.fold);
        arena_done(&arena);
}

/* ---- counting ---- */

static const struct counted {
        struct exchange_case call;
        unsigned stop; /* after so many steps the caller is gone */
        const char *api, *operation;
        enum meters_result result;
        enum refusal_reason reason;
        int64_t backend_ns; /* a step of exchange_run() takes a millisecond */
        enum meters_cache cache;
} counted[] = {
        { OPEN, 0, "odd", "open", METERS_ANSWERED, REFUSED_NOT, NS_PER_MS, METERS_MISS },
        { OPEN, 0, "odd", "open", METERS_CACHED, REFUSED_NOT, -1, METERS_HIT },
        { { .name = "path", .request = "GET /bank/v1/nothing" },
          0,
          "accounts",
          "",
          METERS_REFUSED,
          REFUSED_PATH,
          -1,
          METERS_NOT_KEPT },
        { { .name = "elsewhere", .request = "GET /nothing" },
          0,
          "",
          "",
          METERS_REFUSED,
          REFUSED_PATH,
          -1,
          METERS_NOT_KEPT },
        { { .name = "nobody", .request = READ_ACCOUNT },
          0,
          "accounts",
          "getAccount",
          METERS_REFUSED,
          REFUSED_NO_CREDENTIAL,
          -1,
          METERS_NOT_KEPT },
        { { .name = "intent", .who = "tess", .request = READ_ACCOUNT, .unrecorded = 1 },
          0,
          "accounts",
          "getAccount",
          METERS_REFUSED,
          REFUSED_RECORDER,
          -1,
          METERS_NOT_KEPT },
        { { .name = "outcome",
            .who = "tess",
            .request = READ_ACCOUNT,
            .status = 404,
            .answer_headers = "Content-Type: application/problem+json",
            .answer = "{\"status\":404,\"title\":\"none\"}",
            .unrecorded = 2 },
          0,
          "accounts",
          "getAccount",
          METERS_FAILED,
          REFUSED_RECORDER,
          NS_PER_MS,
          METERS_NOT_KEPT },
        { { .name = "late", .who = "tess", .request = READ_ACCOUNT, .fails = REFUSED_BACKEND_TIME },
          0,
          "accounts",
          "getAccount",
          METERS_FAILED,
          REFUSED_BACKEND_TIME,
          NS_PER_MS,
          METERS_NOT_KEPT },
        { { .name = "gone", .who = "tess", .request = READ_ACCOUNT },
          1,
          "accounts",
          "getAccount",
          METERS_REFUSED,
          REFUSED_NOT,
          -1,
          METERS_NOT_KEPT },
        { { .name = "gone in between", .who = "tess", .request = READ_ACCOUNT, .status = 200 },
          2,
          "accounts",
          "getAccount",
          METERS_FAILED,
          REFUSED_NOT,
          -1,
          METERS_NOT_KEPT },
};

static void what_a_call_counts_as(void **state)
{
        struct exchange_world *w = *state;

        world_forget(w);
        for (size_t i = 0; i < ARRAY_LEN(counted); i++) {
                const struct counted *c = &counted[i];
                struct exchange_ran ran;
                struct span api, operation;

                exchange_ran_init(&ran);
                ran.stop = c->stop;
                assert_int_equal(exchange_run(w, &c->call, &ran), 0);
                meters_place_names(w->meters, ran.count.place.call, &api, &operation);
                if (!span_eq_str(api, c->api) || !span_eq_str(operation, c->operation) ||
                    ran.count.result != c->result || ran.count.reason != c->reason ||
                    ran.count.backend_ns != c->backend_ns || ran.count.cache != c->cache ||
                    ran.count.folded || ran.count.total_ns != 5 * NS_PER_S)
                        fail_msg("%s: %.*s %.*s %d %d %lld", c->call.name, (int)api.n,
                                 (const char *)api.p, (int)operation.n, (const char *)operation.p,
                                 (int)ran.count.result, (int)ran.count.reason,
                                 (long long)ran.count.backend_ns);
                assert_true(span_eq_str(meters_api_name(w->meters, ran.count.place.api), c->api));
                exchange_ran_done(&ran);
        }
}

/* ---- the whole ---- */

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_rate_is_held),
                cmocka_unit_test(who_is_not_verified_is_limited_where_he_is),
                cmocka_unit_test(many_names_are_one_address),
                cmocka_unit_test(a_quota_is_held),
                cmocka_unit_test(an_answer_is_kept_by_rights),
                cmocka_unit_test(what_is_kept_is_masked_for_who_asks),
                cmocka_unit_test(what_is_written_erases_what_is_kept),
                cmocka_unit_test(what_another_package_writes_erases_too),
                cmocka_unit_test(which_backends_are_one),
                cmocka_unit_test(not_everything_is_kept),
                cmocka_unit_test(an_answer_from_before_a_write_is_not_kept),
                cmocka_unit_test(who_goes_away_erases_too),
                cmocka_unit_test(a_call_may_end_at_any_step),
                cmocka_unit_test(calls_do_not_mix),
                cmocka_unit_test(nothing_is_deployed),
                cmocka_unit_test(a_call_keeps_its_serving),
                cmocka_unit_test(what_there_is_no_memory_for_is_not_served),
                cmocka_unit_test(there_are_no_keys),
                cmocka_unit_test(refusals_are_folded),
                cmocka_unit_test(what_a_call_counts_as),
        };

        return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
