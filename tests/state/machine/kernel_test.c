/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#define SYSCTL(name, text) PART("/proc/sys/kernel/" name, text "\n")
#define ROW(kind, name, value)                                                                     \
        "{\"kind\":\"" kind "\",\"name\":\"" name "\",\"value\":\"" value "\"}\n"
#define EFI(name_, bytes_)                                                                         \
        {                                                                                          \
                .name = "/sys/firmware/efi/efivars/" name_                                         \
                        "-8be4df61-93ca-11d2-aa0d-00e098032b8c",                                   \
                .bytes = (bytes_), .n = sizeof(bytes_) - 1                                         \
        }

static const struct table_case cases[] = {
        { .name = "a kernel with protections",
          .part = { SYSCTL("osrelease", "6.1.0-28-amd64"),
                    PART("/proc/cmdline", "root=/dev/sda1 quiet token=abc\n"),
                    SYSCTL("randomize_va_space", "2"), SYSCTL("tainted", "0"),
                    PART("/sys/devices/system/cpu/vulnerabilities/meltdown", "Mitigation: PTI\n"),
                    PART("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n"),
                    PART("/sys/kernel/security/lsm", "lockdown,capability,apparmor"),
                    EFI("SecureBoot", "\x06\0\0\0\x01"), EFI("SetupMode", "\x06\0\0\0\0"),
                    PART("/boot/vmlinuz-6.1.0-28-amd64", NULL),
                    PART("/boot/vmlinuz-6.1.0-9-amd64", NULL) },
          .rows = ROW("release", "running", "6.1.0-28-amd64") ROW(
                  "release", "newest_installed", "6.1.0-28-amd64") ROW("reboot", "required", "no")
                  ROW("protection", "command_line", "root=/dev/sda1 quiet token=***") ROW(
                          "protection", "randomize_va_space", "2") ROW("protection", "tainted", "0")
                          ROW("vulnerability", "meltdown", "Mitigation: PTI")
                                  ROW("protection", "lockdown", "integrity")
                                          ROW("protection", "lsm", "lockdown,capability,apparmor")
                                                  ROW("protection", "SecureBoot", "on")
                                                          ROW("protection", "SetupMode", "off") },
        { .name = "a newer one is installed",
          .part = { SYSCTL("osrelease", "6.1.0-9-amd64"),
                    PART("/boot/vmlinuz-6.1.0-10-amd64", NULL),
                    PART("/boot/vmlinuz-6.1.0-9-amd64", NULL) },
          .rows = ROW("release", "running", "6.1.0-9-amd64")
                  ROW("release", "newest_installed", "6.1.0-10-amd64")
                          ROW("reboot", "required", "yes") },
        { .name = "packages ask for it",
          .part = { SYSCTL("osrelease", "6.1.0-9-amd64"), PART("/run/reboot-required", NULL),
                    PART("/run/reboot-required.pkgs", "libc6\n\nlinux-image-6.1\n") },
          .rows = ROW("release", "running", "6.1.0-9-amd64") ROW("reboot", "required", "yes")
                  ROW("reboot", "packages", "libc6 linux-image-6.1") },
        { .name = "a host without EFI, without images, and odd text",
          .part = { SYSCTL("osrelease", "6.18.44-fc"),
                    PART("/sys/kernel/security/lockdown", "[none"),
                    EFI("SecureBoot", "\x06\0\0\0"),
                    { .name = "/sys/kernel/security/lsm", .status = ENOENT } },
          .rows = ROW("release", "running", "6.18.44-fc") ROW("reboot", "required", "no")
                  ROW("protection", "lockdown", "[none"),
          .faults = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c:0: "
                    "not a byte and its attributes\n" },
};

static void test_kernel(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_kernel, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_kernel) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
