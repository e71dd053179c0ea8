/* SPDX-License-Identifier: Apache-2.0 */
/* What the recorder did not take, or not in time: what the ledger has to be told then, so that no
 * intent is without an end and no outcome says that somebody saw what nobody did. */
#include "exchange_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "exchange_words.h"

#define REFUSED(reason, status)                                                                    \
        "\"reason\":\"" reason "\",\"result\":\"refused\",\"status\":" status
#define UNSHOWN_LATE "\"reason\":\"late\",\"status\":503,"
#define UNSHOWN_LEFT "\"reason\":\"left\",\"version\""

/* Of calls that get as far as to the first, the second: an intent, an outcome, both, a refusal. */
enum waits { INTENT, OUTCOME, KEPT, DENIED };

static const struct {
        enum waits waits;
        enum record_fate fate;
        bool left;
        const char *kind, *has; /* what is told afterwards; NULL: nothing */
} rows[] = {
        { INTENT, RECORD_NOTHING, false, NULL, NULL },
        { INTENT, RECORD_PARTLY, false, NULL, NULL },
        { INTENT, RECORD_PERHAPS, false, "api.outcome", REFUSED("recorder", "503") },
        { INTENT, RECORD_NOTHING, true, NULL, NULL },
        { INTENT, RECORD_PERHAPS, true, "api.outcome", REFUSED("backend", "502") },
        { INTENT, RECORD_DONE, true, "api.outcome", REFUSED("backend", "502") },
        { OUTCOME, RECORD_NOTHING, false, "api.outcome", REFUSED("recorder", "503") },
        { OUTCOME, RECORD_PARTLY, false, "api.outcome", "\"backend_status\":200" },
        { OUTCOME, RECORD_PERHAPS, false, "api.unshown", UNSHOWN_LATE },
        { OUTCOME, RECORD_NOTHING, true, "api.outcome", REFUSED("backend", "502") },
        { OUTCOME, RECORD_PERHAPS, true, "api.unshown", UNSHOWN_LEFT },
        { OUTCOME, RECORD_DONE, true, "api.unshown", UNSHOWN_LEFT },
        { KEPT, RECORD_NOTHING, false, NULL, NULL },
        { KEPT, RECORD_PARTLY, false, "api.outcome", REFUSED("recorder", "503") },
        { KEPT, RECORD_PERHAPS, false, "api.unshown", UNSHOWN_LATE },
        { KEPT, RECORD_DONE, true, "api.unshown", UNSHOWN_LEFT },
        { DENIED, RECORD_NOTHING, false, NULL, NULL },
        { DENIED, RECORD_PERHAPS, false, NULL, NULL },
        { DENIED, RECORD_DONE, true, NULL, NULL },
};

static const struct exchange_case calls[] = {
        [INTENT] = { .who = "tess", .request = READ_ACCOUNT },
        [OUTCOME] = { .who = "tess",
                      .request = READ_ACCOUNT,
                      .status = 200,
                      .answer = ACCOUNT(IBAN, MONEY) },
        [KEPT] = { .request = "GET /odd/open" },
        [DENIED] = { .who = "zoe", .request = READ_ACCOUNT },
};

/* Something is on its way to the recorder. */
static struct exchange *begin(struct exchange_world *w, enum waits waits, struct exchange_sent *s)
{
        static const struct http_header type[] = { { SPAN_INIT("content-type"),
                                                     SPAN_INIT("application/json") } };
        const struct exchange_case *c = &calls[waits];
        enum exchange_step step;
        struct exchange *x;
        struct answer_raw raw = { .status = c->status, .headers = type, .n_headers = 1 };

        exchange_make_sent(w, c, s);
        assert_int_equal(exchange_begin(&w->gateway, w->serving, &s->raw, &x, &step), 0);
        assert_int_equal(step, EXCHANGE_RECORD);
        assert_false(x->asked);
        if (waits == OUTCOME) {
                raw.body = span_str(c->answer);
                assert_int_equal(exchange_recorded(x, s->raw.now_ns), EXCHANGE_CALL);
                assert_int_equal(exchange_answered(x, &raw, s->raw.now_ns), EXCHANGE_RECORD);
                assert_true(x->asked);
        }
        return x;
}

static bool has(struct span s, const char *word)
{
        return memmem(s.p, s.n, word, strlen(word));
}

static void check_afterwards(const struct exchange *x, size_t row)
{
        const struct span s = x->afterwards.n ? x->afterwards.at[0].skeleton : SPAN_NONE;

        assert_int_equal(x->afterwards.n, rows[row].kind != NULL);
        assert_int_equal(x->reply.status, rows[row].left ? 502 : 503);
        assert_false(has(x->reply.body, "iban"));
        if (!rows[row].kind)
                return;
        if (!has(s, rows[row].kind) || !has(s, rows[row].has) || !has(s, x->id))
                fail_msg("row %zu: %.*s", row, (int)s.n, (const char *)s.p);
}

/* There is one that is kept. */
static void keep_one(struct exchange_world *w)
{
        const struct exchange_case c = { .name = "kept",
                                         .request = calls[KEPT].request,
                                         .status = 200,
                                         .answer = "{\"n\":1}",
                                         .steps = "ICOA",
                                         .sent = SENT_ODD("GET /inner/open",
                                                          "application/json, text/plain", OWN),
                                         .reply = GOT("{\"n\":1}") };

        exchange_check(w, &c);
}

static void what_is_told_afterwards(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct exchange_sent s;
                struct exchange *x;

                world_forget(*state);
                if (rows[i].waits == KEPT)
                        keep_one(*state);
                x = begin(*state, rows[i].waits, &s);
                if (rows[i].left)
                        exchange_left(x, rows[i].fate, s.raw.now_ns);
                else
                        assert_int_equal(exchange_unrecorded(x, rows[i].fate, s.raw.now_ns),
                                         EXCHANGE_ANSWER);
                exchange_assert_valid(x);
                check_afterwards(x, i);
                exchange_free(x);
        }
}

/* One wait for both: the intent first, and nothing of either may be seen before. */
static void what_is_kept_waits_once(void **state)
{
        struct exchange_sent s;
        struct exchange *x;

        world_forget(*state);
        keep_one(*state);
        x = begin(*state, KEPT, &s);
        assert_int_equal(x->reply.status, 0);
        assert_true(has(x->records.at[0].skeleton, "\"api.intent\""));
        assert_true(has(x->records.at[x->records.n - 1].skeleton, "\"api.outcome\""));
        assert_true(has(x->records.at[x->records.n - 1].skeleton, "\"cached\""));
        assert_int_equal(exchange_recorded(x, s.raw.now_ns), EXCHANGE_ANSWER);
        assert_int_equal(x->reply.status, 200);
        assert_int_equal(x->afterwards.n, 0);
        exchange_free(x);
}

/* The intent was not taken, because its caller has made too many subjects: a refusal, and told as
 * one. */
static void who_asks_about_too_many(void **state)
{
        static const enum waits waits[] = { INTENT, KEPT };

        for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
                struct exchange_sent s;
                struct exchange *x;
                char again[32];

                world_forget(*state);
                if (waits[i] == KEPT)
                        keep_one(*state);
                x = begin(*state, waits[i], &s);
                assert_true(exchange_is_intent(x));
                assert_int_equal(exchange_limited(x, s.raw.now_ns), EXCHANGE_RECORD);
                assert_false(exchange_is_intent(x));
                assert_int_equal(x->records.n, 1);
                assert_true(has(x->records.at[0].skeleton, "\"api.denied\""));
                assert_true(has(x->records.at[0].skeleton, "\"reason\":\"objects\""));
                assert_int_equal(exchange_recorded(x, s.raw.now_ns), EXCHANGE_ANSWER);
                assert_int_equal(x->reply.status, 429);
                assert_int_equal(x->afterwards.n, 0);
                snprintf(again, sizeof again, "%d", (int)(3600 - s.raw.now_ns / NS_PER_S % 3600));
                for (uint32_t k = 0; k < x->reply.n_headers; k++)
                        if (span_eq_str(x->reply.headers[k].name, "retry-after"))
                                assert_true(span_eq_str(x->reply.headers[k].value, again));
                exchange_free(x);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_told_afterwards),
                cmocka_unit_test(what_is_kept_waits_once),
                cmocka_unit_test(who_asks_about_too_many),
        };

        return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
