/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/newcomers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../ledger/fixture.h"
#include "base/clock.h"

#define HOUR_NS (3600 * NS_PER_S)
static const struct span value = SPAN_INIT("\"x\""), user = SPAN_INIT("who.user"),
                         object = SPAN_INIT("what.object");

/* ---- the table ---- */

static void an_hour_and_the_next(void **state)
{
        static struct newcomers all;
        static const struct {
                const char *who;
                uint32_t hour, made, left; /* left: before */
        } steps[] = {
                { "a", 7, 3, 10 }, { "a", 7, 7, 7 },  { "a", 7, 0, 0 },   { "b", 7, 2, 10 },
                { "a", 8, 1, 10 }, { "b", 7, 1, 8 },  { "a", 8, 9, 9 },   { "a", 8, 5, 0 },
                { "a", 8, 0, 0 },  { "a", 9, 0, 10 }, { "", 9, 60, 100 }, { "", 9, 1, 40 },
                { "a", 7, 0, 10 },
        };

        (void)state;
        newcomers_init(&all, 10);
        for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
                assert_int_equal(newcomers_left(&all, span_str(steps[i].who), steps[i].hour),
                                 steps[i].left);
                newcomers_count(&all, span_str(steps[i].who), steps[i].hour, steps[i].made);
        }
}

/* More than there is room for: whoever has made most is not forgotten for others. */
static void who_gives_way(void **state)
{
        static struct newcomers all;
        uint32_t forgotten = 0;
        char who[16];

        (void)state;
        newcomers_init(&all, 100);
        newcomers_count(&all, SPAN("greedy"), 1, 100);
        for (unsigned i = 0; i < 4 * NEWCOMERS_ROWS * NEWCOMERS_ROW; i++) {
                snprintf(who, sizeof who, "%u", i);
                newcomers_count(&all, span_str(who), 1, 1 + i % 50);
        }
        assert_int_equal(newcomers_left(&all, SPAN("greedy"), 1), 0);
        for (unsigned i = 0; i < 1000; i++) {
                snprintf(who, sizeof who, "%u", i);
                forgotten += newcomers_left(&all, span_str(who), 1) == 100;
        }
        assert_in_range(forgotten, 1, 1000);
}

/* ---- of a vault ---- */

struct sealing {
        struct fixture f;
        struct vault *vault;
        struct newcomers all;
        struct buf rows;
        struct span skeleton, for_whom;
};

static void sealing_begin(struct sealing *s, uint32_t most)
{
        struct err err = { 0 };

        fixture_new(&s->f);
        newcomers_init(&s->all, most);
        s->rows = BUF_INIT(1 << 20);
        s->skeleton = SPAN("{\"k\":\"api.intent\"}");
        if (vault_open(s->f.private_fd, &io_kernel, true, &s->vault, &err) < 0)
                fail_msg("%s", err_text(&err));
}

/* An entry by `who` (NULL: it names nobody), about `what`. */
static int seal_one(struct sealing *s, const char *who, const char *what, int64_t wall_ns,
                    uint32_t most)
{
        struct vault_field fields[2] = { { span_str(what), object, value } };
        struct vault_sealed sealed;
        struct err err = { 0 };
        size_t n = 1;

        if (who)
                fields[n++] = (struct vault_field){ span_str(who), user, value };
        buf_clear(&s->rows);
        return newcomers_seal(&s->all, s->vault, most,
                              &(struct newcomers_entry){ .id = SPAN("entry"),
                                                         .skeleton = s->skeleton,
                                                         .fields = fields,
                                                         .n = n,
                                                         .for_whom = s->for_whom,
                                                         .wall_ns = wall_ns },
                              &sealed, &s->rows, &err);
}

static void a_caller_has_a_ceiling(void **state)
{
        enum { MOST = 100, FEW = 12 };
        static const struct {
                const char *who, *what;
                int hour, most, rc, known; /* known: afterwards */
        } steps[] = {
                { "caller:a", "thing:1", 1, MOST, 0, 2 },
                { "caller:a", "thing:2", 1, MOST, 0, 3 },
                { "caller:a", "thing:3", 1, MOST, 0, 4 },
                { "caller:a", "thing:4", 1, MOST, -EDQUOT, 4 },
                { "caller:a", "thing:1", 1, MOST, 0, 4 },   /* known */
                { "caller:b", "thing:4", 1, MOST, 0, 6 },   /* another one */
                { "caller:a", "thing:4", 1, MOST, 0, 6 },   /* ... made it known */
                { "caller:a", "thing:5", 2, MOST, 0, 7 },   /* the next hour */
                { NULL, "thing:6", 2, MOST, 0, 8 },         /* nobody's */
                { "caller:a", "thing:7", 2, 8, -EBUSY, 8 }, /* the vault is full before he is */
                { "caller:a", "thing:1", 2, 8, 0, 8 },
                { "caller:c", "thing:8", 2, 9, -EBUSY, 9 }, /* one of two was made */
        };
        struct sealing s = { 0 };

        (void)state;
        sealing_begin(&s, 4);
        for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
                int rc = seal_one(&s, steps[i].who, steps[i].what, steps[i].hour * HOUR_NS,
                                  (uint32_t)steps[i].most);

                if (rc != steps[i].rc || vault_subjects(s.vault) != (uint32_t)steps[i].known)
                        fail_msg("step %zu: %d, %u known", i, rc, vault_subjects(s.vault));
        }
        assert_int_equal(s.all.n_refused, 1);
        for (int i = 0; i < 38; i++) { /* of nobody 40 together; one was above */
                char what[32];

                snprintf(what, sizeof what, "more:%d", i);
                assert_int_equal(seal_one(&s, NULL, what, 2 * HOUR_NS, MOST), 0);
        }
        assert_int_equal(seal_one(&s, NULL, "more:39", 2 * HOUR_NS, MOST), 0);
        assert_int_equal(seal_one(&s, NULL, "more:40", 2 * HOUR_NS, MOST), -EDQUOT);
        s.skeleton = SPAN("{\"k\":\"api.denied\"}");
        assert_int_equal(seal_one(&s, NULL, "more:40", 2 * HOUR_NS, MOST), 0);
        vault_free(s.vault);
        buf_done(&s.rows);
        fixture_done(&s.f);
}

/* What a field says goes before for whom it was sent; either is no matter of all others'. */
static void for_whom_it_was_sent(void **state)
{
        static const struct {
                const char *who, *for_whom, *what;
                int rc;
        } steps[] = {
                { NULL, "caller:a", "thing:1", 0 },
                { NULL, "caller:a", "thing:2", 0 },
                { NULL, "caller:a", "thing:3", -EDQUOT },
                { NULL, "caller:a", "thing:2", 0 }, /* known */
                { "caller:a", "", "thing:3", -EDQUOT },
                { NULL, "caller:b", "thing:3", 0 },
                { "caller:c", "caller:a", "thing:4", 0 },
                { NULL, "caller:c", "thing:5", -EDQUOT }, /* himself and one */
                { NULL, "", "thing:5", 0 },
        };
        struct sealing s = { 0 };

        (void)state;
        sealing_begin(&s, 2);
        for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
                s.for_whom = span_str(steps[i].for_whom);
                assert_int_equal(seal_one(&s, steps[i].who, steps[i].what, HOUR_NS, 100),
                                 steps[i].rc);
        }
        assert_int_equal(newcomers_left(&s.all, SPAN_NONE, 1), 2 * NEWCOMERS_TOGETHER - 1);
        vault_free(s.vault);
        buf_done(&s.rows);
        fixture_done(&s.f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_hour_and_the_next),
                cmocka_unit_test(who_gives_way),
                cmocka_unit_test(a_caller_has_a_ceiling),
                cmocka_unit_test(for_whom_it_was_sent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
