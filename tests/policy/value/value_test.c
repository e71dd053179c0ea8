/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/value/value.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "../../alloc_fail.h"

static struct cedar_value n(int64_t v)
{
        return cedar_number(CEDAR_LONG, v);
}

static void sets_are_sets(void **state)
{
        static const struct {
                int64_t a[6], b[6];
                uint32_t n_a, n_b;
                bool equal, a_has_b, any;
        } table[] = {
                { { 1, 2 }, { 2, 1 }, 2, 2, true, true, true },
                { { 1, 2, 2, 1, 1 }, { 2, 1 }, 5, 2, true, true, true },
                { { 1, 2 }, { 1, 3 }, 2, 2, false, false, true },
                { { 1, 2, 3 }, { 3, 1 }, 3, 2, false, true, true },
                { { 1 }, { 1, 2, 3 }, 1, 3, false, false, true },
                { { 1, 2 }, { 3, 4 }, 2, 2, false, false, false },
                { { 0 }, { 0 }, 0, 0, true, true, false },
                { { 1 }, { 0 }, 1, 0, false, true, false },
                { { 5, -1, 9, INT64_MIN, 7, 5 },
                  { 7, 9, -1, 5, INT64_MIN },
                  6,
                  5,
                  true,
                  true,
                  true },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct cedar_value items[2][6], a, b;

                for (size_t j = 0; j < 6; j++) {
                        items[0][j] = n(table[i].a[j]);
                        items[1][j] = n(table[i].b[j]);
                }
                a = cedar_set_of(items[0], table[i].n_a);
                b = cedar_set_of(items[1], table[i].n_b);
                assert_true(cedar_value_ordered(&a) && cedar_value_ordered(&b));
                assert_int_equal(cedar_value_eq(&a, &b), table[i].equal);
                assert_int_equal(cedar_set_has_all(&a, &b), table[i].a_has_b);
                assert_int_equal(cedar_set_has_any(&a, &b), table[i].any);
                assert_int_equal(cedar_set_has_any(&b, &a), table[i].any);
                for (uint32_t j = 0; j < table[i].n_a; j++)
                        assert_true(cedar_set_has(
                                &a, &(struct cedar_value){ .kind = CEDAR_LONG,
                                                           .number = table[i].a[j] }));
                assert_false(cedar_set_has(
                        &a, &(struct cedar_value){ .kind = CEDAR_LONG, .number = 4711 }));
        }
}

/* Of a hundred thousand, half of them twice, in an order that a bad sort takes n^2 for. */
static void large_sets_are_put_in_order(void **state)
{
        enum { N = 100000 };
        static struct cedar_value items[N];
        struct cedar_value set;

        (void)state;
        for (int i = 0; i < N; i++)
                items[i] = n(i < N / 2 ? i : N - i);
        set = cedar_set_of(items, N);
        assert_int_equal(set.n, N / 2 + 1);
        for (uint32_t i = 0; i < set.n; i++)
                assert_int_equal(set.items[i].number, i);
}

/* Comparing element by element both ways would take 2^200 steps. */
static void nesting_does_not_cost_more_than_its_size(void **state)
{
        enum { DEPTH = 200 };
        struct cedar_value a[DEPTH + 1], b[DEPTH + 1], c[DEPTH + 1];

        (void)state;
        a[0] = b[0] = n(1);
        c[0] = n(2);
        for (int i = 0; i < DEPTH; i++) {
                a[i + 1] = cedar_set_of(&a[i], 1);
                b[i + 1] = cedar_set_of(&b[i], 1);
                c[i + 1] = cedar_set_of(&c[i], 1);
        }
        assert_true(cedar_value_eq(&a[DEPTH], &b[DEPTH]));
        assert_false(cedar_value_eq(&a[DEPTH], &c[DEPTH]));
        assert_false(cedar_value_eq(&a[DEPTH], &b[DEPTH - 1]));
}

static void values_of_different_kinds_are_not_equal(void **state)
{
        struct cedar_uid uid = cedar_uid(SPAN("U"), SPAN("1"));
        struct cedar_ip ip = { .prefix = 32 };
        const struct cedar_value values[] = {
                cedar_bool(false),
                n(0),
                cedar_string(SPAN("")),
                cedar_entity_of(&uid),
                cedar_set_of(NULL, 0),
                { .kind = CEDAR_RECORD },
                cedar_number(CEDAR_DECIMAL, 0),
                { .kind = CEDAR_IP, .ip = &ip },
                cedar_number(CEDAR_DATETIME, 0),
                cedar_number(CEDAR_DURATION, 0),
        };

        (void)state;
        assert_int_equal(ARRAY_LEN(values), CEDAR_KINDS);
        for (size_t i = 0; i < ARRAY_LEN(values); i++)
                for (size_t j = 0; j < ARRAY_LEN(values); j++) {
                        assert_int_equal(cedar_value_eq(&values[i], &values[j]), i == j);
                        assert_true((cedar_value_cmp(&values[i], &values[j]) < 0) ==
                                    (cedar_value_cmp(&values[j], &values[i]) > 0));
                }
}

static void values_of_one_kind_are_equal_by_what_is_in_them(void **state)
{
        struct cedar_uid u1 = cedar_uid(SPAN("U"), SPAN("1")), u1_too = u1,
                         u2 = cedar_uid(SPAN("U"), SPAN("2"));
        struct cedar_ip net = { { 10 }, 8, false }, host = { { 10 }, 32, false }, same = host;
        struct {
                struct cedar_value a, b;
                bool want;
        } table[] = {
                { cedar_bool(true), cedar_bool(true), true },
                { cedar_bool(true), cedar_bool(false), false },
                { cedar_string(SPAN("a")), cedar_string(SPAN("a")), true },
                { cedar_string(SPAN("a")), cedar_string(SPAN("a\0")), false },
                { cedar_entity_of(&u1), cedar_entity_of(&u1_too), true },
                { cedar_entity_of(&u1), cedar_entity_of(&u2), false },
                { { .kind = CEDAR_IP, .ip = &host }, { .kind = CEDAR_IP, .ip = &same }, true },
                { { .kind = CEDAR_IP, .ip = &host }, { .kind = CEDAR_IP, .ip = &net }, false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                assert_int_equal(cedar_value_eq(&table[i].a, &table[i].b), table[i].want);
}

static void records_are_their_fields(void **state)
{
        struct cedar_field a[] = { { SPAN("b"), n(2) }, { SPAN("a"), n(1) }, { SPAN(""), n(0) } };
        struct cedar_field b[] = { { SPAN(""), n(0) }, { SPAN("a"), n(1) }, { SPAN("b"), n(2) } };
        struct cedar_field c[] = { { SPAN(""), n(0) }, { SPAN("a"), n(1) }, { SPAN("b"), n(3) } };
        struct cedar_field twice[] = { { SPAN("a"), n(0) },
                                       { SPAN("b"), n(1) },
                                       { SPAN("a"), n(0) } };
        struct cedar_value x, y, z, none = { .kind = CEDAR_RECORD };

        (void)state;
        assert_true(cedar_record_of(a, 3, &x) && cedar_record_of(b, 3, &y) &&
                    cedar_record_of(c, 3, &z));
        assert_true(cedar_value_ordered(&x));
        assert_true(cedar_value_eq(&x, &y));
        assert_false(cedar_value_eq(&x, &z));
        assert_int_equal(cedar_record_get(&x, SPAN("b"))->number, 2);
        assert_int_equal(cedar_record_get(&x, SPAN(""))->number, 0);
        assert_null(cedar_record_get(&x, SPAN("ab")));
        assert_null(cedar_record_get(&none, SPAN("a")));
        assert_false(cedar_record_of(twice, 3, &z));
        assert_int_equal(z.n, 3);
}

static void disorder_is_seen_at_any_depth(void **state)
{
        struct cedar_value right[] = { n(1), n(2) }, wrong[] = { n(2), n(1) },
                           twice[] = { n(1), n(1) };
        struct cedar_value sets[] = {
                { .kind = CEDAR_SET, .n = 2, .items = right },
                { .kind = CEDAR_SET, .n = 2, .items = wrong },
                { .kind = CEDAR_SET, .n = 2, .items = twice },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
                struct cedar_field field = { SPAN("a"), sets[i] };
                struct cedar_value record = { .kind = CEDAR_RECORD, .n = 1, .fields = &field },
                                   outer = { .kind = CEDAR_SET, .n = 1, .items = &record };

                assert_int_equal(cedar_value_ordered(&outer), i == 0);
        }
}

static void constructors_make_values(void **state)
{
        static const struct {
                enum cedar_fn fn;
                const char *text;
                int kind; /* -1: refused */
                int64_t number;
        } table[] = {
                { FN_DECIMAL, "1.5", CEDAR_DECIMAL, 15000 },
                { FN_DECIMAL, "1", -1, 0 },
                { FN_IP, "10.0.0.1", CEDAR_IP, 0 },
                { FN_IP, "10.0.0", -1, 0 },
                { FN_DATETIME, "1970-01-02", CEDAR_DATETIME, 86400000 },
                { FN_DATETIME, "1970", -1, 0 },
                { FN_DURATION, "1s", CEDAR_DURATION, 1000 },
                { FN_DURATION, "1", -1, 0 },
        };
        struct arena arena = ARENA_INIT(1 << 16);

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct cedar_value v = { .kind = 99 };
                int r = cedar_value_make(table[i].fn, span_str(table[i].text), &arena, &v, NULL);

                assert_int_equal(r, table[i].kind < 0 ? -EINVAL : 0);
                assert_int_equal(v.kind, table[i].kind < 0 ? 99 : table[i].kind);
                if (r == 0 && v.kind == CEDAR_IP)
                        assert_memory_equal(v.ip->address, "\x0a\0\0\x01", 4);
                else if (r == 0)
                        assert_true(v.number == table[i].number);
        }
        arena_done(&arena);
}

static void an_address_needs_memory(void **state)
{
        struct arena arena = ARENA_INIT(1 << 16);
        struct cedar_value v = { .kind = 99 };

        (void)state;
        alloc_fail_nth = 1;
        assert_int_equal(cedar_value_make(FN_IP, SPAN("::1"), &arena, &v, NULL), -ENOMEM);
        alloc_fail_nth = 0;
        assert_int_equal(v.kind, 99);
        arena_done(&arena);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sets_are_sets),
                cmocka_unit_test(large_sets_are_put_in_order),
                cmocka_unit_test(nesting_does_not_cost_more_than_its_size),
                cmocka_unit_test(values_of_different_kinds_are_not_equal),
                cmocka_unit_test(values_of_one_kind_are_equal_by_what_is_in_them),
                cmocka_unit_test(records_are_their_fields),
                cmocka_unit_test(disorder_is_seen_at_any_depth),
                cmocka_unit_test(constructors_make_values),
                cmocka_unit_test(an_address_needs_memory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
