/* SPDX-License-Identifier: Apache-2.0 */
#include "state/rows/since.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct state_column columns[] = {
        { "name", STATE_TEXT, STATE_KEY, "a" },
        { "other", STATE_TIME, 0, "b" },
        { "since", STATE_TIME, STATE_LOOSE, "c" },
};

static const struct state_table table = { .name = "t", STATE_COLUMNS(columns) };

#define MARK             "1970-01-01T00:00:00.000000000Z"
#define PAST             "2026-01-02T03:04:05.000000006Z"
#define NOW              "2026-11-26T00:00:00.000000000Z"
#define NOW_NS           1795651200000000000LL
#define ROW(name, since) "{\"name\":\"" name "\",\"since\":\"" since "\"}"

static const struct {
        const char *name;
        const char *old[4], *new[4], *want[4];
} cases[] = {
        { "nothing", { NULL }, { NULL }, { NULL } },
        { "the first look", { NULL }, { ROW("a", MARK) }, { ROW("a", NOW) } },
        { "kept by the key, new for others",
          { ROW("b", PAST), ROW("z", PAST) },
          { ROW("a", MARK), ROW("b", MARK), ROW("c", MARK) },
          { ROW("a", NOW), ROW("b", PAST), ROW("c", NOW) } },
        { "what has a time of its own, or none",
          { ROW("a", PAST), ROW("b", PAST) },
          { ROW("a", NOW), "{\"name\":\"b\"}" },
          { ROW("a", NOW), "{\"name\":\"b\"}" } },
        { "one that had none before",
          { "{\"name\":\"a\"}" },
          { ROW("a", MARK) },
          { ROW("a", NOW) } },
        { "columns that count are left alone",
          { "{\"name\":\"a\",\"other\":\"" PAST "\"}" },
          { "{\"name\":\"a\",\"other\":\"" MARK "\"}" },
          { "{\"name\":\"a\",\"other\":\"" MARK "\"}" } },
};

static void fill(struct rows *r, const char *const *rows)
{
        rows_init(r);
        for (; *rows; rows++)
                assert_int_equal(rows_add(r, &table, json_value_of(span_str(*rows))), 0);
        rows_sort(r);
}

static void test_since(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct rows old, new;
                size_t n = 0;

                fill(&old, cases[i].old);
                fill(&new, cases[i].new);
                rows_keep_since(&new, &old, &table, NOW_NS);
                for (; cases[i].want[n]; n++)
                        if (!span_eq_str(rows_row(&new, n), cases[i].want[n]))
                                fail_msg("%s: row %zu", cases[i].name, n);
                assert_int_equal(new.n, n);
                rows_done(&old);
                rows_done(&new);
        }
}

static int take(void *ctx, struct span fact)
{
        struct buf *b = ctx;

        buf_put(b, fact);
        return 0;
}

static void test_mark(void **state)
{
        struct buf told = BUF_INIT(1000);
        struct state_out out;

        (void)state;
        state_out_init(&out, &table, take, &told);
        state_begin(&out);
        state_str(&out, "name", "a");
        state_since(&out, "since");
        assert_int_equal(state_end(&out), 0);
        assert_string_equal(buf_cstr(&told), "{\"row\":" ROW("a", MARK) "}");
        state_out_done(&out);
        buf_done(&told);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_since),
                                            cmocka_unit_test(test_mark) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
