/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "../alloc_fail.h"
#include "../freed.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void puts_pieces_in_order(void **state)
{
        struct buf b = BUF_INIT(1000);

        buf_put(&b, SPAN("ab"));
        buf_put(&b, SPAN_NONE);
        buf_put_str(&b, "cd");
        buf_put_byte(&b, '\0');
        buf_printf(&b, "%d-%s", 42, "x");
        assert_int_equal(buf_status(&b), 0);
        assert_int_equal(b.n, 9);
        assert_memory_equal(b.p,
                            "abcd\0"
                            "42-x",
                            9);
        assert_string_equal(buf_cstr(&b) + 5, "42-x");
        assert_int_equal(b.n, 9);
        buf_done(&b);
}

static void grows_over_many_doublings(void **state)
{
        struct buf b = BUF_INIT(1 << 20);

        for (unsigned i = 0; i < 1 << 20; i++)
                buf_put_byte(&b, (uint8_t)(i * 31));
        assert_int_equal(buf_status(&b), 0);
        assert_int_equal(b.n, 1 << 20);
        for (unsigned i = 0; i < 1 << 20; i++)
                if (b.p[i] != (uint8_t)(i * 31))
                        fail_msg("byte %u is wrong", i);
        buf_put_byte(&b, 0);
        assert_int_equal(buf_status(&b), -E2BIG);
        buf_done(&b);
}

static void first_failure_sticks(void **state)
{
        struct buf b = BUF_INIT(4);

        buf_put_str(&b, "abcd");
        assert_int_equal(buf_status(&b), 0);
        buf_put_str(&b, "e");
        assert_int_equal(buf_status(&b), -E2BIG);
        buf_clear(&b);
        assert_int_equal(buf_status(&b), 0);
        buf_put_str(&b, "abcde");
        buf_put_str(&b, "x");
        assert_int_equal(buf_status(&b), -E2BIG);
        assert_int_equal(b.n, 0);
        assert_string_equal(buf_cstr(&b), "");
        assert_null(buf_extend(&b, 1));
        buf_clear(&b);
        assert_null(buf_extend(&b, SIZE_MAX));
        assert_int_equal(buf_status(&b), -E2BIG);
        buf_done(&b);
}

static void printf_and_cstr_need_one_byte_more(void **state)
{
        struct buf b = BUF_INIT(4);

        buf_printf(&b, "%s", "abc");
        assert_int_equal(buf_status(&b), 0);
        assert_string_equal(buf_cstr(&b), "abc");
        buf_put_byte(&b, 'd');
        assert_int_equal(buf_status(&b), 0);
        buf_printf(&b, "%s", "");
        assert_int_equal(buf_status(&b), -E2BIG);
        buf_done(&b);
}

static void a_ceiling_of_nothing(void **state)
{
        struct buf b = BUF_INIT(0);

        buf_put(&b, SPAN_NONE);
        assert_int_equal(buf_status(&b), 0);
        buf_put_byte(&b, 1);
        assert_int_equal(buf_status(&b), -E2BIG);
        buf_clear(&b);
        assert_non_null(buf_extend(&b, 0));
        buf_done(&b);
}

static void bytes_of_somebody_else_are_not_outgrown(void **state)
{
        uint8_t room[4] = "xxxx";
        struct buf b = BUF_OVER(room, 3);

        alloc_fail_nth = 1;
        buf_put_str(&b, "abc");
        assert_int_equal(buf_status(&b), 0);
        assert_ptr_equal(b.p, room);
        buf_put_byte(&b, 'd');
        assert_int_equal(buf_status(&b), -E2BIG);
        assert_int_equal(alloc_fail_nth, 1); /* nothing was allocated */
        alloc_fail_nth = 0;
        assert_memory_equal(room, "abcx", 4);
}

static void failing_allocation_sticks(void **state)
{
        struct buf b = BUF_INIT(10000);

        alloc_fail_nth = 1;
        buf_put_str(&b, "ab");
        alloc_fail_nth = 0;
        buf_put_str(&b, "cd");
        assert_int_equal(buf_status(&b), -ENOMEM);
        buf_done(&b);
        assert_int_equal(buf_status(&b), 0);
        buf_put_str(&b, "ab");
        alloc_fail_nth = 1;
        buf_printf(&b, "%1000d", 1);
        alloc_fail_nth = 0;
        assert_int_equal(buf_status(&b), -ENOMEM);
        assert_int_equal(b.n, 2);
        assert_memory_equal(b.p, "ab", 2);
        buf_done(&b);
}

static void what_wipes_leaves_nothing(void **state)
{
        static const char word[] = "a word that nobody else is to find";
        struct buf plain = BUF_INIT(1 << 20), b = BUF_WIPED(1 << 20);

        freed_word = word;
        freed_with_it = 0;
        buf_put_str(&plain, word);
        buf_done(&plain);
        assert_int_equal(freed_with_it, 1);  /* this is how it is seen */
        for (unsigned i = 0; i < 10000; i++) /* grows many times */
                buf_put_str(&b, word);
        assert_int_equal(buf_status(&b), 0);
        assert_int_equal(b.n, 10000 * (sizeof word - 1));
        for (unsigned i = 0; i < 10000; i++)
                assert_memory_equal(b.p + i * (sizeof word - 1), word, sizeof word - 1);
        alloc_fail_nth = 1;
        while (buf_status(&b) == 0)
                buf_put_str(&b, word);
        assert_int_equal(buf_status(&b), -ENOMEM);
        buf_wipe(&b);
        assert_true(buf_status(&b) == 0 && b.n == 0);
        assert_null(memmem(b.p, b.cap, word, sizeof word - 1));
        buf_put_str(&b, word);
        buf_done(&b);
        buf_put_str(&b, word); /* still of that kind */
        buf_done(&b);
        assert_int_equal(freed_with_it, 1);
        freed_word = NULL;
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(puts_pieces_in_order),
                cmocka_unit_test(grows_over_many_doublings),
                cmocka_unit_test(first_failure_sticks),
                cmocka_unit_test(printf_and_cstr_need_one_byte_more),
                cmocka_unit_test(a_ceiling_of_nothing),
                cmocka_unit_test(bytes_of_somebody_else_are_not_outgrown),
                cmocka_unit_test(failing_allocation_sticks),
                cmocka_unit_test(what_wipes_leaves_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
