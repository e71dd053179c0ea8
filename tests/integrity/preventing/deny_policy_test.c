/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/deny_policy.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HEX  "\"7777777777777777777777777777777777777777777777777777777777777777\""
#define T(s) "\"2026-11-21T" s ".000000000Z\""
#define DOC(hashes, paths)                                                                         \
        "{\"actors\":[],\"from\":" T(                                                              \
                "18:00:00") ",\"hashes\":[" hashes "],\"id\":\"x\",\"paths\":[" paths              \
                            "],\"reason\":\"why\",\"source\":\"local\",\"until\":" T(              \
                                    "20:00:00") "}"

static int64_t at(const char *time)
{
        int64_t ns = 0;

        assert_int_equal(text_to_time(span_str(time), &ns), 0);
        return ns;
}

static void test_paths(void **state)
{
        static const struct {
                const char *json, *path;
                bool dir, want;
        } cases[] = {
                { DOC("", "\"/etc/a\""), "/etc/a", false, true },
                { DOC("", "\"/etc/a\""), "/etc/a/b", false, true },
                { DOC("", "\"/etc/a\""), "/etc/a", true, true },
                { DOC("", "\"/etc/a\""), "/etc/ab", false, false },
                /* the directory that holds it, for a file written anew is renamed there */
                { DOC("", "\"/etc/a\""), "/etc", true, true },
                { DOC("", "\"/etc/a\""), "/", true, false },
                { DOC("", "\"/etc/x/a\""), "/etc", true, false },
                { DOC("", "\"/etc/x/a\""), "/etc/x/b", false, false },
                { DOC("", "\"/etc/a\",\"!/etc/a/b\""), "/etc/a/b", false, false },
                { DOC("", "\"/etc/a\",\"!/etc/a/b\""), "/etc/a/b", true, false },
                /* patterns: from their literal beginning down */
                { DOC("", "\"/etc/a/*.conf\""), "/etc/a/x.conf", false, true },
                { DOC("", "\"/etc/a/*.conf\""), "/etc/a/x.txt", false, false },
                { DOC("", "\"/etc/a/*.conf\""), "/etc/a", true, true },
                { DOC("", "\"/etc/a/*.conf\""), "/etc", true, false },
                { DOC("", "\"/srv/**/config\""), "/srv/x/y", true, true },
                /* contents */
                { DOC("[\"/etc/b\"," HEX "]", ""), "/etc/b", false, true },
                { DOC("[\"/etc/b\"," HEX "]", ""), "/etc/b/c", false, false },
                { DOC("[\"/etc/b\"," HEX "]", ""), "/etc/a", false, false },
                { DOC("[\"/etc/b\"," HEX "]", ""), "/etc", true, true },
                { DOC("[\"/etc/d/b\"," HEX "]", ""), "/etc", true, false },
                { DOC("[\"/a-b\",null],[\"/a/c\",null]", ""), "/a", true, true },
                { DOC("[\"/a/b/c\",null],[\"/a/d\",null]", ""), "/a", true, true },
                { DOC("[\"/a/b/c\",null]", ""), "/a", true, false },
                { DOC("[\"/a/b/c\",null]", ""), "/a/b", true, true },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct approvals s = { 0 };
                struct approval *a = NULL;
                struct err err = { 0 };

                if (approval_parse(span_str(cases[i].json), &a, &err) < 0)
                        fail_msg("case %zu: %s", i, err.text);
                assert_int_equal(approvals_add(&s, a, NULL), 0);
                if (deny_is_open(&s, span_str(cases[i].path), cases[i].dir,
                                 at("2026-11-21T19:00:00.000000000Z")) != cases[i].want)
                        fail_msg("case %zu: %s", i, cases[i].path);
                approvals_done(&s);
        }
        (void)state;
}

static void test_window(void **state)
{
        static const struct {
                const char *time;
                bool want;
        } cases[] = {
                { "2026-11-21T17:59:59.999999999Z", false },
                { "2026-11-21T18:00:00.000000000Z", true },
                { "2026-11-21T19:59:59.999999999Z", true },
                { "2026-11-21T20:00:00.000000000Z", false },
        };
        struct approvals s = { 0 };
        struct approval *a = NULL;
        uint64_t none = deny_open_set(&s, 0);

        assert_int_equal(approval_parse(span_str(DOC("", "\"/etc\"")), &a, NULL), 0);
        assert_int_equal(approvals_add(&s, a, NULL), 0);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                int64_t t = at(cases[i].time);

                assert_int_equal(deny_is_open(&s, SPAN("/etc/a"), false, t), cases[i].want);
                assert_int_equal(deny_open_set(&s, t) != none, cases[i].want);
        }
        approvals_done(&s);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_window),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
