/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/pace.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int64_t now;

static int64_t mono(void *ctx)
{
        (void)ctx;
        return now;
}

static void wait_ns(void *ctx, int64_t ns)
{
        (void)ctx;
        assert_true(ns > 0);
        now += ns;
}

static const struct clock clock_of_test = { .mono_ns = mono };

/* Reading so much at this limit takes so long, less what may be taken ahead. */
static void test_takes_as_long_as_it_should(void **state)
{
        static const struct {
                struct pace_limits limits;
                uint64_t bytes, files, times;
                int64_t want_ms;
        } rows[] = {
                { { 0, 0 }, 1 << 20, 1, 1000, 0 },
                { { 1000000, 0 }, 100000, 0, 100, 10000 },
                { { 1000000, 0 }, 100000, 1, 100, 10000 },
                { { 0, 100 }, 1 << 30, 1, 500, 5000 },
                { { 1000000, 100 }, 1000, 1, 500, 5000 }, /* the slower of both */
                { { 1000000, 100 }, 100000, 1, 100, 10000 },
                { { 1, 0 }, 86400, 0, 1, 86400000 },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct pace p;
                int64_t took;

                now = 12345;
                pace_init(&p, &rows[i].limits, &clock_of_test);
                p.wait = wait_ns;
                for (uint64_t n = 0; n < rows[i].times; n++)
                        pace_take(&p, rows[i].bytes, rows[i].files);
                took = (now - 12345) / NS_PER_MS;
                assert_in_range(took, MAX_OF(rows[i].want_ms - 51, (int64_t)0), rows[i].want_ms);
                pace_done(&p);
        }
        (void)state;
}

static void test_rest_is_not_saved_up(void **state)
{
        static const struct pace_limits limits = { 1000000, 0 };
        struct pace p;
        int64_t begun;

        now = 0;
        pace_init(&p, &limits, &clock_of_test);
        p.wait = wait_ns;
        pace_take(&p, 1, 0);
        now += 3600 * NS_PER_S;
        begun = now;
        pace_take(&p, 1000000, 0);
        assert_in_range((now - begun) / NS_PER_MS, 949, 1000);
        pace_done(&p);
        (void)state;
}

static void end_at_once(void *ctx, int64_t ns)
{
        now += ns;
        pace_end(ctx);
}

static void test_ends_for_those_who_wait(void **state)
{
        static const struct pace_limits limits = { 1, 0 };
        struct pace p;

        now = 0;
        pace_init(&p, &limits, &clock_of_test);
        p.wait = end_at_once;
        p.ctx = &p;
        pace_take(&p, UINT64_MAX, UINT64_MAX);
        assert_true(now < NS_PER_S);
        pace_take(&p, UINT64_MAX, 0); /* and for those who come later */
        assert_true(now < NS_PER_S);
        pace_done(&p);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_takes_as_long_as_it_should),
                cmocka_unit_test(test_rest_is_not_saved_up),
                cmocka_unit_test(test_ends_for_those_who_wait),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
