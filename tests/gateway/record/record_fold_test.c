/* SPDX-License-Identifier: Apache-2.0 */
/* Refused calls by the thousand: how many entries come of them, and that none is forgotten. */
#include "record_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../alloc_fail.h"

#define SECOND 1000000000LL

struct flood {
        struct record_world w;
        struct record_fold *fold;
        uint64_t told, folded, entries;
};

static void flood_begin(struct flood *f)
{
        record_world_init(&f->w);
        f->told = f->folded = f->entries = 0;
        assert_int_equal(record_fold_new(&f->fold), 0);
}

static void flood_end(struct flood *f)
{
        f->fold = record_fold_free(f->fold);
        record_world_done(&f->w);
}

static void one(struct flood *f, enum refusal_reason reason, unsigned network, int64_t now_ns)
{
        struct refusal r = { .reason = reason };
        char text[32];

        f->w.raw.address = (struct cedar_ip){ .address = { 10, (uint8_t)(network >> 8),
                                                           (uint8_t)network, (uint8_t)now_ns } };
        snprintf(text, sizeof text, "10.%u.%u.1", network >> 8 & 255, network & 255);
        f->w.raw.address_text = span_str(text);
        f->w.call.now_ns = now_ns;
        f->told += record_fold_one(f->fold, &f->w.call, &r);
}

/* What is due, each entry one that the recorder takes. */
static void due(struct flood *f, int64_t now_ns, bool all)
{
        struct err err = { 0 };
        struct records made;
        int rc;

        while ((rc = record_fold_due(f->fold, now_ns, all, &f->w.arena, &made, &err)) == 1) {
                struct json_value v;
                const char *refused = record_world_refused(&made.at[0], &err);
                int64_t n = 0;

                if (refused)
                        fail_msg("%s", refused);
                assert_int_equal(made.n, 1);
                assert_true(json_get_path(json_value_of(made.at[0].skeleton), "what.count", &v) &&
                            json_value_int(v, &n));
                f->folded += (uint64_t)n;
                f->entries++;
        }
        assert_int_equal(rc, 0);
}

static void some_are_told_the_rest_is_counted(void **state)
{
        struct flood f;

        flood_begin(&f);
        for (int i = 0; i < 1000; i++)
                one(&f, REFUSED_POLICY, 1, SECOND + i);
        assert_int_equal(f.told, RECORD_DENIED_BURST);
        due(&f, 2 * SECOND - 1, false);
        assert_int_equal(f.entries, 0);
        due(&f, 2 * SECOND, false);
        assert_int_equal(f.entries, 1);
        assert_int_equal(f.folded, 1000 - RECORD_DENIED_BURST);
        /* The next second begins anew. */
        one(&f, REFUSED_POLICY, 1, 2 * SECOND + 1);
        assert_int_equal(f.told, RECORD_DENIED_BURST + 1);
        flood_end(&f);
}

static void what_a_folded_entry_says(void **state)
{
        struct record_world w;
        struct record_fold *fold;
        struct refusal r = { .reason = REFUSED_QUOTA };
        struct records made;
        struct err err = { 0 };

        record_world_init(&w);
        assert_int_equal(record_fold_new(&fold), 0);
        for (int i = 0; i < RECORD_DENIED_BURST + 3; i++)
                record_fold_one(fold, &w.call, &r);
        assert_int_equal(
                record_fold_due(fold, w.call.now_ns + SECOND, false, &w.arena, &made, &err), 1);
        if (!span_eq_str(made.at[0].skeleton,
                         "{\"k\":\"api.denied\",\"t\":\"2026-11-21T18:00:00.000000000Z\",\"v\":1,"
                         "\"what\":{\"api\":\"accounts\",\"call\":\"01ARYZ6S41TSV4RRFFQ69G5FAV\","
                         "\"count\":3,\"from\":\"2026-11-21T18:00:00.000000000Z\","
                         "\"operation\":\"getAccount\",\"reason\":\"quota\",\"status\":429}}"))
                fail_msg("%.*s", (int)made.at[0].skeleton.n, (const char *)made.at[0].skeleton.p);
        assert_int_equal(made.at[0].n_fields, 1);
        assert_true(span_eq_str(made.at[0].fields[0].subject, "address:192.0.2.0/24"));
        assert_true(span_eq_str(made.at[0].fields[0].value, "\"192.0.2.0/24\""));
        assert_int_equal(record_fold_due(fold, w.call.now_ns + SECOND, true, &w.arena, &made, &err),
                         0);
        record_fold_free(fold);
        record_world_done(&w);
}

/* What is counted and not told is known to who comes after. */
static void what_is_not_told_is_kept(void **state)
{
        uint64_t untold[REFUSED_REASONS] = { 0 };
        struct flood f;

        flood_begin(&f);
        record_fold_keep_in(f.fold, untold);
        for (int i = 0; i < 100; i++)
                one(&f, i % 2 ? REFUSED_POLICY : REFUSED_PATH, 1, SECOND + i);
        assert_int_equal(untold[REFUSED_POLICY], 50 - RECORD_DENIED_BURST);
        assert_int_equal(untold[REFUSED_PATH], 50 - RECORD_DENIED_BURST);
        for (unsigned i = 0; i < 60 * RECORD_FOLDS_MAX; i++) /* networks without end */
                one(&f, REFUSED_RATE, 2 + i % (2 * RECORD_FOLDS_MAX), SECOND + 100);
        assert_true(untold[REFUSED_NOT] > 0 && untold[REFUSED_RATE] > 0);
        assert_int_equal(untold[REFUSED_NOT] + untold[REFUSED_RATE] + f.told,
                         60 * RECORD_FOLDS_MAX + 2 * RECORD_DENIED_BURST);
        due(&f, 3 * SECOND, false);
        for (size_t i = 0; i < REFUSED_REASONS; i++)
                assert_int_equal(untold[i], 0);
        flood_end(&f);
}

static void what_somebody_else_had_counted(void **state)
{
        static const struct {
                enum refusal_reason reason;
                const char *want;
        } t[] = { { REFUSED_QUOTA, "\"count\":7,\"detail\":\"counted by a process that was "
                                   "killed\",\"reason\":\"quota\",\"status\":429}}" },
                  { REFUSED_NOT, "\"count\":7,\"detail\":\"counted by a process that was "
                                 "killed\",\"reason\":\"several\"}}" } };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct record_world w;
                struct records made;
                struct err err = { 0 };

                record_world_init(&w);
                assert_int_equal(
                        record_folded(t[i].reason, 7, w.call.now_ns, &w.arena, &made, &err), 0);
                assert_null(record_world_refused(&made.at[0], &err));
                assert_int_equal(made.at[0].n_fields, 0);
                assert_true(span_eq_str(
                        span_from(made.at[0].skeleton, made.at[0].skeleton.n - strlen(t[i].want)),
                        t[i].want));
                record_world_done(&w);
        }
}

/* Whoever has as many networks as he likes: entries stay bounded, calls are all accounted for. */
static void more_than_can_be_told_apart(void **state)
{
        enum { NETWORKS = 4 * RECORD_FOLDS_MAX, EACH = 30 };
        struct flood f;

        flood_begin(&f);
        for (int i = 0; i < EACH; i++)
                for (unsigned n = 0; n < NETWORKS; n++)
                        one(&f, n % 2 ? REFUSED_PATH : REFUSED_CREDENTIAL, n, SECOND + i);
        assert_int_equal(f.told, (RECORD_FOLDS_MAX + 1) * RECORD_DENIED_BURST);
        due(&f, 2 * SECOND + EACH, false);
        assert_int_equal(f.entries, RECORD_FOLDS_MAX + 1);
        assert_int_equal(f.told + f.folded, NETWORKS * EACH);
        flood_end(&f);
}

/* Strangers come from anywhere and ask for anything; whoever is known and tries what he may not is
 * told all the same, with his name. */
static void strangers_hide_nobody_who_is_known(void **state)
{
        enum { NETWORKS = 4 * RECORD_FOLDS_MAX, KNOWN = 10 };
        const struct credential *known;
        uint64_t told;
        struct flood f;

        flood_begin(&f);
        known = f.w.call.credential;
        assert_true(known->verified);
        f.w.call.credential = NULL;
        for (unsigned n = 0; n < NETWORKS; n++)
                one(&f, n % 2 ? REFUSED_POLICY : REFUSED_NO_CREDENTIAL, n, SECOND);
        assert_int_equal(f.told, RECORD_DENIED_STRANGERS);
        f.w.call.credential = known;
        for (int i = 0; i < KNOWN; i++)
                one(&f, REFUSED_POLICY, 1, SECOND + i);
        assert_int_equal(f.told, RECORD_DENIED_STRANGERS + KNOWN);
        due(&f, 2 * SECOND, false);
        assert_true(f.entries <= RECORD_FOLDS_STRANGERS + 1);
        assert_int_equal(f.told + f.folded, NETWORKS + KNOWN);
        f.w.call.credential = NULL; /* and so every second, no more */
        told = f.told;
        for (unsigned n = 0; n < NETWORKS; n++)
                one(&f, REFUSED_PATH, n, 2 * SECOND);
        assert_int_equal(f.told - told, RECORD_DENIED_STRANGERS);
        due(&f, 3 * SECOND, true);
        flood_end(&f);
}

/* Whatever the clock does and whenever the timer comes. */
static void none_is_forgotten(void **state)
{
        static const int64_t steps[] = { 0,           1,       SECOND / 7,    SECOND,
                                         90 * SECOND, -SECOND, -3000 * SECOND };
        static const enum refusal_reason reasons[] = { REFUSED_POLICY, REFUSED_RATE, REFUSED_PATH };
        struct flood f;
        int64_t now = 5000 * SECOND;
        unsigned chance = 1;
        uint64_t put = 0;

        flood_begin(&f);
        for (int i = 0; i < 20000; i++) {
                chance = chance * 1103515245 + 12345;
                if (chance >> 16 & 31)
                        one(&f, reasons[(chance >> 8) % ARRAY_LEN(reasons)], (chance >> 12) % 5,
                            now);
                put += (chance >> 16 & 31) != 0;
                if ((chance >> 20 & 15) == 0)
                        now += steps[(chance >> 24) % ARRAY_LEN(steps)];
                if ((chance >> 16 & 31) == 0)
                        due(&f, now, (chance >> 25 & 3) == 0);
        }
        due(&f, now, true);
        assert_int_equal(f.told + f.folded, put);
        assert_true(f.entries > 0 && f.told > 0);
        flood_end(&f);
}

static void no_memory(void **state)
{
        struct err err = { 0 };
        struct records made;
        struct flood f;
        int rc;

        alloc_fail_nth = 1;
        assert_int_equal(record_fold_new(&f.fold), -ENOMEM);
        alloc_fail_nth = 0;
        flood_begin(&f);
        for (int i = 0; i < 100; i++)
                one(&f, REFUSED_BUSY, 1, SECOND);
        for (size_t nth = 1;; nth++) {
                arena_done(&f.w.arena);
                f.w.arena = ARENA_INIT(1 << 20);
                alloc_fail_nth = nth;
                rc = record_fold_due(f.fold, 3 * SECOND, false, &f.w.arena, &made, &err);
                alloc_fail_nth = 0;
                if (rc == 1)
                        break;
                assert_int_equal(rc, -ENOMEM); /* and it is still counted */
        }
        flood_end(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(some_are_told_the_rest_is_counted),
                cmocka_unit_test(what_a_folded_entry_says),
                cmocka_unit_test(what_is_not_told_is_kept),
                cmocka_unit_test(what_somebody_else_had_counted),
                cmocka_unit_test(more_than_can_be_told_apart),
                cmocka_unit_test(strangers_hide_nobody_who_is_known),
                cmocka_unit_test(none_is_forgotten),
                cmocka_unit_test(no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
