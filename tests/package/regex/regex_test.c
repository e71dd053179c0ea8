/* SPDX-License-Identifier: Apache-2.0 */
#include "package/regex/regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"

#define PLENTY 1000000

static int search(const char *pattern, struct span text, uint64_t *left)
{
        CLEANUP(regex_space_freep) struct regex_space *space = NULL;
        CLEANUP(regex_freep) struct regex *r = NULL;
        struct err err = { 0 };

        assert_int_equal(regex_space_new(&space), 0);
        if (regex_new(span_str(pattern), &r, &err) < 0)
                fail_msg("%s: %s", pattern, err.text);
        return regex_search(r, space, text, left);
}

/* ECMA-262, "Patterns"; each line is what `new RegExp(pattern, "u").test(text)` says. */
static void answers_are_those_of_ecma_262(void **state)
{
        static const struct {
                const char *pattern;
                struct span text;
                bool found;
        } table[] = {
                { "", SPAN_INIT(""), true },
                { "b", SPAN_INIT("abc"), true },
                { "^b", SPAN_INIT("abc"), false },
                { "^abc$", SPAN_INIT("abc\n"), false },
                { "a$\n", SPAN_INIT("a\n"), false },
                { "^a|c$", SPAN_INIT("bc"), true },
                { "^(?:a|b)$", SPAN_INIT("b"), true },
                { "^(a|b)c$", SPAN_INIT("bc"), true },
                { "^(?<year>\\d{4})$", SPAN_INIT("2026"), true },
                { "^.$", SPAN_INIT("\n"), false },
                { "^.$", SPAN_INIT("\r"), false },
                { "^.$", SPAN_INIT("\xe2\x80\xa8"), false }, /* U+2028 */
                { "^.$", SPAN_INIT("\xc2\x85"), true },      /* U+0085 */
                { "^.$", SPAN_INIT("\0"), true },
                { "^.$", SPAN_INIT("\xf0\x9f\x98\x80"), true },
                { "^\\d$", SPAN_INIT("\xdf\x80"), false },
                { "^\\w$", SPAN_INIT("_"), true },
                { "^\\w$", SPAN_INIT("\xc3\xa9"), false },
                { "^\\W$", SPAN_INIT("\xc3\xa9"), true },
                { "^\\s$", SPAN_INIT("\xef\xbb\xbf"), true }, /* U+FEFF */
                { "^\\s$", SPAN_INIT("\v"), true },
                { "^\\s$", SPAN_INIT("\xc2\x85"), false },
                { "^\\s$", SPAN_INIT("\xe1\xa0\x8e"), false }, /* U+180E */
                { "^\\S$", SPAN_INIT("\xc2\xa0"), false },
                { "^[\\s]$", SPAN_INIT("\xe3\x80\x80"), true }, /* U+3000 */
                { "^[\\S]$", SPAN_INIT("\xe3\x80\x80"), false },
                { "^[\\S]$", SPAN_INIT("\xe2\x80\x8b"), true }, /* U+200B */
                { "^[^\\S]$", SPAN_INIT("\xe2\x80\x8b"), false },
                { "^[\\S\\s]$", SPAN_INIT("\n"), true },
                { "^[\\D\\d]$", SPAN_INIT("\n"), true },
                { "^[^]$", SPAN_INIT("\n"), true },
                { "[]", SPAN_INIT("a"), false },
                { "^[[:alpha:\\]]$", SPAN_INIT("["), true },
                { "^[a\\-c]$", SPAN_INIT("b"), false },
                { "^[a-c-]$", SPAN_INIT("-"), true },
                { "^[-a]$", SPAN_INIT("-"), true },
                { "^[+--]$", SPAN_INIT(","), true },
                { "^[&&a]$", SPAN_INIT("&"), true },
                { "^[\\b]$", SPAN_INIT("\b"), true },
                { "^[\\^^]$", SPAN_INIT("^"), true },
                { "^[.]$", SPAN_INIT("a"), false },
                { "^[#\\ x]$", SPAN_INIT(" "), true },
                { "\\bfoo\\b", SPAN_INIT("a foo b"), true },
                { "\\bfoo\\b", SPAN_INIT("a food b"), false },
                { "\\Bo\\B", SPAN_INIT("foo"), true },
                { "^\\x41\\u0042\\u{43}\\u{01F600}$", SPAN_INIT("ABC\xf0\x9f\x98\x80"), true },
                { "^\\ud83d\\ude00$", SPAN_INIT("\xf0\x9f\x98\x80"), true },
                { "^[\\ud83d\\ude00-\\ud83d\\ude02]$", SPAN_INIT("\xf0\x9f\x98\x81"), true },
                { "^\\cC\\cj\\0$", SPAN_INIT("\x03\n\0"), true },
                { "^\\v\\f\\t\\r\\n$", SPAN_INIT("\v\f\t\r\n"), true },
                { "^\\.\\*\\/\\-\\@$", SPAN_INIT(".*/-@"), true },
                { "^\\p{Lu}\\p{Letter}\\P{gc=L}\\p{General_Category=digit}$",
                  SPAN_INIT("\xc3\x89\xc3\xa9-\xe0\xa7\xaa"), true },
                { "^[\\p{L}\\p{LC}]$", SPAN_INIT("1"), false },
                { "^a{2}$", SPAN_INIT("aa"), true },
                { "^a{2}$", SPAN_INIT("aaa"), false },
                { "^a{2,}$", SPAN_INIT("aaa"), true },
                { "^a{0,1}?$", SPAN_INIT(""), true },
                { "^a{0}$", SPAN_INIT(""), true },
                { "^a+?b*?c??$", SPAN_INIT("aab"), true },
                { "^(?=.*\\d)(?!.*x).{3}$", SPAN_INIT("ab1"), true },
                { "^(?=.*\\d)(?!.*x).{3}$", SPAN_INIT("xb1"), false },
                { "(?<=\\$)\\d(?<!0)", SPAN_INIT("$1"), true },
                { "(?<=\\$)\\d(?<!0)", SPAN_INIT("$0"), false },
                { ".*b", SPAN_INIT("a\nb"), true },
                { "^.*b", SPAN_INIT("a\nb"), false },
                { "x|.*?b", SPAN_INIT("ab"), true },
                { "(.*b)c", SPAN_INIT("abc"), true },
                { ".*", SPAN_INIT("\n"), true },
                { "\xc3\xa9+$", SPAN_INIT("\xc3\xa9\xc3\xa9"), true },
                { "^#x \n$", SPAN_INIT("#x \n"), true },
                { "a(?:){3}b", SPAN_INIT("ab"), true },
                { "(?:b|^){0}a", SPAN_INIT("-a"), true },    /* PCRE2 10.42 alone: not found */
                { "(?=a)[\\p{L}]*a", SPAN_INIT("a"), true }, /* the same: not found */
                { "((?=b)\\w?){2,}b", SPAN_INIT("-b-"), true },
                { "[^\\D\\p{L}]", SPAN_INIT("\xf0\x9f\x98\x80"), false }, /* the same: found */
                { "^[^\\W\\d]{2}$", SPAN_INIT("_Z"), true },
                { "^[\\W]{6}$", SPAN_INIT("@[^`{\xf0\x9f\x98\x80"), true },
                { "^[\\D]{3}$", SPAN_INIT("/:\xf0\x9f\x98\x80"), true },
                { "^(?:a{0}b{0,0}?[c]{0}\\s{0}(d){0})e$", SPAN_INIT("e"), true },
                { "\\u0130", SPAN_INIT("i"), false },
                { "^\\u{0}$", SPAN_INIT("\0"), true },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                uint64_t left = PLENTY;

                if (search(table[i].pattern, table[i].text, &left) != table[i].found)
                        fail_msg("%s", table[i].pattern);
        }
}

static void what_would_mean_something_else_is_refused(void **state)
{
        static const struct {
                const char *pattern, *error;
        } table[] = {
                { "\\", "character 1: a backslash at the end" },
                { "ab\\A", "character 3: no such escape in ECMA-262" },
                { "\xc3\xa9\\Z", "character 2: no such escape in ECMA-262" },
                { "\\z", "character 1: no such escape in ECMA-262" },
                { "\\a", "character 1: no such escape in ECMA-262" },
                { "\\h", "character 1: no such escape in ECMA-262" },
                { "\\Qa\\E", "character 1: no such escape in ECMA-262" },
                { "\\K", "character 1: no such escape in ECMA-262" },
                { "\\R", "character 1: no such escape in ECMA-262" },
                { "\\\xc3\xa9", "character 1: no such escape in ECMA-262" },
                { "\\01", "character 1: no such escape in ECMA-262" },
                { "\\x4", "character 1: no such escape in ECMA-262" },
                { "\\x{41}", "character 1: no such escape in ECMA-262" },
                { "\\u12", "character 1: no such escape in ECMA-262" },
                { "\\u{}", "character 1: no such escape in ECMA-262" },
                { "\\u{110000}", "character 1: no such escape in ECMA-262" },
                { "\\u{41", "character 1: no such escape in ECMA-262" },
                { "\\ud83d", "character 1: no such escape in ECMA-262" },
                { "\\ud83d\\u0041", "character 1: no such escape in ECMA-262" },
                { "\\u{d83d}", "character 1: no such escape in ECMA-262" },
                { "\\c1", "character 1: no such escape in ECMA-262" },
                { "(a)\\1", "character 4: back-references (\\1, \\k<name>) are not supported" },
                { "[\\1]", "character 2: back-references" },
                { "(?<a>b)\\k<a>", "character 8: back-references" },
                { "\\p{Greek}", "character 1: of properties only general categories" },
                { "\\p{Script=Greek}", "character 1: of properties only general categories" },
                { "\\pL", "character 1: of properties only general categories" },
                { "\\p{L", "character 1: of properties only general categories" },
                { "[\\B]", "character 2: no such escape in ECMA-262" },
                { "[a", "character 1: `[` has no `]`" },
                { "[a\\", "character 3: a backslash at the end" },
                { "[z-a]", "character 2: a range is out of order" },
                { "[\\d-z]", "character 2: a range is from one character to another" },
                { "[a-\\w]", "character 2: a range is from one character to another" },
                { "^[[:alpha:]]$", "character 12: `}` and `]` themselves" },
                { "a]", "character 2: `}` and `]` themselves" },
                { "a}", "character 2: `}` and `]` themselves" },
                { "{", "character 1: there is nothing to repeat" },
                { "a{", "character 2: no quantifier; `{` itself is written \\{" },
                { "a{,3}", "character 2: no quantifier" },
                { "a{1,2", "character 2: no quantifier" },
                { "a{2,1}", "character 2: a quantifier is out of order" },
                { "a{65536}", "character 2: repeated more than 65535 times" },
                { "a{1,99999999999}", "character 2: repeated more than 65535 times" },
                { "*", "character 1: there is nothing to repeat" },
                { "a|*", "character 3: there is nothing to repeat" },
                { "(*UTF)", "character 2: there is nothing to repeat" },
                { "(*NO_JIT)a", "character 2: there is nothing to repeat" },
                { "^*", "character 2: there is nothing to repeat" },
                { "a**", "character 3: there is nothing to repeat" },
                { "a++", "character 3: there is nothing to repeat" },
                { "a{1}+", "character 5: there is nothing to repeat" },
                { "a???", "character 4: there is nothing to repeat" },
                { ".*+", "character 3: there is nothing to repeat" },
                { "\\b+", "character 3: there is nothing to repeat" },
                { "(?=a)*", "character 6: there is nothing to repeat" },
                { "(?<=a)?", "character 7: there is nothing to repeat" },
                { "(", "character 2: `(` has no `)`" },
                { "(a", "character 3: `(` has no `)`" },
                { "a)", "character 2: `)` has no `(`" },
                { "(?i)a", "character 1: no such group in ECMA-262" },
                { "(?i:a)", "character 1: no such group in ECMA-262" },
                { "(?>a)", "character 1: no such group in ECMA-262" },
                { "(?#a)", "character 1: no such group in ECMA-262" },
                { "(?P<a>b)", "character 1: no such group in ECMA-262" },
                { "(?R)", "character 1: no such group in ECMA-262" },
                { "(?|a)", "character 1: no such group in ECMA-262" },
                { "(?C1)", "character 1: no such group in ECMA-262" },
                { "(?", "character 1: no such group in ECMA-262" },
                { "(?<", "character 1: a group without a good name" },
                { "(?<>a)", "character 1: a group without a good name" },
                { "(?<1a>a)", "character 1: a group without a good name" },
                { "\xff", "character 1: not UTF-8" },
                { "[\xff]", "character 2: not UTF-8" },
                { "(?<=a*)b", "lookbehind assertion is not fixed length" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct regex *r = NULL;
                struct err err = { 0 };
                int rc = regex_new(span_str(table[i].pattern), &r, &err);

                if (rc != -EINVAL || !span_starts(span_str(err.text), span_str(table[i].error)))
                        fail_msg("%s: %s", table[i].pattern, rc ? err.text : "taken");
        }
}

static void ceilings_of_patterns_hold(void **state)
{
        static const char *const bombs[] = { "(?:(?:a{1000}){1000}){1000}",
                                             "(?:[\\s\\S]{60000}){60000}" };
        char text[REGEX_MAX + 2];
        struct regex *r = NULL;
        struct err err = { 0 };

        (void)state;
        memset(text, '(', sizeof text);
        assert_int_equal(regex_new(span_of(text, REGEX_NEST_MAX + 1), &r, &err), -EINVAL);
        assert_string_equal(err.text, "character 101: groups are nested too deep");
        memset(text + REGEX_NEST_MAX, ')', REGEX_NEST_MAX);
        assert_int_equal(regex_new(span_of(text, (size_t)2 * REGEX_NEST_MAX), &r, &err), 0);
        r = regex_free(r);
        memset(text, 'a', sizeof text);
        assert_int_equal(regex_new(span_of(text, REGEX_MAX), &r, &err), 0);
        r = regex_free(r);
        assert_int_equal(regex_new(span_of(text, REGEX_MAX + 1), &r, &err), -EINVAL);
        assert_string_equal(err.text, "longer than 4096 bytes");
        /* The longest spelling for PCRE2. */
        for (size_t i = 0; i < REGEX_MAX; i += 2)
                memcpy(text + i, "\\S", 2);
        text[0] = '[';
        text[1] = 'a';
        memcpy(text + REGEX_MAX - 2, "a]", 2);
        assert_int_equal(regex_new(span_of(text, REGEX_MAX), &r, &err), -EINVAL);
        for (size_t i = 0; i < ARRAY_LEN(bombs); i++)
                assert_int_equal(regex_new(span_str(bombs[i]), &r, &err), -EINVAL);
}

/* 10,000 times the same, then something else: what a search that is not counted would try for
 * minutes or take all memory for. */
static void searches_end(void **state)
{
        enum { N = 10000 };
        static const struct {
                const char *pattern;
                int want;
        } table[] = {
                { "^(a+)+$", -E2BIG },
                { "(a|aa)+$", -E2BIG },
                { "a+[xy]", -E2BIG },
                { "(a*)*[xy]", -E2BIG },
                { "^(?:a?){200}a{200}[xy]", -E2BIG },
                { ".*a[xy]", 0 }, /* what is tried before x or y must follow an a */
                { "a!", 1 },
                { ".*!", 1 },
                { "^a*!$", 1 },
                { "^[^!]*!$", 1 },
                { "^(?:a{4})*!$", 1 },
        };
        uint8_t *text = malloc(N + 1);

        (void)state;
        assert_non_null(text);
        memset(text, 'a', N);
        text[N] = '!';
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                uint64_t left = PLENTY;
                int rc = search(table[i].pattern, span_of(text, N + 1), &left);

                if (rc != table[i].want || (rc == -E2BIG && left != 0))
                        fail_msg("%s: %d, %llu left", table[i].pattern, rc,
                                 (unsigned long long)left);
        }
        free(text);
}

/* Each turn of a group is remembered, until there is no more room. */
static void memory_of_a_search_has_a_ceiling(void **state)
{
        enum { N = 4 << 20 };
        uint8_t *text = malloc(N);
        uint64_t left = UINT64_MAX;

        (void)state;
        assert_non_null(text);
        memset(text, 'a', N);
        assert_int_equal(search("^(?:aa|a)*$", span_of(text, N), &left), -E2BIG);
        free(text);
}

static void text_that_is_not_utf8_is_not_searched(void **state)
{
        uint64_t left = PLENTY;

        (void)state;
        assert_int_equal(search("a", SPAN("a\xff"), &left), -EINVAL);
        assert_int_equal(search("a", SPAN("\xed\xa0\x80"), &left), -EINVAL);
}

static void memory_that_is_missing_is_told(void **state)
{
        static const char pattern[] = "^(?:[\\s\\p{L}]{2,4}|\\d)*$";

        (void)state;
        for (size_t nth = 1;; nth++) {
                struct regex_space *space = NULL;
                struct regex *r = NULL;
                uint64_t left = PLENTY;
                int rc;

                alloc_fail_nth = nth;
                rc = regex_new(SPAN(pattern), &r, NULL);
                if (rc == 0)
                        rc = regex_space_new(&space);
                if (rc == 0)
                        rc = regex_search(r, space, SPAN("abc 12"), &left);
                alloc_fail_nth = 0;
                regex_free(r);
                regex_space_free(space);
                if (rc == 1)
                        break;
                assert_int_equal(rc, -ENOMEM);
                assert_true(nth < 100);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(answers_are_those_of_ecma_262),
                cmocka_unit_test(what_would_mean_something_else_is_refused),
                cmocka_unit_test(ceilings_of_patterns_hold),
                cmocka_unit_test(searches_end),
                cmocka_unit_test(memory_of_a_search_has_a_ceiling),
                cmocka_unit_test(text_that_is_not_utf8_is_not_searched),
                cmocka_unit_test(memory_that_is_missing_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
