/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/deep_position.h"

#include "base/le.h"
#include "sys/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct deep_position two[] = {
        { .period_s = 3600,
          .began_ns = -5,
          .done = 1,
          .files = 2,
          .bytes = 3,
          .found = 4,
          .unread = 5 },
        { .period_s = 86400, .began_ns = 7, .path = SPAN_INIT("/etc/pass\n\xff") },
};

static void test_round_trip(void **state)
{
        struct buf b = BUF_INIT(DEEP_POSITION_MAX);
        struct deep_position back[DEEP_LANES];
        size_t n = 99;

        deep_position_put(two, 2, &b);
        assert_int_equal(b.n, 16 + 2 * 60 + 11);
        assert_int_equal(deep_position_get(buf_span(&b), back, &n, NULL), 0);
        assert_int_equal(n, 2);
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(back[i].period_s, two[i].period_s);
                assert_int_equal(back[i].began_ns, two[i].began_ns);
                assert_int_equal(back[i].done, two[i].done);
                assert_int_equal(back[i].files, two[i].files);
                assert_int_equal(back[i].bytes, two[i].bytes);
                assert_int_equal(back[i].found, two[i].found);
                assert_int_equal(back[i].unread, two[i].unread);
                assert_true(span_eq(back[i].path, two[i].path));
        }
        buf_clear(&b);
        deep_position_put(NULL, 0, &b);
        assert_int_equal(deep_position_get(buf_span(&b), back, &n, NULL), 0);
        assert_int_equal(n, 0);
        buf_done(&b);
        (void)state;
}

static void test_damage(void **state)
{
        struct buf b = BUF_INIT(DEEP_POSITION_MAX);
        struct deep_position back[DEEP_LANES];
        struct err err;
        size_t n = 99;

        deep_position_put(two, 2, &b);
        for (size_t i = 0; i < b.n; i++) {
                b.p[i] ^= 0x20;
                err.text[0] = '\0';
                assert_int_equal(deep_position_get(buf_span(&b), back, &n, &err), -EBADMSG);
                assert_true(err.text[0] != '\0');
                b.p[i] ^= 0x20;
                assert_int_equal(deep_position_get(span_of(b.p, i), back, &n, &err), -EBADMSG);
        }
        assert_int_equal(n, 99);
        buf_done(&b);
        (void)state;
}

/* With a checksum that fits: what the fields themselves must be. */
static void test_hostile_fields(void **state)
{
        static const struct {
                const char *name;
                size_t at;
                uint64_t value;
                unsigned width;
        } cases[] = {
                { "seventeen lanes", 12, 17, 4 },
                { "one lane and bytes behind", 12, 1, 4 },
                { "three lanes", 12, 3, 4 },
                { "periods not ascending", 16 + 60, 3600, 8 },
                { "a path beyond the end", 16 + 56, 1000, 4 },
                { "a huge path", 16 + 56, UINT32_MAX, 4 },
                { "a relative path", 16 + 60 + 60, 'x', 1 },
                { "a NUL in a path", 16 + 60 + 61, 0, 1 },
        };
        struct deep_position back[DEEP_LANES];
        struct err err = { 0 };
        size_t n;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct buf b = BUF_INIT(DEEP_POSITION_MAX);

                deep_position_put(two, 2, &b);
                le_put(b.p + cases[i].at, cases[i].value, cases[i].width);
                le_put32(b.p + 8, crc32c(0, span_from(buf_span(&b), 12)));
                if (deep_position_get(buf_span(&b), back, &n, &err) != -EBADMSG)
                        fail_msg("%s was not refused", cases[i].name);
                buf_done(&b);
        }
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_damage),
                cmocka_unit_test(test_hostile_fields),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
