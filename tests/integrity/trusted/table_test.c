/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/table.h"

#include "../sample.h"

#include <stdio.h>
#include <stdlib.h>

static struct table_node *put(struct table *t, const char *path, const struct record *r)
{
        struct buf b = BUF_INIT(RECORD_MAX);
        struct table_node *n = table_make(t, span_str(path));

        assert_non_null(n);
        assert_int_equal(table_set_record(t, n, sample_encode(&b, r)), 0);
        buf_done(&b);
        return n;
}

static void put_file(struct table *t, const char *path, uint64_t ino)
{
        struct record r = sample_file(ino, 1);

        put(t, path, &r);
}

static struct table_handle handle_of(uint8_t id)
{
        return (struct table_handle){ .fsid = 5, .type = 1, .n = 8, .b = { id } };
}

static void check_path(const struct table_node *n, const char *want)
{
        struct buf b = BUF_INIT(4096);

        table_path(n, &b);
        assert_string_equal(buf_cstr(&b), want);
        buf_done(&b);
}

static void test_find(void **state)
{
        struct table *t;

        assert_int_equal(table_new(&t, NULL), 0);
        put_file(t, "/a/b/c", 1);
        put_file(t, "/a/b", 2);
        assert_null(table_find(t, SPAN("/a/b/d")));
        check_path(table_find(t, SPAN("/a/b/c")), "/a/b/c");
        check_path(table_root(t), "/");
        assert_int_equal(table_count(t), 2);
        table_drop_record(t, table_find(t, SPAN("/a/b/c")));
        assert_null(table_find(t, SPAN("/a/b/c")));
        assert_non_null(table_find(t, SPAN("/a/b")));
        table_drop_record(t, table_find(t, SPAN("/a/b")));
        assert_null(table_find(t, SPAN("/a"))); /* was only a way there */
        table_assert_valid(t);
        table_free(t);
        (void)state;
}

static void test_a_mark_keeps_a_node(void **state)
{
        struct table *t;

        assert_int_equal(table_new(&t, NULL), 0);
        put_file(t, "/a/b", 1);
        table_find(t, SPAN("/a/b"))->mark = TABLE_ROOT;
        table_drop_tree(t, table_find(t, SPAN("/a/b")));
        assert_non_null(table_find(t, SPAN("/a/b")));
        assert_int_equal(table_count(t), 0);
        table_assert_valid(t);
        table_free(t);
        (void)state;
}

static void test_move_takes_everything_along(void **state)
{
        struct table_handle h = handle_of(1);
        struct table_node *moved;
        struct table *t;

        assert_int_equal(table_new(&t, NULL), 0);
        put_file(t, "/a/d/x", 1);
        put_file(t, "/a/d/s/y", 2);
        assert_int_equal(table_set_handle(t, table_find(t, SPAN("/a/d/s")), &h), 0);
        put_file(t, "/z", 3);
        assert_int_equal(table_move(t, table_find(t, SPAN("/a/d")), table_make(t, SPAN("/new")),
                                    SPAN("name"), &moved),
                         0);
        check_path(moved, "/new/name");
        assert_null(table_find(t, SPAN("/a")));
        check_path(table_find(t, SPAN("/new/name/x")), "/new/name/x");
        check_path(table_by_handle(t, &h, NULL), "/new/name/s");
        check_path(table_by_inode(t, 8ULL << 32 | 1, 2, NULL), "/new/name/s/y");
        table_assert_valid(t);
        table_free(t);
        (void)state;
}

static void test_exchange(void **state)
{
        struct table_handle h = handle_of(1);
        struct table *t;

        assert_int_equal(table_new(&t, NULL), 0);
        put_file(t, "/d/x", 1);
        put_file(t, "/d/sub/deep", 2);
        assert_int_equal(table_set_handle(t, table_find(t, SPAN("/d/sub")), &h), 0);
        put_file(t, "/f", 3);
        table_exchange(t, table_find(t, SPAN("/d")), table_find(t, SPAN("/f")));
        assert_null(table_find(t, SPAN("/d/x")));
        check_path(table_find(t, SPAN("/f/sub/deep")), "/f/sub/deep");
        check_path(table_by_inode(t, 8ULL << 32 | 1, 3, NULL), "/d");
        check_path(table_by_handle(t, &h, NULL), "/f/sub");
        table_assert_valid(t);
        table_free(t);
        (void)state;
}

static void test_one_file_many_names(void **state)
{
        struct table_handle h = handle_of(9), other = handle_of(8);
        struct table_node *n;
        struct table *t;
        unsigned found = 0;

        assert_int_equal(table_new(&t, NULL), 0);
        put_file(t, "/a", 7);
        put_file(t, "/b", 7);
        put_file(t, "/c", 8);
        for (n = NULL; (n = table_by_inode(t, 8ULL << 32 | 1, 7, n));)
                found++;
        assert_int_equal(found, 2);
        assert_int_equal(table_set_handle(t, table_find(t, SPAN("/a")), &h), 0);
        assert_int_equal(table_set_handle(t, table_find(t, SPAN("/b")), &h), 0);
        assert_int_equal(table_file_handles(t), 2);
        for (found = 0, n = NULL; (n = table_by_handle(t, &h, n));)
                found++;
        assert_int_equal(found, 2);
        assert_null(table_by_handle(t, &other, NULL));
        assert_int_equal(table_set_handle(t, table_find(t, SPAN("/a")), NULL), 0);
        table_drop_record(t, table_find(t, SPAN("/b")));
        assert_int_equal(table_file_handles(t), 0);
        table_assert_valid(t);
        table_free(t);
        (void)state;
}

static void test_sorted_walk(void **state)
{
        static const char *const paths[] = { "/a/z", "/a-b", "/a/a", "/b", "/a/aa", "/a" };
        static const char *const want[] = { "/a", "/a/a", "/a/aa", "/a/z", "/a-b", "/b" };
        struct table *t;
        size_t i = 0;

        assert_int_equal(table_new(&t, NULL), 0);
        for (size_t k = 0; k < ARRAY_LEN(paths); k++)
                put_file(t, paths[k], k);
        table_sort(table_root(t));
        for (struct table_node *n = table_next(table_root(t), table_root(t)); n;
             n = table_next(table_root(t), n))
                check_path(n, want[i++]);
        assert_int_equal(i, ARRAY_LEN(want));
        table_assert_valid(t);
        table_free(t);
        (void)state;
}

/* Thousands of random changes against a flat list of paths. */
enum { MODEL = 64, STEPS = 20000 };

static void model_name(unsigned i, char out[16])
{
        snprintf(out, 16, "/%u/%u/%u", i / 16, i / 4 % 4, i % 4);
}

static void test_random(void **state)
{
        uint64_t ino[MODEL] = { 0 }; /* 0: not there */
        struct table_node *n, *moved;
        struct table *t;
        char name[16], last[2];

        srand(1);
        assert_int_equal(table_new(&t, NULL), 0);
        for (unsigned step = 1; step <= STEPS; step++) {
                unsigned i = (unsigned)rand() % MODEL, k = (unsigned)rand() % MODEL;

                model_name(i, name);
                n = table_find(t, span_str(name));
                assert_int_equal(n && n->record, ino[i] != 0);
                if (!ino[i]) {
                        put_file(t, name, step);
                        ino[i] = step;
                } else if (ino[k] == 0 && i / 4 == k / 4) {
                        snprintf(last, sizeof last, "%u", k % 4);
                        assert_int_equal(table_move(t, n, n->parent, span_str(last), &moved), 0);
                        ino[k] = ino[i];
                        ino[i] = 0;
                } else {
                        table_drop_record(t, n);
                        ino[i] = 0;
                }
                if (step % 1000 == 0)
                        table_assert_valid(t);
        }
        for (unsigned i = 0; i < MODEL; i++) {
                model_name(i, name);
                if (ino[i])
                        check_path(table_by_inode(t, 8ULL << 32 | 1, ino[i], NULL), name);
        }
        table_free(t);
        (void)state;
}

static void check_grows(bool inodes)
{
        enum { MANY = 50000 };
        struct table *t;
        char name[32];

        assert_int_equal(table_new(&t, NULL), 0);
        if (!inodes)
                table_without_inodes(t);
        for (unsigned i = 0; i < MANY; i++) {
                struct table_handle h = { .fsid = 1, .type = 1, .n = 4 };

                snprintf(name, sizeof name, "/d%u/f%u", i % 100, i);
                put_file(t, name, i + 1);
                memcpy(h.b, &i, 4);
                assert_int_equal(table_set_handle(t, table_find(t, span_str(name)), &h), 0);
        }
        assert_int_equal(table_count(t), MANY);
        table_assert_valid(t);
        table_drop_tree(t, table_root(t));
        assert_int_equal(table_count(t), 0);
        table_assert_valid(t);
        table_free(t);
}

static void test_grows(void **state)
{
        check_grows(true);
        check_grows(false);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_a_mark_keeps_a_node),
                cmocka_unit_test(test_move_takes_everything_along),
                cmocka_unit_test(test_exchange),
                cmocka_unit_test(test_one_file_many_names),
                cmocka_unit_test(test_sorted_walk),
                cmocka_unit_test(test_random),
                cmocka_unit_test(test_grows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
