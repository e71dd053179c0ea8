/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#define STAT(text)        PART("/proc/stat", text)
#define LOAD(text)        PART("/proc/loadavg", text)
#define MEMORY(text)      PART("/proc/meminfo", text)
#define PRESSURE(n, text) PART("/proc/pressure/" n, text)
#define DISKS(text)       PART("filesystems", text)

static const struct table_case cases[] = {
        { .name = "a machine at work",
          .part = { STAT("cpu  100 20 30 4000 50 6 7 8 9 10\n"
                         "cpu0 60 10 20 2000 25 3 4 4 0 0\n"
                         "cpu1 40 10 10 2000 25 3 3 4 0 0\n"
                         "intr 12 0 1\nctxt 77\nbtime 1764000000\n"),
                    LOAD("0.75 1.02 12.46 9/173 11261\n"),
                    MEMORY("MemTotal:       1000 kB\nMemFree:          10 kB\n"
                           "MemAvailable:    400 kB\nSwapTotal:       100 kB\n"
                           "SwapFree:         90 kB\n"),
                    PRESSURE("cpu", "some avg10=89.96 avg60=58.48 avg300=70.76 total=2140\n"
                                    "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"),
                    PRESSURE("irq", "full avg10=0.00 avg60=0.00 avg300=0.05 total=9\n"),
                    DISKS("/\text4\t/dev/vda\t1000\t300\t650\t64\t60\trw\n"
                          "/with blank\tbtrfs\t/dev/vdb\t9\t9\t0\t0\t0\tro\n") },
          .rows = "{\"busy_ms\":1630,\"idle_ms\":40000,\"iowait_ms\":500,\"kind\":\"processor\","
                  "\"name\":\"all\",\"processors\":2,\"steal_ms\":80}\n"
                  "{\"kind\":\"load\",\"load1\":75,\"load15\":1246,\"load5\":102,"
                  "\"name\":\"all\"}\n"
                  "{\"available\":409600,\"kind\":\"memory\",\"name\":\"all\",\"size\":1024000,"
                  "\"used\":614400}\n"
                  "{\"available\":92160,\"kind\":\"swap\",\"name\":\"all\",\"size\":102400,"
                  "\"used\":10240}\n"
                  "{\"full_avg300\":0,\"kind\":\"pressure\",\"name\":\"cpu\","
                  "\"some_avg300\":7076}\n"
                  "{\"full_avg300\":5,\"kind\":\"pressure\",\"name\":\"irq\"}\n"
                  "{\"available\":650,\"inodes\":64,\"inodes_free\":60,\"kind\":\"filesystem\","
                  "\"name\":\"/\",\"read_only\":false,\"size\":1000,\"type\":\"ext4\","
                  "\"used\":300}\n"
                  "{\"available\":0,\"kind\":\"filesystem\",\"name\":\"/with blank\","
                  "\"read_only\":true,\"size\":9,\"type\":\"btrfs\",\"used\":9}\n" },
        { .name = "no swap, and a kernel that has pressure switched off",
          .part = { MEMORY("MemTotal: 8 kB\nMemAvailable: 8 kB\nSwapTotal: 0 kB\n"
                           "SwapFree: 0 kB\n"),
                    { .name = "/proc/pressure/cpu", .status = EOPNOTSUPP } },
          .rows = "{\"available\":8192,\"kind\":\"memory\",\"name\":\"all\",\"size\":8192,"
                  "\"used\":0}\n"
                  "{\"available\":0,\"kind\":\"swap\",\"name\":\"all\",\"size\":0,\"used\":0}\n" },
        { .name = "what is none",
          .part = { STAT("cpu  1 2 3\n"), LOAD("0.1 0.22 0.33\n"),
                    MEMORY("MemTotal: 8 kB\nMemAvailable: 9 kB\n"),
                    PRESSURE("io", "some avg10=0.00 total=1\n"), PRESSURE("memory", ""),
                    DISKS("/\text4\n/\text4\tx\t1\t1\t1\t1\t-1\trw\n") },
          .rows = "",
          .faults = "/proc/stat:0: no times of all processors\n"
                    "/proc/loadavg:1: not three loads\n"
                    "/proc/meminfo:0: no size of memory\n"
                    "/proc/meminfo:0: no size of swap\n"
                    "/proc/pressure/io:1: no average of 300 s\n"
                    "/proc/pressure/memory:0: neither some nor full\n"
                    "filesystems:1: not a filesystem\n"
                    "filesystems:2: not a filesystem\n" },
        { .name = "numbers that no machine has",
          .part = { STAT("cpu  99999999999999999999 0 0 0 0 0 0 0\n"),
                    LOAD("99999999999.00 0.00 0.00\n"),
                    MEMORY("MemTotal: 18014398509481984 kB\nMemAvailable: 1 kB\n"
                           "SwapTotal: kB\n") },
          .rows = "",
          .faults = "/proc/stat:0: no times of all processors\n"
                    "/proc/loadavg:1: not three loads\n"
                    "/proc/meminfo:0: no size of memory\n"
                    "/proc/meminfo:0: no size of swap\n" },
};

static void test_capacity(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_capacity, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_capacity) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
