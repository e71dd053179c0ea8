/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#define CLOCK(sync, error, offset)                                                                 \
        "{\"file\":\"\",\"kind\":\"clock\",\"max_error_us\":" error                                \
        ",\"name\":\"kernel\",\"offset_us\":" offset ",\"synchronised\":" sync "}\n"
#define SERVER(file, name) "{\"file\":\"" file "\",\"kind\":\"server\",\"name\":\"" name "\"}\n"
#define SERVER_WITH(file, name, options)                                                           \
        "{\"file\":\"" file "\",\"kind\":\"server\",\"name\":\"" name "\",\"options\":\"" options  \
        "\"}\n"

static const struct table_case cases[] = {
        { .name = "chrony",
          .part = { PART("clock", "1\t2500\t-\t17\n"), PART("/run/systemd/system", NULL),
                    PART("/usr/sbin/chronyd", NULL),
                    PART("/etc/systemd/system/multi-user.target.wants/chrony.service", NULL),
                    PART("/sys/fs/cgroup/system.slice/chrony.service/cgroup.procs", "1\n2\n"),
                    PART("/etc/chrony/chrony.conf", "# a\n! b\npool 2.debian.pool.ntp.org iburst\n"
                                                    "keyfile /etc/chrony/chrony.keys\n"),
                    PART("/etc/chrony/sources.d/x.sources", "server ntp.example.org\nserver\n") },
          .rows = "{\"enabled\":true,\"file\":\"\",\"installed\":true,\"kind\":\"service\","
                  "\"name\":\"chrony\",\"running\":true}\n" CLOCK("true", "2500", "-17")
                          SERVER_WITH("/etc/chrony/chrony.conf", "2.debian.pool.ntp.org", "iburst")
                                  SERVER("/etc/chrony/sources.d/x.sources", "ntp.example.org") },
        { .name = "systemd-timesyncd",
          .part = { PART("clock", "0\t16000000\t+\t0\n"),
                    { .name = "/run/systemd/timesync/synchronized",
                      .mtime_ns = 1764000000000000000 },
                    PART("/lib/systemd/systemd-timesyncd", NULL),
                    PART("/etc/systemd/timesyncd.conf",
                         "[Time]\n#NTP=x\nNTP=a.example b.example\n"),
                    PART("/etc/systemd/timesyncd.conf.d/1.conf",
                         " FallbackNTP = c.example\nNTP\n") },
          .rows = "{\"enabled\":false,\"file\":\"\",\"installed\":true,\"kind\":\"service\","
                  "\"name\":\"systemd-timesyncd\"}\n"
                  "{\"file\":\"\",\"kind\":\"clock\",\"last_sync\":"
                  "\"2025-11-24T16:00:00.000000000Z\",\"max_error_us\":16000000,"
                  "\"name\":\"kernel\",\"offset_us\":0,\"synchronised\":false}\n" SERVER(
                          "/etc/systemd/timesyncd.conf", "a.example")
                          SERVER("/etc/systemd/timesyncd.conf", "b.example")
                                  SERVER_WITH("/etc/systemd/timesyncd.conf.d/1.conf", "c.example",
                                              "fallback") },
        { .name = "no service, and what is no clock",
          .part = { PART("clock", "1\t-5\t+\t1\n"), { .name = "/etc/ntp.conf", .status = ENOENT } },
          .rows = "",
          .faults = "clock:1: not a clock\n" },
};

static void test_time_sync(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_time_sync, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_time_sync) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
