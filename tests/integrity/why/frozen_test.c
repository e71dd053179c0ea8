/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/frozen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HEAD "assay frozen 1\n"
#define A    "L2V0Yy9h" /* /etc/a */
#define B    "L2IKw7/DvyA="

static const uint8_t odd[] = "/b\n\xc3\xbf\xc3\xbf ";

static void test_lines(void **state)
{
        static const struct {
                struct span text;
                int want;
                size_t count;
                bool torn;
                const char *printed; /* NULL: not asked */
        } cases[] = {
                { SPAN_INIT(""), 0, 0, true, HEAD },
                { SPAN_INIT("assay fro"), 0, 0, true, HEAD },
                { SPAN_INIT(HEAD), 0, 0, false, HEAD },
                { SPAN_INIT(HEAD "+ 7 8 0 " A "\n"), 0, 1, false, HEAD "+ 7 8 0 " A "\n" },
                { SPAN_INIT(HEAD "+ 7 8 0 " A "\n~ " A "\n"), 0, 1, false,
                  HEAD "+ 7 8 0 " A "\n~ " A "\n" },
                { SPAN_INIT(HEAD "+ 7 8 0 " A "\n~ " A "\n+ 9 8 5 " A "\n"), 0, 1, false,
                  HEAD "+ 9 8 5 " A "\n" },
                { SPAN_INIT(HEAD "+ 7 8 0 " A "\n+ 1 0 0 " B "\n- " A "\n"), 0, 1, false,
                  HEAD "+ 1 0 0 " B "\n" },
                { SPAN_INIT(HEAD "+ 7 8 0 " A "\n- " A), 0, 1, true, HEAD "+ 7 8 0 " A "\n" },
                { SPAN_INIT(HEAD "+ 18446744073709551615 8 0 " A "\n"), 0, 1, false, NULL },
                { SPAN_INIT("assay frozen 2\n"), -EBADMSG, 0, false, NULL },
                { SPAN_INIT(HEAD "- " A "\n"), -EBADMSG, 0, false, NULL },
                { SPAN_INIT(HEAD "~ " A "\n"), -EBADMSG, 0, false, NULL },
                { SPAN_INIT(HEAD "+ 7 8 " A "\n"), -EBADMSG, 0, false, NULL },
                { SPAN_INIT(HEAD "+ 07 8 0 " A "\n"), -EBADMSG, 0, false, NULL },
                { SPAN_INIT(HEAD "+ -7 8 0 " A "\n"), -EBADMSG, 0, false, NULL },
                { SPAN_INIT(HEAD "+ 7 8 0  " A "\n"), -EBADMSG, 0, false, NULL },
                { SPAN_INIT(HEAD "+ 7 8 0 \n"), -EBADMSG, 0, false, NULL },
                { SPAN_INIT(HEAD "+ 7 8 0 Lw==\n"), -EBADMSG, 0, false, NULL },     /* / */
                { SPAN_INIT(HEAD "+ 7 8 0 YQ==\n"), -EBADMSG, 0, false, NULL },     /* a */
                { SPAN_INIT(HEAD "+ 7 8 0 L2Ev\n"), -EBADMSG, 0, false, NULL },     /* /a/ */
                { SPAN_INIT(HEAD "+ 7 8 0 L2EA\n"), -EBADMSG, 0, false, NULL },     /* /a\0 */
                { SPAN_INIT(HEAD "+ 7 8 0 L2V0Yy9*\n"), -EBADMSG, 0, false, NULL }, /* no base64 */
                { SPAN_INIT(HEAD "\n"), -EBADMSG, 0, false, NULL },
                { SPAN_INIT(HEAD "* 7 8 0 " A "\n"), -EBADMSG, 0, false, NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                CLEANUP(frozen_freep) struct frozen *f = NULL;
                struct buf out = BUF_INIT(4096);
                bool torn = false;
                struct err err = { 0 };

                assert_int_equal(frozen_new(&f, NULL), 0);
                if (frozen_parse(f, cases[i].text, &torn, &err) != cases[i].want)
                        fail_msg("case %zu: %s", i, err.text);
                if (cases[i].want == 0) {
                        assert_int_equal(frozen_count(f), cases[i].count);
                        assert_int_equal(torn, cases[i].torn);
                }
                frozen_print(f, &out);
                if (cases[i].printed)
                        assert_string_equal(buf_cstr(&out), cases[i].printed);
                buf_done(&out);
        }
        (void)state;
}

static void test_odd_path(void **state)
{
        CLEANUP(frozen_freep) struct frozen *f = NULL;
        struct span path = span_of(odd, sizeof odd - 1);
        struct buf out = BUF_INIT(4096);

        assert_int_equal(frozen_new(&f, NULL), 0);
        assert_int_equal(frozen_add(f, path, 1, 2, 3), 0);
        frozen_put_set(frozen_find(f, path), &out);
        frozen_put_lifting(path, &out);
        frozen_put_gone(path, &out);
        assert_string_equal(buf_cstr(&out), "+ 1 2 3 " B "\n~ " B "\n- " B "\n");
        buf_done(&out);
        (void)state;
}

/* Many, taken out in another order than they came: each is found until it goes. */
static void test_many(void **state)
{
        enum { N = 5000, STEP = 1789 };
        CLEANUP(frozen_freep) struct frozen *f = NULL;
        char path[32];

        assert_int_equal(frozen_new(&f, NULL), 0);
        for (size_t i = 0; i < N; i++) {
                snprintf(path, sizeof path, "/p%zu", i);
                assert_int_equal(frozen_add(f, span_str(path), i, 0, 0), 0);
        }
        for (size_t i = 0, k = 0; i < N; i++, k = (k + STEP) % N) {
                struct frozen_file *x;

                assert_int_equal(frozen_count(f), N - i);
                snprintf(path, sizeof path, "/p%zu", k);
                x = frozen_find(f, span_str(path));
                assert_non_null(x);
                assert_int_equal(x->ino, k);
                frozen_remove(f, x);
                assert_null(frozen_find(f, span_str(path)));
        }
        assert_int_equal(frozen_count(f), 0);
        (void)state;
}

/* One inode at two paths (a hard link, or two filesystems); one that gets another; many. */
static void test_by_inode(void **state)
{
        CLEANUP(frozen_freep) struct frozen *f = NULL;
        struct frozen_file *x;
        char path[32];
        size_t n = 0;

        assert_int_equal(frozen_new(&f, NULL), 0);
        assert_null(frozen_by_inode(f, 7, NULL));
        for (uint64_t i = 0; i < 3000; i++) {
                snprintf(path, sizeof path, "/f%u", (unsigned)i);
                assert_int_equal(frozen_add(f, span_str(path), i / 2, 0, 0), 0);
        }
        for (x = NULL; (x = frozen_by_inode(f, 700, x)); n++)
                assert_int_equal(x->ino, 700);
        assert_int_equal(n, 2);
        assert_int_equal(frozen_add(f, SPAN("/f1400"), 5000, 0, 0), 0);
        x = frozen_by_inode(f, 700, NULL);
        assert_true(x && span_eq_str(frozen_path(x), "/f1401"));
        assert_null(frozen_by_inode(f, 700, x));
        frozen_remove(f, x);
        assert_null(frozen_by_inode(f, 700, NULL));
        x = frozen_by_inode(f, 5000, NULL);
        assert_true(x && span_eq_str(frozen_path(x), "/f1400"));
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_odd_path),
                cmocka_unit_test(test_many),
                cmocka_unit_test(test_by_inode),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
