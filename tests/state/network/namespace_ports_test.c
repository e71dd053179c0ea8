/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

static const struct table_case cases[] = {
        { .name = "in a container, by ip netns, in a unit, nobody's, a second one",
          .part = { PART(
                  "namespace_ports",
                  "socket\t4026532182\tab\t1\ttcp\t0.0.0.0\t80\t33\t7\t/bin/x\t-\t"
                  "docker-ab.scope\tab\n"
                  "socket\t4026532183\tb\\x09lue\t1\tudp\t::\t53\t0\t8\t/bin/y\tdeleted\t-\t-\n"
                  "socket\t4026532184\ta.service\t1\ttcp\t::1\t5\t0\t9\t/z\t-\ta.service\t-\n"
                  "socket\t4026532185\t-\t1\tudp\t10.0.0.1\t6\t0\t-\t-\t-\t-\t-\n"
                  "socket\t4026532186\t-\t2\tudp\t10.0.0.1\t6\t0\t-\t-\t-\t-\t-\n") },
          .rows = "{\"address\":\"0.0.0.0\",\"container\":\"ab\",\"deleted\":false,"
                  "\"namespace\":\"ab\",\"netns\":4026532182,\"nth\":1,\"pid\":7,\"port\":80,"
                  "\"program\":\"/bin/x\",\"protocol\":\"tcp\",\"uid\":33}\n"
                  "{\"address\":\"::\",\"deleted\":true,\"namespace\":\"b\\tlue\","
                  "\"netns\":4026532183,\"nth\":1,\"pid\":8,\"port\":53,\"program\":\"/bin/y\","
                  "\"protocol\":\"udp\",\"uid\":0}\n"
                  "{\"address\":\"::1\",\"deleted\":false,\"namespace\":\"a.service\","
                  "\"netns\":4026532184,\"nth\":1,\"pid\":9,\"port\":5,\"program\":\"/z\","
                  "\"protocol\":\"tcp\",\"uid\":0,\"unit\":\"a.service\"}\n"
                  "{\"address\":\"10.0.0.1\",\"namespace\":\"-\",\"netns\":4026532185,\"nth\":1,"
                  "\"port\":6,\"protocol\":\"udp\",\"uid\":0}\n"
                  "{\"address\":\"10.0.0.1\",\"namespace\":\"-\",\"netns\":4026532186,\"nth\":2,"
                  "\"port\":6,\"protocol\":\"udp\",\"uid\":0}\n" },
        { .name = "what could not be seen",
          .part = { PART("namespace_ports", "cut\t4026532182\nmany\nhidden\t3\ndenied\t1\n") },
          .rows = "",
          .faults =
                  "namespace_ports:0: network namespace 4026532182 has more sockets than are told\n"
                  "namespace_ports:0: more network namespaces than are looked into\n"
                  "namespace_ports:0: 3 processes may be in network namespaces that are not seen, "
                  "which takes CAP_SYS_PTRACE\n"
                  "namespace_ports:0: 1 process may not be looked into, which takes "
                  "CAP_SYS_PTRACE: a socket may be without its program\n" },
        { .name = "lines that are none",
          .part = { PART("namespace_ports",
                         "socket\t1\ta\t1\ttcp\t::\t22\t0\t1\t/x\t-\t-\n"
                         "socket\t1\ta\tx\ttcp\t::\t22\t0\t1\t/x\t-\t-\t-\nother\n") },
          .rows = "",
          .faults = "namespace_ports:1: not a socket's thirteen fields\n"
                    "namespace_ports:2: not a socket's thirteen fields\n"
                    "namespace_ports:3: not a line of monitor/namespace_ports.c\n" },
        { .name = "an image",
          .part = { { .name = "namespace_ports", .status = ENOENT } },
          .rows = "" },
};

static void test_ports(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_namespace_ports, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_ports) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
