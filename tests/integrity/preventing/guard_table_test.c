/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/preventing/guard_table.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct guard_shared *table;

static int make(void **state)
{
        table = calloc(1, sizeof *table);
        (void)state;
        return table ? 0 : -1;
}

static int unmake(void **state)
{
        free(table);
        (void)state;
        return 0;
}

static struct guard_file file(uint64_t ino)
{
        return (struct guard_file){
                .dev = 8ull << 32 | 1, .ino = ino, .size = 100, .mtime_ns = 7, .ctime_ns = -9
        };
}

static enum guard_verdict found(const struct guard_file *f)
{
        uint64_t place = 1;
        enum guard_verdict v = guard_find(table, f, &place);

        assert_int_equal(place, 0);
        return v;
}

static void test_same_file(void **state)
{
        static const struct {
                uint64_t dev, ino, size;
                int64_t mtime, ctime;
                enum guard_verdict want;
        } cases[] = {
                { 8ull << 32 | 1, 5, 100, 7, -9, GUARD_REFUSE },
                { 8ull << 32 | 2, 5, 100, 7, -9, GUARD_STALE },
                { 8ull << 32 | 1, 6, 100, 7, -9, GUARD_STALE },
                { 8ull << 32 | 1, 5, 101, 7, -9, GUARD_STALE },
                { 8ull << 32 | 1, 5, 100, 8, -9, GUARD_STALE },
                { 8ull << 32 | 1, 5, 100, 7, -8, GUARD_STALE },
        };
        struct guard_file f = file(5);

        assert_int_equal(found(&f), GUARD_STALE);
        assert_int_equal(guard_put(table, &f, GUARD_ALLOW, 0), 0);
        assert_int_equal(found(&f), GUARD_ALLOW);
        assert_int_equal(guard_put(table, &f, GUARD_REFUSE, 0), 0); /* the same slot */
        assert_int_equal(table->files, 1);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct guard_file x = { cases[i].dev, cases[i].ino, cases[i].size, cases[i].mtime,
                                        cases[i].ctime };

                assert_int_equal(found(&x), cases[i].want);
        }
        guard_clear(table);
        assert_int_equal(found(&f), GUARD_STALE);
        assert_int_equal(table->files, 0);
        (void)state;
}

/* What holds at one path says so; the next one who puts it somewhere else has the slot. */
static void test_places(void **state)
{
        static const struct {
                const char *a, *b;
        } others[] = {
                { "/", "" },
                { "/a", "/b" },
                { "/a/b", "/ab" },
                { "/opt/bin/x", "/opt/bin/x " },
        };
        struct guard_file f = file(7);
        uint64_t place;

        for (size_t i = 0; i < ARRAY_LEN(others); i++) {
                uint64_t a = guard_place(table, span_str(others[i].a));
                uint64_t b = guard_place(table, span_str(others[i].b));

                assert_true(a != 0 && b != 0 && a != b);
                assert_int_equal(guard_put(table, &f, GUARD_ALLOW, a), 0);
                assert_int_equal(guard_find(table, &f, &place), GUARD_ALLOW);
                assert_true(place == a);
                assert_int_equal(guard_put(table, &f, GUARD_ALLOW, b), 0);
                assert_int_equal(guard_find(table, &f, &place), GUARD_ALLOW);
                assert_true(place == b);
        }
        assert_int_equal(guard_put(table, &f, GUARD_REFUSE, 0), 0);
        assert_int_equal(found(&f), GUARD_REFUSE);
        guard_clear(table);
        (void)state;
}

/* As many as there is room for, and not one more; all are found, and after clearing none. */
static void test_full(void **state)
{
        size_t put = 0;

        for (uint64_t i = 1; i <= GUARD_SLOTS; i++) {
                struct guard_file f = file(i * 977);

                put += guard_put(table, &f, i % 2 ? GUARD_ALLOW : GUARD_REFUSE, 0) == 0;
        }
        assert_true(put <= GUARD_FILES_MAX && put > GUARD_FILES_MAX - 100);
        assert_int_equal(table->files, put);
        for (uint64_t i = 1; i <= GUARD_FILES_MAX / 2; i++) {
                struct guard_file f = file(i * 977);

                assert_int_equal(found(&f), i % 2 ? GUARD_ALLOW : GUARD_REFUSE);
        }
        guard_clear(table);
        (void)state;
}

/* ---- one writes, one reads ---- */

enum { ROUNDS = 300000 };

/* Whoever sees size n sees the verdict that belongs to it, or nothing. */
static enum guard_verdict verdict_of(uint64_t size)
{
        return size % 2 ? GUARD_ALLOW : GUARD_REFUSE;
}

static void *write_all(void *ctx)
{
        struct guard_file f = file(1);
        size_t *failed = ctx;

        for (uint64_t n = 0; n < ROUNDS; n++) {
                f.size = n % 16;
                f.mtime_ns = f.ctime_ns = (int64_t)f.size;
                *failed += guard_put(table, &f, verdict_of(f.size), 0) != 0;
        }
        return NULL;
}

static void test_reader(void **state)
{
        struct guard_file f = file(1);
        size_t failed = 0, wrong = 0;
        pthread_t writer;

        assert_int_equal(pthread_create(&writer, NULL, write_all, &failed), 0);
        for (uint64_t n = 0; n < ROUNDS; n++) {
                enum guard_verdict v;

                f.size = n % 16;
                f.mtime_ns = f.ctime_ns = (int64_t)f.size;
                v = found(&f);
                wrong += v != GUARD_STALE && v != verdict_of(f.size);
        }
        pthread_join(writer, NULL);
        assert_int_equal(failed, 0);
        assert_int_equal(wrong, 0);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_same_file),
                cmocka_unit_test(test_places),
                cmocka_unit_test(test_full),
                cmocka_unit_test(test_reader),
        };

        return cmocka_run_group_tests(tests, make, unmake);
}
