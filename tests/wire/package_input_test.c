/* SPDX-License-Identifier: Apache-2.0 */
/* Sources of a package in bytes, as the table in package_input.h has them, and what is none. */
#include "wire/package_input.h"

#include "../alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

static const struct span whole = SPAN_INIT("assay sources 1\n"
                                           "\x01\x00\x03\x00\x00\x00"
                                           "axyz"
                                           "\x03\x00\x00\x00\x00\x00"
                                           "b/c");

static void put_both(struct buf *b)
{
        package_input_begin(b);
        package_input_put(b, SPAN("a"), SPAN("xyz"));
        package_input_put(b, SPAN("b/c"), SPAN_NONE);
}

static void test_whole(void **state)
{
        struct buf b = BUF_INIT(1 << 16);
        struct span rest, path, text;

        put_both(&b);
        assert_int_equal(buf_status(&b), 0);
        assert_true(span_eq(buf_span(&b), whole));
        buf_done(&b);
        assert_int_equal(package_input_open(whole, &rest, NULL), 0);
        assert_int_equal(package_input_next(&rest, &path, &text, NULL), 1);
        assert_true(span_eq_str(path, "a") && span_eq_str(text, "xyz"));
        assert_int_equal(package_input_next(&rest, &path, &text, NULL), 1);
        assert_true(span_eq_str(path, "b/c") && text.n == 0);
        assert_int_equal(package_input_next(&rest, &path, &text, NULL), 0);
        (void)state;
}

/* Each shorter one is cut off, but where a source ends. */
static void test_cut(void **state)
{
        static const size_t whole_ones[] = { 16, 16 + 6 + 4 };

        for (size_t n = 0; n < whole.n; n++) {
                struct span rest, path, text;
                struct err err = { 0 };
                int rc = package_input_open(span_of(whole.p, n), &rest, &err);

                while (rc >= 0 && (rc = package_input_next(&rest, &path, &text, &err)) > 0)
                        continue;
                assert_int_equal(rc, n == whole_ones[0] || n == whole_ones[1] ? 0 : -EBADMSG);
                assert_int_equal(rc, err.code);
        }
        (void)state;
}

static void test_limits(void **state)
{
        struct buf b = BUF_INIT(24);

        put_both(&b);
        assert_int_equal(buf_status(&b), -E2BIG);
        buf_done(&b);
        b = BUF_INIT(1 << 16);
        alloc_fail_nth = 1;
        put_both(&b);
        alloc_fail_nth = 0;
        assert_int_equal(buf_status(&b), -ENOMEM);
        buf_done(&b);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whole),
                cmocka_unit_test(test_cut),
                cmocka_unit_test(test_limits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
