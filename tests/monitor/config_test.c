/* SPDX-License-Identifier: Apache-2.0 */
/* Facts to plans; that the job tells such is tests/job/statefile_test.c, both together
 * tests/system/state/test_state_file.py. */
#include "monitor/config.h"
#include "state/tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

static int take(struct monitor_config *c, const char *json)
{
        assert_int_equal(json_check(span_str(json), NULL), 0);
        return monitor_config_fact(c, span_str(json));
}

static void begin(struct monitor_config *c)
{
        int fd = -1;

        *c = (struct monitor_config){ 0 };
        assert_int_equal(monitor_config_open(NULL, c, &fd, NULL), 0);
        assert_string_equal(c->from, MONITOR_CONFIG_SHIPPED);
        close(fd);
}

static const struct plan *plan_of(const struct monitor_config *c, const char *name)
{
        for (size_t i = 0; i < c->n; i++)
                if (strcmp(c->plans[i].name, name) == 0)
                        return &c->plans[i];
        return NULL;
}

static void test_tables(void **state)
{
        struct monitor_config c;
        struct err job = { 0 };

        (void)state;
        begin(&c);
        assert_int_equal(take(&c, "{\"every\":600,\"fact\":\"table\",\"line\":3,\"off\":false,"
                                  "\"table\":\"users\"}"),
                         0);
        assert_int_equal(take(&c, "{\"every\":0,\"fact\":\"table\",\"line\":4,\"off\":true,"
                                  "\"table\":\"groups\"}"),
                         0);
        assert_int_equal(monitor_config_end(&c, 0, &job, NULL), 0);
        assert_null(plan_of(&c, "groups"));
        assert_int_equal(plan_of(&c, "users")->every_s, 600);
        assert_ptr_equal(plan_of(&c, "users")->table, &state_users);
        assert_string_equal(plan_of(&c, "users")->sources[0].where, "/etc/passwd");
        monitor_config_done(&c);
        begin(&c); /* without a word every table of this host is looked at */
        assert_int_equal(monitor_config_end(&c, 0, &job, NULL), 0);
        for (size_t i = 0; state_tables[i]; i++)
                assert_true((plan_of(&c, state_tables[i]->name) != NULL) ==
                            (state_tables[i]->n_sources > 0 && !state_tables[i]->n_settings));
        assert_int_equal(plan_of(&c, "users")->every_s, state_users.every_s);
        monitor_config_done(&c);
}

static void test_files(void **state)
{
        static const struct {
                enum state_source_type type;
                unsigned flags;
                const char *where;
        } want[] = {
                { STATE_GIVEN, STATE_TIMED, "name\tlogs\nmax_age\t86400\n" },
                { STATE_FILES, STATE_FOLLOW | STATE_NAMES, "/var/log/app/*.gz" },
                { STATE_TREE, STATE_NAMES, "/srv/exports" }, /* with all below it */
                { STATE_FILES, STATE_FOLLOW | STATE_NAMES, "/srv/*/**" },
                { STATE_FILES, STATE_FOLLOW | STATE_NAMES, "/**" },
        };
        struct err job = { 0 };
        struct monitor_config c;
        const struct plan *p;

        (void)state;
        begin(&c);
        assert_int_equal(take(&c, "{\"fact\":\"files\",\"line\":1,\"max_age\":86400,"
                                  "\"name\":\"logs\",\"paths\":[\"/var/log/app/*.gz\","
                                  "\"/srv/exports/**\",\"/srv/*/**\",\"/**\"],"
                                  "\"table\":\"file_age\"}"),
                         0);
        assert_int_equal(monitor_config_end(&c, 0, &job, NULL), 0);
        p = plan_of(&c, "file_age");
        assert_non_null(p);
        assert_int_equal(p->n_sources, ARRAY_LEN(want));
        for (size_t i = 0; i < ARRAY_LEN(want); i++) {
                assert_int_equal(p->sources[i].type, want[i].type);
                assert_int_equal(p->sources[i].flags, want[i].flags);
                assert_string_equal(p->sources[i].where, want[i].where);
        }
        monitor_config_done(&c);
}

/* A job that has read YAML may say anything. */
static void test_refused(void **state)
{
        static const char *const facts[] = {
                "{}",
                "{\"fact\":\"x\"}",
                "{\"fact\":\"table\"}",
                "{\"every\":1,\"fact\":\"table\",\"line\":1,\"off\":false,\"table\":\"none\"}",
                "{\"every\":-1,\"fact\":\"table\",\"line\":1,\"off\":false,\"table\":\"users\"}",
                "{\"every\":99999999999,\"fact\":\"table\",\"line\":1,\"off\":false,"
                "\"table\":\"users\"}",
                "{\"every\":1,\"fact\":\"table\",\"line\":1,\"off\":1,\"table\":\"users\"}",
                "{\"fact\":\"files\",\"line\":1,\"max_age\":1,\"name\":\"a\",\"paths\":[\"/b\"],"
                "\"table\":\"users\"}", /* which takes none */
                "{\"every\":1,\"fact\":\"target\",\"line\":1,\"name\":\"a\",\"settings\":[],"
                "\"table\":\"users\",\"timeout\":1}", /* which is none of targets */
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
                struct monitor_config c;

                begin(&c);
                if (take(&c, facts[i]) != -EBADMSG)
                        fail_msg("%s", facts[i]);
                monitor_config_done(&c);
        }
}

/* Nor are its targets believed: values that the reader would have found wrong end it. */
static void test_target_values(void **state)
{
        static const char *const settings[] = {
                "[]",
                "[[\"base\",\"b\"]]",
                "[[\"base\",\"b\"],[\"uri\",\"http://x\"]]",
                "[[\"base\",\"b\"],[\"bind_dn\",\"x\"],[\"uri\",\"ldaps://x\"]]",
                "[[\"base\",\"b\"],[\"uri\",\"-x\"]]",
                "[[\"base\",\"b\"],[\"port\",\"1\"],[\"uri\",\"ldaps://x\"]]",
                "[[\"base\"]]",
                "[\"base\"]",
        };
        char fact[1024];

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
                struct err job = { 0 }, err = { 0 };
                struct monitor_config c;

                begin(&c);
                snprintf(fact, sizeof fact,
                         "{\"every\":0,\"fact\":\"target\",\"line\":1,\"name\":\"a\","
                         "\"settings\":%s,\"table\":\"ldap\",\"timeout\":0}",
                         settings[i]);
                assert_int_equal(take(&c, fact), 0);
                if (monitor_config_end(&c, 0, &job, &err) != -EBADMSG ||
                    !strstr(err_text(&err), "target a"))
                        fail_msg("%s: %s", settings[i], err_text(&err));
                monitor_config_done(&c);
        }
}

static void test_faults(void **state)
{
        struct monitor_config c;
        struct err job = { 0 }, err = { 0 };

        (void)state;
        begin(&c);
        assert_int_equal(take(&c, "{\"column\":3,\"fault\":\"no\",\"line\":5}"), 0);
        assert_int_equal(monitor_config_end(&c, 0, &job, &err), -EINVAL);
        assert_string_equal(err_text(&err), "built-in state.yaml:5:3: no");
        assert_int_equal(c.n, 0);
        monitor_config_done(&c);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_tables),
                                            cmocka_unit_test(test_files),
                                            cmocka_unit_test(test_refused),
                                            cmocka_unit_test(test_target_values),
                                            cmocka_unit_test(test_faults) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
