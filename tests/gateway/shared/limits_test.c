/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared/limits.h"

#include "../../chance.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint8_t hash_key[16] = "sixteen bytes...";
static const int64_t S = NS_PER_S;
/* 2026-11-26T00:00:00Z, by date(1). */
static const int64_t DAY = INT64_C(1795651200) * NS_PER_S;

enum { DAY_S = 86400 };

static struct limits *make(uint32_t slots)
{
        void *memory = calloc(1, limits_bytes(slots));

        assert_non_null(memory);
        return limits_init(memory, slots, hash_key);
}

/* As many keys as one likes; what a hash makes of them is nobody's business. */
static void make_key(uint32_t i, uint8_t ret[32])
{
        struct chance c = chance_of(i);

        for (size_t k = 0; k < 32; k++)
                ret[k] = (uint8_t)chance_below(&c, 256);
}

static struct limits_answer take(struct limits *l, uint32_t who, const struct config_limit *limit,
                                 int64_t now_ns)
{
        uint8_t key[32];

        make_key(who, key);
        return limits_take(l, key, limit, now_ns);
}

/* ---- one caller ---- */

struct step {
        int64_t at_ns; /* since the beginning of the day */
        unsigned calls, pass;
        int what; /* of the last one */
        int64_t again_ns;
};

static const struct story {
        const char *name;
        struct config_limit limit;
        struct step steps[8]; /* up to the first without calls */
} stories[] = {
        { "none at all", { .rate = 0 }, { { 0, 100, 100, LIMITS_PASS, 0 } } },
        { "a burst, then at the rate",
          { .rate = 10, .per_s = 1, .burst = 20 },
          { { 0, 21, 20, LIMITS_RATE, S / 10 },
            { S / 10 - 1, 1, 0, LIMITS_RATE, 1 },
            { S / 10, 2, 1, LIMITS_RATE, S / 10 },
            { S, 10, 9, LIMITS_RATE, S / 10 },
            { 100 * S, 21, 20, LIMITS_RATE, S / 10 } } },
        { "a third of a second is rounded up",
          { .rate = 3, .per_s = 1, .burst = 1 },
          { { 0, 2, 1, LIMITS_RATE, 333333334 },
            { 333333333, 1, 0, LIMITS_RATE, 1 },
            { 333333334, 1, 1, LIMITS_PASS, 0 } } },
        { "once a day",
          { .rate = 1, .per_s = DAY_S, .burst = 1 },
          { { 5 * S, 2, 1, LIMITS_RATE, DAY_S *NS_PER_S },
            { 5 * S + DAY_S * NS_PER_S, 2, 1, LIMITS_RATE, DAY_S *NS_PER_S } } },
        { "a quota begins with the day, not with the first call",
          { .quota = 5, .quota_s = DAY_S },
          { { 3600 * S, 6, 5, LIMITS_QUOTA, 23 * 3600 * S },
            { DAY_S * NS_PER_S - 1, 1, 0, LIMITS_QUOTA, 1 },
            { DAY_S * NS_PER_S, 6, 5, LIMITS_QUOTA, DAY_S *NS_PER_S } } },
        { "of two the longer one is told, and neither is taken from",
          { .rate = 1, .per_s = 1, .burst = 2, .quota = 3, .quota_s = 60 },
          { { 0, 3, 2, LIMITS_RATE, S },
            { 1 * S, 2, 1, LIMITS_QUOTA, 59 * S },
            /* The rate has had time for both again: the refused ones cost nothing. */
            { 60 * S, 3, 2, LIMITS_RATE, S },
            { 61 * S, 1, 1, LIMITS_PASS, 0 },
            { 119 * S, 1, 0, LIMITS_QUOTA, 1 * S } } },
        { "a clock that goes back: one period is waited for, no more",
          { .rate = 2, .per_s = 1, .burst = 2 },
          { { 3600 * S, 3, 2, LIMITS_RATE, S / 2 },
            { 0, 1, 0, LIMITS_RATE, S / 2 },
            { S / 2, 2, 1, LIMITS_RATE, S / 2 } } },
        { "a clock that goes back takes nothing of a burst",
          { .rate = 1, .per_s = 3600, .burst = 3 },
          { { DAY_S * S, 1, 1, LIMITS_PASS, 0 },
            { 0, 3, 2, LIMITS_RATE, 3600 * S },
            { 3600 * S, 2, 1, LIMITS_RATE, 3600 * S } } },
        { "a clock that goes back gives no new quota",
          { .quota = 2, .quota_s = 3600 },
          { { 7200 * S, 1, 1, LIMITS_PASS, 0 },
            { 10 * S, 2, 1, LIMITS_QUOTA, 3590 * S },
            { 3600 * S, 3, 2, LIMITS_QUOTA, 3600 * S } } },
        { "two workers whose clocks differ at the end of an hour share both hours",
          { .quota = 2, .quota_s = 3600 },
          { { 3600 * S - 1, 1, 1, LIMITS_PASS, 0 },
            { 3600 * S, 1, 1, LIMITS_PASS, 0 },
            { 3600 * S - S / 2, 1, 1, LIMITS_PASS, 0 },
            { 3600 * S - S / 4, 1, 0, LIMITS_QUOTA, 3600 * S + S / 4 },
            { 3600 * S + 1, 1, 0, LIMITS_QUOTA, 3600 * S - 1 } } },
        { "more than time can hold",
          { .rate = 1, .per_s = DAY_S, .burst = CONFIG_RATE_MAX },
          { { 0, 1000, 1000, LIMITS_PASS, 0 } } },
};

static void play(const struct story *t, int64_t from_ns)
{
        struct limits *l = make(64);

        for (const struct step *p = t->steps; p->calls; p++) {
                struct limits_answer a = { LIMITS_PASS, 0 };
                unsigned pass = 0;

                for (unsigned i = 0; i < p->calls; i++) {
                        a = take(l, 1, &t->limit, from_ns + p->at_ns);
                        pass += a.what == LIMITS_PASS;
                }
                if (pass != p->pass || (int)a.what != p->what || a.again_ns != p->again_ns)
                        fail_msg("%s, step %d: %u pass, %d, %lld", t->name, (int)(p - t->steps),
                                 pass, a.what, (long long)a.again_ns);
        }
        free(l);
}

static void one_caller(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
                play(&stories[i], DAY);
                play(&stories[i], 0);
        }
}

static void clocks_without_sense(void **state)
{
        static const int64_t times[] = { INT64_MIN, -1, 0, 1, INT64_MAX - 1, INT64_MAX };
        static const struct config_limit limit = {
                .rate = 1, .per_s = DAY_S, .burst = 3, .quota = 5, .quota_s = DAY_S
        };
        struct limits *l = make(1);

        for (size_t i = 0; i < 1000; i++) {
                struct limits_answer a =
                        take(l, (uint32_t)i % 12, &limit, times[i % ARRAY_LEN(times)]);

                assert_in_range(a.again_ns, 0, (DAY_S + 1) * NS_PER_S);
        }
        free(l);
}

/* ---- many callers ---- */

/* Counted naively: a bucket of nanoseconds, and all calls that passed. */
enum { CALLERS = 300, PASSES = 128, CALLS = 200000 }; /* no quota is larger than PASSES */

struct model {
        int64_t credit_ns, at_ns; /* the bucket, and when it had that */
        int64_t passed[PASSES];   /* the last ones */
        unsigned n;
};

static bool model_take(struct model *m, const struct config_limit *limit, int64_t now_ns)
{
        int64_t each = limit->rate ? (limit->per_s * NS_PER_S + limit->rate - 1) / limit->rate : 0;
        int64_t credit = MIN_OF(limit->burst * each, m->credit_ns + now_ns - m->at_ns);
        int64_t length = limit->quota_s * NS_PER_S;
        unsigned used = 0;

        for (unsigned i = 0; limit->quota && i < MIN_OF(m->n, (unsigned)PASSES); i++)
                used += m->passed[i] / length == now_ns / length;
        if ((limit->rate && credit < each) || (limit->quota && used >= limit->quota))
                return false;
        m->credit_ns = credit - each;
        m->at_ns = now_ns;
        m->passed[m->n++ % PASSES] = now_ns;
        return true;
}

static const struct config_limit of_callers[] = {
        { .rate = 10, .per_s = 1, .burst = 20 },
        { .rate = 7, .per_s = 60, .burst = 7, .quota = 30, .quota_s = 3600 },
        { .quota = 3, .quota_s = 60 },
        { .rate = 999, .per_s = 3600, .burst = 1, .quota = 90, .quota_s = DAY_S },
        { .rate = 0 },
};

/* Most calls come together, some after a pause; it is often the same few who call. */
static int64_t pause_of(struct chance *c)
{
        uint32_t which = chance_below(c, 1000);

        return which < 900   ? chance_below(c, 1000000)
               : which < 998 ? (int64_t)chance_below(c, 2000) * NS_PER_MS
                             : (int64_t)chance_below(c, 3600) * NS_PER_S;
}

static void compare_with_model(struct limits *l, uint64_t seed)
{
        struct model *models = calloc(CALLERS, sizeof *models);
        struct chance c = chance_of(seed);
        unsigned refused = 0;
        int64_t now = DAY;

        assert_non_null(models);
        for (unsigned i = 0; i < CALLERS; i++)
                models[i].credit_ns = INT64_MAX / 4;
        for (unsigned i = 0; i < CALLS; i++) {
                uint32_t who = chance_below(&c, chance_below(&c, 3) ? 10 : CALLERS);
                const struct config_limit *limit = &of_callers[who % ARRAY_LEN(of_callers)];
                struct limits_answer a;
                bool want;

                now += pause_of(&c);
                want = model_take(&models[who], limit, now);
                a = take(l, who, limit, now);
                if ((a.what == LIMITS_PASS) != want || (a.again_ns == 0) != want)
                        fail_msg("seed %u, call %u of %u: %d", (unsigned)seed, i, who, a.what);
                refused += !want;
        }
        assert_in_range(refused, CALLS / 10, CALLS * 9 / 10);
        assert_int_equal(limits_evicted(l), 0);
        free(models);
}

static void many_callers_as_a_naive_count(void **state)
{
        for (uint64_t seed = 1; seed <= 3; seed++) {
                struct limits *l = make(32 * CALLERS);

                compare_with_model(l, seed);
                free(l);
        }
}

/* ---- a table that is too small ---- */

static void the_freest_goes(void **state)
{
        static const struct config_limit limit = { .rate = 1, .per_s = 3600, .burst = 100 };
        struct limits *l = make(LIMITS_ROW);

        for (uint32_t who = 0; who < LIMITS_ROW; who++)
                for (uint32_t i = 0; i < 100 - (who + 5) % LIMITS_ROW; i++)
                        assert_int_equal(take(l, who, &limit, DAY).what, LIMITS_PASS);
        /* Who called least, number 2 with 93, makes room; all others are known as before. */
        assert_int_equal(take(l, 100, &limit, DAY).what, LIMITS_PASS);
        assert_int_equal(limits_evicted(l), 1);
        for (uint32_t who = 0; who < LIMITS_ROW; who++) {
                uint32_t left = 0;

                while (who != 2 && take(l, who, &limit, DAY).what == LIMITS_PASS)
                        left++;
                assert_int_equal(left, who == 2 ? 0 : (who + 5) % LIMITS_ROW);
        }
        assert_int_equal(limits_evicted(l), 1);
        /* 100 hours later nobody owes anything: eight others come, and nobody is evicted. */
        for (uint32_t who = 200; who < 200 + LIMITS_ROW; who++)
                assert_int_equal(take(l, who, &limit, DAY + 100 * 3600 * S).what, LIMITS_PASS);
        assert_int_equal(limits_evicted(l), 1);
        free(l);
}

/* Of quotas that end together the one goes of which least was used. */
static void of_quotas_the_freest_goes(void **state)
{
        static const struct config_limit limit = { .quota = 100, .quota_s = DAY_S };
        struct limits *l = make(LIMITS_ROW);

        for (uint32_t who = 0; who < LIMITS_ROW; who++)
                for (uint32_t i = 0; i < (who == 5 ? 3 : 100); i++)
                        assert_int_equal(take(l, who, &limit, DAY + 3600 * S).what, LIMITS_PASS);
        for (uint32_t who = 100; who < 110; who++)
                assert_int_equal(take(l, who, &limit, DAY + 3600 * S).what, LIMITS_PASS);
        assert_int_equal(limits_evicted(l), 10);
        for (uint32_t who = 0; who < LIMITS_ROW; who++)
                if (who != 5)
                        assert_int_equal(take(l, who, &limit, DAY + 3601 * S).what, LIMITS_QUOTA);
        free(l);
}

/* A clock that was ten years ahead for a while does not fill the table for ten years. */
static void slots_of_a_wrong_clock_go_first(void **state)
{
        static const struct config_limit limit = { .rate = 1, .per_s = 60, .burst = 2 };
        struct limits *l = make(LIMITS_ROW);

        for (uint32_t who = 0; who < LIMITS_ROW; who++)
                (void)take(l, who, &limit, DAY + INT64_C(3650) * DAY_S * S);
        for (uint32_t who = 100; who < 100 + LIMITS_ROW; who++)
                for (uint32_t i = 0; i < 2; i++)
                        assert_int_equal(take(l, who, &limit, DAY).what, LIMITS_PASS);
        for (uint32_t who = 100; who < 100 + LIMITS_ROW; who++)
                assert_int_equal(take(l, who, &limit, DAY).what, LIMITS_RATE);
        assert_int_equal(limits_evicted(l), LIMITS_ROW);
        free(l);
}

/* ---- what somebody left behind ---- */

static void how_many_are_in_use(void **state)
{
        const struct config_limit limit = { .rate = 1, .per_s = 3600, .burst = 1 };
        struct limits *l = make(LIMITS_ROW * (LIMITS_LOOK + 1000));
        struct limits_use use;

        (void)state;
        limits_use(l, DAY, &use);
        assert_int_equal(use.slots, LIMITS_ROW * (LIMITS_LOOK + 1000));
        assert_int_equal(use.used, 0);
        for (uint32_t i = 0; i < 6000; i++)
                (void)take(l, i, &limit, DAY);
        limits_use(l, DAY, &use);
        assert_in_range(use.used, 5500, 6500); /* by two thirds of the rows */
        assert_int_equal(use.evicted, limits_evicted(l));
        limits_use(l, DAY + 3600 * S, &use);
        assert_int_equal(use.used, 0);
        free(l);
        l = make(1);
        (void)take(l, 1, &limit, DAY);
        limits_use(l, DAY, &use);
        assert_true(use.slots == LIMITS_ROW && use.used == 1);
        free(l);
}

static void only_a_table_is_one(void **state)
{
        static const struct config_limit limit = { .rate = 1, .per_s = 60, .burst = 1 };
        size_t n = limits_bytes(20);
        uint8_t *memory = calloc(1, n + 1);
        struct limits *l = limits_init(memory, 20, hash_key);

        assert_int_equal(take(l, 7, &limit, DAY).what, LIMITS_PASS);
        l = limits_again(memory, n);
        assert_non_null(l);
        assert_int_equal(take(l, 7, &limit, DAY).what, LIMITS_RATE);
        for (size_t bytes = 0; bytes <= n + 1; bytes++)
                assert_int_equal(limits_again(memory, bytes) != NULL, bytes == n);
        for (size_t i = 0; i < 12; i++) { /* magic and rows */
                memory[i] ^= 1;
                assert_null(limits_again(memory, n));
                memory[i] ^= 1;
        }
        free(memory);
}

static void sizes(void **state)
{
        static const struct {
                uint32_t slots;
                size_t bytes;
        } t[] = {
                { 0, 64 + 512 },   { 1, 64 + 512 },
                { 8, 64 + 512 },   { 9, 64 + 1024 },
                { 16, 64 + 1024 }, { UINT32_MAX, 64 + (UINT64_C(1) << 32) / 8 * 512 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++)
                assert_int_equal(limits_bytes(t[i].slots), t[i].bytes);
}

/* Whatever is behind the header: an empty table.  The checksum of one in 2^32 would be right. */
static void rubbish_is_an_empty_table(void **state)
{
        const uint32_t slots = 32 * CALLERS;

        for (uint64_t seed = 10; seed < 12; seed++) {
                struct limits *l = make(slots);
                struct chance c = chance_of(seed);

                for (size_t i = 64; i < limits_bytes(slots); i++)
                        ((uint8_t *)l)[i] = (uint8_t)chance_below(&c, 256);
                compare_with_model(l, seed);
                free(l);
        }
}

/* A worker that was killed while it wrote: so many bytes are new, the rest is old.  Who called is
 * known as before, as after, or not at all; nobody else notices. */
static void killed_at_each_byte(void **state)
{
        static const struct config_limit limit = { .rate = 1, .per_s = 3600, .burst = 3 };
        size_t n = limits_bytes(LIMITS_ROW);
        struct limits *l = make(LIMITS_ROW), *torn = calloc(1, n);
        uint8_t *before = malloc(n);

        for (uint32_t who = 0; who < 4; who++)
                (void)take(l, who, &limit, DAY);
        memcpy(before, l, n);
        assert_int_equal(take(l, 1, &limit, DAY).what, LIMITS_PASS);
        for (size_t k = 64; k <= n; k++) {
                unsigned left = 0;

                memcpy(torn, l, k);
                memcpy((uint8_t *)torn + k, before + k, n - k);
                while (take(torn, 1, &limit, DAY).what == LIMITS_PASS)
                        left++;
                assert_in_range(left, 1, 3);
                for (uint32_t who = 0; who < 4; who++)
                        for (unsigned i = 0; who != 1 && i < 3; i++)
                                assert_int_equal(take(torn, who, &limit, DAY).what,
                                                 i < 2 ? LIMITS_PASS : LIMITS_RATE);
        }
        free(before);
        free(torn);
        free(l);
}

/* Whatever byte of it is another one, it says nothing of anybody: a fresh start, no more. */
static void a_damaged_slot_is_nobodys(void **state)
{
        static const struct config_limit limit = { .rate = 1, .per_s = 3600, .burst = 3 };
        size_t n = limits_bytes(LIMITS_ROW);
        struct limits *l = make(LIMITS_ROW), *damaged = calloc(1, n);

        assert_int_equal(take(l, 1, &limit, DAY).what, LIMITS_PASS);
        for (size_t at = 64; at < 128; at++) {
                unsigned left = 0;

                memcpy(damaged, l, n);
                ((uint8_t *)damaged)[at] ^= 0x40;
                while (take(damaged, 1, &limit, DAY).what == LIMITS_PASS)
                        left++;
                assert_int_equal(left, 3);
        }
        free(damaged);
        free(l);
}

/* ---- which limit ---- */

static void the_limit_of_an_operation(void **state)
{
        static const struct config_limit some[] = {
                { .operation = SPAN_INIT("*"), .rate = 1 },
                { .operation = SPAN_INIT("addAccount"), .rate = 2 },
                { .operation = SPAN_INIT("getAccount"), .rate = 3 },
                { .operation = SPAN_INIT("listAccounts"), .rate = 4 },
        };
        static const struct {
                const char *name;
                uint32_t from, n, rate; /* 0: none */
        } t[] = {
                { "addAccount", 0, 4, 2 },   { "getAccount", 0, 4, 3 }, { "listAccounts", 0, 4, 4 },
                { "listAccount", 0, 4, 1 },  { "a", 0, 4, 1 },          { "zap", 0, 4, 1 },
                { "getAccount", 1, 3, 3 },   { "zap", 1, 3, 0 },        { "a", 1, 3, 0 },
                { "getAccount", 0, 0, 0 },   { "getAccount", 0, 1, 1 }, { "addAccount", 1, 1, 2 },
                { "listAccounts", 1, 3, 4 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct config c = { .limits = some + t[i].from, .n_limits = t[i].n };
                const struct config_limit *l = limits_of(&c, span_str(t[i].name));

                assert_int_equal(l ? l->rate : 0, t[i].rate);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_caller),
                cmocka_unit_test(clocks_without_sense),
                cmocka_unit_test(many_callers_as_a_naive_count),
                cmocka_unit_test(the_freest_goes),
                cmocka_unit_test(of_quotas_the_freest_goes),
                cmocka_unit_test(slots_of_a_wrong_clock_go_first),
                cmocka_unit_test(how_many_are_in_use),
                cmocka_unit_test(only_a_table_is_one),
                cmocka_unit_test(sizes),
                cmocka_unit_test(rubbish_is_an_empty_table),
                cmocka_unit_test(killed_at_each_byte),
                cmocka_unit_test(a_damaged_slot_is_nobodys),
                cmocka_unit_test(the_limit_of_an_operation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
