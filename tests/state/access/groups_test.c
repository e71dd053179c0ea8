/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

static const struct table_case cases[] = {
        { .name = "members",
          .part = { PART("/etc/group", "root:x:0:\nadm:x:4:syslog,a\nx:!:5:,b,,\n") },
          .rows = "{\"gid\":0,\"members\":[],\"name\":\"root\"}\n"
                  "{\"gid\":4,\"members\":[\"syslog\",\"a\"],\"name\":\"adm\"}\n"
                  "{\"gid\":5,\"members\":[\"b\"],\"name\":\"x\"}\n" },
        { .name = "lines that are none",
          .part = { PART("/etc/group", "a:x\nb:x:x:\n:x:1:\n") },
          .rows = "",
          .faults = "/etc/group:1: group is no number\n/etc/group:2: group is no number\n"
                    "/etc/group:3: no name\n" },
        { .name = "groups by no manual",
          .part = { PART("/etc/group", "a:x:1\n b:x:+2: c,\td,e:f\n") },
          .rows = "{\"gid\":1,\"members\":[],\"name\":\"a\"}\n"
                  "{\"gid\":2,\"members\":[\"c\",\"d\",\"e:f\"],\"name\":\"b\"}\n" },
};

static void test_groups(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_groups, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_groups) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
