/* SPDX-License-Identifier: Apache-2.0 */
/* The headers are of devices that cryptsetup 2.6 made, shortened to what matters. */
#include "../table_tool.h"
#include "state/tables.h"

#define BLOCK(path, text) PART("/sys/block/" path, text "\n")
#define LINK(path)                                                                                 \
        {                                                                                          \
                .name = "/sys/block/" path, .bytes = "../x", .mode = 0120777                       \
        }
#define MOUNTS(text) PART("/proc/self/mountinfo", text)
#define SWAPS(text)  PART("/proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n" text)
#define LUKS2_HEADER                                                                               \
        "{\"keyslots\":{\"0\":{\"type\":\"luks2\",\"key_size\":64,\"area\":{\"type\":\"raw\","     \
        "\"encryption\":\"aes-cbc-essiv\",\"key_size\":64},\"kdf\":{\"salt\":\"uW2leuR6\"}}},"     \
        "\"tokens\":{},\"segments\":{\"0\":{\"type\":\"crypt\",\"offset\":\"16777216\","           \
        "\"iv_tweak\":\"0\",\"encryption\":\"aes-xts-plain64\",\"sector_size\":4096}}}"

static const struct table_case cases[] = {
        { .name = "volumes on an encrypted partition, and a boot partition in the clear",
          .part = { BLOCK("dm-0/dev", "254:0"),
                    BLOCK("dm-1/dev", "254:1"),
                    BLOCK("dm-2/dev", "254:2"),
                    BLOCK("sda/dev", "8:0"),
                    BLOCK("sda/sda1/dev", "8:1"),
                    BLOCK("sda/sda2/dev", "8:2"),
                    BLOCK("sda/device/dev", "21:0"),
                    BLOCK("dm-0/dm/name", "sda2_crypt"),
                    BLOCK("dm-1/dm/name", "vg-root"),
                    BLOCK("dm-2/dm/name", "vg-swap"),
                    BLOCK("dm-0/dm/uuid", "CRYPT-LUKS2-0f1e-sda2_crypt"),
                    BLOCK("dm-1/dm/uuid", "LVM-abc"),
                    BLOCK("dm-2/dm/uuid", "LVM-def"),
                    LINK("dm-0/slaves/sda2"),
                    LINK("dm-1/slaves/dm-0"),
                    LINK("dm-2/slaves/dm-0"),
                    MOUNTS("22 28 0:21 / /proc rw - proc proc rw\n"
                           "28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/mapper/vg-root rw\n"
                           "29 28 8:1 / /boot rw - ext2 /dev/sda1 rw\n"
                           "30 28 254:1 /srv /bound rw - ext4 /dev/mapper/vg-root rw\n"),
                    SWAPS("/dev/dm-2                               partition\t9\t0\t-2\n"),
                    PART("/etc/crypttab", "# <target>\n sda2_crypt UUID=0f1e none luks,discard\n"),
                    PART("luks", "dm-0\t2\t" LUKS2_HEADER "\n") },
          .rows = "{\"cipher\":\"aes-xts-plain64\",\"device\":\"/dev/mapper/vg-root\","
                  "\"encrypted\":true,\"key_bits\":512,\"kind\":\"filesystem\","
                  "\"method\":\"LUKS2\",\"name\":\"/\","
                  "\"stack\":[\"vg-root\",\"sda2_crypt\",\"sda2\",\"sda\"],\"type\":\"ext4\"}\n"
                  "{\"device\":\"/dev/sda1\",\"encrypted\":false,\"kind\":\"filesystem\","
                  "\"method\":\"none\",\"name\":\"/boot\",\"stack\":[\"sda1\",\"sda\"],"
                  "\"type\":\"ext2\"}\n"
                  "{\"cipher\":\"aes-xts-plain64\",\"encrypted\":true,\"key_bits\":512,"
                  "\"kind\":\"swap\",\"method\":\"LUKS2\",\"name\":\"/dev/dm-2\","
                  "\"stack\":[\"vg-swap\",\"sda2_crypt\",\"sda2\",\"sda\"],"
                  "\"type\":\"partition\"}\n"
                  "{\"device\":\"UUID=0f1e\",\"key_file\":\"none\",\"kind\":\"crypttab\","
                  "\"name\":\"sda2_crypt\",\"options\":[\"luks\",\"discard\"]}\n" },
        { .name = "a volume on two disks of which one is encrypted is not",
          .part = { BLOCK("dm-0/dev", "254:0"), BLOCK("dm-1/dev", "254:1"), BLOCK("sda/dev", "8:0"),
                    BLOCK("sdb/dev", "8:16"), BLOCK("dm-0/dm/name", "one"),
                    BLOCK("dm-1/dm/name", "vg-data"), BLOCK("dm-0/dm/uuid", "CRYPT-LUKS1-1-one"),
                    BLOCK("dm-1/dm/uuid", "LVM-1"), LINK("dm-0/slaves/sda"),
                    LINK("dm-1/slaves/dm-0"), LINK("dm-1/slaves/sdb"),
                    MOUNTS("1 0 254:1 / /with\\040blank rw - xfs /dev/mapper/vg-data rw\n"
                           "2 0 254:0 / /one rw - ext4 /dev/mapper/one rw\n"),
                    PART("luks", "dm-0\t1\taes\txts-plain64\t256\n") },
          .rows = "{\"device\":\"/dev/mapper/vg-data\",\"encrypted\":false,"
                  "\"kind\":\"filesystem\",\"method\":\"none\",\"name\":\"/with blank\","
                  "\"stack\":[\"vg-data\",\"sdb\"],\"type\":\"xfs\"}\n"
                  "{\"cipher\":\"aes-xts-plain64\",\"device\":\"/dev/mapper/one\","
                  "\"encrypted\":true,\"key_bits\":256,\"kind\":\"filesystem\","
                  "\"method\":\"LUKS1\",\"name\":\"/one\",\"stack\":[\"one\",\"sda\"],"
                  "\"type\":\"ext4\"}\n" },
        { .name = "swap in memory, in a plain mapping, in a file; filesystems of other sorts",
          .part = { BLOCK("dm-0/dev", "254:0"), BLOCK("dm-0/dm/name", "cswap"),
                    BLOCK("dm-0/dm/uuid", "CRYPT-PLAIN-cswap"), BLOCK("loop0/dev", "7:0"),
                    BLOCK("loop0/loop/backing_file", "/srv/disk.img"), BLOCK("sdc/dev", "8:32"),
                    BLOCK("zram0/dev", "253:0"),
                    MOUNTS("1 0 7:0 / /disk rw - ext4 /dev/loop0 rw\n"
                           "2 0 0:40 /@ /data rw - btrfs /dev/sdc rw\n"
                           "3 0 0:41 / /home/a rw - ecryptfs /home/.a rw\n"
                           "4 0 0:42 / /pool rw - zfs pool rw\n"
                           "5 0 0:43 / /net rw - nfs4 host:/x rw\n"),
                    SWAPS("/dev/zram0 partition 9 0 5\n/dev/dm-0 partition 9 0 4\n"
                          "/swap\\040file file 9 0 3\n/data/x/swap file 9 0 2\n") },
          .rows = "{\"device\":\"/dev/loop0\",\"kind\":\"filesystem\",\"name\":\"/disk\","
                  "\"stack\":[\"/srv/disk.img\"],\"type\":\"ext4\"}\n"
                  "{\"device\":\"/dev/sdc\",\"encrypted\":false,\"kind\":\"filesystem\","
                  "\"method\":\"none\",\"name\":\"/data\",\"stack\":[\"sdc\"],"
                  "\"type\":\"btrfs\"}\n"
                  "{\"device\":\"/home/.a\",\"encrypted\":true,\"kind\":\"filesystem\","
                  "\"method\":\"ecryptfs\",\"name\":\"/home/a\",\"type\":\"ecryptfs\"}\n"
                  "{\"device\":\"pool\",\"kind\":\"filesystem\",\"name\":\"/pool\","
                  "\"type\":\"zfs\"}\n"
                  "{\"kind\":\"swap\",\"method\":\"memory\",\"name\":\"/dev/zram0\","
                  "\"stack\":[\"zram0\"],\"type\":\"partition\"}\n"
                  "{\"encrypted\":true,\"kind\":\"swap\",\"method\":\"PLAIN\","
                  "\"name\":\"/dev/dm-0\",\"stack\":[\"cswap\"],\"type\":\"partition\"}\n"
                  "{\"kind\":\"swap\",\"name\":\"/swap file\",\"type\":\"file\"}\n"
                  "{\"encrypted\":false,\"kind\":\"swap\",\"method\":\"none\","
                  "\"name\":\"/data/x/swap\",\"stack\":[\"sdc\"],\"type\":\"file\"}\n" },
        { .name = "devices that lie on each other, and lines that are none",
          .part = { BLOCK("dm-0/dev", "254:0"), BLOCK("dm-1/dev", "254:1"),
                    LINK("dm-0/slaves/dm-1"), LINK("dm-1/slaves/dm-0"), LINK("dm-1/slaves/gone"),
                    MOUNTS("1 0 254:0 / /x rw - ext4 x\n1 0 254:0 / /x rw ext4 y\n\n"),
                    SWAPS("/x\n"), PART("/etc/crypttab", "x\n"),
                    PART("luks", "dm-0\t2\t{\"segments\":{\"encryption\":\"\ndm-0\n") },
          .rows = "{\"device\":\"x\",\"encrypted\":false,\"kind\":\"filesystem\","
                  "\"method\":\"none\",\"name\":\"/x\",\"stack\":[\"dm-0\",\"dm-1\",\"dm-0\","
                  "\"dm-1\",\"dm-0\",\"dm-1\",\"dm-0\",\"dm-1\",\"dm-0\",\"dm-1\",\"dm-0\","
                  "\"dm-1\",\"dm-0\",\"dm-1\",\"dm-0\",\"dm-1\"],\"type\":\"ext4\"}\n",
          .faults = "/proc/self/mountinfo:2: not a mount\n"
                    "/proc/self/mountinfo:3: not a mount\n"
                    "/proc/swaps:2: not a swap\n"
                    "/etc/crypttab:1: not a name and a device\n" },
};

static void test_encryption(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_encryption, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_encryption) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
