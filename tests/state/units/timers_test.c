/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#define ETC "/etc/systemd/system/"
#define USR "/usr/lib/systemd/system/"

static const struct table_case cases[] = {
        { .name = "Debian's, and one that starts another unit by the time since the last",
          .part = { { .name = ETC "timers.target.wants/apt-daily.timer",
                      .bytes = "/lib/systemd/system/apt-daily.timer",
                      .mode = 0120777 },
                    PART(ETC "apt-daily.timer.d/x.conf",
                         "[Timer]\nOnCalendar=\nOnCalendar=weekly\n"),
                    PART(USR "apt-daily.service",
                         "[Service]\nType=oneshot\nExecStart=/usr/lib/apt/apt.systemd.daily update\n"),
                    PART(USR "apt-daily.timer",
                         "[Timer]\nOnCalendar=*-*-* 6,18:00\nRandomizedDelaySec=12h\n"
                         "Persistent=true\n\n[Install]\nWantedBy=timers.target\n"),
                    PART(USR "y.timer",
                         "[Timer]\nOnBootSec=15min\nOnUnitActiveSec=1d\nUnit=z.target\n"),
                    PART(USR "w.timer", "[Timer]\nOnCalendar=daily\nUnit=w2.service\n"),
                    PART(USR "w2.service", "[Service]\nExecStart=/w --token=abc\nUser=w\n") },
          .rows = "{\"drop_ins\":[\"" ETC "apt-daily.timer.d/x.conf\"],"
                  "\"executes\":[\"ExecStart=/usr/lib/apt/apt.systemd.daily update\"],"
                  "\"name\":\"apt-daily.timer\",\"path\":\"" USR
                  "apt-daily.timer\",\"persistent\":true,\"random_delay\":\"12h\","
                  "\"schedule\":[\"OnCalendar=weekly\"],\"starts\":\"apt-daily.service\","
                  "\"state\":\"enabled\",\"user\":\"root\",\"wanted_by\":[\"timers.target\"]}\n"
                  "{\"executes\":[\"ExecStart=/w --token=***\"],\"name\":\"w.timer\",\"path\":\"" USR
                  "w.timer\",\"persistent\":false,\"schedule\":[\"OnCalendar=daily\"],"
                  "\"starts\":\"w2.service\",\"state\":\"static\",\"user\":\"w\"}\n"
                  "{\"name\":\"y.timer\",\"path\":\"" USR "y.timer\",\"persistent\":false,"
                  "\"schedule\":[\"OnBootSec=15min\",\"OnUnitActiveSec=1d\"],"
                  "\"starts\":\"z.target\",\"state\":\"static\"}\n" },
        { .name = "masked",
          .part = { { .name = ETC "a.timer", .bytes = "/dev/null", .mode = 0120777 } },
          .rows = "{\"name\":\"a.timer\",\"path\":\"" ETC "a.timer\",\"state\":\"masked\"}\n" },
        { .name = "no systemd",
          .part = { { .name = "/etc/systemd/system", .status = ENOENT } },
          .rows = "" },
};

static void test_timers(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_timers, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_timers) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
