/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

/* Days since 1970 as `date -u -d "1970-01-01 + N days"` tells them. */
static const struct table_case cases[] = {
        { .name = "as a fresh system has them",
          .part = { PART("/etc/shadow", "root:*:20228:0:99999:7:::\n_apt:!:20228::::::\n") },
          .rows = "{\"changed\":\"2025-05-20T00:00:00.000000000Z\",\"max_days\":99999,"
                  "\"min_days\":0,\"must_change\":false,\"status\":\"locked\",\"user\":\"root\","
                  "\"warn_days\":7}\n"
                  "{\"changed\":\"2025-05-20T00:00:00.000000000Z\",\"must_change\":false,"
                  "\"status\":\"locked\",\"user\":\"_apt\"}\n" },
        { .name = "every field has a value",
          .part = { PART("/etc/shadow", "ann:$y$j9T$abc$def:20000:1:90:14:30:20454:\n") },
          .rows = "{\"changed\":\"2024-10-04T00:00:00.000000000Z\","
                  "\"expires\":\"2026-01-01T00:00:00.000000000Z\",\"inactive_days\":30,"
                  "\"max_days\":90,\"method\":\"yescrypt\",\"min_days\":1,\"must_change\":false,"
                  "\"status\":\"set\",\"user\":\"ann\",\"warn_days\":14}\n" },
        { .name = "methods of crypt(5), an unlocked and a locked one, none, a word that is no hash",
          .part = { PART("/etc/shadow",
                         "a:$6$s$h:::::::\nb:$5$s$h:::::::\nc:$1$s$h:::::::\nd:$2b$05$h:::::::\n"
                         "e:abJnggxhB/yWI:::::::\nf:_J9..K0AyUubRkOM2fEI:::::::\n"
                         "g:$9$s$h:::::::\nh:!$y$j9T$s$h:::::::\ni::::::::\nj:x:::::::\n"
                         "k:!!:::::::\nl:*LK*:::::::\n") },
#define METHOD(user, method, status)                                                               \
        "{\"method\":\"" method "\",\"must_change\":false,\"status\":\"" status                    \
        "\",\"user\":\"" user "\"}\n"
#define NO_METHOD(user, status)                                                                    \
        "{\"must_change\":false,\"status\":\"" status "\",\"user\":\"" user "\"}\n"
          .rows = METHOD("a", "sha512crypt", "set") METHOD("b", "sha256crypt", "set") METHOD(
                  "c", "md5crypt", "set") METHOD("d", "bcrypt", "set") METHOD("e", "des", "set")
                  METHOD("f", "bsdicrypt", "set") METHOD("g", "unknown", "set")
                          METHOD("h", "yescrypt", "locked") NO_METHOD("i", "none")
                                  NO_METHOD("j", "unusable") NO_METHOD("k", "locked")
                                          NO_METHOD("l", "locked") },
        { .name = "must be changed; minus one is none; a day no time reaches",
          .part = { PART("/etc/shadow", "a:*:0:-1:-1:-1:-1:-1:\nb:*:106752::::::\n") },
          .rows = "{\"must_change\":true,\"status\":\"locked\",\"user\":\"a\"}\n"
                  "{\"must_change\":false,\"status\":\"locked\",\"user\":\"b\"}\n" },
        { .name = "lines that are none",
          .part = { PART("/etc/shadow", "a:*:1:2:3:4:5:\n:*:::::::\na:*:x::::::\na:*:-2::::::\n"
                                        "a:*:99999999999999999999::::::\n") },
          .rows = "",
          .faults = "/etc/shadow:1: days that are no number\n"
                    "/etc/shadow:2: no name\n"
                    "/etc/shadow:3: days that are no number\n"
                    "/etc/shadow:4: days that are no number\n"
                    "/etc/shadow:5: days that are no number\n" },
        { .name = "passwords by no manual: none at all, and the last day of an account",
          .part = { PART("/etc/shadow", "a::0:0:9\n b:*:0:0:9:1:2:0\n") },
          .rows = "{\"max_days\":9,\"min_days\":0,\"must_change\":true,\"status\":\"none\","
                  "\"user\":\"a\"}\n"
                  "{\"expires\":\"1970-01-01T00:00:00.000000000Z\",\"inactive_days\":2,"
                  "\"max_days\":9,\"min_days\":0,\"must_change\":true,\"status\":\"locked\","
                  "\"user\":\"b\",\"warn_days\":1}\n" },
        { .name = "no file",
          .part = { { .name = "/etc/shadow", .status = EACCES } },
          .rows = "",
          .faults = "/etc/shadow:0: Permission denied\n" },
};

static void test_passwords(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_passwords, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_passwords) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
