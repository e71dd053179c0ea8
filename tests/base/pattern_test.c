/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define TEN "abcdefghij"
#define NAME_255                                                                                   \
        TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN    \
                TEN TEN TEN "12345"

static struct pattern parsed(const char *text)
{
        struct pattern p = { .n = 99 };
        size_t at;

        if (pattern_parse(span_str(text), &p, &at, NULL) < 0)
                fail_msg("%s is no pattern", text);
        return p;
}

static void test_parse(void **state)
{
        static const struct {
                const char *text, *kinds; /* l, g, a or d for each part */
                unsigned literals, parts, bytes;
        } cases[] = {
                { "/", "", 0, 0, 0 },
                { "/etc", "l", 1, 1, 0 },
                { "/etc/cron.*/x", "lgl", 2, 3, 5 },
                { "/home/*/.ssh", "lal", 2, 3, 0 },
                { "/a/**/b", "ldl", 2, 2, 0 },
                { "/a/**", "la", 1, 2, 0 },
                { "/**", "a", 0, 1, 0 },
                { "/[ab]?*", "g", 0, 1, 1 },
                { "/x[!a-z]-[]]y", "g", 0, 1, 5 },
                { "/...", "l", 1, 1, 0 },
                { "/.hidden/..x", "ll", 2, 2, 0 },
                { "/a b\xff\n", "l", 1, 1, 0 },
                { "/a]b", "l", 1, 1, 0 },
                { "/" NAME_255, "l", 1, 1, 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct pattern p = parsed(cases[i].text);

                assert_int_equal(p.n, strlen(cases[i].kinds));
                for (size_t k = 0; k < p.n; k++)
                        if ("lgad"[p.part[k].kind] != cases[i].kinds[k])
                                fail_msg("%s: part %zu", cases[i].text, k);
                if (p.rank.literals != cases[i].literals || p.rank.parts != cases[i].parts ||
                    p.rank.bytes != cases[i].bytes)
                        fail_msg("%s: rank %u %u %u", cases[i].text, p.rank.literals, p.rank.parts,
                                 p.rank.bytes);
        }
        (void)state;
}

static void test_refused(void **state)
{
        static const struct {
                struct span text;
                size_t at;
                const char *says;
        } cases[] = {
                { SPAN_INIT(""), 0, "begins with a slash" },
                { SPAN_INIT("etc"), 0, "begins with a slash" },
                { SPAN_INIT("*"), 0, "begins with a slash" },
                { SPAN_INIT("//etc"), 1, "empty" },
                { SPAN_INIT("/etc/"), 5, "empty" },
                { SPAN_INIT("/etc//x"), 5, "empty" },
                { SPAN_INIT("/etc/./x"), 5, "not followed" },
                { SPAN_INIT("/etc/.."), 5, "not followed" },
                { SPAN_INIT("/a\0b"), 2, "byte 0" },
                { SPAN_INIT("/a/x[\0]"), 5, "byte 0" },
                { SPAN_INIT("/a/x[b"), 4, "without its" },
                { SPAN_INIT("/a/x[]"), 4, "without its" },
                { SPAN_INIT("/a/x[a/b]"), 4, "without its" },
                { SPAN_INIT("/a/["), 3, "without its" },
                { SPAN_INIT("/a/[z-a]"), 3, "backwards" },
                { SPAN_INIT("/a/[^a]"), 3, "[!...]" },
                { SPAN_INIT("/a/**b"), 3, "alone" },
                { SPAN_INIT("/a/b**"), 4, "alone" },
                { SPAN_INIT("/a/***"), 3, "alone" },
                { SPAN_INIT("/a/**/**/b"), 6, "twice" },
                { SPAN_INIT("/x" NAME_255), 1, "255" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct pattern p = { .n = 77 };
                struct err err = { 0 };
                size_t at = 9999;

                assert_int_equal(pattern_parse(cases[i].text, &p, &at, &err), -EINVAL);
                if (at != cases[i].at || !strstr(err.text, cases[i].says) || p.n != 77)
                        fail_msg("case %zu: at %zu \"%s\"", i, at, err.text);
        }
        (void)state;
}

static void test_ceilings(void **state)
{
        char text[PATTERN_MAX + 2];
        struct pattern p;
        size_t at;

        for (size_t i = 0; i < sizeof text; i++)
                text[i] = i % 2 ? 'a' : '/';
        assert_int_equal(pattern_parse(span_of(text, 2 * PATTERN_PARTS_MAX), &p, &at, NULL), 0);
        assert_int_equal(p.n, PATTERN_PARTS_MAX);
        assert_int_equal(pattern_parse(span_of(text, 2 * PATTERN_PARTS_MAX + 2), &p, &at, NULL),
                         -EINVAL);
        assert_int_equal(at, 2 * PATTERN_PARTS_MAX + 1);
        for (size_t i = 0; i < sizeof text; i++)
                text[i] = i % 250 ? 'a' : '/';
        assert_int_equal(pattern_parse(span_of(text, PATTERN_MAX), &p, &at, NULL), 0);
        assert_int_equal(pattern_parse(span_of(text, PATTERN_MAX + 1), &p, &at, NULL), -EINVAL);
        (void)state;
}

static void test_fits(void **state)
{
        static const struct {
                const char *part, *name;
                bool want;
        } cases[] = {
                { "passwd", "passwd", true },
                { "passwd", "passwd-", false },
                { "*", "", true },
                { "*", ".hidden", true },
                { "cron.*", "cron.d", true },
                { "cron.*", "cron.", true },
                { "cron.*", "crontab", false },
                { "*.conf", "a.conf", true },
                { "*.conf", "a.conf.conf", true },
                { "*.conf", "a.conf~", false },
                { "*a*b*", "xxaxxbxx", true },
                { "*a*b*", "xxbxxaxx", false },
                { "*ab", "aab", true },
                { "*aab", "aaab", true },
                { "?", "", false },
                { "?", "\xff", true },
                { "??", "a", false },
                { "a?c", "abc", true },
                { "a?c", "ac", false },
                { "[abc]x", "bx", true },
                { "[abc]x", "dx", false },
                { "[a-c]", "b", true },
                { "[a-c]", "-", false },
                { "[a-]", "-", true },
                { "[-a]", "-", true },
                { "[a-cx-z]", "y", true },
                { "[a-cx-z]", "m", false },
                { "[a-c-e]", "-", true },
                { "[a-c-e]", "d", false },
                { "[!a-c]", "d", true },
                { "[!a-c]", "a", false },
                { "[]]", "]", true },
                { "[!]]", "]", false },
                { "[!]]", "x", true },
                { "[]-a]", "^", true },
                { "[*]", "*", true },
                { "[*]", "x", false },
                { "[?]*", "?abc", true },
                { "[[]x]", "[x]", true },
                { "*[0-9]", "file7", true },
                { "*[0-9]", "file7b", false },
                { "lib*.so.[0-9]*", "libc.so.6", true },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                char text[64];
                struct pattern p;

                snprintf(text, sizeof text, "/%s", cases[i].part);
                p = parsed(text);
                if (pattern_part_fits(&p.part[0], span_str(cases[i].name)) != cases[i].want)
                        fail_msg("%s and %s", cases[i].part, cases[i].name);
        }
        (void)state;
}

static void test_literal(void **state)
{
        static const char path[] = "/a*b/[x]?/**/c\\";
        struct buf b = BUF_INIT(100);
        struct pattern p;

        pattern_put_literal(&b, SPAN(path));
        assert_string_equal(buf_cstr(&b), "/a[*]b/[[]x][?]/[*][*]/c\\");
        p = parsed(buf_cstr(&b));
        assert_int_equal(p.n, 4);
        assert_true(pattern_part_fits(&p.part[0], SPAN("a*b")));
        assert_false(pattern_part_fits(&p.part[0], SPAN("axb")));
        assert_true(pattern_part_fits(&p.part[1], SPAN("[x]?")));
        assert_true(pattern_part_fits(&p.part[2], SPAN("**")));
        assert_false(pattern_part_fits(&p.part[2], SPAN("ab")));
        buf_done(&b);
        (void)state;
}

static void test_covers(void **state)
{
        static const struct {
                const char *pattern, *path;
                bool want;
        } cases[] = {
                { "/", "/", true },
                { "/", "/etc/hosts", true },
                { "/etc", "/", false },
                { "/etc", "/etc", true },
                { "/etc", "/etc/a/b", true },
                { "/etc", "/etcetera", false },
                { "/etc/*", "/etc", false },
                { "/etc/*", "/etc/a", true },
                { "/etc/cron.*", "/etc/cron.d/x", true },
                { "/etc/cron.*", "/etc/crontab", false },
                { "/**/x", "/x", true },
                { "/**/x", "/a/b/x", true },
                { "/**/x", "/a/b/x/y", true },
                { "/**/x", "/a/b/y", false },
                { "/a/**/b/**/c", "/a/b/c", true },
                { "/a/**/b/**/c", "/a/1/b/2/3/c", true },
                { "/a/**/b/**/c", "/a/1/c/2/b", false },
                { "/a/**", "/a", false },
                { "/a/**", "/a/b/c", true },
                { "/home/*/.ssh", "/home/u/.ssh/id", true },
                { "/home/*/.ssh", "/home/u/v/.ssh", false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct pattern p = parsed(cases[i].pattern);

                if (pattern_covers(&p, span_str(cases[i].path)) != cases[i].want)
                        fail_msg("%s and %s", cases[i].pattern, cases[i].path);
        }
        (void)state;
}

static void test_rank(void **state)
{
        /* Ascending; those on one line say the same. */
        static const char *const order[][2] = {
                { "/", NULL },
                { "/*", "/**" },
                { "/a*", "/b?" },
                { "/ab*", NULL },
                { "/**/*/x*", NULL },
                { "/etc", "/srv/" },
                { "/etc/*", "/*/etc" },
                { "/etc/c*", "/etc/?d" },
                { "/etc/cron*", NULL },
                { "/home/**/x", "/home/x" },
                { "/home/*/.ssh", "/home/bob/*" },
                { "/home/*/.ssh/authorized_keys", NULL },
                { "/home/bob/.ssh/x/y", NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(order); i++) {
                struct pattern p = parsed(order[i][0]);

                if (order[i][1] && order[i][1][strlen(order[i][1]) - 1] != '/') {
                        struct pattern q = parsed(order[i][1]);

                        if (pattern_rank_cmp(&p.rank, &q.rank) != 0)
                                fail_msg("%s and %s", order[i][0], order[i][1]);
                }
                for (size_t k = 0; k < i; k++) {
                        struct pattern less = parsed(order[k][0]);

                        if (pattern_rank_cmp(&less.rank, &p.rank) >= 0 ||
                            pattern_rank_cmp(&p.rank, &less.rank) <= 0)
                                fail_msg("%s before %s", order[k][0], order[i][0]);
                }
        }
        (void)state;
}

static void test_meets_and_includes(void **state)
{
        static const struct {
                const char *a, *b;
                bool meet, a_includes_b, b_includes_a;
        } cases[] = {
                { "/", "/x", true, true, false },
                { "/etc", "/etc", true, true, true },
                { "/etc", "/etc/ssh", true, true, false },
                { "/etc", "/etcetera", false, false, false },
                { "/etc", "/usr", false, false, false },
                { "/etc/*", "/etc/ssh/x", true, true, false },
                { "/etc/*", "/etc", true, false, true },
                { "/etc/*.d", "/etc/cron*", true, false, false },
                { "/etc/*.d", "/etc/*.conf", false, false, false },
                { "/etc/a*", "/etc/b*", false, false, false },
                { "/etc/?", "/etc/ab", false, false, false },
                { "/etc/[ab]*", "/etc/[bc]?", true, false, false },
                { "/etc/[ab]*", "/etc/[cd]?", false, false, false },
                { "/etc/[!a]", "/etc/[ab]", true, false, false },
                { "/etc/[!a]", "/etc/a", false, false, false },
                { "/a*b*c", "/*x*", true, false, false },
                { "/a*", "/*z/q", true, false, false },
                { "/home/*/.ssh", "/home/bob", true, false, false },
                { "/home/*/.ssh", "/home/bob/.ssh/x", true, true, false },
                { "/home/*/.ssh", "/home/*/.ssh/authorized_keys", true, true, false },
                { "/a/**/x", "/a/b/c/x/y", true, true, false },
                { "/a/**/x", "/a/x", true, true, false },
                { "/a/**/x", "/b/x", false, false, false },
                { "/a/**/x", "/a/**/y", true, false, false },
                { "/a/**/x/y", "/a/**/x", true, false, true },
                { "/a/**/x", "/a/**/b/x", true, true, false },
                { "/a/**", "/a/**/x", true, false, false },
                { "/**/*.so", "/usr/lib/*.so", true, true, false },
                { "/**/*.so", "/usr/lib/x.so", true, true, false },
                { "/*/x", "/**/x", true, false, true },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct pattern a = parsed(cases[i].a), b = parsed(cases[i].b);

                if (pattern_meets(&a, &b) != cases[i].meet ||
                    pattern_meets(&b, &a) != cases[i].meet)
                        fail_msg("%s meets %s", cases[i].a, cases[i].b);
                if (pattern_includes(&a, &b) != cases[i].a_includes_b)
                        fail_msg("%s includes %s", cases[i].a, cases[i].b);
                if (pattern_includes(&b, &a) != cases[i].b_includes_a)
                        fail_msg("%s includes %s", cases[i].b, cases[i].a);
        }
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),    cmocka_unit_test(test_refused),
                cmocka_unit_test(test_ceilings), cmocka_unit_test(test_fits),
                cmocka_unit_test(test_rank),     cmocka_unit_test(test_covers),
                cmocka_unit_test(test_literal),  cmocka_unit_test(test_meets_and_includes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
