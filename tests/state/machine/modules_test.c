/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#define LIST     "/proc/modules"
#define SYS      "/sys/module/"
#define ENFORCED SYS "module/parameters/sig_enforce"

static const struct table_case cases[] = {
        { .name = "Debian's kernel: signed, built outside and not signed, one that others need",
          .part = { PART(LIST, "nf_tables 356352 12 nft_ct,nft_counter, Live 0xffffffffc0a00000\n"
                               "vboxdrv 700416 2 - Live 0xffffffffc0b00000 (OE)\n"
                               "ext4 999424 1 [permanent], Live 0x0000000000000000\n"),
                    PART(SYS "ext4/initstate", "live\n"), PART(SYS "nf_tables/initstate", "live\n"),
                    PART(SYS "vboxdrv/initstate", "live\n"), PART(SYS "ext4/taint", "\n"),
                    PART(SYS "nf_tables/taint", "\n"), PART(SYS "vboxdrv/taint", "OE\n"),
                    PART(ENFORCED, "N\n"), PART(LIST, "") },
          .rows = "{\"listed\":true,\"name\":\"ext4\",\"signed\":true,\"size\":999424,"
                  "\"taint\":\"\",\"used_by\":[]}\n"
                  "{\"listed\":true,\"name\":\"nf_tables\",\"signed\":true,\"size\":356352,"
                  "\"taint\":\"\",\"used_by\":[\"nft_ct\",\"nft_counter\"]}\n"
                  "{\"listed\":true,\"name\":\"vboxdrv\",\"signed\":false,\"size\":700416,"
                  "\"taint\":\"OE\",\"used_by\":[]}\n" },
        { .name = "one that hides from the list",
          .part = { PART(LIST, "a 1 0 - Live 0x0\n"), PART(SYS "a/initstate", "live\n"),
                    PART(SYS "root_kit/initstate", "live\n"), PART(SYS "root_kit/taint", "OE\n"),
                    PART(ENFORCED, "N\n"), PART(LIST, "a 1 0 - Live 0x0\n") },
          .rows = "{\"listed\":true,\"name\":\"a\",\"size\":1,\"used_by\":[]}\n"
                  "{\"listed\":false,\"name\":\"root_kit\",\"signed\":false,\"taint\":\"OE\"}\n" },
        { .name = "one that came and one that went while we looked hide nothing",
          .part = { PART(LIST, "gone 1 0 - Live 0x0\n"), PART(SYS "came/initstate", "coming\n"),
                    PART(LIST, "came 2 0 - Loading 0x0\n") },
          .rows = "{\"listed\":true,\"name\":\"came\",\"size\":2,\"used_by\":[]}\n"
                  "{\"listed\":true,\"name\":\"gone\",\"size\":1,\"used_by\":[]}\n" },
        { .name = "a kernel that checks no signatures",
          .part = { PART(LIST, "a 1 0 - Live 0x0\n"),
                    PART(SYS "a/taint", "O\n"),
                    { .name = ENFORCED, .status = ENOENT } },
          .rows = "{\"listed\":true,\"name\":\"a\",\"size\":1,\"taint\":\"O\",\"used_by\":[]}\n" },
        { .name = "a kernel without modules",
          .part = { { .name = LIST, .status = ENOENT }, { .name = LIST, .status = ENOENT } },
          .rows = "" },
        { .name = "not to be read",
          .part = { { .name = LIST, .status = EACCES } },
          .rows = "",
          .faults = LIST ":0: Permission denied\n" },
        { .name = "lines and paths that are none",
          .part = { PART(LIST, "a\nb x 0 -\n\nc 1 0 -\n"), PART(SYS "x/y/initstate", "live\n"),
                    PART(SYS "/initstate", "live\n"), PART(SYS "initstate", "live\n") },
          .rows = "{\"listed\":true,\"name\":\"c\",\"size\":1,\"used_by\":[]}\n",
          .faults = LIST ":0: a line is not name, size and users\n" LIST
                         ":0: a line is not name, size and users\n" },
};

static void test_modules(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_modules, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_modules) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
