/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

/* As `setcap cap_net_raw=ep` writes it: revision 2, effective, bit 13 permitted. */
#define NET_RAW "0100000200200000000000000000000000000000"

static const struct table_case cases[] = {
        { .name = "set-uid, set-gid without effect, capabilities",
          .part = { PART("suid", "file\t/usr/bin/sudo\t4755\t0\t0\t-\t-\n"
                                 "file\t/tmp/x y\t2755\t1000\t42\tnosuid\t-\n"
                                 "file\t/usr/bin/ping\t0755\t0\t0\t-\t" NET_RAW "\n") },
          .rows = "{\"gid\":0,\"mode\":\"4755\",\"nosuid\":false,\"path\":\"/usr/bin/sudo\","
                  "\"uid\":0}\n"
                  "{\"gid\":42,\"mode\":\"2755\",\"nosuid\":true,\"path\":\"/tmp/x y\","
                  "\"uid\":1000}\n"
                  "{\"capabilities\":\"cap_net_raw=ep\",\"gid\":0,\"mode\":\"0755\","
                  "\"nosuid\":false,\"path\":\"/usr/bin/ping\",\"uid\":0}\n" },
        { .name = "a name that was made safe reads as it would from a file",
          .part = { PART("suid", "file\t/a\\x0a\\\\b\t4755\t0\t0\t-\t-\n"
                                 "file\t/\\xff\t4755\t0\t0\t-\t-\n"
                                 "file\t/\\\\xff\t4755\t0\t0\t-\t-\n") },
          .rows = "{\"gid\":0,\"mode\":\"4755\",\"nosuid\":false,\"path\":\"/a\\n\\\\b\",\"uid\":0}\n"
                  "{\"gid\":0,\"mode\":\"4755\",\"nosuid\":false,\"path\":\"/\\\\xff\",\"uid\":0}\n"
                  "{\"gid\":0,\"mode\":\"4755\",\"nosuid\":false,\"path\":\"/\\\\\\\\xff\",\"uid\":0}\n" },
        { .name = "what was not looked into",
          .part = { PART("suid", "deep\t/a/b\t0\nunread\t/c\t5\n") },
          .rows = "",
          .faults = "/a/b:0: lies too deep to be looked into\n/c:0: Input/output error\n" },
        { .name = "a user with very many",
          .part = { PART("suid", "many\t1001\t1000\nfile\t/x\t4755\t0\t0\t-\t-\n") },
          .rows = "{\"gid\":0,\"mode\":\"4755\",\"nosuid\":false,\"path\":\"/x\",\"uid\":0}\n",
          .faults = "suid:0: user 1001 has more of them than 1000: the others are not told\n" },
        { .name = "lines that are none",
          .part = { PART("suid",
                         "file\t/x\t4755\t0\t0\t-\nfile\t/x\t4755\tx\t0\t-\t-\n"
                         "file\t/x\t4755\t0\t0\t-\tzz\nfile\t/x\t4755\t0\t0\t-\t00\nother\n") },
          .rows = "",
          .faults = "suid:1: not a file's seven fields\nsuid:2: not a file's seven fields\n"
                    "suid:3: capabilities that are none\nsuid:4: capabilities that are none\n"
                    "suid:5: not a line of monitor/suid.c\n" },
};

static void test_suid(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_suid, cases);
}

/* Nobody's file makes the table useless for the others'. */
static void test_sees(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                assert_true(table_sees(&state_suid, cases[i].part));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_suid),
                                            cmocka_unit_test(test_sees) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
