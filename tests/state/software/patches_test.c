/* SPDX-License-Identifier: Apache-2.0 */
/* Lines as apt 2.6 and 2.7 print them. */
#include "../table_tool.h"
#include "state/tables.h"

#define APT                                                                                        \
        "/usr/bin/apt-get -s -qq --ignore-hold -o Debug::NoLocking=1 -o "                          \
        "APT::Get::Show-User-Simulation-Note=0 dist-upgrade"
#define MARK "\"since\":\"1970-01-01T00:00:00.000000000Z\""

static const struct table_case cases[] = {
        { .name = "an update, a security update, a package that would come new",
          .part = { PART(APT,
                         "Inst base-files [12.4+deb12u11] (12.4+deb12u15 Debian:12.15/oldstable "
                         "[amd64])\n"
                         "Conf base-files (12.4+deb12u15 Debian:12.15/oldstable [amd64])\n"
                         "Inst libc6:i386 [2.36-9] (2.36-10 Debian:12.15/oldstable, "
                         "Debian-Security:12/oldstable-security [i386]) [libc-bin:amd64 on libc6]\n"
                         "Inst linux-image-6.1.0-99-amd64 (6.1.200-1 "
                         "Ubuntu:24.04/noble-security [amd64])\n"
                         "Remv oldlib [1.0]\n"
                         "Inst here [1] (2 [all]) []\n") },
          .rows = "{\"candidate\":\"12.4+deb12u15\",\"installed\":\"12.4+deb12u11\","
                  "\"kind\":\"update\",\"name\":\"base-files\","
                  "\"origin\":[\"Debian:12.15/oldstable\"],\"security\":false," MARK "}\n"
                  "{\"candidate\":\"2.36-10\",\"installed\":\"2.36-9\",\"kind\":\"update\","
                  "\"name\":\"libc6:i386\",\"origin\":[\"Debian:12.15/oldstable\","
                  "\"Debian-Security:12/oldstable-security\"],\"security\":true," MARK "}\n"
                  "{\"candidate\":\"6.1.200-1\",\"kind\":\"update\","
                  "\"name\":\"linux-image-6.1.0-99-amd64\","
                  "\"origin\":[\"Ubuntu:24.04/noble-security\"],\"security\":true," MARK "}\n"
                  "{\"candidate\":\"2\",\"installed\":\"1\",\"kind\":\"update\",\"name\":\"here\","
                  "\"origin\":[],\"security\":false," MARK "}\n" },
        { .name = "an index, and when it was asked for last",
          .part = { { .name = "/var/lib/apt/lists",
                      .mode = 040755,
                      .mtime_ns = 1764000000000000000 },
                    { .name = "/var/lib/apt/lists/partial",
                      .mode = 040700,
                      .mtime_ns = 1764086400000000000 },
                    PART("/var/lib/apt/lists/deb_dists_bookworm-security_InRelease",
                         "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: Debian\n"
                         "Label: Debian-Security\nSuite: oldstable-security\n"
                         "Date: Mon, 24 Nov 2025 09:57:13 UTC\nSHA256:\n"
                         " 00 1 Date\nDate: Tue, 25 Nov 2025 00:00:00 UTC\n"),
                    PART("/var/lib/apt/lists/x_Release", "Date: Mon, 24 Nov 2025 09:57:13 CET\n"),
                    PART(APT, "") },
          .rows = "{\"checked\":\"2025-11-25T16:00:00.000000000Z\",\"kind\":\"index\","
                  "\"name\":\"deb_dists_bookworm-security_InRelease\","
                  "\"origin\":[\"Debian-Security:oldstable-security\"],"
                  "\"published\":\"2025-11-24T09:57:13.000000000Z\"}\n",
          .faults = "/var/lib/apt/lists/x_Release:0: no date of the index\n" },
        { .name = "lines that are cut",
          .part = { PART(APT, "Inst\nInst a\nInst a [1\nInst a [1] (\nInst a [1] ()\n"
                              "Inst a (2\nNothing\n") },
          .rows = "",
          .faults = APT ":1: no package\n" APT ":2: no version\n" APT ":3: no version\n" APT
                        ":4: no version\n" APT ":5: no version\n" APT ":6: no version\n" },
        { .name = "a host without apt", .part = { { .name = APT, .status = ENOENT } }, .rows = "" },
};

static void test_patches(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_patches, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_patches) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
