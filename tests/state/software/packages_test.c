/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#define FILE_ "/var/lib/dpkg/status"
#define ROW(architecture, hold, name, source, source_version, status, version)                     \
        "{\"architecture\":\"" architecture "\",\"hold\":" hold ",\"name\":\"" name                \
        "\",\"source\":\"" source "\",\"source_version\":\"" source_version                        \
        "\",\"status\":\"" status "\",\"version\":\"" version "\"}\n"

static const struct table_case cases[] = {
        { .name = "as dpkg writes it",
          .part = { PART(FILE_, "Package: adduser\n"
                                "Status: install ok installed\n"
                                "Priority: important\n"
                                "Maintainer: Debian Adduser Developers <adduser@example.org>\n"
                                "Architecture: all\n"
                                "Multi-Arch: foreign\n"
                                "Version: 3.134\n"
                                "Conffiles:\n"
                                " /etc/deluser.conf 775bbbc81d4ba7eb2ca8d3db5e7efb5b\n"
                                "Description: add and remove users and groups\n"
                                " Version: 9 of a text\n"
                                " .\n"
                                " Package: none\n"
                                "\n"
                                "Package: libgcc-s1\n"
                                "Status: hold ok installed\n"
                                "Architecture: amd64\n"
                                "Source: gcc-12 (12.2.0-14+deb12u1)\n"
                                "Version: 12.2.0-14+deb12u1+b1\n"
                                "\n"
                                "Package: old\n"
                                "Status: deinstall ok config-files\n"
                                "Architecture: i386\n"
                                "Source: older\n"
                                "Version: 1:2-3\n"
                                "\n") },
          .rows = ROW("all", "false", "adduser", "adduser", "3.134", "installed", "3.134")
                  ROW("amd64", "true", "libgcc-s1", "gcc-12", "12.2.0-14+deb12u1", "installed",
                      "12.2.0-14+deb12u1+b1")
                          ROW("i386", "false", "old", "older", "1:2-3", "config-files", "1:2-3") },
        { .name = "no empty line at the end, names of fields in any case, more empty lines",
          .part = { PART(FILE_, "\n\n\npackage: a\nSTATUS: install reinstreq half-installed\n"
                                "architecture:\tamd64 \nversion: 1") },
          .rows = ROW("amd64", "false", "a", "a", "1", "reinstreq", "1") },
        { .name = "wanted, never unpacked: no version",
          .part = { PART(FILE_,
                         "Package: a\nStatus: hold ok not-installed\nArchitecture: amd64\n") },
          .rows = "{\"architecture\":\"amd64\",\"hold\":true,\"name\":\"a\",\"source\":\"a\","
                  "\"status\":\"not-installed\"}\n" },
        { .name = "paragraphs that are none",
          .part = { PART(FILE_, "Package: a\nStatus: install ok installed\nVersion: 1\n\n"
                                "Status: install ok installed\nArchitecture: all\n\n"
                                "Package: a\nStatus: ok installed\nArchitecture: all\n\n"
                                "Package: a\nStatus: install ok in stalled\nArchitecture: all\n\n"
                                "Package: a\nArchitecture: all\n\n"
                                "Package: a\nPackage: b\nStatus: install ok installed\n"
                                "Architecture: all\n\n"
                                "noise\n\n"
                                "Package: b\nStatus: install ok installed\nArchitecture: all\n"
                                "Version: 2\n") },
          .rows = ROW("all", "false", "b", "b", "2", "installed", "2"),
          .faults = FILE_
          ":1: a package without name or architecture\n" FILE_
          ":5: a package without name or architecture\n" FILE_
          ":8: status is not three words\n" FILE_ ":12: status is not three words\n" FILE_
          ":16: status is not three words\n" FILE_ ":19: a field twice in one package\n" FILE_
          ":24: a package without name or architecture\n" },
        { .name = "sources that say no version",
          .part = { PART(FILE_, "Package: a\nStatus: install ok installed\nArchitecture: all\n"
                                "Version: 2\nSource: s ()\n\n"
                                "Package: b\nStatus: install ok installed\nArchitecture: all\n"
                                "Version: 2\nSource: s (3\n") },
          .rows = ROW("all", "false", "a", "s", "2", "installed", "2")
                  ROW("all", "false", "b", "s", "2", "installed", "2") },
        { .name = "a host without dpkg",
          .part = { { .name = FILE_, .status = ENOENT } },
          .rows = "" },
        { .name = "not to be read",
          .part = { { .name = FILE_, .status = EACCES } },
          .rows = "",
          .faults = FILE_ ":0: Permission denied\n" },
};

static void test_packages(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_packages, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_packages) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
