/* SPDX-License-Identifier: Apache-2.0 */
/* number_table.h - what the tests of decimal, datetime and duration share: texts, what they are as
 * numbers, how those are written again. */
#ifndef TESTS_POLICY_NUMBER_TABLE_H
#define TESTS_POLICY_NUMBER_TABLE_H

#include "policy/value/extension.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct number_row {
        const char *text;
        int64_t want;
        const char *print; /* NULL: as it stands in text */
};

typedef int number_parser(struct span text, int64_t *ret, struct err *err);
typedef void number_printer(int64_t v, struct buf *out);

static inline void check_numbers(const struct number_row *rows, size_t n, number_parser *parse,
                                 number_printer *print)
{
        for (size_t i = 0; i < n; i++) {
                struct buf out = BUF_INIT(100);
                int64_t v = 0;

                assert_int_equal(parse(span_str(rows[i].text), &v, NULL), 0);
                if (v != rows[i].want)
                        fail_msg("%s: %lld", rows[i].text, (long long)v);
                print(v, &out);
                assert_string_equal(buf_cstr(&out), rows[i].print ? rows[i].print : rows[i].text);
                assert_int_equal(parse(buf_span(&out), &v, NULL), 0);
                assert_true(v == rows[i].want);
                buf_done(&out);
        }
}

static inline void check_refused(const char *const *texts, size_t n, number_parser *parse)
{
        for (size_t i = 0; i < n; i++) {
                struct err err = { 0 };
                int64_t v = 4711;

                if (parse(span_str(texts[i]), &v, &err) != -EINVAL)
                        fail_msg("\"%s\" is read", texts[i]);
                assert_true(v == 4711);
                assert_int_equal(err.code, -EINVAL);
        }
        /* A zero byte ends nothing. */
        assert_int_equal(parse(span_of("1\0", 2), &(int64_t){ 0 }, NULL), -EINVAL);
}

#endif
