/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/timestamp_fact.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

static const struct {
        const char *json;
        struct timestamp_fact fact;
} pairs[] = {
        { "{\"fact\":\"stamp\",\"time\":1767225600}", { .holds = true, .time_s = 1767225600 } },
        { "{\"fact\":\"stamp\",\"time\":9223372036}", { .holds = true, .time_s = 9223372036 } },
        { "{\"fact\":\"refused\",\"why\":\"time stamp: \\\"\\u00e4\\u0007\"}",
          { .why = "time stamp: \"\xc3\xa4\a" } },
};

static void goes_both_ways(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
                struct buf out = BUF_INIT(4096);
                struct timestamp_fact f;
                struct json_writer w;

                json_writer_init(&w, &out);
                json_begin_object(&w);
                timestamp_fact_put(&w, &pairs[i].fact);
                json_end_object(&w);
                assert_int_equal(buf_status(&out), 0);
                assert_int_equal(json_check(buf_span(&out), NULL), 0);
                if (pairs[i].fact.holds)
                        assert_string_equal(buf_cstr(&out), pairs[i].json);
                memset(&f, 0xaa, sizeof f);
                assert_int_equal(timestamp_fact_parse(buf_span(&out), &f, NULL), 0);
                assert_int_equal(f.holds, pairs[i].fact.holds);
                assert_int_equal(f.time_s, pairs[i].fact.time_s);
                assert_string_equal(f.why, pairs[i].fact.why);
                buf_done(&out);
        }
}

static void refuses(void **state)
{
        static const struct {
                const char *json, *want;
        } t[] = {
                { "{}", "fact" },
                { "[]", "fact" },
                { "{\"fact\":\"good\",\"time\":1}", "fact" },
                { "{\"fact\":\"stamp\"}", "time" },
                { "{\"fact\":\"stamp\",\"time\":-1}", "time" },
                { "{\"fact\":\"stamp\",\"time\":\"1767225600\"}", "time" },
                { "{\"fact\":\"stamp\",\"time\":9223372037}", "time" }, /* no nanoseconds */
                { "{\"fact\":\"refused\"}", "why" },
                { "{\"fact\":\"refused\",\"why\":7}", "why" },
                { "{\"fact\":\"refused\",\"why\":\"a\\u0000b\"}", "why" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct timestamp_fact f = { .holds = true, .time_s = 7 };
                struct err err = { 0 };

                if (timestamp_fact_parse(span_str(t[i].json), &f, &err) != -EBADMSG ||
                    !strstr(err.text, t[i].want))
                        fail_msg("%s: %s", t[i].json, err.text);
                assert_true(f.holds && f.time_s == 7);
        }
}

static void words_have_an_end(void **state)
{
        struct buf out = BUF_INIT(4096);
        struct timestamp_fact f;

        buf_put_str(&out, "{\"fact\":\"refused\",\"why\":\"");
        for (size_t i = 0; i < TIMESTAMP_WHY_MAX; i++)
                buf_put_byte(&out, 'x');
        buf_put_str(&out, "\"}");
        assert_int_equal(timestamp_fact_parse(buf_span(&out), &f, NULL), 0);
        assert_int_equal(strlen(f.why), TIMESTAMP_WHY_MAX);
        out.n -= 2;
        buf_put_str(&out, "x\"}");
        assert_int_equal(timestamp_fact_parse(buf_span(&out), &f, NULL), -EBADMSG);
        buf_done(&out);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(goes_both_ways),
                cmocka_unit_test(refuses),
                cmocka_unit_test(words_have_an_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
