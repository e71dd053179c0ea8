/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

static const struct table_case cases[] = {
        { .name = "in a container, in a unit, nobody's, a name in octal",
          .part = { PART("namespace_mounts",
                         "mount\t4026532182\tab\t1\t1\t7\t/\t/\trw,relatime\toverlay\toverlay\n"
                         "mount\t4026532183\ta.service\t1\t2\t8\t/x/tmp\t/tmp\trw\text4\t/dev/a\n"
                         "mount\t4026532184\t-\t2\t1\t9\t/a\\x5c040b\t/mnt/\\x5c011c\tro,nosuid"
                         "\ttmpfs\t-\n") },
          .rows = "{\"layer\":1,\"mntns\":4026532182,\"namespace\":\"ab\",\"nth\":1,"
                  "\"options\":[\"rw\",\"relatime\"],\"pid\":7,\"point\":\"/\",\"root\":\"/\","
                  "\"source\":\"overlay\",\"type\":\"overlay\"}\n"
                  "{\"layer\":2,\"mntns\":4026532183,\"namespace\":\"a.service\",\"nth\":1,"
                  "\"options\":[\"rw\"],\"pid\":8,\"point\":\"/tmp\",\"root\":\"/x/tmp\","
                  "\"source\":\"/dev/a\",\"type\":\"ext4\"}\n"
                  "{\"layer\":1,\"mntns\":4026532184,\"namespace\":\"-\",\"nth\":2,"
                  "\"options\":[\"ro\",\"nosuid\"],\"pid\":9,\"point\":\"/mnt/\\tc\","
                  "\"root\":\"/a b\",\"source\":\"-\",\"type\":\"tmpfs\"}\n" },
        { .name = "the number of a namespace is not its mount's",
          .part = { PART(
                  "namespace_mounts",
                  "mount\t4026532182\tab\t1\t1\t7\tnet:[4026532190]\t/run/n\trw\tnsfs\tx\n") },
          .rows = "{\"layer\":1,\"mntns\":4026532182,\"namespace\":\"ab\",\"nth\":1,"
                  "\"options\":[\"rw\"],\"pid\":7,\"point\":\"/run/n\",\"source\":\"x\","
                  "\"type\":\"nsfs\"}\n" },
        { .name = "what could not be seen",
          .part = { PART("namespace_mounts", "cut\t4026532182\nfull\nmany\nhidden\t1\n") },
          .rows = "",
          .faults =
                  "namespace_mounts:0: mount namespace 4026532182 has more mounts than are looked "
                  "at\n"
                  "namespace_mounts:0: mount namespaces have more mounts than are looked at\n"
                  "namespace_mounts:0: more mount namespaces than are looked into\n"
                  "namespace_mounts:0: 1 process may be in mount namespaces that are not seen, "
                  "which takes CAP_SYS_PTRACE\n" },
        { .name = "lines that are none",
          .part = { PART("namespace_mounts", "mount\t1\ta\t1\t1\t7\t/\t/\trw\text4\n"
                                             "mount\t1\ta\tx\t1\t7\t/\t/\trw\text4\ts\nother\n") },
          .rows = "",
          .faults = "namespace_mounts:1: not a mount's eleven fields\n"
                    "namespace_mounts:2: not a mount's eleven fields\n"
                    "namespace_mounts:3: not a line of monitor/namespace_mounts.c\n" },
        { .name = "an image",
          .part = { { .name = "namespace_mounts", .status = ENOENT } },
          .rows = "" },
};

static void test_mounts(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_namespace_mounts, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_mounts) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
