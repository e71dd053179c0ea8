/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watching/dirty.h"

#include "integrity/who/who.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

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
        dirty_place_free(d, p);
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

/* The first event counts, whether the place is ready or waits. */
static void test_since(void **state)
{
        struct dirty *d;

        assert_int_equal(dirty_new(&d, NULL), 0);
        assert_false(dirty_since(d, INT64_MAX));
        assert_int_equal(dirty_what(d, &dir, SPAN("a")), 0);
        assert_null(dirty_authors(d, &dir, SPAN("a")));
        assert_int_equal(add(d, "a", DIRTY_CREATED, NULL, 10, 10), 0);
        assert_null(dirty_authors(d, &dir, SPAN("a"))[0]);
        assert_int_equal(add(d, "a", DIRTY_WRITTEN, NULL, 20, 20), 0);
        assert_int_equal(add(d, "b", DIRTY_WRITING, NULL, 15, 1000), 0);
        assert_true(dirty_what(d, &dir, SPAN("a")) & DIRTY_CREATED);
        assert_false(dirty_since(d, 9));
        assert_true(dirty_since(d, 10));
        dirty_place_free(d, dirty_take(d, 20));
        assert_false(dirty_since(d, 14));
        assert_true(dirty_since(d, 15));
        assert_int_equal(dirty_what(d, &dir, SPAN("a")), 0);
        dirty_place_free(d, dirty_take(d, 1000));
        assert_false(dirty_since(d, INT64_MAX));
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

static void check_authors(const struct dirty_place *p, const char *pids)
{
        char text[64] = "";
        size_t n = 0;

        for (size_t i = 0; i < DIRTY_AUTHORS && p->by[i]; i++)
                n += (size_t)snprintf(text + n, sizeof text - n, "%s%d", n ? " " : "",
                                      p->by[i]->pid);
        assert_string_equal(text, pids);
}

/* Nobody hides behind who comes after him: the latest first, each process once. */
static void test_authors(void **state)
{
        static const struct {
                int order[8]; /* ended by 0 */
                const char *want;
        } cases[] = {
                { { 1 }, "1" },
                { { 1, 2 }, "2 1" },
                { { 1, 2, 1 }, "1 2" },
                { { 1, 2, 3, 4 }, "4 3 2 1" },
                { { 1, 2, 3, 4, 5 }, "5 4 3 2" },
                { { 1, 2, 3, 4, 1 }, "1 4 3 2" },
        };
        struct who *who[6];
        struct dirty *d;

        assert_int_equal(dirty_new(&d, NULL), 0);
        for (int i = 1; i < 6; i++)
                who[i] = who_new(i);
        for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
                struct dirty_place *p;

                for (const int *i = cases[k].order; *i; i++) {
                        assert_int_equal(add(d, "a", DIRTY_STATE, who[*i], 0, 0), 0);
                        assert_int_equal(add(d, "a", DIRTY_STATE, NULL, 0, 0), 0);
                }
                p = dirty_take(d, 0);
                check_authors(p, cases[k].want);
                dirty_place_free(d, p);
        }
        for (int i = 1; i < 6; i++) {
                assert_int_equal(who[i]->refs, 1);
                who_unref(who[i]);
        }
        dirty_free(d);
        (void)state;
}

/* Add n notices, each one's author a number: 10 and above are threads of the kernel, and a negative
 * number says that it only closed the file. */
static void add_all(struct dirty *d, struct who *const *who, const int *order)
{
        for (; *order; order++) {
                unsigned what = DIRTY_CONTENT | (*order < 0 ? DIRTY_ENDED : DIRTY_WRITTEN);

                assert_int_equal(add(d, "a", what, who[abs(*order)], 0, 0), 0);
        }
}

/* What a process leaves open the kernel closes, and is its author only where nobody else is. */
static void test_closed_by_the_kernel(void **state)
{
        static const struct {
                int earlier[8]; /* of a place that was taken, ended by 0 */
                int order[8];   /* what comes after that */
                const char *want;
        } cases[] = {
                { { 0 }, { -10 }, "10" },
                { { 0 }, { 10, -11 }, "10 11" },
                { { 0 }, { 1, -10 }, "1 10" },
                { { 0 }, { 1, -10, -10, -11 }, "1 10 11" },
                { { 0 }, { -10, 1 }, "1 10" },
                { { 0 }, { -10, 1, -10 }, "1 10" },
                { { 0 }, { 1, 2, -10 }, "2 1 10" },
                { { 0 }, { 1, -2 }, "2 1" },       /* it may have been mapped until then */
                { { 0 }, { 1, 10, -10 }, "10 1" }, /* a server of the kernel's: it wrote */
                { { 0 }, { 1, 10, 2, -10 }, "2 10 1" },
                { { 0 }, { 1, 2, 3, 4, -10 }, "4 3 2 1" },
                { { 1 }, { -10 }, "1 10" },
                { { 1 }, { -10, -11 }, "1 10 11" },
                { { 1 }, { 10 }, "10 1" },
                { { 1 }, { 10, -11 }, "10 11 1" },
                { { 1 }, { -10, 2 }, "2 10 1" },
                { { 1, 2, 3, 4 }, { -10 }, "4 3 2 1" },
                { { 10 }, { -11 }, "10 11" },
                { { -10 }, { -10 }, "10" },
        };
        struct who *who[12] = { NULL };
        struct dirty *d;

        assert_int_equal(dirty_new(&d, NULL), 0);
        for (int i = 1; i < 12; i++) {
                who[i] = who_new(i);
                who[i]->has = i < 10 ? 0 : WHO_IS_KERNEL;
        }
        for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
                struct dirty_place *p, *taken;

                add_all(d, who, cases[k].earlier);
                taken = dirty_take(d, 0);
                add_all(d, who, cases[k].order);
                if (taken)
                        dirty_put_back(d, taken, 0, 0);
                p = dirty_take(d, 0);
                check_authors(p, cases[k].want);
                dirty_place_free(d, p);
        }
        for (int i = 1; i < 12; i++) {
                assert_int_equal(who[i]->refs, 1);
                who_unref(who[i]);
        }
        dirty_free(d);
        (void)state;
}

/* A process as another user is another author, and what it may have been at its first act is not
 * made sure by its last. */
static void test_one_process_of_two_users(void **state)
{
        static const struct {
                const char *name;
                uint32_t uid, euid, uid_then, euid_then;
                unsigned has;
                uint8_t earlier;
                bool two, first_stays;
        } cases[] = {
                { "as before", 7, 7, 7, 7, 0, 0, false, false },
                { "another user", 0, 0, 7, 7, 0, 0, true, false },
                { "with other rights", 7, 0, 7, 7, 0, 0, true, false },
                { "another one before the first act", 7, 7, 7, 7, 0, 1, false, true },
                { "perhaps another one before it", 7, 7, 7, 7, WHO_USER_AFTER, 0, false, true },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct who *first = who_new(7), *then = who_new(7);
                struct dirty_place *p;
                struct dirty *d;

                print_message("%s\n", cases[i].name);
                first->has = WHO_HAS_UID | cases[i].has;
                first->uid = cases[i].uid;
                first->euid = cases[i].euid;
                first->n_earlier = cases[i].earlier;
                then->has = WHO_HAS_UID;
                then->uid = cases[i].uid_then;
                then->euid = cases[i].euid_then;
                assert_int_equal(dirty_new(&d, NULL), 0);
                assert_int_equal(add(d, "a", DIRTY_STATE, first, 0, 0), 0);
                assert_int_equal(add(d, "a", DIRTY_STATE, then, 0, 0), 0);
                p = dirty_take(d, 0);
                assert_ptr_equal(p->by[0], cases[i].first_stays ? first : then);
                assert_ptr_equal(p->by[1], cases[i].two ? first : NULL);
                dirty_place_free(d, p);
                dirty_free(d);
                who_unref(first);
                who_unref(then);
        }
        (void)state;
}

/* The kernel tells one process by many objects. */
static void test_one_process_is_one_author(void **state)
{
        struct who *first = who_new(7), *again = who_new(7), *other = who_new(7);
        struct dirty_place *p;
        struct dirty *d;

        first->start = again->start = 5;
        other->start = 6; /* the number was given away since */
        assert_int_equal(dirty_new(&d, NULL), 0);
        assert_int_equal(add(d, "a", DIRTY_STATE, first, 0, 0), 0);
        assert_int_equal(add(d, "a", DIRTY_STATE, again, 0, 0), 0);
        assert_int_equal(add(d, "a", DIRTY_STATE, other, 0, 0), 0);
        p = dirty_take(d, 0);
        assert_ptr_equal(p->by[0], other);
        assert_ptr_equal(p->by[1], again);
        assert_null(p->by[2]);
        dirty_place_free(d, p);
        assert_int_equal(first->refs, 1);
        who_unref(first);
        who_unref(again);
        who_unref(other);
        dirty_free(d);
        (void)state;
}

/* Who becomes another program does not take back what he did before; a copy of its creator that
 * becomes one is that. */
static void test_one_author_for_each_program(void **state)
{
        static const struct {
                const char *name, *exe, *script;
                unsigned has;
                uint64_t ino;
                bool led, same;
        } cases[] = {
                { "the same", "/usr/sbin/usermod", "", WHO_HAS_EXECUTED, 5, false, true },
                { "the same, its file not known", "/usr/sbin/usermod", "", WHO_HAS_EXECUTED, 0,
                  false, true },
                { "a copy of a shell", "/usr/bin/dash", "", 0, 6, false, true },
                { "a shell", "/usr/bin/dash", "", WHO_HAS_EXECUTED, 6, false, false },
                { "one without a path", "", "", WHO_HAS_EXECUTED, 0, false, false },
                { "another file there", "/usr/sbin/usermod", "", WHO_HAS_EXECUTED, 6, false,
                  false },
                { "made to run other code", "/usr/sbin/usermod", "", WHO_HAS_EXECUTED, 5, true,
                  false },
                { "a script", "/usr/sbin/usermod", "/x.postinst", WHO_HAS_EXECUTED, 5, false,
                  false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct who *before = who_new(7), *owner = who_new(7);
                struct dirty_place *p;
                struct dirty *d;

                print_message("%s\n", cases[i].name);
                assert_int_equal(dirty_new(&d, NULL), 0);
                buf_put_str(&before->exe, cases[i].exe);
                buf_put_str(&before->script, cases[i].script);
                before->has = cases[i].has;
                before->file = (struct who_exe){ .ino = cases[i].ino, .led = cases[i].led };
                buf_put_str(&owner->exe, "/usr/sbin/usermod");
                owner->has = WHO_HAS_EXECUTED;
                owner->file.ino = 5;
                assert_int_equal(add(d, "a", DIRTY_STATE, before, 0, 0), 0);
                assert_int_equal(add(d, "a", DIRTY_STATE, owner, 0, 0), 0);
                p = dirty_take(d, 0);
                assert_ptr_equal(p->by[0], owner);
                assert_ptr_equal(p->by[1], cases[i].same ? NULL : before);
                dirty_place_free(d, p);
                who_unref(before);
                who_unref(owner);
                dirty_free(d);
        }
        (void)state;
}

/* A file that was closed is not waited for, one that is written again is. */
static void test_closing(void **state)
{
        struct dirty *d;

        assert_int_equal(dirty_new(&d, NULL), 0);
        assert_int_equal(add(d, "a", DIRTY_BEGUN, NULL, 0, 0), 0);
        assert_int_equal(add(d, "a", DIRTY_WRITING, NULL, 0, 1000), 0);
        assert_int_equal(add(d, "a", DIRTY_ENDED, NULL, 0, 0), 0);
        check_take(d, 0, "a", DIRTY_ENDED);
        assert_int_equal(add(d, "a", DIRTY_ENDED, NULL, 0, 0), 0);
        assert_int_equal(add(d, "a", DIRTY_WRITING, NULL, 0, 1000), 0);
        check_take(d, 0, "a", DIRTY_ENDED | DIRTY_WRITING);
        dirty_free(d);
        (void)state;
}

/* What waits for a name goes where the file goes. */
static void test_moving(void **state)
{
        static const struct table_handle away = { .fsid = 1, .type = 1, .n = 4, .b = { 8 } };
        struct who *writer = who_new(1), *mover = who_new(2), *reader = who_new(3);
        struct dirty_place *p;
        struct dirty *d;

        assert_int_equal(dirty_new(&d, NULL), 0);
        assert_int_equal(dirty_move(d, &dir, SPAN("a"), &away, SPAN("b"), 0), 0); /* nothing */
        assert_int_equal(dirty_count(d), 0);
        assert_int_equal(add(d, "a", DIRTY_CREATED, writer, 0, 500), 0);
        assert_int_equal(dirty_move(d, &dir, SPAN("a"), &away, SPAN("b"), 0), 0);
        assert_false(dirty_has(d, &dir, SPAN("a")));
        assert_true(dirty_has(d, &away, SPAN("b")));
        assert_int_equal(dirty_due(d, 0), 500);
        assert_int_equal(dirty_add(d, &away, SPAN("b"), DIRTY_CAME, mover, 0, 0, 0), 0);
        p = dirty_take(d, 0);
        assert_int_equal(p->what, DIRTY_CREATED | DIRTY_CAME);
        check_authors(p, "2 1");
        dirty_place_free(d, p);

        /* On to a place that waits: one place, the later authors first. */
        assert_int_equal(add(d, "a", DIRTY_STATE, writer, 0, 0), 0);
        assert_int_equal(add(d, "c", DIRTY_CONTENT, reader, 0, 900), 0);
        assert_int_equal(dirty_move(d, &dir, SPAN("a"), &dir, SPAN("c"), 0), 0);
        assert_int_equal(dirty_count(d), 1);
        p = dirty_take(d, 0);
        assert_string_equal((char *)p->name, "c");
        assert_int_equal(p->what, DIRTY_STATE | DIRTY_CONTENT);
        dirty_place_free(d, p);

        /* To itself. */
        assert_int_equal(add(d, "a", DIRTY_STATE, writer, 0, 0), 0);
        assert_int_equal(dirty_move(d, &dir, SPAN("a"), &dir, SPAN("a"), 0), 0);
        check_take(d, 0, "a", DIRTY_STATE);
        assert_int_equal(writer->refs + mover->refs + reader->refs, 3);
        who_unref(writer);
        who_unref(mover);
        who_unref(reader);
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
                cmocka_unit_test(test_since),
                cmocka_unit_test(test_waiting),
                cmocka_unit_test(test_authors),
                cmocka_unit_test(test_closed_by_the_kernel),
                cmocka_unit_test(test_one_process_is_one_author),
                cmocka_unit_test(test_one_process_of_two_users),
                cmocka_unit_test(test_one_author_for_each_program),
                cmocka_unit_test(test_closing),
                cmocka_unit_test(test_moving),
                cmocka_unit_test(test_put_back),
                cmocka_unit_test(test_ceiling),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
