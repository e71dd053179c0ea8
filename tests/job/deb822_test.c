/* SPDX-License-Identifier: Apache-2.0 */
/* Paragraphs as deb822(5) has them, whole and cut at every byte. */
#include "job/deb822.h"

#include "../alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

static int on_line(void *ctx, const struct deb822_line *l, struct err *err)
{
        buf_printf(ctx, "%llu %.*s%s[%.*s]%s ", (unsigned long long)l->number, (int)l->field.n,
                   (const char *)l->field.p, l->more ? "+" : "=", (int)l->text.n,
                   (const char *)l->text.p, l->cut ? "..." : "");
        return deb822_is(l->field, "stop") ? err_set(err, -ECANCELED, "stopped") : 0;
}

static int on_end(void *ctx, struct err *err)
{
        buf_put_str(ctx, ". ");
        return 0;
}

static const struct {
        const char *name, *text;
        bool comments;
        int want;
        const char *told; /* or why not */
} cases[] = {
        { "nothing", "", false, 0, "" },
        { "blank lines", "\n \n\t\n", false, 0, "" },
        { "field", "A: b\n", false, 0, "1 A=[b] . " },
        { "no newline at the end", "A: b", false, 0, "1 A=[b] . " },
        { "no blank, no value", "A:b\nC:\n", false, 0, "1 A=[b] 2 C=[] . " },
        { "blanks around a value", "A: \t b c \t\r\n", false, 0, "1 A=[b c] . " },
        { "colons in a value", "A: b:c: d\n", false, 0, "1 A=[b:c: d] . " },
        { "goes on", "A: b\n c\n\td\n .\nE: f\n", false, 0,
          "1 A=[b] 2 A+[c] 3 A+[d] 4 A+[.] 5 E=[f] . " },
        { "two paragraphs", "A: b\n\n\nA: c\n", false, 0, "1 A=[b] . 4 A=[c] . " },
        { "paragraph ends with a line of blanks", "A: b\n \nA: c\n", false, 0,
          "1 A=[b] . 3 A=[c] . " },
        { "comments", "# x\nA: b\n# y: z\n c\n", true, 0, "2 A=[b] 4 A+[c] . " },
        { "comments where there are none", "# x: y\n", false, -EBADMSG, "line 1 is no field" },
        { "no colon", "A: b\nxyz\n", false, -EBADMSG, "line 2 is no field" },
        { "no name", ": b\n", false, -EBADMSG, "line 1 is no field" },
        { "blank in a name", "A B: c\n", false, -EBADMSG, "line 1 is no field" },
        { "goes on with nothing", " a\n", false, -EBADMSG, "line 1 goes on with nothing" },
        { "goes on behind the end", "A: b\n\n c\n", false, -EBADMSG,
          "line 3 goes on with nothing" },
        { "stopped", "A: b\nStop: x\nB: c\n", false, -ECANCELED, "stopped" },
};

static int run(struct span text, size_t first, bool comments, struct buf *told, struct err *err)
{
        struct deb822 d;
        int r;

        deb822_init(&d, on_line, on_end, told);
        d.comments = comments;
        r = deb822_feed(&d, span_of(text.p, first), err);
        if (r == 0)
                r = deb822_feed(&d, span_from(text, first), err);
        if (r == 0)
                r = deb822_finish(&d, err);
        deb822_done(&d);
        return r;
}

static void test_cases(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct span text = span_str(cases[i].text);

                print_message("%s\n", cases[i].name);
                for (size_t first = 0; first <= text.n; first++) {
                        struct buf told = BUF_INIT(1 << 16);
                        struct err err = { 0 };

                        assert_int_equal(run(text, first, cases[i].comments, &told, &err),
                                         cases[i].want);
                        assert_string_equal(cases[i].want ? err.text : buf_cstr(&told),
                                            cases[i].told);
                        buf_done(&told);
                }
        }
}

/* A line may have as many bytes as there is room for; what is longer is cut and says so. */
static void test_long(void **state)
{
        static const struct {
                size_t n;
                bool cut;
        } lines[] = { { DEB822_LINE_MAX, false },
                      { DEB822_LINE_MAX + 1, true },
                      { 10 * DEB822_LINE_MAX, true } };

        for (size_t i = 0; i < ARRAY_LEN(lines); i++)
                for (size_t first = 0; first <= lines[i].n; first += 8191) {
                        struct buf text = BUF_INIT(1 << 20), told = BUF_INIT(1 << 20);

                        buf_put_str(&text, "A: ");
                        while (text.n < lines[i].n)
                                buf_put_byte(&text, 'x');
                        buf_put_str(&text, "\nB: c\n");
                        assert_int_equal(run(buf_span(&text), first, false, &told, NULL), 0);
                        assert_int_equal(strstr(buf_cstr(&told), "...") != NULL, lines[i].cut);
                        assert_non_null(strstr(buf_cstr(&told), "2 B=[c] . "));
                        buf_done(&text);
                        buf_done(&told);
                }
}

static void test_words(void **state)
{
        struct span rest = span_str("  a\tbc  d "), word;
        static const char *const want[] = { "a", "bc", "d" };

        for (size_t i = 0; i < ARRAY_LEN(want); i++) {
                assert_true(deb822_word(&rest, &word));
                assert_true(span_eq_str(word, want[i]));
        }
        assert_false(deb822_word(&rest, &word));
        assert_true(deb822_is(span_str("sha256"), "SHA256"));
        assert_false(deb822_is(span_str("SHA25"), "SHA256"));
}

static void test_memory(void **state)
{
        static uint8_t room[1024];
        struct buf told = { .p = room, .cap = sizeof room, .max = sizeof room };

        alloc_fail_nth = 1;
        assert_int_equal(run(span_str("A: b\n"), 2, false, &told, NULL), -ENOMEM);
        alloc_fail_nth = 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_long),
                cmocka_unit_test(test_words),
                cmocka_unit_test(test_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
