/* SPDX-License-Identifier: Apache-2.0 */
#include "state/reading/bundle.h"

#include "base/le.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void make(struct buf *b)
{
        const struct state_part parts[] = {
                { .name = SPAN_INIT("/a"),
                  .bytes = SPAN_INIT("one"),
                  .mode = 0100644,
                  .uid = 1,
                  .gid = 2,
                  .mtime_ns = -5,
                  .size = 3 },
                { .status = ENOENT, .name = SPAN_INIT("/b") },
                { .status = BUNDLE_PROGRAM_FAILED + 3,
                  .name = SPAN_INIT("/bin/x -y"),
                  .bytes = SPAN_INIT("\0\n") },
        };

        bundle_begin(b);
        for (size_t i = 0; i < ARRAY_LEN(parts); i++)
                bundle_put(b, &parts[i]);
}

static void test_way(void **state)
{
        struct buf b = BUF_INIT(4096), why = BUF_INIT(256);
        struct state_part p;
        struct state_in in;

        (void)state;
        make(&b);
        assert_int_equal(bundle_open(buf_span(&b), &in, NULL), 0);
        assert_true(state_next(&in, &p));
        assert_true(span_eq_str(p.name, "/a") && span_eq_str(p.bytes, "one"));
        assert_true(p.mode == 0100644 && p.uid == 1 && p.gid == 2 && p.mtime_ns == -5 &&
                    p.size == 3);
        assert_true(state_next(&in, &p) && p.status == ENOENT && p.bytes.n == 0);
        assert_true(state_next(&in, &p) && span_eq(p.bytes, SPAN("\0\n")));
        state_put_status(&why, p.status);
        assert_string_equal(buf_cstr(&why), "ended with status 3");
        assert_false(state_next(&in, &p));
        state_again(&in);
        assert_true(state_next(&in, &p) && span_eq_str(p.name, "/a"));
        assert_true(state_part_named(&in, SPAN("/b"), &p) && p.status == ENOENT);
        assert_false(state_part_named(&in, SPAN("/c"), &p));
        buf_done(&b);
        buf_done(&why);
}

/* Cut anywhere it is refused, but where a part ends. */
static void test_cut(void **state)
{
        struct buf b = BUF_INIT(4096);
        struct state_in in;
        unsigned good = 0;

        (void)state;
        make(&b);
        for (size_t n = 0; n < b.n; n++)
                good += bundle_open(span_of(b.p, n), &in, NULL) == 0;
        assert_int_equal(good, 3); /* none, one and two parts */
        buf_done(&b);
}

static void test_lies(void **state)
{
        static const size_t lengths[] = { 32, 36 };
        struct err err = { 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
                struct buf b = BUF_INIT(4096);
                struct state_in in;

                make(&b);
                le_put32(b.p + strlen("assay bundle 1\n") + lengths[i], UINT32_MAX);
                assert_int_equal(bundle_open(buf_span(&b), &in, &err), -EBADMSG);
                assert_string_equal(err_text(&err), "bundle, byte 15: not a part");
                buf_done(&b);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_way), cmocka_unit_test(test_cut),
                                            cmocka_unit_test(test_lies) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
