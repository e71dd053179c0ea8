/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/validate/validate_type.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../../alloc_fail.h"

static const struct cedar_type a_long = { .kind = CEDAR_LONG }, b_long = { .kind = CEDAR_LONG };
static const struct cedar_type a_bool = { .kind = CEDAR_BOOL }, an_ip = { .kind = CEDAR_IP };
static const struct cedar_type a_user = { .kind = CEDAR_ENTITY, .entity = SPAN_INIT("User") };
static const struct cedar_type b_user = { .kind = CEDAR_ENTITY, .entity = SPAN_INIT("User") };
static const struct cedar_type a_doc = { .kind = CEDAR_ENTITY, .entity = SPAN_INIT("Doc") };
static const struct cedar_type longs = { .kind = CEDAR_SET, .item = &a_long };
static const struct cedar_type other_longs = { .kind = CEDAR_SET, .item = &b_long };
static const struct cedar_type trues = { .kind = CEDAR_SET, .item = &cedar_type_true };
static const struct cedar_type falses = { .kind = CEDAR_SET, .item = &cedar_type_false };
static const struct cedar_type users = { .kind = CEDAR_SET, .item = &a_user };

#define RECORD(name, ...)                                                                          \
        static const struct cedar_attr name##_attrs[] = { __VA_ARGS__ };                           \
        static const struct cedar_type name = { .kind = CEDAR_RECORD,                              \
                                                .attrs = name##_attrs,                             \
                                                .n = ARRAY_LEN(name##_attrs) }

RECORD(point, { SPAN_INIT("x"), &a_long, true }, { SPAN_INIT("y"), &a_long, true });
RECORD(same_point, { SPAN_INIT("x"), &b_long, true }, { SPAN_INIT("y"), &b_long, true });
RECORD(half_point, { SPAN_INIT("x"), &a_long, true }, { SPAN_INIT("y"), &a_long, false });
RECORD(line, { SPAN_INIT("x"), &a_long, true });
RECORD(other_names, { SPAN_INIT("x"), &a_long, true }, { SPAN_INIT("z"), &a_long, true });
RECORD(flag_true, { SPAN_INIT("x"), &a_long, true }, { SPAN_INIT("y"), &cedar_type_true, true });
RECORD(flag_false, { SPAN_INIT("x"), &a_long, true }, { SPAN_INIT("y"), &cedar_type_false, true });

static const struct {
        const struct cedar_type *a, *b;
        const struct cedar_type *want; /* NULL: no common type */
} joins[] = {
        { &a_long, &b_long, &a_long },
        { &a_long, &an_ip, NULL },
        { &cedar_type_true, &cedar_type_true, &cedar_type_true },
        { &a_user, &b_user, &a_user },
        { &a_user, &a_doc, NULL },
        { &longs, &other_longs, &longs },
        { &longs, &trues, NULL },
        { &longs, &users, NULL },
        { &users, &a_user, NULL },
        { &point, &same_point, &point },
        { &point, &half_point, NULL },
        { &point, &line, NULL },
        { &point, &other_names, NULL },
        { &point, &flag_true, NULL },
};

static bool alike(const struct cedar_type *a, const struct cedar_type *b)
{
        return a == b ||
               (a->kind == b->kind && a->kind != CEDAR_BOOL && span_eq(a->entity, b->entity));
}

static void joins_what_is_the_same(void **state)
{
        struct arena arena = ARENA_INIT(1 << 20);
        struct type_work w = { &arena, 1000 };

        for (size_t i = 0; i < ARRAY_LEN(joins); i++)
                for (int turned = 0; turned < 2; turned++) {
                        const struct cedar_type *a = turned ? joins[i].b : joins[i].a;
                        const struct cedar_type *b = turned ? joins[i].a : joins[i].b;
                        const struct cedar_type *both = NULL;
                        int r = cedar_type_join(&w, a, b, &both);

                        assert_int_equal(r, joins[i].want ? 0 : -EINVAL);
                        if (joins[i].want)
                                assert_true(alike(both, joins[i].want));
                        else
                                assert_null(both);
                }
        arena_done(&arena);
        (void)state;
}

/* What is known of two Bools is forgotten where they differ, in the depth of a type too. */
static void forgets_what_is_known_of_bools(void **state)
{
        static const struct cedar_type *const pairs[][2] = {
                { &cedar_type_true, &cedar_type_false },
                { &cedar_type_true, &a_bool },
                { &a_bool, &cedar_type_false },
        };
        struct arena arena = ARENA_INIT(1 << 20);
        struct type_work w = { &arena, 1000 };
        const struct cedar_type *both;

        for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
                assert_int_equal(cedar_type_join(&w, pairs[i][0], pairs[i][1], &both), 0);
                assert_int_equal(both->kind, CEDAR_BOOL);
                assert_ptr_not_equal(both, &cedar_type_true);
                assert_ptr_not_equal(both, &cedar_type_false);
        }
        assert_int_equal(cedar_type_join(&w, &trues, &falses, &both), 0);
        assert_int_equal(both->kind, CEDAR_SET);
        assert_ptr_equal(both->item, cedar_type_basic(CEDAR_BOOL));
        assert_int_equal(cedar_type_join(&w, &flag_true, &flag_false, &both), 0);
        assert_int_equal(both->n, 2);
        assert_ptr_equal(cedar_type_attr(both, SPAN("y"))->type, cedar_type_basic(CEDAR_BOOL));
        assert_int_equal(cedar_type_attr(both, SPAN("x"))->type->kind, CEDAR_LONG);
        assert_int_equal(cedar_type_join(&w, &trues, &trues, &both), 0);
        assert_ptr_equal(both->item, &cedar_type_true);
        arena_done(&arena);
        (void)state;
}

static void finds_attributes(void **state)
{
        assert_ptr_equal(cedar_type_attr(&point, SPAN("x")), &point_attrs[0]);
        assert_ptr_equal(cedar_type_attr(&point, SPAN("y")), &point_attrs[1]);
        assert_null(cedar_type_attr(&point, SPAN("")));
        assert_null(cedar_type_attr(&point, SPAN("xx")));
        assert_null(cedar_type_attr(&point, SPAN("z")));
        (void)state;
}

static void knows_action_types(void **state)
{
        static const struct {
                const char *name;
                bool want;
        } names[] = { { "Action", true },    { "A::Action", true },    { "A::B::Action", true },
                      { "MyAction", false }, { "Action::A", false },   { "", false },
                      { "action", false },   { "A::MyAction", false }, { "::Action", false } };

        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                assert_int_equal(cedar_type_is_action(span_str(names[i].name)), names[i].want);
        (void)state;
}

/* A hostile schema writes little and means much: types share their parts. */
static void stops_when_steps_run_out(void **state)
{
        enum { LEVELS = 60 };
        static struct cedar_attr attrs[2][LEVELS][2];
        static struct cedar_type level[2][LEVELS];
        struct arena arena = ARENA_INIT(64 << 20);
        struct type_work w = { &arena, 100000 };
        const struct cedar_type *both;

        for (int side = 0; side < 2; side++)
                for (int i = 0; i < LEVELS; i++) {
                        const struct cedar_type *below = i ? &level[side][i - 1] : &a_long;

                        attrs[side][i][0] = (struct cedar_attr){ SPAN("a"), below, true };
                        attrs[side][i][1] = (struct cedar_attr){ SPAN("b"), below, true };
                        level[side][i] = (struct cedar_type){ .kind = CEDAR_RECORD,
                                                              .attrs = attrs[side][i],
                                                              .n = 2 };
                }
        assert_int_equal(cedar_type_join(&w, &level[0][LEVELS - 1], &level[1][LEVELS - 1], &both),
                         -E2BIG);
        w.steps = 1;
        assert_int_equal(cedar_type_join(&w, &level[0][LEVELS - 1], &level[0][LEVELS - 1], &both),
                         0);
        arena_done(&arena);
        (void)state;
}

static void survives_failing_memory(void **state)
{
        int r = -ENOMEM;

        for (size_t nth = 1; r < 0; nth++) {
                struct arena arena = ARENA_INIT(1 << 20);
                struct type_work w = { &arena, 1000 };
                const struct cedar_type *both = NULL;

                alloc_fail_nth = nth;
                r = cedar_type_join(&w, &flag_true, &flag_false, &both);
                alloc_fail_nth = 0;
                assert_true(r == 0 || r == -ENOMEM);
                assert_true((r == 0) == (both != NULL));
                arena_done(&arena);
        }
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(joins_what_is_the_same),
                cmocka_unit_test(forgets_what_is_known_of_bools),
                cmocka_unit_test(finds_attributes),
                cmocka_unit_test(knows_action_types),
                cmocka_unit_test(stops_when_steps_run_out),
                cmocka_unit_test(survives_failing_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
