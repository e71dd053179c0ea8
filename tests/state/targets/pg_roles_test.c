/* SPDX-License-Identifier: Apache-2.0 */
/* A real server is tests/system/state/test_state_targets.py. */
#include "state/tables.h"
#include "target_tool.h"

#define ANSWER(text)                                                                               \
        {                                                                                          \
                PART("psql", text)                                                                 \
        }
#define FLAGS                                                                                      \
        "{\"bypass_row_security\":false,\"connection_limit\":-1,\"create_database\":false,"        \
        "\"create_role\":false,\"inherit\":true,\"login\":true,"
#define ROLE(name) "role\t" name "\tf\tt\tf\tf\tt\tf\tf\t-1\t"

static const struct table_case cases[] = {
        { "without a sight of passwords", ANSWER(ROLE("a") "\\N\t\\N\t\\N\nend\n"),
          FLAGS "\"name\":\"a\",\"replication\":false,\"superuser\":false}\n", NULL },
        { "all of it",
          ANSWER("password\tb\\tc\tmd5\npassword\ta\tnone\n"
                 "role\tb\\tc\tt\tt\tt\tt\tt\tt\tt\t3\t2030-01-01T00:00:00Z\tx (admin)\037y\t"
                 "app: role=z\nend\n"),
          "{\"bypass_row_security\":true,\"connection_limit\":3,\"create_database\":true,"
          "\"create_role\":true,\"inherit\":true,\"login\":true,\"member_of\":[\"x (admin)\","
          "\"y\"],\"name\":\"b\\tc\",\"password\":\"md5\",\"replication\":true,"
          "\"settings\":[\"app: role=z\"],\"superuser\":true,"
          "\"valid_until\":\"2030-01-01T00:00:00Z\"}\n",
          NULL },
};

static const struct failing_case failing[] = {
        { "no end", ANSWER(ROLE("a") "\\N\t\\N\t\\N\n"), "has no end" },
        { "nothing", ANSWER("end\n"), "no role" },
        { "too few fields", ANSWER("role\ta\nend\n"), "line 1" },
        { "something behind the end", ANSWER("end\nrole\n"), "line 2" },
        { "bad escape", ANSWER("role\ta\\\nend\n"), "line 1" },
        { "another tag", ANSWER("rule\ta\nend\n"), "line 1" },
        { "password",
          { { .name = "psql", .status = 256 + 2 },
            PART("errors", "FATAL:  password authentication failed for user \"x\"") },
          "refuses the credentials" },
        { "broke off",
          { { .name = "psql", .bytes = ROLE("a") "\\N\t\\N\t\\N\nend\n", .status = 256 + 2 },
            PART("errors", "server closed the connection unexpectedly") },
          "broke off" },
};

static void test_read(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_pg_roles, cases);
}

static void test_fails(void **state)
{
        (void)state;
        TARGET_FAILS_ALL(&state_pg_roles, failing);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_read),
                                            cmocka_unit_test(test_fails) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
