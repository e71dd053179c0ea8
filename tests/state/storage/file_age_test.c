/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "base/clock.h"
#include "state/tables.h"

#define DAY_NS (86400 * NS_PER_S)
#define NOW_NS (20000 * DAY_NS) /* 2024-10-04 */

#define ITEM(given)                                                                                \
        {                                                                                          \
                .name = "state.yaml", .bytes = (given), .mtime_ns = NOW_NS                         \
        }
#define AGED(path, days, content)                                                                  \
        {                                                                                          \
                .name = (path), .bytes = (content), .mtime_ns = NOW_NS - (days)*DAY_NS             \
        }

static const struct table_case cases[] = {
        { .name = "some too old, none too old, none at all",
          .part = { ITEM("name\tlogs\nmax_age\t864000\n"),
                    AGED("/l/1", 9, "1234"),
                    AGED("/l/2", 11, "12345"),
                    AGED("/l/3", 12, "123456"),
                    { .name = "/l/dir", .mode = 040755, .mtime_ns = 1 },
                    { .name = "/l/link", .mode = 0120777, .mtime_ns = 1 },
                    { .name = "/l/gone", .status = ENOENT },
                    ITEM("name\texports\nmax_age\t864000\n"),
                    AGED("/e/1", 10, ""),
                    AGED("/e/2", -10, ""),
                    ITEM("name\tnothing\nmax_age\t1\n") },
          .rows = "{\"files\":3,\"max_age_s\":864000,\"name\":\"logs\",\"oldest\":"
                  "\"2024-09-22T00:00:00.000000000Z\",\"oldest_file\":\"/l/3\",\"over\":2,"
                  "\"over_bytes\":11,\"overdue\":true}\n"
                  "{\"files\":2,\"max_age_s\":864000,\"name\":\"exports\",\"oldest\":"
                  "\"2024-09-24T00:00:00.000000000Z\",\"oldest_file\":\"/e/1\",\"over\":0,"
                  "\"over_bytes\":0,\"overdue\":false}\n"
                  "{\"files\":0,\"max_age_s\":1,\"name\":\"nothing\",\"over\":0,"
                  "\"over_bytes\":0,\"overdue\":false}\n" },
        { .name = "without an age, they are counted",
          .part = { ITEM("name\tx\n"), AGED("/x", 1, "") },
          .rows = "{\"files\":1,\"name\":\"x\",\"oldest\":\"2024-10-03T00:00:00.000000000Z\","
                  "\"oldest_file\":\"/x\"}\n" },
        { .name = "files of no item, and times at the ends of time",
          .part = { AGED("/x", 1, ""),
                    ITEM("name\ty\nmax_age\t1\n"),
                    { .name = "/min", .mtime_ns = INT64_MIN },
                    { .name = "/max", .mtime_ns = INT64_MAX } },
          .rows = "{\"files\":2,\"max_age_s\":1,\"name\":\"y\",\"oldest\":"
                  "\"1677-09-21T00:12:43.145224192Z\",\"oldest_file\":\"/min\",\"over\":0,"
                  "\"over_bytes\":0,\"overdue\":false}\n" },
};

static void test_file_age(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_file_age, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_file_age) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
