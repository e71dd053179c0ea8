/* SPDX-License-Identifier: Apache-2.0 */
#include "command/rate.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_rates(void **state)
{
        static const struct {
                const char *text;
                uint64_t bytes, files; /* both 0: refused */
        } rows[] = {
                { "500000", 500000, 0 },
                { "1B/s", 1, 0 },
                { "20M", 20971520, 0 },
                { "20MB", 20971520, 0 },
                { "20MiB/s", 20971520, 0 },
                { "20 MiB/s", 20971520, 0 },
                { "1.5G", 1610612736, 0 },
                { "0.5K", 512, 0 },
                { "1000files", 0, 1000 },
                { "1000 files/s", 0, 1000 },
                { "1file", 0, 1 },
                { "18446744073709G", 0, 0 },
                { "18446744073709551615", 0, 0 },
                { "0", 0, 0 },
                { "0.1B", 0, 0 },
                { "0files", 0, 0 },
                { "", 0, 0 },
                { "M", 0, 0 },
                { "-5M", 0, 0 },
                { "5X", 0, 0 },
                { "5M/h", 0, 0 },
                { "1.", 0, 0 },
                { ".5M", 0, 0 },
                { "1.0000001M", 0, 0 },
                { "5m", 0, 0 },
                { "05M", 0, 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct rate r = { 7, 7 };
                struct err err = { 0 };
                int rc = rate_parse(rows[i].text, &r, &err);

                if (rows[i].bytes + rows[i].files == 0) {
                        if (rc != -EINVAL || r.bytes_per_s != 7 || !err.text[0])
                                fail_msg("%s was not refused", rows[i].text);
                        continue;
                }
                if (rc < 0 || r.bytes_per_s != rows[i].bytes || r.files_per_s != rows[i].files)
                        fail_msg("%s: %llu %llu %s", rows[i].text,
                                 (unsigned long long)r.bytes_per_s,
                                 (unsigned long long)r.files_per_s, err.text);
        }
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_rates) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
