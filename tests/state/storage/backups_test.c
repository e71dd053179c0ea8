/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "base/clock.h"
#include "state/tables.h"

#define HOUR_NS (3600 * NS_PER_S)
#define NOW_NS  (20000 * 24 * HOUR_NS) /* 2024-10-04 */

#define ITEM(given)                                                                                \
        {                                                                                          \
                .name = "state.yaml", .bytes = (given), .mtime_ns = NOW_NS                         \
        }
#define AGED(path, hours, content)                                                                 \
        {                                                                                          \
                .name = (path), .bytes = (content), .mtime_ns = NOW_NS - (hours)*HOUR_NS           \
        }

static const struct table_case cases[] = {
        { .name = "one that is in time, and the one before",
          .part = { ITEM("name\tnightly\nmax_age\t93600\n"), AGED("/b/1", 50, "123456"),
                    AGED("/b/3", 2, "12345"), AGED("/b/2", 26, "1234567") },
          .rows = "{\"files\":3,\"max_age_s\":93600,\"name\":\"nightly\",\"newest\":"
                  "\"2024-10-03T22:00:00.000000000Z\",\"newest_file\":\"/b/3\","
                  "\"overdue\":false,\"previous_size\":7,\"size\":5,\"suspicious\":false}\n" },
        { .name = "overdue, none at all, and a test of restoring",
          .part = { ITEM("name\tnightly\nmax_age\t93600\n"), AGED("/b/1", 27, "1"),
                    ITEM("name\tweekly\nmax_age\t604800\n"),
                    ITEM("name\trestore test\nmax_age\t7776000\n"), AGED("/b/tested", 48, "x") },
          .rows = "{\"files\":1,\"max_age_s\":93600,\"name\":\"nightly\",\"newest\":"
                  "\"2024-10-02T21:00:00.000000000Z\",\"newest_file\":\"/b/1\","
                  "\"overdue\":true,\"size\":1,\"suspicious\":false}\n"
                  "{\"files\":0,\"max_age_s\":604800,\"name\":\"weekly\",\"overdue\":true}\n"
                  "{\"files\":1,\"max_age_s\":7776000,\"name\":\"restore test\",\"newest\":"
                  "\"2024-10-02T00:00:00.000000000Z\",\"newest_file\":\"/b/tested\","
                  "\"overdue\":false,\"size\":1,\"suspicious\":false}\n" },
        { .name = "one still grows, one is of the future, one fits two patterns",
          .part = { ITEM("name\ta\nmax_age\t93600\n"), AGED("/b/2", -1, "12"), AGED("/b/1", 0, "1"),
                    AGED("/b/0", 3, "123"), AGED("/b/0", 3, "123") },
          .rows = "{\"files\":4,\"max_age_s\":93600,\"name\":\"a\",\"newest\":"
                  "\"2024-10-03T21:00:00.000000000Z\",\"newest_file\":\"/b/0\","
                  "\"overdue\":false,\"size\":3,\"suspicious\":false}\n" },
        { .name = "empty, and much smaller than the one before",
          .part = { ITEM("name\tempty\n"), AGED("/b/1", 1, ""), ITEM("name\tsmall\n"),
                    AGED("/c/1", 9, "12345"), AGED("/c/2", 1, "1") },
          .rows = "{\"files\":1,\"name\":\"empty\",\"newest\":"
                  "\"2024-10-03T23:00:00.000000000Z\",\"newest_file\":\"/b/1\",\"size\":0,"
                  "\"suspicious\":true}\n"
                  "{\"files\":2,\"name\":\"small\",\"newest\":"
                  "\"2024-10-03T23:00:00.000000000Z\",\"newest_file\":\"/c/2\","
                  "\"previous_size\":5,\"size\":1,\"suspicious\":true}\n" },
};

static void test_backups(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_backups, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_backups) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
