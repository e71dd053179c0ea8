/* SPDX-License-Identifier: Apache-2.0 */
/* auditctl 3.0.9 of Debian 12 printed these. */
#include "../table_tool.h"
#include "state/tables.h"

#define STATUS(text) PART("/sbin/auditctl -s", text)
#define LOADED(text) PART("/sbin/auditctl -l", text)
#define VALUE(kind, name, value)                                                                   \
        "{\"file\":\"\",\"kind\":\"" kind "\",\"name\":\"" name "\",\"value\":\"" value "\"}\n"
#define COUNT(name, count)                                                                         \
        "{\"count\":" count ",\"file\":\"\",\"kind\":\"status\",\"name\":\"" name "\"}\n"
#define RULE(kind, file, rule)                                                                     \
        "{\"file\":\"" file "\",\"kind\":\"" kind "\",\"name\":\"" rule "\"}\n"
#define SERVICE(enabled, installed, running)                                                       \
        "{\"enabled\":" enabled ",\"file\":\"\",\"installed\":" installed                          \
        ",\"kind\":\"service\",\"name\":\"auditd\"" running "}\n"

static const struct table_case cases[] = {
        { .name = "auditd at work",
          .part = { STATUS("enabled 1\nfailure 1\npid 723\nrate_limit 0\nbacklog_limit 8192\n"
                           "lost 3\nbacklog 4\nbacklog_wait_time 60000\n"
                           "backlog_wait_time_actual 0\nloginuid_immutable 0 unlocked\n"),
                    LOADED("-w /etc/passwd -p wa -k accounts\n-a always,exit -S execve\n"),
                    PART("/run/systemd/system", NULL), PART("/sbin/auditd", NULL),
                    PART("/etc/systemd/system/multi-user.target.wants/auditd.service", NULL),
                    PART("/sys/fs/cgroup/system.slice/auditd.service/cgroup.procs", "723\n"),
                    PART("/etc/audit/auditd.conf", "#\nlog_file = /var/log/audit/audit.log\n"
                                                   "disk_full_action = SUSPEND\n"),
                    PART("/etc/audit/rules.d/audit.rules", "## x\n-D\n\n-w /etc/passwd -p wa\n") },
          .rows = SERVICE("true", "true", ",\"running\":true") VALUE("status", "enabled", "1")
                  VALUE("status", "failure", "1") VALUE("status", "has_daemon", "yes") VALUE(
                          "status", "rate_limit", "0") VALUE("status", "backlog_limit",
                                                             "8192") COUNT("lost", "3")
                          COUNT("backlog", "4") VALUE("status", "backlog_wait_time", "60000") COUNT(
                                  "backlog_wait_time_actual",
                                  "0") VALUE("status", "loginuid_immutable",
                                             "0 unlocked") RULE("loaded", "",
                                                                "-w /etc/passwd -p wa -k accounts")
                                  RULE("loaded", "", "-a always,exit -S execve") VALUE(
                                          "auditd", "log_file", "/var/log/audit/audit.log")
                                          VALUE("auditd", "disk_full_action", "SUSPEND") RULE(
                                                  "rule", "/etc/audit/rules.d/audit.rules", "-D")
                                                  RULE("rule", "/etc/audit/rules.d/audit.rules",
                                                       "-w /etc/passwd -p wa") },
        { .name = "the journal: a drop-in counts more, one in /etc instead of its namesake",
          .part = { LOADED("No rules\n"),
                    PART("/etc/systemd/journald.conf", "[Journal]\n#Seal=no\nStorage=volatile\n"
                                                       "Compress=yes\n"),
                    PART("/usr/lib/systemd/journald.conf.d/10-a.conf", "Storage=none\nSeal=no\n"),
                    PART("/usr/lib/systemd/journald.conf.d/20-b.conf", "Storage=auto\n"),
                    PART("/etc/systemd/journald.conf.d/10-a.conf", "Storage=persistent\n"),
                    PART("/var/log/journal", NULL) },
          .rows = SERVICE("false", "false", "") VALUE("journald", "Compress", "yes")
                  VALUE("journald", "Storage", "auto") VALUE("journald", "persistent", "yes") },
        { .name = "the journal: auto without a directory to keep it in",
          .part = { PART("/etc/systemd/journald.conf", "[Journal]\n"),
                    { .name = "/var/log/journal", .status = ENOENT } },
          .rows = SERVICE("false", "false", "") VALUE("journald", "persistent", "no") },
        { .name = "the journal: kept in any case",
          .part = { PART("/etc/systemd/journald.conf",
                         "Storage=volatile\n Storage = persistent\n") },
          .rows = SERVICE("false", "false", "") VALUE("journald", "Storage", "persistent")
                  VALUE("journald", "persistent", "yes") },
        { .name = "no audit system, and odd lines",
          .part = { { .name = "/sbin/auditctl -s", .status = ENOENT },
                    PART("/etc/audit/auditd.conf", "x\n=y\nz =\n") },
          .rows = SERVICE("false", "false", "") VALUE("auditd", "z", ""),
          .faults = "/etc/audit/auditd.conf:1: not a name and a value\n"
                    "/etc/audit/auditd.conf:2: not a name and a value\n" },
        { .name = "a kernel that does not answer",
          .part = { { .name = "/sbin/auditctl -s", .status = BUNDLE_PROGRAM_FAILED + 4 },
                    { .name = "/sbin/auditctl -l", .status = BUNDLE_PROGRAM_FAILED + 4 } },
          .rows = SERVICE("false", "false", "") VALUE("status", "readable", "no") },
        { .name = "not what auditctl prints",
          .part = { STATUS("enabled\nlost x\n") },
          .rows = SERVICE("false", "false", ""),
          .faults = "/sbin/auditctl -s:1: not a name and a value\n"
                    "/sbin/auditctl -s:2: not a number\n" },
};

static void test_audit(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_audit, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_audit) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
