/* SPDX-License-Identifier: Apache-2.0 */
#include "package/source/lint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../alloc_fail.h"

static void check_fault(const struct lint_fault *f, enum lint_level level, const char *file,
                        uint32_t line, uint32_t column, const char *text)
{
        assert_int_equal(f->level, level);
        assert_true(span_eq_str(f->file, file));
        assert_int_equal(f->mark.line, line);
        assert_int_equal(f->mark.column, column);
        if (!span_eq_str(f->text, text))
                fail_msg("%.*s, wanted %s", (int)f->text.n, (const char *)f->text.p, text);
}

static void faults_keep_their_file_place_and_text(void **state)
{
        static struct lint l;

        (void)state;
        lint_init(&l);
        l.file = SPAN("a.yaml");
        lint_error(&l, &(struct source_mark){ 3, 14 }, "%s is %d", "x", 5);
        l.file = SPAN("b.yaml");
        lint_warning(&l, NULL, "nothing in it");
        assert_int_equal(l.n, 2);
        assert_int_equal(l.errors, 1);
        assert_int_equal(l.warnings, 1);
        assert_int_equal(l.more, 0);
        check_fault(&l.at[0], LINT_ERROR, "a.yaml", 3, 14, "x is 5");
        check_fault(&l.at[1], LINT_WARNING, "b.yaml", 0, 0, "nothing in it");
        lint_done(&l);
}

static void faults_are_sorted_by_file_and_place(void **state)
{
        static const struct {
                const char *file;
                struct source_mark mark;
                const char *text;
        } found[] = {
                { "b", { 1, 1 }, "5" },  { "a", { 10, 2 }, "4" }, { "a", { 2, 3 }, "2" },
                { "a", { 0, 0 }, "0" },  { "a", { 2, 3 }, "3" },  { "a", { 2, 1 }, "1" },
                { "bb", { 0, 0 }, "7" }, { "b", { 2, 1 }, "6" },
        };
        static struct lint l;

        (void)state;
        lint_init(&l);
        lint_sort(&l);
        for (size_t i = 0; i < ARRAY_LEN(found); i++) {
                l.file = span_str(found[i].file);
                lint_error(&l, &found[i].mark, "%s", found[i].text);
        }
        lint_sort(&l);
        for (uint32_t i = 0; i < ARRAY_LEN(found); i++)
                assert_int_equal(l.at[i].text.p[0], '0' + i);
        lint_done(&l);
}

/* A text of n bytes: `lead` of "x", then as many times `unit` as it takes. */
static const char *long_text(size_t lead, const char *unit, size_t n)
{
        static char text[LINT_TEXT_MAX * 2];
        size_t at = 0;

        assert_true(n < sizeof text);
        while (at < lead)
                text[at++] = 'x';
        while (at < n) {
                memcpy(text + at, unit, strlen(unit));
                at += strlen(unit);
        }
        text[at] = 0;
        return text;
}

static void long_texts_are_cut_between_characters(void **state)
{
        static const struct {
                size_t lead;
                const char *unit;
                size_t n, want;
        } table[] = {
                { 0, "x", 1, 1 },
                { 0, "x", 399, 399 },
                { 0, "x", 400, 400 },
                { 0, "x", 401, 400 },
                { 0, "x", 700, 400 },
                { 0, "\xc3\xa9", 400, 400 }, /* two bytes each */
                { 0, "\xc3\xa9", 402, 400 },
                { 1, "\xc3\xa9", 401, 399 },
                { 0, "\xe2\x82\xac", 402, 399 }, /* three */
                { 1, "\xe2\x82\xac", 700, 400 },
                { 2, "\xe2\x82\xac", 401, 398 },
                { 0, "\xf0\x9f\x98\x80", 404, 400 }, /* four */
                { 1, "\xf0\x9f\x98\x80", 701, 397 },
        };
        static struct lint l;

        (void)state;
        STATIC_ASSERT(LINT_TEXT_MAX == 400, "the table is for this ceiling");
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                const char *text = long_text(table[i].lead, table[i].unit, table[i].n);

                lint_init(&l);
                lint_error(&l, NULL, "%s", text);
                assert_int_equal(l.at[0].text.n, table[i].want);
                assert_memory_equal(l.at[0].text.p, text, table[i].want);
                lint_done(&l);
        }
}

static void faults_beyond_the_ceiling_are_counted(void **state)
{
        static struct lint l;

        (void)state;
        lint_init(&l);
        for (unsigned i = 0; i < LINT_FAULTS_MAX + 7; i++)
                (i % 2 ? lint_error : lint_warning)(&l, NULL, "%u", i);
        assert_int_equal(l.n, LINT_FAULTS_MAX);
        assert_int_equal(l.more, 7);
        assert_int_equal(l.errors, (LINT_FAULTS_MAX + 7) / 2);
        assert_int_equal(l.warnings, (LINT_FAULTS_MAX + 8) / 2);
        check_fault(&l.at[LINT_FAULTS_MAX - 1], LINT_ERROR, "", 0, 0, "199");
        lint_done(&l);
}

/* All texts that are kept fit in its memory. */
static void the_longest_faults_have_room(void **state)
{
        static struct lint l;

        (void)state;
        lint_init(&l);
        for (unsigned i = 0; i < LINT_FAULTS_MAX; i++)
                lint_error(&l, NULL, "%s", long_text(0, "x", 700));
        assert_int_equal(l.n, LINT_FAULTS_MAX);
        assert_int_equal(l.more, 0);
        lint_done(&l);
}

static void without_memory_an_error_still_counts(void **state)
{
        static struct lint l;

        (void)state;
        lint_init(&l);
        alloc_fail_nth = 1;
        lint_error(&l, NULL, "lost");
        alloc_fail_nth = 0;
        assert_int_equal(l.n, 0);
        assert_int_equal(l.more, 1);
        assert_int_equal(l.errors, 1);
        lint_done(&l);
}

/* "%.*s" of a name may end within a character. */
static void what_was_cut_stays_utf8(void **state)
{
        static struct lint l;

        (void)state;
        lint_init(&l);
        lint_error(&l, NULL, "\"%.*s\" is not \"%s\"", 3, "ab\xc3\xa9", "\xc3\xa9\xff.");
        assert_int_equal(l.n, 1);
        check_fault(&l.at[0], LINT_ERROR, "", 0, 0, "\"ab\" is not \"\xc3\xa9.\"");
        lint_done(&l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(faults_keep_their_file_place_and_text),
                cmocka_unit_test(what_was_cut_stays_utf8),
                cmocka_unit_test(faults_are_sorted_by_file_and_place),
                cmocka_unit_test(long_texts_are_cut_between_characters),
                cmocka_unit_test(faults_beyond_the_ceiling_are_counted),
                cmocka_unit_test(the_longest_faults_have_room),
                cmocka_unit_test(without_memory_an_error_still_counts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
