/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#define MAIN "/etc/sudoers"

/* A rule of the main file. */
#define RULE(commands, groups, hosts, line, name, nopasswd, options, run_as, spec, tags, users)    \
        "{\"commands\":[" commands "],\"file\":\"" MAIN "\"," groups "\"hosts\":[" hosts           \
        "],\"kind\":\"rule\",\"line\":" line ",\"name\":\"" name                                   \
        "\",\"nopasswd\":" nopasswd options ",\"run_as\":[" run_as "],\"spec\":\"" spec "\"" tags  \
        ",\"users\":[" users "]}\n"
#define NO_GROUPS "\"groups\":[],"
#define ALIAS(kind, line, members, name)                                                           \
        "{\"file\":\"" MAIN "\",\"kind\":\"" kind "\",\"line\":" line ",\"members\":[" members     \
        "],\"name\":\"" name "\",\"spec\":\"\"}\n"
#define SETTING(file, line, scope, name, value)                                                    \
        "{\"file\":\"" file "\",\"kind\":\"defaults\",\"line\":" line ",\"name\":\"" scope         \
        "\",\"spec\":\"" name "\",\"value\":\"" value "\"}\n"

static const struct table_case cases[] = {
        { .name = "as Debian ships it",
          .part = { PART(MAIN, "# This file\n#\nDefaults\tenv_reset\nDefaults\tsecure_path=\"/sbin:"
                               "/bin\"\n#Defaults:%sudo env_keep += \"X\"\n\n"
                               "root\tALL=(ALL:ALL) ALL\n%sudo\tALL=(ALL:ALL) ALL\n"
                               "@includedir /etc/sudoers.d\n"),
                    PART("/etc/sudoers.d/README", "# nothing\n") },
          .rows = SETTING(MAIN, "3", "", "env_reset", "on") SETTING(MAIN, "4", "", "secure_path",
                                                                    "/sbin:/bin")
                  RULE("\"ALL\"", "\"groups\":[\"ALL\"],", "\"ALL\"", "7", "root", "false", "",
                       "\"ALL\"", "ALL = (ALL:ALL) ALL", "", "\"root\"")
                          RULE("\"ALL\"", "\"groups\":[\"ALL\"],", "\"ALL\"", "8", "%sudo", "false",
                               "", "\"ALL\"", "ALL = (ALL:ALL) ALL", "", "\"%sudo\"") },
        { .name = "tags are inherited, opposed, and split a rule; no (run as) is root",
          .part = { PART(MAIN, "ann ALL = NOPASSWD: SETENV: /bin/a, /bin/b -x, PASSWD: /bin/c\n") },
          .rows = RULE("\"/bin/a\",\"/bin/b -x\"", "", "\"ALL\"", "1", "ann", "true", "",
                       "\"root\"", "ALL = /bin/a, /bin/b -x", ",\"tags\":[\"NOPASSWD\",\"SETENV\"]",
                       "\"ann\"")
                  RULE("\"/bin/c\"", "", "\"ALL\"", "1", "ann", "false", "", "\"root\"",
                       "ALL = /bin/c", ",\"tags\":[\"PASSWD\",\"SETENV\"]", "\"ann\"") },
        { .name = "run as: another for what follows, a group alone, nobody named",
          .part = { PART(MAIN, "ann ALL = (bob) /bin/a, (:adm) /bin/b, () /bin/c\n") },
          .rows = RULE("\"/bin/a\"", NO_GROUPS, "\"ALL\"", "1", "ann", "false", "", "\"bob\"",
                       "ALL = (bob) /bin/a", "", "\"ann\"")
                  RULE("\"/bin/b\"", "\"groups\":[\"adm\"],", "\"ALL\"", "1", "ann", "false", "",
                       "", "ALL = (:adm) /bin/b", "", "\"ann\"")
                          RULE("\"/bin/c\"", NO_GROUPS, "\"ALL\"", "1", "ann", "false", "", "",
                               "ALL = () /bin/c", "", "\"ann\"") },
        { .name = "options; several hosts in one line; negated commands",
          .part = { PART(MAIN, "ann a, !b = CWD=/srv TIMEOUT=1h ALL, !/bin/su : c = /bin/x\n") },
          .rows = RULE("\"ALL\",\"!/bin/su\"", "", "\"a\",\"!b\"", "1", "ann", "false",
                       ",\"options\":[\"CWD=/srv\",\"TIMEOUT=1h\"]", "\"root\"",
                       "a, !b = ALL, !/bin/su", "", "\"ann\"")
                  RULE("\"/bin/x\"", "", "\"c\"", "1", "ann", "false", "", "\"root\"", "c = /bin/x",
                       "", "\"ann\"") },
        { .name = "aliases, used before they are defined, in each other, negated twice",
          .part = { PART(MAIN, "ADMINS HOSTS = (OPS) !SHELLS\n"
                               "User_Alias ADMINS = ann, %ops : X = eve\n"
                               "Host_Alias HOSTS = 10.0.0.0/8, 2001:db8::/32\n"
                               "Runas_Alias OPS = root, bob\n"
                               "Cmnd_Alias SH = /bin/sh, !/bin/bash\nCmnd_Alias SHELLS = SH\n") },
          .rows = RULE("\"!/bin/sh\",\"/bin/bash\"", NO_GROUPS, "\"10.0.0.0/8\",\"2001:db8::/32\"",
                       "1", "ADMINS", "false", "", "\"root\",\"bob\"", "HOSTS = (OPS) !SHELLS", "",
                       "\"ann\",\"%ops\"") ALIAS("user_alias", "2", "\"ann\",\"%ops\"",
                                                 "ADMINS") ALIAS("user_alias", "2", "\"eve\"", "X")
                  ALIAS("host_alias", "3", "\"10.0.0.0/8\",\"2001:db8::/32\"", "HOSTS")
                          ALIAS("runas_alias", "4", "\"root\",\"bob\"", "OPS")
                                  ALIAS("cmnd_alias", "5", "\"/bin/sh\",\"!/bin/bash\"", "SH")
                                          ALIAS("cmnd_alias", "6", "\"SH\"", "SHELLS") },
        { .name = "aliases that go round, and one that explodes",
          .part = { PART(MAIN, "User_Alias A = B : B = A\nA ALL = ALL\n"
                               "User_Alias C = D,D,D,D,D,D,D,D,D : D = E,E,E,E,E,E,E,E,E\n"
                               "User_Alias E = F,F,F,F,F,F,F,F,F : F = G,G,G,G,G,G,G,G,G\n"
                               "C ALL = ALL\n") },
          .rows = ALIAS("user_alias", "1", "\"B\"", "A") ALIAS("user_alias", "1", "\"A\"", "B")
                  ALIAS("user_alias", "3", "\"D\",\"D\",\"D\",\"D\",\"D\",\"D\",\"D\",\"D\",\"D\"",
                        "C") ALIAS("user_alias", "3",
                                   "\"E\",\"E\",\"E\",\"E\",\"E\",\"E\",\"E\",\"E\",\"E\"", "D")
                          ALIAS("user_alias", "4",
                                "\"F\",\"F\",\"F\",\"F\",\"F\",\"F\",\"F\",\"F\",\"F\"", "E")
                                  ALIAS("user_alias", "4",
                                        "\"G\",\"G\",\"G\",\"G\",\"G\",\"G\",\"G\",\"G\",\"G\"",
                                        "F"),
          .faults = MAIN ":2: a list that cannot be resolved\n" MAIN
                         ":5: a list that cannot be resolved\n" },
        { .name = "what is escaped, quoted, numbered, joined; digests and patterns",
          .part = { PART(
                  MAIN, "#1000, %#100, \"a b\" ALL = /bin/a x\\,y \\: z\\=1, \\\n"
                        "  sha256:aa==, sha512:bb /bin/b  -c, /bin/c ^(a|b), [x: ]$, ^/d/.*,$\n") },
          .rows = RULE(
                  "\"/bin/a x\\\\,y \\\\: z\\\\=1\",\"sha256:aa==, sha512:bb /bin/b -c\",\"/bin/c "
                  "^(a|b), [x: ]$\",\"^/d/.*,$\"",
                  "", "\"ALL\"", "1", "#1000, %#100, \\\"a b\\\"", "false", "", "\"root\"",
                  "ALL = /bin/a x\\\\,y \\\\: z\\\\=1, sha256:aa==, sha512:bb /bin/b -c, /bin/c "
                  "^(a|b), [x: ]$, ^/d/.*,$",
                  "", "\"#1000\",\"%#100\",\"a b\"") },
        { .name = "nothing hides a rule: a quote in a command, a comment that ends in a backslash",
          .part = { PART(MAIN,
                         "ann ALL = /bin/echo \", NOPASSWD: ALL\n# x \\\nbob ALL = ALL # y\n") },
          .rows = RULE("\"/bin/echo \\\"\"", "", "\"ALL\"", "1", "ann", "false", "", "\"root\"",
                       "ALL = /bin/echo \\\"", "", "\"ann\"")
                  RULE("\"ALL\"", "", "\"ALL\"", "1", "ann", "true", "", "\"root\"", "ALL = ALL",
                       ",\"tags\":[\"NOPASSWD\"]", "\"ann\"")
                          RULE("\"ALL\"", "", "\"ALL\"", "3", "bob", "false", "", "\"root\"",
                               "ALL = ALL", "", "\"bob\"") },
        { .name = "groups of a plug-in's, by name and by number",
          .part = { PART(MAIN, "eve,%:ext,!%:#7 ALL=(%:ext) ALL\nDefaults:%:ext !authenticate\n") },
          .rows = RULE("\"ALL\"", NO_GROUPS, "\"ALL\"", "1", "eve,%:ext,!%:#7", "false", "",
                       "\"%:ext\"", "ALL = (%:ext) ALL", "", "\"eve\",\"%:ext\",\"!%:#7\"")
                  SETTING(MAIN, "2", ":%:ext", "authenticate", "off") },
        { .name = "defaults of all sorts",
          .part = { PART(MAIN, "Defaults !lecture, env_keep+=\"A B\", umask = 0022\n"
                               "Defaults:ann,bob !authenticate\nDefaults@web log_host\n"
                               "Defaults!/bin/x noexec\nDefaults>root timestamp_timeout=-1\n"
                               "Defaults env_keep -= C\n") },
          .rows = SETTING(MAIN, "1", "", "lecture", "off") SETTING(
                  MAIN, "1", "", "env_keep", "+= A B") SETTING(MAIN, "1", "", "umask", "0022")
                  SETTING(MAIN, "2", ":ann,bob", "authenticate", "off")
                          SETTING(MAIN, "3", "@web", "log_host", "on")
                                  SETTING(MAIN, "4", "!/bin/x", "noexec", "on")
                                          SETTING(MAIN, "5", ">root", "timestamp_timeout", "-1")
                                                  SETTING(MAIN, "6", "", "env_keep", "-= C") },
        { .name = "includes: both spellings, from the directory at hand, names that do not count",
          .part = { PART(MAIN, "#includedir /etc/sudoers.d/\n@include sudoers.d/x.conf\n"
                               "@include /srv/y\n@includedir /srv\n@include\n"),
                    PART("/etc/sudoers.d/a~", "Defaults b\n"),
                    PART("/etc/sudoers.d/c", "Defaults c\n"),
                    PART("/etc/sudoers.d/x.conf", "Defaults d\n"),
                    { .name = "/etc/sudoers.d/z", .status = EACCES } },
          .rows = SETTING("/etc/sudoers.d/c", "1", "", "c", "on")
                  SETTING("/etc/sudoers.d/x.conf", "1", "", "d", "on"),
          .faults = "/etc/sudoers.d/z:0: Permission denied\n" MAIN
                    ":3: includes a file that is not below /etc/sudoers.d\n" MAIN
                    ":4: includes a directory that is not /etc/sudoers.d\n" MAIN
                    ":5: a rule without hosts and '='\n" },
        { .name = "includes that go round",
          .part = { PART(MAIN, "@include /etc/sudoers\n") },
          .rows = "",
          .faults = MAIN ":1: includes too deep\n" },
        { .name = "lines that are none",
          .part = { PART(MAIN, "ann\nann ALL\nann ALL =\nann ALL = ,\nann ALL = (bob ALL\n"
                               "User_Alias X\nUser_Alias = ann\nDefaults\nDefaults x=\n"
                               "Defaults:\nann ALL = /bin/a=b\nann, ALL = ALL\nok ALL = ALL\n") },
          .rows = RULE("\"/bin/a\"", "", "\"ALL\"", "11", "ann", "false", "", "\"root\"",
                       "ALL = /bin/a", "", "\"ann\"")
                  RULE("\"ALL\"", "", "\"ALL\"", "13", "ok", "false", "", "\"root\"", "ALL = ALL",
                       "", "\"ok\""),
          .faults = MAIN
          ":1: a rule without hosts and '='\n" MAIN ":2: a rule without hosts and '='\n" MAIN
          ":3: no command where one must be\n" MAIN ":4: no command where one must be\n" MAIN
          ":5: users to run as that are not understood\n" MAIN
          ":6: an alias without a name, '=' and a list\n" MAIN
          ":7: an alias without a name, '=' and a list\n" MAIN
          ":8: a rule without hosts and '='\n" MAIN ":9: a setting without a value\n" MAIN
          ":10: defaults for nobody\n" MAIN ":11: more than a rule\n" MAIN
          ":12: a rule without hosts and '='\n" },
        { .name = "sudo is not installed",
          .part = { { .name = MAIN, .status = ENOENT } },
          .rows = "" },
};

static void test_sudo_rules(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_sudo_rules, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_sudo_rules) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
