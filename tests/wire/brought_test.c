/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/brought.h"

#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define NEW  "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"
#define OLD  "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
#define KIND "\"k\":\"integrity.change\""
#define BOTH "\"new_sha256\":\"" NEW "\",\"old_sha256\":\"" OLD "\""

/* SHA-256 of "0", as sha256sum prints it. */
static const uint8_t want[BROUGHT_SHA256] = {
        0x5f, 0xec, 0xeb, 0x66, 0xff, 0xc8, 0x6f, 0x38, 0xd9, 0x52, 0x78,
        0x6c, 0x6d, 0x69, 0x6c, 0x79, 0xc2, 0xdb, 0xc2, 0x39, 0xdd, 0x4e,
        0x91, 0xb4, 0x67, 0x29, 0xd7, 0x3a, 0x27, 0xfb, 0x57, 0xe9,
};

static void test_brought(void **state)
{
        static const struct {
                const char *name, *entry;
                bool brought;
        } cases[] = {
                { "explained, of its content",
                  "{" KIND ",\"what\":{" BOTH "},"
                  "\"why\":{\"content\":true,\"state\":\"package\"}}",
                  true },
                { "with what the recorder adds",
                  "{\"id\":\"x\"," KIND ",\"src\":{\"proc\":\"sensor\"},\"what\":{" BOTH "},"
                  "\"why\":{\"content\":true,\"state\":\"change\"}}",
                  true },
                { "explained, not of its content",
                  "{" KIND ",\"what\":{" BOTH "},\"why\":{\"state\":\"service\"}}", false },
                { "and it says so",
                  "{" KIND ",\"what\":{" BOTH "},"
                  "\"why\":{\"content\":false,\"state\":\"service\"}}",
                  false },
                { "unexplained",
                  "{" KIND ",\"what\":{" BOTH "},"
                  "\"why\":{\"content\":true,\"state\":\"unexplained\"}}",
                  false },
                { "no state", "{" KIND ",\"what\":{" BOTH "},\"why\":{\"content\":true}}", false },
                { "another kind",
                  "{\"k\":\"integrity.check\",\"what\":{" BOTH "},"
                  "\"why\":{\"content\":true,\"state\":\"package\"}}",
                  false },
                { "only what was there before",
                  "{" KIND ",\"what\":{\"old_sha256\":\"" NEW "\"},"
                  "\"why\":{\"content\":true,\"state\":\"package\"}}",
                  false },
                { "only in a text",
                  "{" KIND ",\"what\":{\"path\":\"/\\\"new_sha256\\\":\\\"" NEW "\\\"\"},"
                  "\"why\":{\"content\":true,\"state\":\"package\"}}",
                  false },
                { "elsewhere",
                  "{" KIND ",\"what\":{},\"who\":{\"new_sha256\":\"" NEW "\"},"
                  "\"why\":{\"content\":true,\"state\":\"package\"}}",
                  false },
                { "no digest",
                  "{" KIND ",\"what\":{\"new_sha256\":\"5f\"},"
                  "\"why\":{\"content\":true,\"state\":\"package\"}}",
                  false },
                { "not canonical",
                  "{" KIND ",\"what\":{\"new_sha256\":\"" NEW "\"},"
                  "\"why\":{\"content\":true,\"state\":\"package\"}} ",
                  false },
                { "nothing", "", false },
                { "no entry", "[]", false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                uint8_t sha256[BROUGHT_SHA256] = { 1, 2, 3 }, before[BROUGHT_SHA256];

                memcpy(before, sha256, sizeof before);
                print_message("%s\n", cases[i].name);
                assert_int_equal(brought_content(span_str(cases[i].entry), sha256),
                                 cases[i].brought);
                assert_memory_equal(sha256, cases[i].brought ? want : before, sizeof want);
        }
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_brought) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
