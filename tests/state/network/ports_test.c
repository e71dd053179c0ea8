/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

static const struct table_case cases[] = {
        { .name = "a daemon, the kernel's own, one in a container, one whose program is replaced",
          .part = { PART("ports",
                         "socket\ttcp\t0.0.0.0\t22\t0\t612\t/usr/sbin/sshd\t-\tssh.service\t-\n"
                         "socket\tudp\t::\t111\t0\t-\t-\t-\t-\t-\n"
                         "socket\ttcp\t127.0.0.1\t80\t33\t7\t/bin/x\t-\tdocker-ab.scope\tab\n"
                         "socket\tudp\tfe80::1%2\t5353\t104\t8\t/bin/y\tdeleted\t-\t-\n") },
          .rows = "{\"address\":\"0.0.0.0\",\"deleted\":false,\"pid\":612,\"port\":22,"
                  "\"program\":\"/usr/sbin/sshd\",\"protocol\":\"tcp\",\"uid\":0,"
                  "\"unit\":\"ssh.service\"}\n"
                  "{\"address\":\"::\",\"port\":111,\"protocol\":\"udp\",\"uid\":0}\n"
                  "{\"address\":\"127.0.0.1\",\"container\":\"ab\",\"deleted\":false,\"pid\":7,"
                  "\"port\":80,\"program\":\"/bin/x\",\"protocol\":\"tcp\",\"uid\":33}\n"
                  "{\"address\":\"fe80::1%2\",\"deleted\":true,\"pid\":8,\"port\":5353,"
                  "\"program\":\"/bin/y\",\"protocol\":\"udp\",\"uid\":104}\n" },
        { .name = "what could not be seen",
          .part = { PART("ports", "denied\t12\nudp\t2\n") },
          .rows = "",
          .faults =
                  "ports:0: 12 processes may not be looked into, which takes CAP_SYS_PTRACE: a socket "
                  "without program may be one of theirs\n"
                  "ports:0: UDP sockets are not told: No such file or directory\n" },
        { .name = "one could not be seen",
          .part = { PART("ports", "denied\t1\n") },
          .rows = "",
          .faults =
                  "ports:0: 1 process may not be looked into, which takes CAP_SYS_PTRACE: a socket "
                  "without program may be its own\n" },
        { .name = "lines that are none",
          .part = { PART("ports", "socket\ttcp\t::\t22\t0\t1\t/x\t-\t-\n"
                                  "socket\ttcp\t::\tx\t0\t1\t/x\t-\t-\t-\nother\n") },
          .rows = "",
          .faults = "ports:1: not a socket's ten fields\nports:2: not a socket's ten fields\n"
                    "ports:3: not a line of monitor/ports.c\n" },
        { .name = "an image", .part = { { .name = "ports", .status = ENOENT } }, .rows = "" },
};

static void test_ports(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_ports, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_ports) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
