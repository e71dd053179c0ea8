/* SPDX-License-Identifier: Apache-2.0 */
/* Which differences of rows a rule wants, and that each shipped rule is one. */
#include "state/rows/alerting.h"

#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define A "{\"name\":\"a\",\"shell\":\"/bin/sh\",\"uid\":1}"
#define B "{\"name\":\"a\",\"shell\":\"/bin/zsh\",\"uid\":1}"
#define C "{\"name\":\"a\",\"shell\":\"/bin/zsh\",\"uid\":0}"

static void wants(void **state)
{
        static const struct {
                const char *rule, *old, *new;
                bool want;
        } t[] = {
                { NULL, "", A, false },
                { "no", "", A, false },
                { "no", A, B, false },
                { "yes", "", A, true },
                { "yes", A, "", true },
                { "yes", A, B, true },
                { "added", "", A, true },
                { "added", A, "", false },
                { "added", A, B, false },
                { "removed", A, "", true },
                { "removed", "", A, false },
                { "uid", A, B, false },
                { "uid", B, C, true },
                { "uid", "", A, false },
                { "added uid", A, B, false },
                { "added uid", A, C, true },
                { "added uid shell", A, B, true },
                { "shell removed", A, B, true },
                { "she", A, B, false },
        };
        const struct state_table *users = state_table_by_name(SPAN("users"));

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(t); i++)
                if (state_alerts(users, t[i].rule, span_str(t[i].old), span_str(t[i].new)) !=
                    t[i].want)
                        fail_msg("%s: %s, %s", t[i].rule, t[i].old, t[i].new);
}

static void rules(void **state)
{
        static const struct {
                const char *rule;
                bool want;
        } t[] = {
                { "", false },           { "yes", true },          { "no", true },
                { "yes no", false },     { "added", true },        { "added uid", true },
                { "uid  added", false }, { "uid nothing", false }, { " uid", false },
        };
        const struct state_table *users = state_table_by_name(SPAN("users"));

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(t); i++)
                if (state_alert_rule_ok(users, span_str(t[i].rule)) != t[i].want)
                        fail_msg("\"%s\"", t[i].rule);
}

static void shipped(void **state)
{
        static const char *const alert[] = { "users", "sudo_rules", "services", "modules",
                                             "ports", "suid",       "firewall", "sshd" };
        static const char *const log[] = { "packages", "capacity" };
        const struct state_table *x;

        (void)state;
        for (size_t i = 0; state_tables[i]; i++)
                if (state_tables[i]->alert &&
                    !state_alert_rule_ok(state_tables[i], span_str(state_tables[i]->alert)))
                        fail_msg("%s: %s", state_tables[i]->name, state_tables[i]->alert);
        for (size_t i = 0; i < ARRAY_LEN(alert); i++) {
                x = state_table_by_name(span_str(alert[i]));
                if (!x || !x->alert)
                        fail_msg("%s", alert[i]);
        }
        for (size_t i = 0; i < ARRAY_LEN(log); i++) {
                x = state_table_by_name(span_str(log[i]));
                if (x && x->alert)
                        fail_msg("%s", log[i]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(wants), cmocka_unit_test(rules),
                                            cmocka_unit_test(shipped) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
