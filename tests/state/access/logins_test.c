/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#include <utmpx.h>

#define AT "/run/systemd/sessions/"

/* What logind of Debian 12 writes, the order of lines included. */
#define SESSION(class, state, remote, tty, leader)                                                 \
        "# This is private data. Do not parse.\nUID=1000\nUSER=ann\nACTIVE=1\nIS_DISPLAY=0\n"      \
        "STATE=" state "\n" remote "TYPE=tty\nORIGINAL_TYPE=tty\nCLASS=" class                     \
                "\nSCOPE=session-3.scope\n" tty                                                    \
                "TTY_VALIDITY=from-utmp\nSERVICE=sshd\nLEADER=" leader                             \
                "\nAUDIT=3\nREALTIME=1768694400123456\nMONOTONIC=7\n"
#define REMOTE "REMOTE=1\nREMOTE_HOST=198.51.100.7\n"

#define ROW(from, line, pid, more, session, type)                                                  \
        "{" from "\"line\":\"" line "\",\"pid\":" pid more ",\"session\":\"" session               \
        "\",\"since\":\"2026-01-18T00:00:00.123456000Z\"" type ",\"user\":\"ann\"}\n"
#define FROM "\"from\":\"198.51.100.7\","
#define SSHD ",\"service\":\"sshd\""
#define TTY  ",\"type\":\"tty\""

static const struct table_case cases[] = {
        { .name = "from afar; from here and without a terminal",
          .part = { PART(AT "3", SESSION("user", "active", REMOTE, "TTY=pts/0\n", "17")),
                    { .name = AT "3.ref", .mode = 010600 },
                    PART(AT "c1", SESSION("user-early", "online", "", "", "18")) },
          .rows = ROW(FROM, "pts/0", "17", SSHD, "3", TTY) ROW("", "", "18", SSHD, "c1", TTY) },
        { .name = "no person's, and one of which only processes are left",
          .part = { PART(AT "1", SESSION("background", "active", "", "", "1")),
                    PART(AT "2", SESSION("manager", "active", "", "", "1")),
                    PART(AT "4", SESSION("user", "closing", "", "", "1")),
                    PART(AT "5", SESSION("greeter", "active", "", "", "1")) },
          .rows = "" },
        { .name = "what is none, numbers that are none",
          .part = { PART(AT "1", "hello\n=\n"),
                    PART(AT "2", "USER=ann\nLEADER=-3\nREALTIME=99999999999999999999\n") },
          .rows = "{\"line\":\"\",\"session\":\"2\",\"user\":\"ann\"}\n",
          .faults = AT "1:0: a session of nobody\n" },
        { .name = "neither logind nor utmp",
          .part = { { .name = "/run/utmp", .status = ENOENT } },
          .rows = "" },
};

static void test_sessions(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_logins, cases);
}

/* ---- utmp, by the C library's own struct ---- */

static struct utmpx record(short type, int pid, const char *line, const char *user)
{
        struct utmpx u;

        memset(&u, 0, sizeof u);
        u.ut_type = type;
        u.ut_pid = pid;
        memcpy(u.ut_line, line, strlen(line));
        memcpy(u.ut_user, user, strlen(user));
        u.ut_tv.tv_sec = 1768694400;
        return u;
}

static void test_utmp(void **state)
{
        struct utmpx u[] = {
                record(BOOT_TIME, 0, "~", "reboot"),     record(USER_PROCESS, 40, "pts/0", "ann"),
                record(USER_PROCESS, 18, "", "ann"),     record(DEAD_PROCESS, 41, "pts/1", ""),
                record(USER_PROCESS, 42, "tty1", "bob"), record(99, 42, "tty1", "bob"),
                record(USER_PROCESS, 43, "pts/9", "eve")
        };
        const struct table_case c = {
                .name = "sessions that logind knows are not told twice",
                .part = { PART(AT "3", SESSION("user", "active", REMOTE, "TTY=pts/0\n", "17")),
                          PART(AT "c1", SESSION("user", "active", "", "", "18")),
                          { .name = "/run/utmp", .bytes = (const char *)u, .n = sizeof u - 1 } },
                .rows = ROW(FROM, "pts/0", "17", SSHD, "3", TTY) ROW(
                        "", "", "18", SSHD, "c1",
                        TTY) "{\"from\":\"2001:db8::7\",\"line\":\"tty1\",\"pid\":42,\"session\":\"\","
                             "\"since\":\"2026-01-18T00:00:00.000000000Z\",\"user\":\"bob\"}\n",
                .faults = "/run/utmp:6: a record that cannot be\n"
                          "/run/utmp:0: more records than are read, or a part of one\n"
        };

        (void)state;
        memcpy(u[4].ut_addr_v6, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7", 16);
        table_check(&state_logins, &c);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_sessions),
                                            cmocka_unit_test(test_utmp) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
