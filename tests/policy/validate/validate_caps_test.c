/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/validate/validate_caps.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../../alloc_fail.h"
#include "policy/validate/validate_same.h"

enum { STEPS = 1000000 };

/* ---- expressions ---- */

static const struct cedar_expr principal = { .op = OP_VAR, .var = VAR_PRINCIPAL };
static const struct cedar_expr again = { .op = OP_VAR, .var = VAR_PRINCIPAL, .pos = { 9, 1, 10 } };
static const struct cedar_expr resource = { .op = OP_VAR, .var = VAR_RESOURCE };
static const struct cedar_expr one = { .op = OP_LONG, .number = 1 };
static const struct cedar_expr two = { .op = OP_LONG, .number = 2 };
static const struct cedar_expr text = { .op = OP_STRING, .text = SPAN_INIT("x") };
static const struct cedar_expr yes = { .op = OP_BOOL, .boolean = true };
static const struct cedar_expr no = { .op = OP_BOOL, .boolean = false };

#define GET(of, name)                                                                              \
        {                                                                                          \
                .op = OP_GET, .a = (of), .text = SPAN_INIT(name)                                   \
        }
static const struct cedar_expr p_x = GET(&principal, "x"), p_x2 = GET(&again, "x");
static const struct cedar_expr p_y = GET(&principal, "y"), r_x = GET(&resource, "x");
static const struct cedar_expr p_x_y = GET(&p_x, "y"), p_x2_y = GET(&p_x2, "y");

static const struct cedar_expr *const one_two[] = { &one, &two }, *const two_one[] = { &two, &one };
static const struct span a_b[] = { SPAN_INIT("a"), SPAN_INIT("b") };
static const struct span b_a[] = { SPAN_INIT("b"), SPAN_INIT("a") };
static const struct span ab_[] = { SPAN_INIT("ab"), SPAN_INIT("") };

static const struct cedar_expr set12 = { .op = OP_SET, .items = one_two, .n = 2 };
static const struct cedar_expr set21 = { .op = OP_SET, .items = two_one, .n = 2 };
static const struct cedar_expr set1 = { .op = OP_SET, .items = one_two, .n = 1 };
static const struct cedar_expr rec = { .op = OP_RECORD, .keys = a_b, .items = one_two, .n = 2 };
static const struct cedar_expr turned = { .op = OP_RECORD, .keys = b_a, .items = two_one, .n = 2 };
static const struct cedar_expr other = { .op = OP_RECORD, .keys = b_a, .items = one_two, .n = 2 };
static const struct cedar_expr has_ab = { .op = OP_HAS, .a = &principal, .path = a_b, .n = 2 };
static const struct cedar_expr has_ab_ = { .op = OP_HAS, .a = &principal, .path = ab_, .n = 2 };
static const struct cedar_expr like_ab = { .op = OP_LIKE, .a = &text, .pattern = { a_b, 2 } };
static const struct cedar_expr like_ba = { .op = OP_LIKE, .a = &text, .pattern = { b_a, 2 } };
static const struct cedar_expr ip_fn = { .op = OP_FN, .fn = FN_IP, .items = one_two, .n = 1 };
static const struct cedar_expr decimal_fn = {
        .op = OP_FN, .fn = FN_DECIMAL, .items = one_two, .n = 1
};
static const struct cedar_expr add = { .op = OP_ADD, .a = &one, .b = &two };
static const struct cedar_expr sub = { .op = OP_SUB, .a = &one, .b = &two };
static const struct cedar_expr neg = { .op = OP_NEG, .a = &one };
static const struct cedar_expr pick = { .op = OP_IF, .a = &yes, .b = &one, .c = &two };
static const struct cedar_expr kcip = { .op = OP_IF, .a = &yes, .b = &two, .c = &one };

static const struct {
        const struct cedar_expr *a, *b;
        bool want;
} pairs[] = {
        { &principal, &principal, true },
        { &principal, &again, true },
        { &principal, &resource, false },
        { &one, &one, true },
        { &one, &two, false },
        { &one, &text, false },
        { &yes, &no, false },
        { &p_x, &p_x2, true },
        { &p_x, &p_y, false },
        { &p_x, &r_x, false },
        { &p_x_y, &p_x2_y, true },
        { &p_x_y, &p_x, false },
        { &set12, &set21, false },
        { &set12, &set1, false },
        { &rec, &turned, true },
        { &rec, &other, false },
        { &rec, &set12, false },
        { &has_ab, &has_ab_, false },
        { &like_ab, &like_ba, false },
        { &ip_fn, &decimal_fn, false },
        { &add, &sub, false },
        { &neg, &one, false },
        { &pick, &kcip, false },
        { &pick, &pick, true },
};

static uint64_t cost; /* of the last question */

static bool same(const struct cedar_expr *a, const struct cedar_expr *b)
{
        uint64_t left = STEPS;
        bool found = cedar_expr_same(a, b, &left);

        cost = STEPS - left;
        return found;
}

static uint64_t hash(const struct cedar_expr *e)
{
        uint64_t left = STEPS, h = cedar_expr_hash(e, &left);

        cost = STEPS - left;
        return h;
}

static void compares_what_is_written(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
                assert_int_equal(same(pairs[i].a, pairs[i].b), pairs[i].want);
                assert_int_equal(same(pairs[i].b, pairs[i].a), pairs[i].want);
                assert_int_equal(hash(pairs[i].a) == hash(pairs[i].b), pairs[i].want);
        }
        (void)state;
}

/* ---- numbers ---- */

static void numbers_the_same_alike(void **state)
{
        static const struct cap caps[] = {
                { &principal, SPAN_INIT("x"), NULL }, { &again, SPAN_INIT("x"), NULL },
                { &principal, SPAN_INIT("y"), NULL }, { &resource, SPAN_INIT("x"), NULL },
                { &principal, SPAN_INIT(""), &text }, { &again, SPAN_INIT(""), &text },
                { &p_x, SPAN_INIT("y"), NULL },       { &p_x2, SPAN_INIT("y"), NULL },
                { &principal, SPAN_INIT(""), &p_x },  { &principal, SPAN_INIT(""), NULL },
        };
        static const uint32_t want[] = { 0, 0, 1, 2, 3, 3, 4, 4, 5, 6 };
        struct cap_table t = CAP_TABLE_INIT;

        for (int round = 0; round < 2; round++) {
                for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
                        uint64_t left = STEPS;
                        uint32_t number = 99;

                        assert_int_equal(cap_number(&t, &caps[i], &left, &number), 0);
                        assert_int_equal(number, want[i]);
                }
                cap_table_clear(&t);
        }
        cap_table_done(&t);
        (void)state;
}

static void numbers_many(void **state)
{
        enum { MANY = 5000 };
        static struct cedar_expr number[MANY];
        struct cap_table t = CAP_TABLE_INIT;

        for (int round = 0; round < 2; round++)
                for (uint32_t i = 0; i < MANY; i++) {
                        const struct cap cap = { .of = &number[i], .attr = SPAN("x") };
                        uint64_t left = STEPS;
                        uint32_t got;

                        number[i] = (struct cedar_expr){ .op = OP_LONG, .number = i };
                        assert_int_equal(cap_number(&t, &cap, &left, &got), 0);
                        assert_int_equal(got, i);
                }
        cap_table_done(&t);
        (void)state;
}

/* ---- steps ---- */

/* {a: 1, b: 2} is three nodes and two keys; of four keys in the other order each is looked for: by
 * three others, by two, by one, by none. */
static void counts_what_it_looks_at(void **state)
{
        static char long_text[1600];
        static const struct span keys[] = { SPAN_INIT("a"), SPAN_INIT("b"), SPAN_INIT("c"),
                                            SPAN_INIT("d") };
        static const struct span back[] = { SPAN_INIT("d"), SPAN_INIT("c"), SPAN_INIT("b"),
                                            SPAN_INIT("a") };
        static const struct cedar_expr *const items[] = { &one, &one, &one, &one };
        const struct cedar_expr a = { .op = OP_RECORD, .keys = keys, .items = items, .n = 4 };
        const struct cedar_expr b = { .op = OP_RECORD, .keys = back, .items = items, .n = 4 };
        const struct cedar_expr s = { .op = OP_STRING, .text = span_of(long_text, 1600) };

        (void)state;
        (void)hash(&one);
        assert_int_equal(cost, 1);
        (void)hash(&rec);
        assert_int_equal(cost, 5);
        (void)hash(&s);
        assert_int_equal(cost, 102);
        assert_true(same(&a, &a));
        assert_int_equal(cost, 1);
        assert_true(same(&a, &b));
        assert_in_range(cost, 5 + 4 + 3 + 2 + 1, 30);
}

/* Sets of a thousand items of which the last ones differ, so that each is looked at to its end; and
 * the same one, so that it is compared. */
static void stops_when_steps_run_out(void **state)
{
        enum { ITEMS = 1000, SETS = 50 };
        static struct cedar_expr number[SETS], set[SETS + 1];
        static const struct cedar_expr *items[SETS + 1][ITEMS];
        struct cap_table t = CAP_TABLE_INIT;
        uint64_t left = (SETS + 1) * (ITEMS + 1) + 500;

        (void)state;
        for (uint32_t i = 0; i <= SETS; i++) {
                const struct cap cap = { .of = &set[i], .attr = SPAN("x") };
                uint32_t got = 99;
                int r;

                for (uint32_t k = 0; k < ITEMS; k++)
                        items[i][k] = &one;
                if (i < SETS) {
                        number[i] = (struct cedar_expr){ .op = OP_LONG, .number = i + 100 };
                        items[i][ITEMS - 1] = &number[i];
                } else {
                        items[i][ITEMS - 1] = &number[0];
                }
                set[i] = (struct cedar_expr){ .op = OP_SET, .items = items[i], .n = ITEMS };
                r = cap_number(&t, &cap, &left, &got);
                assert_int_equal(r, i < SETS ? 0 : -E2BIG);
                assert_int_equal(got, i < SETS ? i : 99);
        }
        assert_int_equal(left, 0);
        cap_table_done(&t);
}

/* ---- sets ---- */

static const struct {
        struct caps a, b, both, common;
} sets[] = {
        { { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
        { { (uint32_t[]){ 3 }, 1 }, { NULL, 0 }, { (uint32_t[]){ 3 }, 1 }, { NULL, 0 } },
        { { (uint32_t[]){ 1, 3 }, 2 },
          { (uint32_t[]){ 3 }, 1 },
          { (uint32_t[]){ 1, 3 }, 2 },
          { (uint32_t[]){ 3 }, 1 } },
        { { (uint32_t[]){ 1, 4, 9 }, 3 },
          { (uint32_t[]){ 0, 4, 5, 12 }, 4 },
          { (uint32_t[]){ 0, 1, 4, 5, 9, 12 }, 6 },
          { (uint32_t[]){ 4 }, 1 } },
        { { (uint32_t[]){ 1, 2 }, 2 },
          { (uint32_t[]){ 3, 4 }, 2 },
          { (uint32_t[]){ 1, 2, 3, 4 }, 4 },
          { NULL, 0 } },
};

static void assert_caps(struct caps got, struct caps want)
{
        assert_int_equal(got.n, want.n);
        for (uint32_t i = 0; i < got.n; i++)
                assert_int_equal(got.at[i], want.at[i]);
}

static void unites_and_intersects(void **state)
{
        struct arena arena = ARENA_INIT(1 << 20);

        for (size_t i = 0; i < ARRAY_LEN(sets); i++)
                for (int side = 0; side < 2; side++) {
                        struct caps a = side ? sets[i].b : sets[i].a;
                        struct caps b = side ? sets[i].a : sets[i].b, got;

                        assert_int_equal(caps_union(&arena, a, b, &got), 0);
                        assert_caps(got, sets[i].both);
                        for (uint32_t n = 0; n < 14; n++) {
                                bool in = false;

                                for (uint32_t j = 0; j < got.n; j++)
                                        in = in || sets[i].both.at[j] == n;
                                assert_int_equal(caps_have(got, n), in);
                        }
                        assert_int_equal(caps_common(&arena, a, b, &got), 0);
                        assert_caps(got, sets[i].common);
                }
        arena_done(&arena);
        (void)state;
}

static void survives_failing_memory(void **state)
{
        static const struct cap cap = { .of = &principal, .attr = SPAN_INIT("x") };
        struct cap_table t = CAP_TABLE_INIT;
        struct arena arena = ARENA_INIT(1 << 20);
        struct caps got = { 0 };
        uint64_t left = STEPS;
        uint32_t number = 7;

        alloc_fail_nth = 1;
        assert_int_equal(cap_number(&t, &cap, &left, &number), -ENOMEM);
        assert_int_equal(number, 7);
        alloc_fail_nth = 1;
        assert_int_equal(caps_union(&arena, sets[3].a, sets[3].b, &got), -ENOMEM);
        alloc_fail_nth = 1;
        assert_int_equal(caps_common(&arena, sets[3].a, sets[3].b, &got), -ENOMEM);
        alloc_fail_nth = 0;
        assert_int_equal(got.n, 0);
        assert_int_equal(cap_number(&t, &cap, &left, &number), 0);
        assert_int_equal(number, 0);
        cap_table_done(&t);
        arena_done(&arena);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(compares_what_is_written),
                cmocka_unit_test(numbers_the_same_alike),
                cmocka_unit_test(numbers_many),
                cmocka_unit_test(counts_what_it_looks_at),
                cmocka_unit_test(stops_when_steps_run_out),
                cmocka_unit_test(unites_and_intersects),
                cmocka_unit_test(survives_failing_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
