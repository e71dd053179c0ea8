/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#define IN_SUBSTACK ",\"substack\":\"common\""
#define ROW(after, arguments, control, file, line, missing, module, nth, position, service,        \
            substack, type)                                                                        \
        "{\"after\":\"" after "\",\"arguments\":[" arguments "],\"control\":\"" control            \
        "\",\"file\":\"" file "\",\"line\":" line ",\"may_be_missing\":" missing                   \
        ",\"module\":\"" module "\",\"nth\":" nth ",\"position\":" position                        \
        ",\"service\":\"" service "\"" substack ",\"type\":\"" type "\"}\n"

#define X      "/etc/pam.d/x"
#define COMMON "/etc/pam.d/common"

#define COMMON_TEXT                                                                                \
        "auth\t[success=1 default=ignore]\tpam_unix.so nullok\n"                                   \
        "auth\trequisite\tpam_deny.so\nauth required pam_unix.so # again\n"                        \
        "-session optional pam_systemd.so\n"
#define COMMON_AUTH(service, file, substack)                                                       \
        ROW("", "\"nullok\"", "[success=1 default=ignore]", file, "1", "false", "pam_unix.so",     \
            "1", "1", service, substack, "auth")                                                   \
        ROW("pam_unix.so", "", "requisite", file, "2", "false", "pam_deny.so", "1", "2", service,  \
            substack, "auth")                                                                      \
        ROW("pam_deny.so", "", "required", file, "3", "false", "pam_unix.so", "2", "3", service,   \
            substack, "auth")
#define COMMON_SESSION(service)                                                                    \
        ROW("", "", "optional", COMMON, "4", "true", "pam_systemd.so", "1", "1", service, "",      \
            "session")

static const struct table_case cases[] = {
        { .name = "a file of its own: brackets, comments, a type before which is a minus",
          .part = { PART(COMMON, COMMON_TEXT) },
          .rows = COMMON_AUTH("common", COMMON, "") COMMON_SESSION("common") },
        { .name = "@include takes every type, include and substack one",
          .part = { PART(COMMON, COMMON_TEXT), PART(X, "@include common\n") },
          .rows = COMMON_AUTH("common", COMMON, "") COMMON_SESSION("common")
                  COMMON_AUTH("x", COMMON, "") COMMON_SESSION("x") },
        { .name = "substack, by an absolute path",
          .part = { PART(X, "auth substack /etc/pam.d/common\nAUTH include common\n"),
                    PART(COMMON, "auth sufficient pam_a.so\n") },
          .rows = ROW("", "", "sufficient", COMMON, "1", "false", "pam_a.so", "1", "1", "x",
                      IN_SUBSTACK, "auth") ROW("pam_a.so", "", "sufficient", COMMON, "1", "false",
                                               "pam_a.so", "2", "2", "x", "", "auth")
                  ROW("", "", "sufficient", COMMON, "1", "false", "pam_a.so", "1", "1", "common",
                      "", "auth") },
        { .name = "joined lines, [arguments with blanks], a secret",
          .part = { PART(X, "# y\nauth required \\\n\tpam_x.so [a b\\] c] \\\n  password=geheim\n"
                            "auth optional pam_z.so") },
          .rows = ROW("", "\"[a b\\\\] c]\",\"password=***\"", "required", X, "2", "false",
                      "pam_x.so", "1", "1", "x", "", "auth")
                  ROW("pam_x.so", "", "optional", X, "5", "false", "pam_z.so", "1", "2", "x", "",
                      "auth") },
        { .name = "the vendor's file, and the host's in its place",
          .part = { PART("/etc/pam.d/a", "auth required pam_etc.so\n"),
                    PART("/usr/lib/pam.d/a", "auth required pam_usr.so\n"),
                    PART("/usr/lib/pam.d/b", "auth include a\n") },
          .rows = ROW("", "", "required", "/etc/pam.d/a", "1", "false", "pam_etc.so", "1", "1", "a",
                      "", "auth") ROW("", "", "required", "/etc/pam.d/a", "1", "false",
                                      "pam_etc.so", "1", "1", "b", "", "auth") },
        { .name = "lines that are none, each told once",
          .part = { PART(X, "hello required pam_x.so\nauth\nauth required\n@include nowhere\n"
                            "auth include nowhere\nsession include\n"
                            "auth include /opt/x\n") },
          .rows = "",
          .faults = X ":1: no type of PAM's\n" X ":4: includes what is not there\n" X
                      ":2: no control\n" X ":3: no module\n" X ":5: includes what is not there\n" X
                      ":7: includes what is in no directory of PAM's, and is not read\n" X
                      ":6: includes what is not there\n" },
        { .name = "what goes round ends",
          .part = { PART(X, "auth include x\nauth include x\n") },
          .rows = "",
          .faults = X ":0: more modules or lines than are read\n" },
        { .name = "not readable",
          .part = { { .name = X, .status = EIO } },
          .rows = "",
          .faults = X ":0: Input/output error\n" },
};

static void test_pam(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_pam, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_pam) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
