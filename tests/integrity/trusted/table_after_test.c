/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/table.h"

#include "../sample.h"

#include <stdio.h>
#include <stdlib.h>

static void put(struct table *t, const char *path)
{
        struct record r = sample_file(1, 1);
        struct buf b = BUF_INIT(RECORD_MAX);

        assert_int_equal(table_set_record(t, table_make(t, span_str(path)), sample_encode(&b, &r)),
                         0);
        buf_done(&b);
}

static void check_path(const struct table_node *n, const char *want)
{
        struct buf b = BUF_INIT(4096);

        if (!want) {
                assert_null(n);
                return;
        }
        assert_non_null(n);
        table_path(n, &b);
        assert_string_equal(buf_cstr(&b), want);
        buf_done(&b);
}

static void test_after(void **state)
{
        static const char *const paths[] = { "/b", "/a/z", "/a/b/c", "/a", "/a-", "/c/d", "/a/b" };
        static const struct {
                const char *path, *want;
        } rows[] = {
                { "/", "/a" },        { "/a", "/a/b" },       { "/a/b", "/a/b/c" },
                { "/a/b/c", "/a/z" }, { "/a/b/c/x", "/a/z" }, { "/a/a", "/a/b" },
                { "/a/bb", "/a/z" },  { "/a/z", "/a-" },      { "/a/zz/x", "/a-" },
                { "/a-", "/b" },      { "/b", "/c" },         { "/b/not/here", "/c" },
                { "/c", "/c/d" },     { "/c/d", NULL },       { "/z", NULL },
                { "/0", "/a" },
        };
        struct table *t;

        assert_int_equal(table_new(&t, NULL), 0);
        for (size_t i = 0; i < ARRAY_LEN(paths); i++)
                put(t, paths[i]);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                check_path(table_after(t, span_str(rows[i].path)), rows[i].want);
        table_assert_valid(t);
        table_free(t);
        (void)state;
}

/* Step by step by path, or on from node to node: the same walk as that of a sorted table, whatever
 * order it came in, and with names coming and going between the steps. */
static void test_whole_walk(void **state)
{
        struct buf at = BUF_INIT(4096);
        struct table_node *n, *m;
        struct table *t, *sorted;
        char path[64];
        size_t steps = 0;

        srand(7);
        assert_int_equal(table_new(&t, NULL), 0);
        assert_int_equal(table_new(&sorted, NULL), 0);
        for (int i = 0; i < 3000; i++) {
                snprintf(path, sizeof path, "/%d/%d/%d", rand() % 9, rand() % 30, rand() % 99);
                put(t, path);
                put(sorted, path);
        }
        table_sort(table_root(sorted));
        m = table_next(table_root(sorted), table_root(sorted));
        for (n = table_after(t, SPAN("/")); n; n = table_next_sorted(n)) {
                assert_true(span_eq(table_name(n), table_name(m)));
                m = table_next(table_root(sorted), m);
        }
        assert_null(m);
        buf_put_byte(&at, '/');
        while ((n = table_after(t, buf_span(&at)))) {
                buf_clear(&at);
                table_path(n, &at);
                m = table_find(sorted, buf_span(&at));
                assert_non_null(m);
                steps++;
                put(t, "/0/0/0"); /* behind us: at the head of its list again */
                table_drop_record(t, table_find(t, SPAN("/0/0/0")));
        }
        assert_true(steps >= table_count(sorted));
        table_assert_valid(t);
        table_free(t);
        table_free(sorted);
        buf_done(&at);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_after),
                cmocka_unit_test(test_whole_walk),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
