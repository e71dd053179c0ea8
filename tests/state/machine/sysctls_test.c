/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#define SYS              "/proc/sys/"
#define ROW(name, value) "{\"name\":\"" name "\",\"value\":\"" value "\"}\n"

static const struct table_case cases[] = {
        { .name = "one number, several, a text of lines, none, an interface with a dot",
          .part = { PART(SYS "net/ipv4/ip_forward", "0\n"),
                    PART(SYS "net/ipv4/tcp_rmem", "4096\t131072\t6291456\n"),
                    PART(SYS "dev/cdrom/info", "a\nb\n"), PART(SYS "kernel/domainname", "\n"),
                    PART(SYS "net/ipv4/conf/eth0.1/rp_filter", "2\n") },
          .rows = ROW("net.ipv4.ip_forward", "0")
                  ROW("net.ipv4.tcp_rmem", "4096\\t131072\\t6291456") ROW("dev.cdrom.info", "a\\nb")
                          ROW("kernel.domainname", "") ROW("net.ipv4.conf.eth0/1.rp_filter", "2") },
        { .name = "counters and keys are left out",
          .part = { PART(SYS "net/netfilter/nf_conntrack_count", "12\n"),
                    PART(SYS "net/ipv4/tcp_fastopen_key", "0-0-0-1\n"),
                    PART(SYS "net/core/netdev_rss_key", "0:1\n"),
                    PART(SYS "net/ipv6/conf/all/stable_secret", "::1\n"),
                    PART(SYS "net/ipv6/conf/all/stable_secret_not", "1\n") },
          .rows = ROW("net.ipv6.conf.all.stable_secret_not", "1") },
        { .name = "only to be written, not said, a directory, not there",
          .part = { { .name = SYS "vm/drop_caches", .mode = 0100200, .status = EACCES },
                    { .name = SYS "a/b", .mode = 0100644, .status = EIO },
                    { .name = SYS "a", .mode = 040555 },
                    { .name = SYS "abi", .status = ENOENT },
                    PART("/proc/other", "1\n") },
          .rows = "{\"name\":\"a.b\"}\n" },
};

static void test_sysctls(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_sysctls, cases);
}

/* A value that is too long is a fault, not half a value. */
static void test_long(void **state)
{
        static char text[9000];
        struct table_case c = { .name = "long",
                                .part = { PART(SYS "a/b", text) },
                                .rows = "",
                                .faults = SYS "a/b:0: more than 8192 bytes\n" };

        (void)state;
        memset(text, 'x', sizeof text - 1);
        table_check(&state_sysctls, &c);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_sysctls),
                                            cmocka_unit_test(test_long) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
