/* SPDX-License-Identifier: Apache-2.0 */
#include "command/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static const struct screen in_pipe = { 0 };
static const struct screen terminal = { .terminal = true, .colour = true, .width = 40 };

static void counts_and_sizes(void **state)
{
        static const struct {
                uint64_t n;
                const char *count;
                const char *bytes;
        } t[] = {
                { 0, "0", "0 bytes" },
                { 999, "999", "999 bytes" },
                { 1000, "1,000", "1000 bytes" },
                { 1024, "1,024", "1.0 KiB" },
                { 10240, "10,240", "10 KiB" },
                { 1234567, "1,234,567", "1.2 MiB" },
                { UINT64_MAX, "18,446,744,073,709,551,615", "16 EiB" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(buf_done) struct buf out = BUF_INIT(64);

                screen_put_count(&out, t[i].n);
                assert_string_equal(buf_cstr(&out), t[i].count);
                buf_clear(&out);
                screen_put_bytes(&out, t[i].n);
                assert_string_equal(buf_cstr(&out), t[i].bytes);
        }
}

static void durations(void **state)
{
        static const struct {
                int64_t ns;
                const char *want;
        } t[] = {
                { -5, "0 ms" },
                { 0, "0 ms" },
                { 250 * NS_PER_MS, "250 ms" },
                { 3 * NS_PER_S, "3 s" },
                { 119 * NS_PER_S, "119 s" },
                { 120 * NS_PER_S, "2 min" },
                { 7199 * NS_PER_S, "119 min" },
                { 7500 * NS_PER_S, "2 h 5 min" },
                { 3 * 86400 * NS_PER_S, "3 days" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(buf_done) struct buf out = BUF_INIT(64);

                screen_put_duration(&out, t[i].ns);
                assert_string_equal(buf_cstr(&out), t[i].want);
        }
}

static void times(void **state)
{
        static const struct {
                int64_t ns;
                const char *utc;
                const char *local;
        } t[] = {
                { 0, "1970-01-01T00:00:00.000Z", "1970-01-01 01:00:00" },
                { -1, "1969-12-31T23:59:59.999Z", "1970-01-01 00:59:59" },
                { 1795631400123456789LL, "2026-11-25T18:30:00.123Z", "2026-11-25 19:30:00" },
        };

        setenv("TZ", "CET-1", 1);
        tzset();
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(buf_done) struct buf out = BUF_INIT(64);

                screen_put_time(&in_pipe, &out, t[i].ns);
                assert_string_equal(buf_cstr(&out), t[i].utc);
                buf_clear(&out);
                screen_put_time(&terminal, &out, t[i].ns);
                assert_string_equal(buf_cstr(&out), t[i].local);
        }
}

static void styles_only_with_colour(void **state)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(64);

        screen_put(&in_pipe, &out, STYLE_BAD, "x");
        assert_string_equal(buf_cstr(&out), "x");
        buf_clear(&out);
        screen_put(&terminal, &out, STYLE_BAD, "x");
        assert_string_equal(buf_cstr(&out), "\033[1;31mx\033[0m");
        assert_int_equal(screen_columns(buf_span(&out)), 1);
        assert_int_equal(screen_columns(SPAN("a→b…")), 4);
}

static void table_fits_the_terminal(void **state)
{
        struct screen plain = { .terminal = true, .width = 40 };
        CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
        static struct table t;

        table_init(&t, 2);
        table_put(&t, STYLE_NONE, "a");
        table_put(&t, STYLE_NONE, "short");
        table_put(&t, STYLE_NONE, "b\x1b[2J");
        table_put(&t, STYLE_NONE, "words that go on for longer than the forty columns there are");
        table_print(&t, &plain, 2, &out);
        assert_string_equal(buf_cstr(&out), "  a         short\n"
                                            "  b\\x1b[2J  words that go on for longer\n"
                                            "            than the forty columns there\n"
                                            "            are\n");
        buf_clear(&out);
        table_print(&t, &in_pipe, 0, &out);
        assert_string_equal(buf_cstr(&out),
                            "a         short\n"
                            "b\\x1b[2J  words that go on for longer than the forty columns there "
                            "are\n");
        table_done(&t);
}

static void table_cuts_words_that_have_no_blank(void **state)
{
        struct screen plain = { .terminal = true, .width = 25 };
        CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
        static struct table t;

        table_init(&t, 2);
        table_put(&t, STYLE_NONE, "a");
        table_put(&t, STYLE_NONE, "0123456789012345678901234567890123");
        table_print(&t, &plain, 0, &out);
        assert_string_equal(buf_cstr(&out), "a  0123456789012345678901\n   234567890123\n");
        table_done(&t);
}

static void wraps_between_words(void **state)
{
        static const struct {
                unsigned width;
                const char *text;
                const char *want;
        } t[] = {
                { 30, "short", "short" },
                { 30, "just as wide as the line is so", "just as wide as the line is so" },
                { 30, "one more than  the line is wide", "one more than  the line is\n  wide" },
                { 30, "\033[1mbold text\033[0m that is \033[31mlonger\033[0m than that",
                  "\033[1mbold text\033[0m that is \033[31mlonger\033[0m than\n  that" },
                { 30, "→→→→→→→→→→→→→→→→→→→→→→→→→→→→→→→→x",
                  "→→→→→→→→→→→→→→→→→→→→→→→→→→→→→→\n  →→x" },
                { 0, "no width, no wrapping, however long it is",
                  "no width, no wrapping, however long it is" },
                { 21, "too narrow to wrap anything", "too narrow to wrap anything" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct screen s = { .terminal = true, .width = t[i].width };
                CLEANUP(buf_done) struct buf out = BUF_INIT(4096);

                screen_put_wrapped(&s, &out, t[i].text, 0, 2);
                assert_string_equal(buf_cstr(&out), t[i].want);
        }
}

static void wraps_lines_of_an_answer(void **state)
{
        static const struct {
                unsigned width;
                const char *text, *want;
        } t[] = {
                { 0, "rights   a long line that goes on\n", "rights   a long line that goes on\n" },
                { 30, "rights   a long line that goes on\nroot     x\n",
                  "rights   a long line that goes\n         on\nroot     x\n" },
                { 30, "key      0123456789abcdefghijklmn of it\n",
                  "key      0123456789abcdefghijklmn of it\n" },
                { 30, "  no newline at the end", "  no newline at the end" },
                { 30, "", "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct screen s = { .terminal = t[i].width > 0, .width = t[i].width };
                CLEANUP(buf_done) struct buf out = BUF_INIT(4096);

                buf_put_str(&out, t[i].text);
                assert_int_equal(screen_wrap_lines(&s, &out, 9), 0);
                assert_string_equal(buf_cstr(&out), t[i].want);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(counts_and_sizes),
                cmocka_unit_test(durations),
                cmocka_unit_test(times),
                cmocka_unit_test(styles_only_with_colour),
                cmocka_unit_test(wraps_between_words),
                cmocka_unit_test(wraps_lines_of_an_answer),
                cmocka_unit_test(table_fits_the_terminal),
                cmocka_unit_test(table_cuts_words_that_have_no_blank),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
