/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every table there is. */
#include "table_tool.h"

#include "state/reading/settings.h"

#include <ctype.h>

static bool is_name(const char *s)
{
        if (!islower((unsigned char)*s))
                return false;
        for (; *s; s++)
                if (!islower((unsigned char)*s) && !isdigit((unsigned char)*s) && *s != '_')
                        return false;
        return true;
}

static void check_columns(const struct state_table *t)
{
        bool key = false;

        assert_in_range(t->n_columns, 1, STATE_COLUMNS_MAX);
        for (size_t i = 0; i < t->n_columns; i++) {
                const struct state_column *c = &t->columns[i];

                assert_true(is_name(c->name) && c->about && *c->about);
                if (i && strcmp(t->columns[i - 1].name, c->name) >= 0)
                        fail_msg("%s: column %s is not in order", t->name, c->name);
                assert_ptr_equal(state_column_by_name(t, span_str(c->name)), c);
                key |= c->flags & STATE_KEY;
                assert_false(c->flags & STATE_KEY && c->flags & STATE_LOOSE);
        }
        if (!key)
                fail_msg("%s: no column names a row", t->name);
}

static void check_settings(const struct state_table *t)
{
        for (size_t i = 0; i < t->n_settings; i++) {
                const struct state_setting *s = &t->settings[i];

                assert_true(is_name(s->name) && s->about && *s->about);
                assert_true((s->type == SETTING_CHOICE) == (s->choices != NULL));
                if (i && strcmp(t->settings[i - 1].name, s->name) >= 0)
                        fail_msg("%s: setting %s is not in order", t->name, s->name);
                assert_ptr_equal(state_setting_by_name(t, span_str(s->name)), s);
        }
}

static void test_all(void **state)
{
        size_t n = 0;

        (void)state;
        for (; state_tables[n]; n++) {
                const struct state_table *t = state_tables[n];

                assert_true(is_name(t->name) && strlen(t->name) < STATE_NAME_MAX / 2);
                if (n && strcmp(state_tables[n - 1]->name, t->name) >= 0)
                        fail_msg("%s is not in order", t->name);
                assert_true(t->about && *t->about && t->read && t->every_s);
                assert_true(t->n_sources || t->n_settings || t->flags & STATE_TAKES_FILES);
                check_settings(t);
                assert_ptr_equal(state_table_by_name(span_str(t->name)), t);
                check_columns(t);
                assert_true(!t->subject_column ||
                            (t->flags & STATE_PERSONAL &&
                             state_column_by_name(t, span_str(t->subject_column))));
        }
        assert_in_range(n, 2, STATE_TABLES_MAX);
        assert_null(state_table_by_name(SPAN("no_such")));
}

/* Sources that hold nothing, or are not there, are no reason to fail. */
static void test_nothing(void **state)
{
        static const uint32_t statuses[] = { 0, ENOENT, EACCES, BUNDLE_PROGRAM_FAILED + 1 };

        (void)state;
        for (size_t n = 0; state_tables[n]; n++)
                for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
                        const struct state_table *t = state_tables[n];
                        struct table_told told = { .table = t,
                                                   .rows = BUF_INIT(1 << 20),
                                                   .faults = BUF_INIT(1 << 20) };
                        struct buf bundle = BUF_INIT(1 << 16);
                        struct state_out out;
                        struct state_in in;

                        bundle_begin(&bundle);
                        for (size_t k = 0; k < t->n_sources; k++) {
                                struct state_part p = { .status = statuses[i],
                                                        .name = span_str(t->sources[k].where) };
                                bundle_put(&bundle, &p);
                        }
                        assert_int_equal(bundle_open(buf_span(&bundle), &in, NULL), 0);
                        state_out_init(&out, t, table_take, &told);
                        /* nothing of a target is no answer, and so must not count as one */
                        assert_true((t->read(&in, &out, NULL) == 0) == !t->n_settings);
                        state_out_done(&out);
                        buf_done(&told.rows);
                        buf_done(&told.faults);
                        buf_done(&bundle);
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_all),
                                            cmocka_unit_test(test_nothing) };

        (void)table_check;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
