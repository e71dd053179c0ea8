/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#define ROW(comment, gid, home, name, password, shell, uid)                                        \
        "{\"comment\":\"" comment "\",\"gid\":" gid ",\"home\":\"" home "\",\"name\":\"" name      \
        "\",\"password\":\"" password "\",\"shell\":\"" shell "\",\"uid\":" uid "}\n"

static const struct table_case cases[] = {
        { .name = "a host's first accounts",
          .part = { PART("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"
                                        "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n") },
          .rows = ROW("root", "0", "/root", "root", "shadow", "/bin/bash", "0")
                  ROW("daemon", "1", "/usr/sbin", "daemon", "shadow", "/usr/sbin/nologin", "1") },
        { .name = "what the field of the password says",
          .part = { PART("/etc/passwd",
                         "a::1:1::/:\nb:*:2:2::/:\nc:!x:3:3::/:\nd:$6$x$y:4:4::/:\n") },
          .rows = ROW("", "1", "/", "a", "none", "", "1") ROW("", "2", "/", "b", "locked", "", "2")
                  ROW("", "3", "/", "c", "locked", "", "3")
                          ROW("", "4", "/", "d", "here", "", "4") },
        { .name = "no end of the last line, comments, empty lines",
          .part = { PART("/etc/passwd", "# x\n\na:x:1:1:,,,:/:/bin/sh") },
          .rows = ROW(",,,", "1", "/", "a", "shadow", "/bin/sh", "1") },
        { .name = "not UTF-8, and a text that looks escaped",
          .part = { PART("/etc/passwd", "a:x:1:1:\xff:/:\nb:x:1:1:\\xff:/:\n") },
          .rows = ROW("\\\\xff", "1", "/", "a", "shadow", "", "1")
                  ROW("\\\\\\\\xff", "1", "/", "b", "shadow", "", "1") },
        { .name = "lines that are none",
          .part = { PART("/etc/passwd", "a:x:1\n:x:1:1::/:\n#a:x:1:1::/:\n #\na:x:-1:1::/:\n"
                                        "a:x:4294967296:1::/:\na:x:1:1::/:/bin/sh\n") },
          .rows = ROW("", "1", "/", "a", "shadow", "/bin/sh", "1"),
          .faults = "/etc/passwd:1: user or group is no number\n"
                    "/etc/passwd:2: no name\n"
                    "/etc/passwd:5: user or group is no number\n"
                    "/etc/passwd:6: user or group is no number\n" },
        /* they log in, and are root */
        { .name = "accounts by no manual",
          .part = { { .name = "/etc/passwd",
                      .bytes = "a::0:0\n b:x:+0: 0::/:/bin/sh:x\nc::0:0\0:::\n",
                      .n = 42 } },
          .rows = ROW("", "0", "", "a", "none", "", "0")
                  ROW("", "0", "/", "b", "shadow", "/bin/sh:x", "0")
                          ROW("", "0", "", "c", "none", "", "0") },
        { .name = "no file",
          .part = { { .name = "/etc/passwd", .status = ENOENT } },
          .rows = "",
          .faults = "/etc/passwd:0: No such file or directory\n" },
};

static void test_users(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_users, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_users) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
