/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/value/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* The hashes of the numbers 0, 1, 2, ... */
typedef uint32_t hash_fn(uint32_t number);

static uint32_t spread(uint32_t n)
{
        return n * 2654435761u;
}

static uint32_t all_alike(uint32_t n)
{
        (void)n;
        return 7;
}

static uint32_t ten_alike(uint32_t n)
{
        return UINT32_MAX - n / 10; /* searches go round the end */
}

static uint32_t one_way(uint32_t n)
{
        return n << 16; /* another hash, the same first slot */
}

static hash_fn *const hashes[] = { spread, all_alike, ten_alike, one_way };

static void put(struct slots *s, uint32_t hash, uint32_t number)
{
        if (!slots_room(s)) {
                size_t n = slots_for(s->used + 1);
                struct slot *list = calloc(n, sizeof *list), *old = s->list;

                assert_non_null(list);
                slots_move(s, list, n);
                free(old);
        }
        slots_put(s, hash, number);
}

/* How often a number is found by a hash. */
static unsigned found(const struct slots *s, uint32_t hash, uint32_t number)
{
        unsigned n = 0;
        uint32_t i;

        for (uint32_t at = hash; (i = slots_next(s, hash, &at)) != SLOTS_END;)
                n += i == number;
        return n;
}

static void finds_what_was_put_and_nothing_else(void **state)
{
        enum { N = 1000 };

        (void)state;
        for (size_t h = 0; h < ARRAY_LEN(hashes); h++) {
                struct slots s = { 0 };

                assert_int_equal(found(&s, hashes[h](0), 0), 0);
                for (uint32_t i = 0; i < N; i++) {
                        assert_int_equal(found(&s, hashes[h](i), i), 0);
                        put(&s, hashes[h](i), i);
                        assert_in_range(2 * s.used, 2 * (i + 1), s.n);
                }
                for (uint32_t i = 0; i < N; i++)
                        assert_int_equal(found(&s, hashes[h](i), i), 1);
                assert_int_equal(found(&s, 99, 0), 0);
                free(s.list);
        }
}

static void as_many_slots_as_are_wanted(void **state)
{
        static const struct {
                uint32_t want;
                size_t slots;
        } table[] = { { 0, 16 },  { 8, 16 },           { 9, 32 },
                      { 16, 32 }, { 100000, 1 << 18 }, { UINT32_MAX / 4, 1ul << 31 } };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                assert_int_equal(slots_for(table[i].want), table[i].slots);
        assert_int_equal(slots_hash(0x1234567800000000), 0x12345678);
        assert_int_equal(slots_hash(0x12345678), 0x12345678);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(finds_what_was_put_and_nothing_else),
                cmocka_unit_test(as_many_slots_as_are_wanted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
