/* SPDX-License-Identifier: Apache-2.0 */
/* Exactly once across a succession: what one ledger holds of its writers the next one knows. */
#include "../fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { RUN = 0x52, OTHER = 0x63, SILENT = 0x71 };

static void stage(struct fixture *f, struct ledger *l, uint64_t run, uint64_t seq)
{
        struct err err = { 0 };

        if (fixture_stage(f, l, 40, (struct ledger_writer_id){ run, seq }, &err) < 0)
                fail_msg("%s", err_text(&err));
}

/* Close it, and begin the next one with what it left. */
static struct ledger *succeed(struct fixture *from, struct ledger *l, struct fixture *to)
{
        uint8_t *left;
        size_t n;

        assert_int_equal(ledger_commit(l, NULL), 0);
        assert_int_equal(ledger_leave_runs(l, NULL), 0);
        ledger_free(l);
        fixture_new(to);
        left = fixture_read(from->private_fd, "runs", &n);
        fixture_write(to->private_fd, "previous_runs", span_of(left, n));
        free(left);
        return fixture_open(to);
}

static void held(const struct ledger *l, uint64_t run, uint64_t seq, uint64_t index)
{
        uint64_t at = UINT64_MAX;

        assert_int_equal(ledger_find(l, (struct ledger_writer_id){ run, seq }, &at), 0);
        assert_int_equal(at, index);
}

static bool always(void *ctx, uint64_t run)
{
        return true;
}

static void over_two_successions(void **state)
{
        struct fixture f[3];
        struct ledger *l;
        uint64_t at;

        fixture_new(&f[0]);
        l = fixture_open(&f[0]);
        for (uint64_t seq = 1; seq <= 9; seq++) /* at 0 to 8 */
                stage(&f[0], l, RUN, seq);
        stage(&f[0], l, OTHER, 1); /* at 9 */
        assert_true(ledger_begin_run(l, SILENT, always, NULL));
        assert_int_equal(ledger_commit(l, NULL), 0);
        ledger_acked(l, RUN, 4);
        l = succeed(&f[0], l, &f[1]);
        for (int again = 0; again < 2; again++) { /* as it was opened, and out of its log */
                assert_int_equal(ledger_last_run(l), SILENT);
                assert_int_equal(ledger_last_seq(l, RUN), again ? 11 : 9);
                assert_int_equal(ledger_last_seq(l, OTHER), 1);
                assert_int_equal(ledger_last_seq(l, SILENT), 0);
                for (uint64_t seq = 5; seq <= 9; seq++)
                        held(l, RUN, seq, seq - 1);
                held(l, OTHER, 1, 9);
                assert_int_equal(ledger_find(l, (struct ledger_writer_id){ RUN, 4 }, &at), -ESTALE);
                if (again)
                        break;
                assert_int_equal(
                        fixture_stage(&f[1], l, 40, (struct ledger_writer_id){ RUN, 9 }, NULL),
                        -EPROTO);
                stage(&f[1], l, RUN, 10); /* at 0 and 1 of this one */
                stage(&f[1], l, RUN, 11);
                assert_int_equal(ledger_commit(l, NULL), 0);
                ledger_free(l);
                l = fixture_open(&f[1]);
        }
        held(l, RUN, 10, 0);
        held(l, RUN, 11, 1);
        l = succeed(&f[1], l, &f[2]);
        for (uint64_t seq = 5; seq <= 9; seq++)
                held(l, RUN, seq, seq - 1);
        held(l, RUN, 10, 0);
        held(l, RUN, 11, 1);
        held(l, OTHER, 1, 9);
        ledger_acked(l, RUN, 10);
        assert_int_equal(ledger_find(l, (struct ledger_writer_id){ RUN, 10 }, &at), -ESTALE);
        held(l, RUN, 11, 1);
        ledger_free(l);
        for (size_t i = 0; i < ARRAY_LEN(f); i++)
                fixture_done(&f[i]);
}

/* A batch that was dropped leaves the next one to say what there is. */
static void abandoned_first(void **state)
{
        struct fixture f[2];
        struct ledger *l;

        fixture_new(&f[0]);
        l = fixture_open(&f[0]);
        stage(&f[0], l, RUN, 1);
        l = succeed(&f[0], l, &f[1]);
        stage(&f[1], l, RUN, 2);
        ledger_abandon(l);
        fixture_truncate_model(&f[1], 0);
        stage(&f[1], l, OTHER, 1);
        assert_int_equal(ledger_commit(l, NULL), 0);
        ledger_free(l);
        l = fixture_open(&f[1]);
        assert_int_equal(ledger_last_seq(l, RUN), 1);
        held(l, RUN, 1, 0);
        held(l, OTHER, 1, 0);
        ledger_free(l);
        fixture_done(&f[0]);
        fixture_done(&f[1]);
}

static void spoiled(void **state)
{
        struct fixture f;
        struct ledger *l = NULL;
        struct err err = { 0 };

        fixture_new(&f);
        fixture_write(f.private_fd, "previous_runs", SPAN("no such thing"));
        assert_int_equal(ledger_open(f.public_fd, f.private_fd, &f.options, &l, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "previous_runs: "));
        assert_null(l);
        fixture_done(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(over_two_successions),
                cmocka_unit_test(abandoned_first),
                cmocka_unit_test(spoiled),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
