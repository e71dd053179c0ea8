/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/entities/entities.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../alloc_fail.h"

enum { PARENTS_MAX = 4 };

/* All of type T; NULL ends the parents. */
struct row {
        const char *id;
        const char *parents[PARENTS_MAX];
};

static struct cedar_uid uid(const char *id)
{
        return cedar_uid(SPAN("T"), span_str(id));
}

static int add(struct cedar_entities *e, const struct row *row, struct err *err)
{
        struct cedar_uid parents[PARENTS_MAX];
        struct cedar_entity entity = {
                .uid = uid(row->id),
                .attrs = { .kind = CEDAR_RECORD },
                .tags = { .kind = CEDAR_RECORD },
                .parents = parents,
        };

        while (entity.n_parents < PARENTS_MAX && row->parents[entity.n_parents]) {
                parents[entity.n_parents] = uid(row->parents[entity.n_parents]);
                entity.n_parents++;
        }
        return cedar_entities_add(e, &entity, err);
}

static int fill(struct cedar_entities *e, const struct row *rows, size_t n, struct err *err)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < n; i++)
                r = add(e, &rows[i], err);
        return r ? r : cedar_entities_seal(e, err);
}

/*  top
 *  |  \
 *  l   r    gone (not there)
 *  |  / |  /
 *  low  side */
static const struct row diamond[] = {
        { "low", { "l", "r", "l" } }, /* a parent twice is one */
        { "l", { "top" } },           { "r", { "top" } },
        { "top", { NULL } },          { "side", { "gone", "r" } },
};

static void who_descends_from_whom(void **state)
{
        static const struct {
                const char *a, *b;
                bool want;
        } table[] = {
                { "low", "low", true },    { "low", "l", true },      { "low", "r", true },
                { "low", "top", true },    { "low", "side", false },  { "low", "gone", false },
                { "top", "low", false },   { "l", "r", false },       { "side", "top", true },
                { "side", "gone", true },  { "gone", "gone", true },  { "gone", "top", false },
                { "other", "low", false }, { "low", "other", false },
        };
        CLEANUP(cedar_entities_freep) struct cedar_entities *e = NULL;

        (void)state;
        assert_int_equal(cedar_entities_new(&e), 0);
        assert_int_equal(fill(e, diamond, ARRAY_LEN(diamond), NULL), 0);
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct cedar_uid a = uid(table[i].a), b = uid(table[i].b);

                if (cedar_entities_in(e, &a, &b) != table[i].want)
                        fail_msg("%s in %s", table[i].a, table[i].b);
        }
        assert_int_equal(cedar_entities_at(e, 0)->n_parents, 2);
        assert_int_equal(cedar_entities_at(e, 0)->n_ancestors, 3);
}

static void none_descends_from_itself(void **state)
{
        static const struct {
                const char *name;
                struct row rows[4];
                size_t n;
                const char *names; /* one of the circle is named */
        } table[] = {
                { "its own parent", { { "a", { "a" } } }, 1, "T::\"a\"" },
                { "two", { { "a", { "b" } }, { "b", { "a" } } }, 2, "T::\"b\"" },
                { "three behind one",
                  { { "x", { "a" } }, { "a", { "b" } }, { "b", { "c" } }, { "c", { "a" } } },
                  4,
                  "T::\"c\"" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                CLEANUP(cedar_entities_freep) struct cedar_entities *e = NULL;
                struct err err = { 0 };

                assert_int_equal(cedar_entities_new(&e), 0);
                assert_int_equal(fill(e, table[i].rows, table[i].n, &err), -ELOOP);
                if (!strstr(err.text, table[i].names))
                        fail_msg("%s: %s", table[i].name, err.text);
        }
}

static void an_entity_may_come_again_unchanged(void **state)
{
        static const struct {
                struct row row; /* with a name, or else top with these: */
                bool attrs, tags;
                int want;
        } again[] = {
                { { "low", { "r", "l" } }, .want = 0 },
                { { "low", { "r" } }, .want = -EEXIST },
                { { "low", { "r", "top" } }, .want = -EEXIST },
                { { NULL, { NULL } }, .want = 0 },
                { { NULL, { NULL } }, .attrs = true, .want = -EEXIST },
                { { NULL, { NULL } }, .tags = true, .want = -EEXIST },
        };
        struct cedar_field field = { SPAN("k"), cedar_bool(true) };
        struct cedar_value none = { .kind = CEDAR_RECORD }, some;

        (void)state;
        assert_true(cedar_record_of(&field, 1, &some));
        for (size_t i = 0; i < ARRAY_LEN(again); i++) {
                CLEANUP(cedar_entities_freep) struct cedar_entities *e = NULL;
                struct cedar_entity other = { .uid = uid("top"),
                                              .attrs = again[i].attrs ? some : none,
                                              .tags = again[i].tags ? some : none };
                struct err err = { 0 };

                assert_int_equal(cedar_entities_new(&e), 0);
                assert_int_equal(add(e, &diamond[0], NULL), 0);
                if (again[i].row.id)
                        assert_int_equal(add(e, &again[i].row, NULL), 0);
                else
                        assert_int_equal(cedar_entities_add(e, &other, NULL), 0);
                for (size_t k = 1; k < ARRAY_LEN(diamond); k++)
                        assert_int_equal(add(e, &diamond[k], NULL), 0);
                assert_int_equal(cedar_entities_seal(e, &err), again[i].want);
                if (again[i].want)
                        assert_non_null(strstr(err.text, again[i].row.id
                                                                 ? "T::\"low\" is there twice"
                                                                 : "T::\"top\" is there twice"));
                else
                        assert_int_equal(cedar_entities_count(e), ARRAY_LEN(diamond));
        }
}

/* Names that hash alike, as somebody who may choose them would find: they are told apart. */
static void names_that_hash_alike(void **state)
{
        enum { MANY = 20000 };
        static char names[MANY][12];
        CLEANUP(cedar_entities_freep) struct cedar_entities *e = NULL;
        struct cedar_entity entity = { .attrs = { .kind = CEDAR_RECORD },
                                       .tags = { .kind = CEDAR_RECORD } };

        (void)state;
        assert_int_equal(cedar_entities_new(&e), 0);
        for (int i = 0; i < MANY; i++) {
                snprintf(names[i], sizeof names[i], "%d", i);
                entity.uid = (struct cedar_uid){ SPAN("T"), span_str(names[i]), 7 };
                assert_int_equal(cedar_entities_add(e, &entity, NULL), 0);
        }
        assert_int_equal(cedar_entities_seal(e, NULL), 0);
        for (int i = 0; i < MANY; i++) {
                struct cedar_uid name = { SPAN("T"), span_str(names[i]), 7 };

                assert_ptr_equal(cedar_entities_find(e, &name), cedar_entities_at(e, (uint32_t)i));
        }
}

/* A chain that recursion would not survive, and enough entities to make the table grow. */
static void long_chains_and_many_entities(void **state)
{
        enum { CHAIN = 3000, MANY = 50000 };
        static char names[MANY][12];
        CLEANUP(cedar_entities_freep) struct cedar_entities *e = NULL;
        struct cedar_uid last = uid("0"), first, none = uid("none");

        (void)state;
        assert_int_equal(cedar_entities_new(&e), 0);
        for (int i = 0; i < MANY; i++)
                snprintf(names[i], sizeof names[i], "%d", i);
        for (int i = MANY - 1; i >= 0; i--) {
                struct row row = { names[i], { i > 0 && i < CHAIN ? names[i - 1] : NULL } };

                assert_int_equal(add(e, &row, NULL), 0);
        }
        assert_int_equal(cedar_entities_seal(e, NULL), 0);
        assert_int_equal(cedar_entities_count(e), MANY);
        for (int i = 0; i < MANY; i++) {
                first = uid(names[i]);
                assert_non_null(cedar_entities_find(e, &first));
                assert_int_equal(cedar_entities_in(e, &first, &last), i < CHAIN);
        }
        assert_null(cedar_entities_find(e, &none));
}

/* Each of a chain descends from all before it: too many pairs are refused, not counted for ever. */
static void too_many_descents_are_refused(void **state)
{
        enum { CHAIN = 6000 };
        static char names[CHAIN][12];
        CLEANUP(cedar_entities_freep) struct cedar_entities *e = NULL;
        struct err err = { 0 };

        (void)state;
        STATIC_ASSERT(CHAIN / 2 * (CHAIN - 1) > CEDAR_DESCENTS_MAX, "long enough");
        assert_int_equal(cedar_entities_new(&e), 0);
        for (int i = 0; i < CHAIN; i++) {
                snprintf(names[i], sizeof names[i], "%d", i);
                assert_int_equal(
                        add(e, &(struct row){ names[i], { i ? names[i - 1] : NULL } }, NULL), 0);
        }
        assert_int_equal(cedar_entities_seal(e, &err), -E2BIG);
        assert_non_null(strstr(err.text, "too many"));
}

static void memory_may_end_anywhere(void **state)
{
        static char names[40][4];
        int r = -ENOMEM;

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                snprintf(names[i], sizeof names[i], "n%zu", i);
        for (size_t nth = 1; r; nth++) {
                struct cedar_entities *e = NULL;

                alloc_fail_nth = nth;
                r = cedar_entities_new(&e);
                for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++)
                        r = add(e, &(struct row){ names[i], { i ? names[(i - 1) / 2] : "top" } },
                                NULL);
                if (r == 0)
                        r = cedar_entities_seal(e, NULL);
                alloc_fail_nth = 0;
                assert_true(r == 0 ? nth > 8 : r == -ENOMEM);
                cedar_entities_free(e);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(who_descends_from_whom),
                cmocka_unit_test(none_descends_from_itself),
                cmocka_unit_test(an_entity_may_come_again_unchanged),
                cmocka_unit_test(names_that_hash_alike),
                cmocka_unit_test(long_chains_and_many_entities),
                cmocka_unit_test(too_many_descents_are_refused),
                cmocka_unit_test(memory_may_end_anywhere),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
