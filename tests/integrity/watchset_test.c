/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watchset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void test_covers(void **state)
{
        static const char rules[] =
                "# comment\n\n/etc\n!/etc/ssl\n/etc/ssl/private\n/usr/bin\n/a\n";
        static const struct {
                const char *path;
                bool want;
        } cases[] = {
                { "/etc", true },
                { "/etc/hosts", true },
                { "/etcetera", false },
                { "/", false },
                { "/etc/ssl", false },
                { "/etc/ssl/certs", false },
                { "/etc/sslx", true },
                { "/etc/ssl/private", true },
                { "/etc/ssl/private/k", true },
                { "/usr", false },
                { "/usr/bin/ls", true },
                { "/usr/binx", false },
                { "/a/b/c", true },
                { "/b", false },
        };
        struct watchset w = { 0 };

        assert_int_equal(watchset_parse(&w, "f", SPAN(rules), NULL), 0);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                if (watchset_covers(&w, span_str(cases[i].path)) != cases[i].want)
                        fail_msg("%s", cases[i].path);
        assert_true(watchset_divides(&w, SPAN("/etc")));
        assert_true(watchset_divides(&w, SPAN("/usr")));
        assert_false(watchset_divides(&w, SPAN("/usr/bin")));
        assert_false(watchset_divides(&w, SPAN("/et")));
        watchset_done(&w);
        (void)state;
}

static void test_root_covers_all(void **state)
{
        struct watchset w = { 0 };

        assert_int_equal(watchset_add(&w, SPAN("/"), false, NULL), 0);
        assert_true(watchset_covers(&w, SPAN("/")));
        assert_true(watchset_covers(&w, SPAN("/x/y")));
        assert_true(watchset_begins(&w, 0));
        watchset_done(&w);
        (void)state;
}

static void test_begins(void **state)
{
        static const bool want[] = { true, false, true, false, true };
        static const char rules[] = "/etc\n!/etc/ssl\n/etc/ssl/private\n/etc/x\n/usr\n";
        struct watchset w = { 0 };

        assert_int_equal(watchset_parse(&w, "f", SPAN(rules), NULL), 0);
        assert_int_equal(w.n, ARRAY_LEN(want));
        for (size_t i = 0; i < w.n; i++)
                assert_int_equal(watchset_begins(&w, i), want[i]);
        watchset_done(&w);
        (void)state;
}

static void test_refused(void **state)
{
        static const struct {
                const char *text, *at;
                int want;
        } cases[] = {
                { "/etc\nrelative\n", "line 2", -EINVAL }, { "/etc/\n", "line 1", -EINVAL },
                { "//etc\n", "line 1", -EINVAL },          { "/etc/./x\n", "line 1", -EINVAL },
                { "\n\n/etc/../x", "line 3", -EINVAL },    { "!", "line 1", -EINVAL },
                { "/etc\n!/etc\n", "line 2", -EEXIST },    { " /etc\n", "line 1", -EINVAL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct watchset w = { 0 };
                struct err err = { 0 };

                assert_int_equal(watchset_parse(&w, "f", span_str(cases[i].text), &err),
                                 cases[i].want);
                if (!strstr(err.text, cases[i].at))
                        fail_msg("%s: says \"%s\"", cases[i].text, err.text);
                watchset_done(&w);
        }
        (void)state;
}

static void test_ceilings(void **state)
{
        struct watchset w = { 0 };
        char path[WATCH_PATH_MAX + 2];

        memset(path, 'a', sizeof path);
        path[0] = '/';
        assert_int_equal(watchset_add(&w, span_of(path, WATCH_PATH_MAX), false, NULL), 0);
        assert_int_equal(watchset_add(&w, span_of(path, WATCH_PATH_MAX + 1), false, NULL), -EINVAL);
        for (int i = 1; i < WATCH_RULES_MAX; i++) {
                snprintf(path, sizeof path, "/p%d", i);
                assert_int_equal(watchset_add(&w, span_str(path), false, NULL), 0);
        }
        assert_int_equal(watchset_add(&w, SPAN("/more"), false, NULL), -E2BIG);
        assert_int_equal(watchset_add(&w, SPAN("/p7"), false, NULL), 0); /* is there already */
        watchset_done(&w);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_covers),   cmocka_unit_test(test_root_covers_all),
                cmocka_unit_test(test_begins),   cmocka_unit_test(test_refused),
                cmocka_unit_test(test_ceilings),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
