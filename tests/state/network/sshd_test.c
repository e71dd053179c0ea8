/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#define PROGRAM "/usr/sbin/sshd -T"
#define CONFIG  "/etc/ssh/sshd_config"
#define SET(setting, values)                                                                       \
        "{\"file\":\"\",\"scope\":\"all\",\"setting\":\"" setting "\",\"values\":[" values "]}\n"
#define MATCH(file, line, scope, setting, values)                                                  \
        "{\"file\":\"" file "\",\"line\":" line ",\"scope\":\"" scope "\",\"setting\":\"" setting  \
        "\",\"values\":[" values "]}\n"

static const struct table_case cases[] = {
        { .name = "as it tells them; several lines of one; values that may be secret",
          .part = { PART(PROGRAM, "port 22\nport 2222\npermitrootlogin without-password\n"
                                  "acceptenv LANG\nacceptenv LC_*\nforcecommand none\n"
                                  "setenv A=geheim\nbanner \n") },
          .rows = SET("port", "\"22\",\"2222\"") SET("permitrootlogin", "\"without-password\"")
                  SET("acceptenv", "\"LANG\",\"LC_*\"") SET("forcecommand", "\"none\"")
                          SET("setenv", "\"A=***\"") SET("banner", "\"\"") },
        { .name = "Match: to the end of its file, or the next",
          .part = { PART(PROGRAM, "port 22\n"),
                    PART(CONFIG, "PermitRootLogin no\n# Match user x\nMatch User bob Address ::1\n"
                                 "\tPermitRootLogin=yes\n  X11Forwarding\t = no \nMATCH all\n"
                                 "SetEnv T=geheim\n"),
                    PART("/etc/ssh/sshd_config.d/a.conf", "PasswordAuthentication yes\n") },
          .rows = SET("port", "\"22\"")
                  MATCH(CONFIG, "4", "User bob Address ::1", "permitrootlogin", "\"yes\"")
                          MATCH(CONFIG, "5", "User bob Address ::1", "x11forwarding", "\"no\"")
                                  MATCH(CONFIG, "7", "all", "setenv", "\"T=***\"") },
        { .name = "files that are included, in quotes and not, within Match and outside; and those that "
                  "are not read",
          .part = { PART(PROGRAM, "port 22\n"),
                    PART(CONFIG, "Include /etc/ssh/sshd_config.d/*.conf\n"
                                 "\"Match\" User eve\n"
                                 "include \"sshd_config.d/in match\" /opt/x sshd_config.d/y/../z\n"
                                 "\"PermitRootLogin\" yes\n"),
                    PART("/etc/ssh/sshd_config.d/.hidden.conf", "Match all\nPort 1\n"),
                    PART("/etc/ssh/sshd_config.d/a.conf",
                         "PasswordAuthentication no\nMatch User=bob\nAuthorizedKeysFile /k\n"),
                    PART("/etc/ssh/sshd_config.d/b.conf", "PasswordAuthentication yes\n"),
                    PART("/etc/ssh/sshd_config.d/in match",
                         "X11Forwarding no\nMatch Address ::1\nBanner none\n"),
                    PART("/etc/ssh/sshd_config.d/of.nobody", "Match all\nBanner none\n") },
          .rows = SET("port", "\"22\"") MATCH("/etc/ssh/sshd_config.d/a.conf", "3", "User=bob",
                                              "authorizedkeysfile", "\"/k\"")
                  MATCH("/etc/ssh/sshd_config.d/in match", "1", "User eve", "x11forwarding",
                        "\"no\"") MATCH("/etc/ssh/sshd_config.d/in match", "3",
                                        "User eve; Address ::1", "banner", "\"none\"")
                          MATCH(CONFIG, "4", "User eve", "permitrootlogin", "\"yes\""),
          .faults = CONFIG
          ":3: includes what is not in /etc/ssh/sshd_config.d, and is not read\n" CONFIG
          ":3: includes what is not in /etc/ssh/sshd_config.d, and is not read\n" },
        /* sshd -T -C user=eve says that root may log in with each of these */
        { .name = "Match, as sshd reads it",
          .part = { PART(PROGRAM, "port 22\n"),
                    { .name = CONFIG,
                      .bytes = "Ma\0 x\n  tch User eve\nPermitRootLogin yes\n"
                               "=Match User=eve\nPermitRootLogin yes\n"
                               "Match=User eve\r\nPermitRoot\0\nLogin yes\n",
                      .n = 115 } },
          .rows = SET("port", "\"22\"") MATCH(CONFIG, "3", "User eve", "permitrootlogin", "\"yes\"")
                  MATCH(CONFIG, "5", "User=eve", "permitrootlogin", "\"yes\"")
                          MATCH(CONFIG, "8", "User eve", "permitrootlogin", "\"yes\"") },
        { .name = "a file that includes itself",
          .part = { PART(PROGRAM, "port 22\n"), PART(CONFIG, "Include sshd_config.d/a\n"),
                    PART("/etc/ssh/sshd_config.d/a", "Include sshd_config.d/a\n") },
          .rows = SET("port", "\"22\""),
          .faults = "/etc/ssh/sshd_config.d/a:0: more includes than are read\n" },
        { .name = "not installed: what is left of its configuration says nothing",
          .part = { { .name = PROGRAM, .status = ENOENT }, PART(CONFIG, "Match all\nPort 1\n") },
          .rows = "" },
        { .name = "it does not like its configuration",
          .part = { { .name = PROGRAM, .status = BUNDLE_PROGRAM_FAILED + 255 } },
          .rows = "",
          .faults = PROGRAM ":0: ended with status 255\n" },
        { .name = "lines that are none",
          .part = { PART(PROGRAM, "po-rt 22\n\nport 1\n: x\nport 2") },
          .rows = SET("port", "\"1\",\"2\""),
          .faults = PROGRAM ":1: no setting\n" PROGRAM ":4: no setting\n" },
};

static void test_sshd(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_sshd, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_sshd) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
