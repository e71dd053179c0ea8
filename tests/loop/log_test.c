/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

static const struct {
        const char *name;
        struct span value;
        const char *want;
} cases[] = {
        { "plain", SPAN_INIT("/etc/hosts"), "e path=/etc/hosts" },
        { "empty", SPAN_INIT(""), "e path=\"\"" },
        { "blank", SPAN_INIT("a b"), "e path=\"a b\"" },
        { "newline", SPAN_INIT("a\nerror forged=1"), "e path=\"a\\x0aerror forged=1\"" },
        { "forged field", SPAN_INIT("a\" uid=\"0"), "e path=\"a\\x22 uid=\\x220\"" },
        { "equals sign", SPAN_INIT("a=b"), "e path=\"a=b\"" },
        { "backslash", SPAN_INIT("a\\b"), "e path=\"a\\\\b\"" },
        { "terminal", SPAN_INIT("\x1b[2J"), "e path=\"\\x1b[2J\"" },
        { "not UTF-8", SPAN_INIT("\xff"), "e path=\"\\xff\"" },
        { "NUL", SPAN_INIT("a\0b"), "e path=\"a\\x00b\"" },
        { "UTF-8", SPAN_INIT("\xc3\xa4"), "e path=\"\xc3\xa4\"" },
};

static void test_values(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct log_field f = log_bytes("path", cases[i].value);
                struct buf b = BUF_INIT(1024);

                print_message("%s\n", cases[i].name);
                log_format(&b, "e", &f, 1);
                assert_string_equal(buf_cstr(&b), cases[i].want);
                buf_done(&b);
        }
}

static char got[32 * 1024];

/* What fn writes to standard error, and where that is in JOURNAL_STREAM's terms. */
static void capture(void (*fn)(void), bool journal)
{
        int was = dup(STDERR_FILENO);
        FILE *f = tmpfile();
        char stream[64];
        struct stat st;
        ssize_t n;

        assert_non_null(f);
        assert_int_equal(fstat(fileno(f), &st), 0);
        snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev,
                 (uintmax_t)st.st_ino + !journal);
        setenv("JOURNAL_STREAM", stream, 1);
        dup2(fileno(f), STDERR_FILENO);
        fn();
        dup2(was, STDERR_FILENO);
        close(was);
        unsetenv("JOURNAL_STREAM");
        n = pread(fileno(f), got, sizeof got - 1, 0);
        assert_true(n >= 0);
        got[n] = '\0';
        fclose(f);
}

static void write_some(void)
{
        struct err err = { 0 };

        log_init(LOG_LEVEL_INFO);
        err_set(&err, -EIO, "disk is gone");
        log_event(LOG_LEVEL_INFO, "x.started");
        log_event(LOG_LEVEL_ERROR, "x.failed", log_err(&err), log_int("n", -5),
                  log_u64("u", UINT64_MAX));
        log_event(LOG_LEVEL_DEBUG, "x.detail");
}

static void test_stderr(void **state)
{
        capture(write_some, false);
        assert_string_equal(got, "info x.started\nerror x.failed error=\"disk is gone\" n=-5 "
                                 "u=18446744073709551615\n");
        capture(write_some, true);
        assert_string_equal(got, "<6>x.started\n<3>x.failed error=\"disk is gone\" n=-5 "
                                 "u=18446744073709551615\n");
}

static void write_long(void)
{
        static char text[20000];

        memset(text, 'x', sizeof text - 1);
        log_init(LOG_LEVEL_INFO);
        log_event(LOG_LEVEL_WARNING, "x.long", log_str("text", text));
}

static void test_too_long(void **state)
{
        capture(write_long, false);
        assert_string_equal(got, "warning event=x.long fields=dropped\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_stderr),
                cmocka_unit_test(test_too_long),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
