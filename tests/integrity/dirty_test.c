/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/dirty.h"

#include "integrity/who.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct table_handle dir = { .fsid = 1, .type = 1, .n = 4, .b = { 7 } };

static int add(struct dirty *d, const char *name, unsigned what, struct who *who, int64_t now,
               int64_t due)
{
        return dirty_add(d, &dir, span_str(name), what, who, now, now, due);
}

static void check_take(struct dirty *d, int64_t now, const char *name, unsigned what)
{
        struct dirty_place *p = dirty_take(d, now);

        assert_non_null(p);
        assert_string_equal((char *)p->name, name);
        assert_int_equal(p->what, what);
        dirty_place_free(p);
}

static void test_order_and_merging(void **state)
{
        struct dirty *d;

        assert_int_equal(dirty_new(&d, NULL), 0);
        assert_int_equal(add(d, "a", DIRTY_STATE, NULL, 10, 10), 0);
        assert_int_equal(add(d, "b", DIRTY_STATE, NULL, 10, 10), 0);
        assert_int_equal(add(d, "a", DIRTY_CONTENT, NULL, 11, 11), 0);
        assert_int_equal(dirty_count(d), 2);
        assert_true(dirty_has(d, &dir, SPAN("b")));
        check_take(d, 11, "a", DIRTY_STATE | DIRTY_CONTENT);
        check_take(d, 11, "b", DIRTY_STATE);
        assert_null(dirty_take(d, 11));
        assert_int_equal(dirty_due(d, 11), -1);
        dirty_free(d);
        (void)state;
}

static void test_waiting(void **state)
{
        struct dirty *d;

        assert_int_equal(dirty_new(&d, NULL), 0);
        assert_int_equal(add(d, "slow", DIRTY_WRITING, NULL, 0, 1000), 0);
        assert_int_equal(add(d, "new", DIRTY_CONTENT, NULL, 0, 3), 0);
        assert_null(dirty_take(d, 2));
        assert_int_equal(dirty_due(d, 2), 3);
        check_take(d, 3, "new", DIRTY_CONTENT);
        assert_int_equal(dirty_due(d, 3), 1000);
        /* Its end makes it ready; a later beginning does not put it off. */
        assert_int_equal(add(d, "slow", DIRTY_WRITING, NULL, 4, 1004), 0);
        assert_int_equal(dirty_due(d, 4), 1000);
        assert_int_equal(add(d, "slow", DIRTY_CONTENT, NULL, 5, 5), 0);
        assert_int_equal(dirty_due(d, 5), 5);
        check_take(d, 5, "slow", DIRTY_WRITING | DIRTY_CONTENT);
        dirty_free(d);
        (void)state;
}

static void test_the_last_author_stands(void **state)
{
        struct who *first = who_new(1), *last = who_new(2);
        struct dirty_place *p;
        struct dirty *d;

        assert_int_equal(dirty_new(&d, NULL), 0);
        assert_int_equal(add(d, "a", DIRTY_STATE, first, 0, 0), 0);
        assert_int_equal(add(d, "a", DIRTY_STATE, last, 0, 0), 0);
        assert_int_equal(add(d, "a", DIRTY_STATE, NULL, 0, 0), 0);
        p = dirty_take(d, 0);
        assert_ptr_equal(p->who, last);
        dirty_place_free(p);
        assert_int_equal(first->refs, 1);
        assert_int_equal(last->refs, 1);
        who_unref(first);
        who_unref(last);
        dirty_free(d);
        (void)state;
}

static void test_put_back(void **state)
{
        struct dirty_place *p;
        struct dirty *d;

        assert_int_equal(dirty_new(&d, NULL), 0);
        assert_int_equal(add(d, "a", DIRTY_STATE, NULL, 0, 0), 0);
        p = dirty_take(d, 0);
        p->tries = 3;
        assert_int_equal(add(d, "a", DIRTY_CONTENT, NULL, 1, 1), 0);
        dirty_put_back(d, p, 1, 50); /* it is there anew, and ready: one place */
        assert_int_equal(dirty_count(d), 1);
        p = dirty_take(d, 1);
        assert_int_equal(p->tries, 3);
        dirty_put_back(d, p, 1, 50);
        assert_null(dirty_take(d, 49));
        check_take(d, 50, "a", DIRTY_STATE | DIRTY_CONTENT);
        dirty_free(d);
        (void)state;
}

static void test_ceiling(void **state)
{
        struct dirty *d;
        char name[16];

        assert_int_equal(dirty_new(&d, NULL), 0);
        for (int i = 0; i < DIRTY_MAX; i++) {
                snprintf(name, sizeof name, "%d", i);
                assert_int_equal(add(d, name, DIRTY_STATE, NULL, 0, i % 2), 0);
        }
        assert_true(dirty_full(d));
        assert_int_equal(add(d, "one more", DIRTY_STATE, NULL, 0, 0), -ENOSPC);
        assert_int_equal(add(d, "77", DIRTY_CONTENT, NULL, 0, 0), 0); /* merged: needs no room */
        dirty_free(d);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order_and_merging),
                cmocka_unit_test(test_waiting),
                cmocka_unit_test(test_the_last_author_stands),
                cmocka_unit_test(test_put_back),
                cmocka_unit_test(test_ceiling),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
