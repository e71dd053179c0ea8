/* SPDX-License-Identifier: Apache-2.0 */
/* A real server is tests/system/state/test_state_targets.py. */
#include "state/tables.h"
#include "target_tool.h"

#define ANSWER(text)                                                                               \
        {                                                                                          \
                PART("psql", text)                                                                 \
        }
#define RULE(definition, name)                                                                     \
        "{\"definition\":\"" definition "\",\"kind\":\"hba\",\"name\":\"" name "\"}\n"

static const struct table_case cases[] = {
        { "objects",
          ANSWER("object\ttable\tpublic.bill\towner\trow security\ta=r/o\037b=w/o\n"
                 "object\tcolumn\tpublic.bill.x\t\\N\ttext default 'a\\\\b'\t\\N\nend\n"),
          "{\"definition\":\"row security\",\"grants\":[\"a=r/o\",\"b=w/o\"],\"kind\":\"table\","
          "\"name\":\"public.bill\",\"owner\":\"owner\"}\n"
          "{\"definition\":\"text default 'a\\\\b'\",\"kind\":\"column\","
          "\"name\":\"public.bill.x\"}\n",
          NULL },
        { "rules",
          ANSWER("hba\tlocal all all peer\t\\N\nhba\thost all all 0.0.0.0 trust\t\\N\n"
                 "hba\thost all all 0.0.0.0 trust\t\\N\nend\n"),
          RULE("the first one", "local all all peer") RULE("local all all peer",
                                                           "host all all 0.0.0.0 trust")
                  RULE("host all all 0.0.0.0 trust", "host all all 0.0.0.0 trust (again, 1)"),
          NULL },
        { "a line that the server cannot read", ANSWER("hba\t\tinvalid method\nend\n"),
          "{\"definition\":\"the first one\",\"kind\":\"hba fault\",\"name\":\"invalid method\"}\n",
          NULL },
};

static const struct failing_case failing[] = {
        { "no end", ANSWER("object\ttable\ta\tb\tc\t\\N\n"), "has no end" },
        { "nothing", ANSWER("end\n"), "nothing" },
        { "too few fields", ANSWER("object\ttable\nend\n"), "line 1" },
        { "too many", ANSWER("hba\ta\tb\tc\nend\n"), "line 1" },
};

static void test_read(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_pg_schema, cases);
}

static void test_fails(void **state)
{
        (void)state;
        TARGET_FAILS_ALL(&state_pg_schema, failing);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_read),
                                            cmocka_unit_test(test_fails) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
