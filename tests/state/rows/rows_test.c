/* SPDX-License-Identifier: Apache-2.0 */
#include "state/rows/rows.h"

#include "state/rows/row.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct state_column columns[] = {
        { "host", STATE_TEXT, STATE_KEY, "a" },
        { "port", STATE_INT, STATE_KEY, "b" },
        { "seen", STATE_INT, STATE_LOOSE, "c" },
        { "user", STATE_TEXT, 0, "d" },
};

static const struct state_table table = { .name = "t", STATE_COLUMNS(columns) };

#define R(host, port, seen, user)                                                                  \
        "{\"host\":\"" host "\",\"port\":" port ",\"seen\":" seen ",\"user\":\"" user "\"}"

static void fill(struct rows *r, const char *const *rows)
{
        rows_init(r);
        for (; *rows; rows++) {
                assert_int_equal(json_check(span_str(*rows), NULL), 0);
                assert_int_equal(state_row_check(&table, json_value_of(span_str(*rows)), NULL), 0);
                assert_int_equal(rows_add(r, &table, json_value_of(span_str(*rows))), 0);
        }
        rows_sort(r);
}

static const struct {
        const char *name;
        const char *old[5], *new[5];
        const char *want; /* "-old +new", each with a newline */
} cases[] = {
        { "nothing", { NULL }, { NULL }, "" },
        { "the same in another order",
          { R("a", "1", "0", "x"), R("b", "1", "0", "x") },
          { R("b", "1", "0", "x"), R("a", "1", "0", "x") },
          "" },
        { "only what is loose", { R("a", "1", "0", "x") }, { R("a", "1", "7", "x") }, "" },
        { "added, removed, changed",
          { R("a", "1", "0", "x"), R("b", "1", "0", "x") },
          { R("b", "1", "0", "y"), R("c", "1", "0", "x") },
          "-" R("a", "1", "0", "x") "+\n-" R("b", "1", "0", "x") "+" R("b", "1", "0", "y") "\n-+" R(
                  "c", "1", "0", "x") "\n" },
        { "another key is another row",
          { R("a", "1", "0", "x") },
          { R("a", "2", "0", "x") },
          "-" R("a", "1", "0", "x") "+\n-+" R("a", "2", "0", "x") "\n" },
        { "two of one key",
          { R("a", "1", "0", "x"), R("a", "1", "0", "x") },
          { R("a", "1", "0", "x") },
          "-" R("a", "1", "0", "x") "+\n" },
};

static void test_walk(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct buf told = BUF_INIT(1 << 16);
                struct rows old, new;
                struct rows_walk w = { .table = &table, .old = &old, .new = &new };
                struct span a, b;

                fill(&old, cases[i].old);
                fill(&new, cases[i].new);
                while (rows_next(&w, &a, &b) != ROWS_END) {
                        buf_put_byte(&told, '-');
                        buf_put(&told, a);
                        buf_put_byte(&told, '+');
                        buf_put(&told, b);
                        buf_put_byte(&told, '\n');
                }
                if (strcmp(buf_cstr(&told), cases[i].want) != 0)
                        fail_msg("%s:\n%s", cases[i].name, buf_cstr(&told));
                rows_done(&old);
                rows_done(&new);
                buf_done(&told);
        }
}

static const struct {
        const char *row;
        const char *why;
} bad[] = {
        { "[]", "t: a row that is no object" },
        { "{\"host\":\"a\"}", "t: no port" },
        { "{\"host\":1,\"port\":1}", "t: column host has another type" },
        { "{\"host\":\"a\",\"other\":1,\"port\":1}", "t: no column \"other\"" },
        { "{\"host\":\"a\",\"port\":\"1\"}", "t: column port has another type" },
};

static void test_bad_rows(void **state)
{
        struct err err = { 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                assert_int_equal(state_row_check(&table, json_value_of(span_str(bad[i].row)), &err),
                                 -EINVAL);
                assert_string_equal(err_text(&err), bad[i].why);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_walk),
                                            cmocka_unit_test(test_bad_rows) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
