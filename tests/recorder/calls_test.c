/* SPDX-License-Identifier: Apache-2.0 */
/* Which calls are open: what is refused, when one is closed, and by whom. */
#include "recorder/calls.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../alloc_fail.h"

#define GRACE (60 * NS_PER_S)

static int put(struct calls *c, uint64_t run, const char *kind, const char *id, uint64_t index,
               int64_t now_ns)
{
        struct calls_change change;
        struct err err = { 0 };
        char text[256];
        int rc;

        snprintf(text, sizeof text, "{\"k\":\"api.%s\",\"what\":{\"api\":\"a\",\"call\":%s}}", kind,
                 id);
        rc = calls_judge(c, run, span_str(text), &change, &err);
        if (rc == 0)
                calls_commit(c, &change, index, "the-id", now_ns);
        else
                assert_int_equal(rc, err.code);
        return rc;
}

static void judged(void **state)
{
        static const struct {
                uint64_t run;
                const char *kind, *id;
                int rc;
                unsigned open; /* then */
        } t[] = {
                { 1, "outcome", "\"x\"", -EINVAL, 0 }, /* of nothing */
                { 1, "intent", "\"x\"", 0, 1 },
                { 1, "intent", "\"x\"", -EINVAL, 1 }, /* twice */
                { 2, "intent", "\"x\"", -EINVAL, 1 },
                { 2, "outcome", "\"x\"", -EINVAL, 1 }, /* another's */
                { 2, "intent", "\"y\"", 0, 2 },
                { 1, "denied", "\"x\"", 0, 2 }, /* neither opens nor closes */
                { 1, "values", "\"x\"", 0, 2 },
                { 1, "denied", "7", 0, 2 },
                { 1, "outcome", "\"x\"", 0, 1 },
                { 1, "outcome", "\"x\"", -EINVAL, 1 }, /* twice */
                { 1, "intent", "\"x\"", 0, 2 },
                { 1, "intent", "\"\"", -EINVAL, 2 },
                { 1, "intent", "7", -EINVAL, 2 },
                { 1, "intent", "\"a\\nb\"", -EINVAL, 2 },
                { 1, "intent", "\"12345678901234567890123456789012\"", 0, 3 },
                { 1, "intent", "\"123456789012345678901234567890123\"", -EINVAL, 3 },
                { 1, "outcome", "\"12345678901234567890123456789012\"", 0, 2 },
        };
        struct calls c = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                int rc = put(&c, t[i].run, t[i].kind, t[i].id, i, 0);

                if (rc != t[i].rc || c.n != t[i].open)
                        fail_msg("%zu: %s %s: %d, %u open", i, t[i].kind, t[i].id, rc, c.n);
        }
        calls_done(&c);
}

/* An entry that was judged and could not be staged has changed nothing. */
static void abandoned(void **state)
{
        struct calls_change change;
        struct calls c = { 0 };
        struct err err;

        for (int i = 0; i < 3; i++) {
                assert_int_equal(
                        calls_judge(&c, 1, SPAN("{\"k\":\"api.intent\",\"what\":{\"call\":\"x\"}}"),
                                    &change, &err),
                        0);
                calls_abandon(&c, &change);
                assert_int_equal(c.n, 0);
        }
        assert_int_equal(put(&c, 1, "intent", "\"x\"", 0, 0), 0);
        assert_int_equal(calls_judge(&c, 1,
                                     SPAN("{\"k\":\"api.outcome\",\"what\":{\"call\":\"x\"}}"),
                                     &change, &err),
                         0);
        calls_abandon(&c, &change);
        assert_int_equal(c.n, 1);
        calls_done(&c);
}

static void ceiling(void **state)
{
        struct calls c = { 0 };
        char id[32];

        for (int i = 0; i < CALLS_MAX; i++) {
                snprintf(id, sizeof id, "\"%d\"", i);
                assert_int_equal(put(&c, 1 + i % 3, "intent", id, 0, 0), 0);
        }
        assert_int_equal(put(&c, 1, "intent", "\"more\"", 0, 0), -EBUSY);
        assert_int_equal(put(&c, 1, "outcome", "\"0\"", 0, 0), 0);
        assert_int_equal(put(&c, 1, "intent", "\"more\"", 0, 0), 0);
        assert_int_equal(put(&c, 1, "intent", "\"and more\"", 0, 0), -EBUSY);
        assert_int_equal(c.n, CALLS_MAX);
        calls_done(&c);
}

/* ---- closing ---- */

static const char *due(const struct calls *c, int64_t now_ns)
{
        const char *reason = "never asked";
        const struct call *call = calls_due(c, now_ns, GRACE, &reason);

        return call ? reason : NULL;
}

static void assert_due(const struct calls *c, int64_t now_ns, const char *want)
{
        const char *is = due(c, now_ns);

        if (!is != !want || (is && want && strcmp(is, want) != 0))
                fail_msg("%s, not %s", is ? is : "nothing", want ? want : "nothing");
}

static void grace(void **state)
{
        struct calls c = { 0 };

        assert_int_equal(calls_met(&c, 1), 0);
        put(&c, 1, "intent", "\"x\"", 5, 0);
        assert_due(&c, GRACE * 10, NULL); /* it is there */
        calls_left(&c, 1, false, GRACE);
        assert_due(&c, 2 * GRACE - 1, NULL);
        assert_due(&c, 2 * GRACE, "gone");
        assert_int_equal(calls_met(&c, 1), 0); /* back in time */
        assert_due(&c, 3 * GRACE, NULL);
        /* Its run goes on over another connection before the old one is dropped. */
        assert_int_equal(calls_met(&c, 1), 0);
        calls_left(&c, 1, false, 3 * GRACE);
        assert_due(&c, 9 * GRACE, NULL);
        calls_left(&c, 1, true, 9 * GRACE);
        assert_due(&c, 9 * GRACE, "stopped");
        assert_int_equal(calls_met(&c, 1), 0);
        assert_due(&c, 9 * GRACE, NULL);
        assert_due(&c, CALLS_OVERDUE_S * NS_PER_S - 1, NULL);
        assert_due(&c, CALLS_OVERDUE_S * NS_PER_S, "overdue");
        calls_close(&c, calls_any(&c));
        assert_int_equal(c.n, 0);
        assert_due(&c, INT64_MAX, NULL);
        assert_int_equal(put(&c, 1, "outcome", "\"x\"", 6, 0), -EINVAL);
        calls_done(&c);
}

/* Of one run the oldest is closed first, and what is open beside it stays. */
static void one_by_one(void **state)
{
        static const char *const ids[] = { "\"a\"", "\"b\"", "\"c\"", "\"d\"" };
        struct calls c = { 0 };
        const struct call *call;
        const char *reason;

        for (size_t i = 0; i < ARRAY_LEN(ids); i++)
                put(&c, 1, "intent", ids[i], i, 0);
        put(&c, 2, "intent", "\"z\"", 9, 0);
        assert_int_equal(calls_met(&c, 2), 0);
        put(&c, 1, "outcome", "\"b\"", 0, 0);
        for (const char *want = "acd"; *want; want++) {
                call = calls_due(&c, GRACE, GRACE, &reason);
                assert_non_null(call);
                assert_int_equal(call->id[0], *want);
                assert_int_equal(call->index, *want - 'a');
                assert_string_equal(call->intent, "the-id");
                assert_int_equal(call->run->run, 1);
                calls_close(&c, call);
        }
        assert_null(calls_due(&c, GRACE, GRACE, &reason));
        assert_int_equal(c.n, 1);
        calls_done(&c);
}

static bool known_above(void *ctx, uint64_t run)
{
        return run > *(const uint64_t *)ctx;
}

static bool has_run(const struct calls *c, uint64_t run)
{
        const struct calls_run *r = c->runs;

        while (r && r->run != run)
                r = r->next;
        return r;
}

static void runs_go(void **state)
{
        struct calls c = { 0 };
        uint64_t above = 10;

        for (uint64_t run = 8; run < 15; run++)
                assert_int_equal(calls_met(&c, run), 0);
        for (uint64_t run = 8; run < 14; run++)
                calls_left(&c, run, false, 0);
        put(&c, 8, "intent", "\"x\"", 0, 0);
        assert_int_equal(calls_refuse(&c, 9, 4, -EINVAL), 0);
        assert_int_equal(calls_refuse(&c, 12, 4, -EINVAL), 0);
        calls_forget(&c, known_above, &above);
        assert_true(has_run(&c, 8));   /* a call is open */
        assert_false(has_run(&c, 9));  /* nobody resumes it */
        assert_false(has_run(&c, 10)); /* nothing to remember */
        assert_false(has_run(&c, 11));
        assert_true(has_run(&c, 12)); /* may send again what was refused */
        assert_true(has_run(&c, 14)); /* connected */
        calls_left(&c, 77, true, 0);  /* never met */
        calls_done(&c);
}

/* ---- what was refused ---- */

static void refused_once_refused_again(void **state)
{
        struct calls c = { 0 };
        int code = 0;

        assert_int_equal(calls_met(&c, 1), 0);
        assert_false(calls_was_refused(&c, 1, 1, &code));
        for (uint64_t seq = 10; seq < 20; seq += 2)
                assert_int_equal(calls_refuse(&c, 1, seq, -(int)seq), 0);
        for (uint64_t seq = 9; seq < 20; seq++)
                assert_int_equal(calls_was_refused(&c, 1, seq, &code), seq % 2 == 0);
        assert_int_equal(code, -18);
        assert_false(calls_was_refused(&c, 2, 10, &code));
        calls_acked(&c, 1, 13);
        assert_false(calls_was_refused(&c, 1, 12, &code));
        assert_true(calls_was_refused(&c, 1, 14, &code));
        calls_acked(&c, 1, 0);
        calls_acked(&c, 7, 20);
        assert_true(calls_was_refused(&c, 1, 18, &code));
        for (uint64_t seq = 20; seq < 20 + LEDGER_WINDOW; seq++)
                assert_int_equal(calls_refuse(&c, 1, seq, -EBUSY), 0);
        assert_false(calls_was_refused(&c, 1, 18, &code)); /* out of the window */
        assert_true(calls_was_refused(&c, 1, 20, &code));
        assert_true(calls_was_refused(&c, 1, 19 + LEDGER_WINDOW, &code));
        calls_done(&c);
}

/* ---- against a list ---- */

enum { MODEL_CALLS = 40, MODEL_RUNS = 4 };

/* Whatever happens in whatever order: an intent is taken if and only if no call of its id is open,
 * an outcome if and only if its own run has opened it. */
static void like_a_list(void **state)
{
        uint64_t open_by[MODEL_CALLS] = { 0 };
        struct calls c = { 0 };
        unsigned open = 0;

        srand(4);
        for (int i = 0; i < 200000; i++) {
                unsigned id = (unsigned)rand() % MODEL_CALLS,
                         run = 1 + (unsigned)rand() % MODEL_RUNS;
                const struct call *call;
                const char *reason;
                char text[32];

                snprintf(text, sizeof text, "\"%u\"", id);
                switch (rand() % 5) {
                case 0:
                case 1:
                        assert_int_equal(put(&c, run, "intent", text, 0, i),
                                         open_by[id] ? -EINVAL : 0);
                        open += !open_by[id];
                        open_by[id] = open_by[id] ? open_by[id] : run;
                        break;
                case 2:
                case 3:
                        assert_int_equal(put(&c, run, "outcome", text, 0, i),
                                         open_by[id] == run ? 0 : -EINVAL);
                        open -= open_by[id] == run;
                        open_by[id] = open_by[id] == run ? 0 : open_by[id];
                        break;
                default:
                        call = calls_due(&c, i + GRACE, GRACE, &reason);
                        assert_int_equal(!call, open == 0);
                        if (!call || rand() % 4)
                                break;
                        id = (unsigned)strtoul(call->id, NULL, 10);
                        assert_int_equal(open_by[id], call->run->run);
                        calls_close(&c, call);
                        open_by[id] = 0;
                        open--;
                }
                assert_int_equal(c.n, open);
        }
        calls_done(&c);
}

static void no_memory(void **state)
{
        struct calls c = { 0 };

        for (size_t nth = 1;; nth++) {
                int rc;

                alloc_fail_nth = nth;
                rc = put(&c, 1, "intent", "\"x\"", 0, 0);
                alloc_fail_nth = 0;
                if (rc == 0)
                        break;
                assert_int_equal(rc, -EBUSY);
                assert_int_equal(c.n, 0);
        }
        alloc_fail_nth = 1;
        assert_int_equal(calls_met(&c, 2), -ENOMEM);
        alloc_fail_nth = 1;
        assert_int_equal(calls_refuse(&c, 2, 1, -EINVAL), -ENOMEM);
        alloc_fail_nth = 1;
        assert_int_equal(calls_expect(&c, 2), -ENOMEM);
        assert_int_equal(calls_expect(&c, 2), 0);
        alloc_fail_nth = 1;
        assert_int_equal(calls_refuse(&c, 2, 1, -EINVAL), 0); /* as expected */
        alloc_fail_nth = 0;
        calls_done(&c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(judged),
                cmocka_unit_test(abandoned),
                cmocka_unit_test(ceiling),
                cmocka_unit_test(grace),
                cmocka_unit_test(one_by_one),
                cmocka_unit_test(runs_go),
                cmocka_unit_test(refused_once_refused_again),
                cmocka_unit_test(like_a_list),
                cmocka_unit_test(no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
