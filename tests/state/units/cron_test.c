/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#define LINE(active, command, file, kind, line, schedule, user)                                    \
        "{\"active\":" active ",\"command\":\"" command "\",\"file\":\"" file                      \
        "\",\"kind\":\"" kind "\",\"line\":" line ",\"schedule\":\"" schedule                      \
        "\",\"user\":\"" user "\"}\n"
#define VARIABLE(command, file, line, more)                                                        \
        "{\"active\":true,\"command\":\"" command "\",\"file\":\"" file                            \
        "\",\"kind\":\"variable\",\"line\":" line more "}\n"
#define SCRIPT(active, file, schedule)                                                             \
        "{\"active\":" active ",\"command\":\"" file "\",\"file\":\"" file                         \
        "\",\"kind\":\"directory\",\"schedule\":\"" schedule "\",\"user\":\"root\"}\n"

static const struct table_case cases[] = {
        { .name = "as Debian ships it",
          .part = { PART("/etc/crontab",
                         "# /etc/crontab: system-wide crontab\n\nSHELL=/bin/sh\n"
                         "PATH=/sbin:/bin\n# *  *  *  *  * user-name command to be executed\n"
                         "17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly\n") },
          .rows = VARIABLE("SHELL", "/etc/crontab", "3", ",\"value\":\"/bin/sh\"")
                  VARIABLE("PATH", "/etc/crontab", "4", ",\"value\":\"/sbin:/bin\"")
                          LINE("true", "cd / && run-parts --report /etc/cron.hourly",
                               "/etc/crontab", "system", "6", "17 * * * *", "root") },
#define TEN   "0,1,2,3,4,5,6,7,8,9,"
#define FIFTY TEN TEN TEN TEN TEN
        { .name = "a list as long as one likes",
          .part = { PART("/etc/crontab", FIFTY FIFTY FIFTY "0 * * * *\troot x\n") },
          .rows = LINE("true", "x", "/etc/crontab", "system", "1",
                       FIFTY FIFTY TEN TEN "0,1,2,3,4,5,6,7,... * * * *", "root") },
        { .name = "cron.d: @reboot, what cron does not take",
          .part = { PART("/etc/cron.d/a-1",
                         "@reboot root /bin/x\n*/5 0-6 1,15 jan mon-fri a y z\n"),
                    PART("/etc/cron.d/a.bak", "@daily root /bin/x"),
                    { .name = "/etc/cron.d/b", .bytes = "@daily eve /bin/x", .mode = 0100664 },
                    { .name = "/etc/cron.d/c", .bytes = "@daily eve /bin/x", .uid = 1 } },
          .rows = LINE("true", "/bin/x", "/etc/cron.d/a-1", "system", "1", "@reboot", "root") LINE(
                  "true", "y z", "/etc/cron.d/a-1", "system", "2", "*/5 0-6 1,15 jan mon-fri",
                  "a") LINE("false", "/bin/x", "/etc/cron.d/a.bak", "system", "1", "@daily", "root")
                  LINE("false", "/bin/x", "/etc/cron.d/b", "system", "1", "@daily", "eve") LINE(
                          "false", "/bin/x", "/etc/cron.d/c", "system", "1", "@daily", "eve") },
        { .name = "a user's: variables that may be secret, secrets in a command",
          .part = { { .name = "/var/spool/cron/crontabs/ann",
                      .mode = 0100600,
                      .bytes = "MAILTO = \"ann@example.org\"\nDB_URL=geheim\n"
                               "  0 4 * * * curl --token geheim u%x\n" } },
          .rows = VARIABLE("MAILTO", "/var/spool/cron/crontabs/ann", "1",
                           ",\"user\":\"ann\",\"value\":\"ann@example.org\"")
                  VARIABLE("DB_URL", "/var/spool/cron/crontabs/ann", "2", ",\"user\":\"ann\"")
                          LINE("true", "curl --token *** u%x", "/var/spool/cron/crontabs/ann",
                               "user", "3", "0 4 * * *", "ann") },
        /* Debian's cron ran none of these */
        { .name = "what cron does not take: read by others, no end of the last line",
          .part = { PART("/var/spool/cron/crontabs/ann", "0 4 * * * x\n"),
                    PART("/etc/cron.d/a", "0 4 * * * root x"),
                    { .name = "/var/spool/cron/crontabs/bob",
                      .mode = 0100600,
                      .bytes = "0 4 * * * x" } },
          .rows = LINE("false", "x", "/var/spool/cron/crontabs/ann", "user", "1", "0 4 * * *",
                       "ann") LINE("false", "x", "/etc/cron.d/a", "system", "1", "0 4 * * *",
                                   "root") LINE("false", "x", "/var/spool/cron/crontabs/bob",
                                                "user", "1", "0 4 * * *", "bob") },
        { .name = "anacron",
          .part = { PART("/etc/anacrontab", "HOME=/root\n1 5 cron.daily run-parts /etc/cron.daily\n"
                                            "@monthly 15 m nice x\n") },
          .rows = VARIABLE("HOME", "/etc/anacrontab", "1", ",\"user\":\"root\",\"value\":\"/root\"")
                  LINE("true", "run-parts /etc/cron.daily", "/etc/anacrontab", "anacron", "2",
                       "1 5 cron.daily", "root") LINE("true", "nice x", "/etc/anacrontab",
                                                      "anacron", "3", "@monthly 15 m", "root") },
        { .name = "directories",
          .part = { { .name = "/etc/cron.daily/dpkg", .mode = 0100755 },
                    { .name = "/etc/cron.daily/x.sh", .mode = 0100755 },
                    { .name = "/etc/cron.weekly/not", .mode = 0100644 },
                    { .name = "/etc/cron.weekly/dir", .mode = 040755 } },
          .rows = SCRIPT("true", "/etc/cron.daily/dpkg", "daily")
                  SCRIPT("false", "/etc/cron.daily/x.sh", "daily")
                          SCRIPT("false", "/etc/cron.weekly/not", "weekly") },
        /* 0x01c1cd60 minutes are 29478240, 1768694400 s */
        { .name = "at",
          .part = { { .name = "/var/spool/cron/atjobs/a0000201c1cd60", .mode = 0100700, .uid = 7 },
                    { .name = "/var/spool/cron/atjobs/=0000301c1cd60", .mode = 0100700, .uid = 7 },
                    { .name = "/var/spool/cron/atjobs/.SEQ", .mode = 0100600 } },
          .rows = "{\"active\":true,\"command\":\"/var/spool/cron/atjobs/a0000201c1cd60\",\"file\":"
                  "\"/var/spool/cron/atjobs/a0000201c1cd60\",\"kind\":\"at\",\"next\":"
                  "\"2026-01-18T00:00:00.000000000Z\",\"user\":\"#7\"}\n"
                  "{\"active\":false,\"command\":\"/var/spool/cron/atjobs/=0000301c1cd60\",\"file\":"
                  "\"/var/spool/cron/atjobs/=0000301c1cd60\",\"kind\":\"at\",\"next\":"
                  "\"2026-01-18T00:00:00.000000000Z\",\"user\":\"#7\"}\n" },
        { .name = "lines that are none",
          .part = { PART("/etc/crontab", "hello\n* * * *\n* * * * * root\n@daily root\n"
                                         "a * * * * root x\n+ * * * * root x\n1x=2\n@ root x\n"),
                    { .name = "/etc/anacrontab", .status = ENOENT } },
          .rows = "",
#define BAD(n) "/etc/crontab:" n ": neither a time and a command nor a variable\n"
          .faults = BAD("1") BAD("2") BAD("3") BAD("4") BAD("5") BAD("6") BAD("7") BAD("8") },
        { .name = "a user's that cannot be read, and more jobs than are told",
          .part = { { .name = "/var/spool/cron/crontabs/bob", .status = EFBIG },
                    { .name = "/var/spool/cron/atjobs/*", .status = E2BIG } },
          .rows = "",
          .faults = "/var/spool/cron/crontabs/bob:0: File too large\n"
                    "/var/spool/cron/atjobs/*:0: Argument list too long\n" },
        { .name = "the system's that cannot be read",
          .part = { { .name = "/etc/crontab", .status = EACCES } },
          .rows = "",
          .faults = "/etc/crontab:0: Permission denied\n" },
};

static void test_cron(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_cron, cases);
}

/* Nobody's file makes the table useless for the others'. */
static void test_sees(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                assert_true(table_sees(&state_cron, cases[i].part) !=
                            (strcmp(cases[i].name, "the system's that cannot be read") == 0));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_cron),
                                            cmocka_unit_test(test_sees) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
