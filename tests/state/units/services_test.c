/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#define ETC   "/etc/systemd/system/"
#define RUN   "/run/systemd/system/"
#define USR   "/usr/lib/systemd/system/"
#define GROUP "/sys/fs/cgroup/system.slice/"

#define LINK(name_, to)                                                                            \
        {                                                                                          \
                .name = (name_), .bytes = (to), .mode = 0120777                                    \
        }
/* A unit of nothing but a name, a state and a path, with what else it has before and behind. */
#define BARE(name, path, state)                                                                    \
        "{\"name\":\"" name "\",\"path\":\"" path "\",\"state\":\"" state "\"}\n"
#define RUNS(name, path, state)                                                                    \
        "{\"executes\":[\"ExecStart=/x\"],\"name\":\"" name "\",\"path\":\"" path                  \
        "\",\"state\":\"" state "\",\"user\":\"root\"}\n"

#define X    "[Service]\nExecStart=/x\n"
#define XI   X "[Install]\nWantedBy=multi-user.target\n"
#define WANT "multi-user.target.wants/"

static const struct table_case cases[] = {
        { .name = "enabled, running, with everything that it executes",
          .part = { LINK(ETC WANT "ssh.service", "/lib/systemd/system/ssh.service"),
                    LINK(ETC "sshd.service", "/lib/systemd/system/ssh.service"),
                    PART(USR "ssh.service",
                         "[Unit]\nDescription=x\n\n# ExecStart=/none\n; User=none\n[Service]\n"
                         "EnvironmentFile=-/etc/default/ssh\nExecStartPre=/usr/sbin/sshd -t\n"
                         "ExecStart = /usr/sbin/sshd -D \\\n  $SSHD_OPTS\nUser=sshd\nGroup=ssh\n"
                         "Type=notify\n\n[Install]\nWantedBy=multi-user.target\n"
                         "Alias=sshd.service\n"),
                    PART(GROUP "ssh.service/cgroup.events", "populated 1\nfrozen 0\n") },
          .rows = "{\"executes\":[\"ExecStartPre=/usr/sbin/sshd -t\","
                  "\"ExecStart=/usr/sbin/sshd -D $SSHD_OPTS\"],\"group\":\"ssh\","
                  "\"name\":\"ssh.service\",\"path\":\"" USR "ssh.service\",\"running\":true,"
                  "\"running_now\":true,\"state\":\"enabled\",\"user\":\"sshd\","
                  "\"wanted_by\":[\"multi-user.target\"]}\n"
                  "{\"alias_of\":\"ssh.service\",\"name\":\"sshd.service\",\"path\":\"" ETC
                  "sshd.service\",\"state\":\"alias\"}\n" },
        { .name = "every state",
          .part = { PART(USR "a.service", XI), PART(USR "b.service", X),
                    LINK(ETC "c.service", "/dev/null"), PART(USR "c.service", XI),
                    PART(RUN "d.service", ""), PART("/run/systemd/generator/e.service", X),
                    PART("/run/systemd/transient/f.service", X),
                    LINK("/run/systemd/system/" WANT "g.service", USR "g.service"),
                    PART(USR "g.service", XI),
                    PART(USR "h.service", X "[Install]\nAlso=a.socket\n"),
                    LINK(ETC "i.service", USR "j.service"), PART(USR "j.service", XI) },
          .rows = RUNS("a.service", USR "a.service", "disabled") RUNS(
                  "b.service", USR "b.service",
                  "static") BARE("c.service", ETC "c.service",
                                 "masked") BARE("d.service", RUN "d.service",
                                                "masked-runtime") RUNS("e.service",
                                                                       "/run/systemd/generator/e.service",
                                                                       "generated")
                  RUNS("f.service", "/run/systemd/transient/f.service",
                       "transient") "{\"executes\":[\"ExecStart=/x\"],\"name\":\"g.service\",\"path\":\"" USR
                                    "g.service\",\"state\":\"enabled-runtime\",\"user\":\"root\","
                                    "\"wanted_by\":[\"multi-user.target\"]}\n" RUNS(
                                            "h.service", USR "h.service",
                                            "indirect") "{\"alias_of\":\"j.service\",\"name\":\"i.service\",\"path\":\"" ETC
                                                        "i.service\",\"state\":\"alias\"}\n" RUNS(
                                                                "j.service", USR "j.service",
                                                                "indirect") },
        { .name = "linked from elsewhere: what is behind the link is read",
          .part = { LINK(ETC "x.service", "/opt/x.service"), PART(ETC "x.service", X) },
          .rows = RUNS("x.service", ETC "x.service", "linked") },
        { .name = "the file in /etc counts, drop-ins change it, an empty value forgets",
          .part = { PART(ETC "a-b.service", "[Service]\nExecStart=/new\n"),
                    PART(ETC "a-b.service.d/20.conf",
                         "[Service]\nExecStart=\nExecStart=/y --password "
                         "secret\nUser=u\n"),
                    PART(USR "a-b.service", X),
                    PART(USR "a-.service.d/30.conf", "[Service]\nExecStartPost=/z\n"),
                    PART(USR "service.d/10.conf", "[Service]\nDynamicUser=yes\n"),
                    PART(USR "a-b.service.d/20.conf", "[Service]\nExecStart=/hidden\n") },
          .rows = "{\"drop_ins\":[\"" USR "service.d/10.conf\",\"" ETC
                  "a-b.service.d/20.conf\",\"" USR
                  "a-.service.d/30.conf\"],\"executes\":[\"ExecStart=/y --password ***\","
                  "\"ExecStartPost=/z\"],\"name\":\"a-b.service\",\"path\":\"" ETC
                  "a-b.service\",\"state\":\"static\",\"user\":\"dynamic\"}\n" },
        { .name = "a template and its instances",
          .part = { LINK(ETC "getty.target.wants/getty@tty1.service", USR "getty@.service"),
                    LINK(ETC "getty.target.wants/getty@tty2.service", USR "getty@.service"),
                    LINK(ETC "getty.target.wants/gettyx@tty3.service", USR "gettyx@.service"),
                    PART(USR "getty@.service",
                         X "[Install]\nWantedBy=getty.target\nDefaultInstance=tty1\n"),
                    PART("/sys/fs/cgroup/system.slice/system-getty.slice/getty@tty1.service/"
                         "cgroup.events",
                         "populated 1\n") },
          .rows = "{\"executes\":[\"ExecStart=/x\"],\"instances\":[\"tty1\",\"tty2\"],"
                  "\"name\":\"getty@.service\",\"path\":\"" USR
                  "getty@.service\",\"running\":true,\"running_now\":true,\"state\":\"enabled\","
                  "\"user\":\"root\",\"wanted_by\":[\"getty.target\"]}\n" },
        { .name = "sockets and paths, and services that wait for them",
          .part = { LINK(ETC WANT "a.service", USR "a.service"), PART(USR "a.service", XI),
                    PART(USR "a.socket", "[Socket]\nListenStream=22\nListenDatagram=/run/x\n"),
                    PART(USR "b.socket", "[Socket]\nListenStream=1\nAccept=yes\n"),
                    PART(USR "c.path", "[Path]\nPathChanged=/etc/x\nUnit=z.service\n"),
                    PART(GROUP "a.service/cgroup.events", "populated 0\n") },
          .rows = "{\"executes\":[\"ExecStart=/x\"],\"name\":\"a.service\",\"path\":\"" USR
                  "a.service\",\"running_now\":false,\"state\":\"enabled\",\"user\":\"root\","
                  "\"wanted_by\":[\"multi-user.target\"]}\n"
                  "{\"name\":\"a.socket\",\"path\":\"" USR
                  "a.socket\",\"starts\":\"a.service\",\"state\":\"static\","
                  "\"triggers\":[\"ListenStream=22\",\"ListenDatagram=/run/x\"]}\n"
                  "{\"name\":\"b.socket\",\"path\":\"" USR
                  "b.socket\",\"starts\":\"b@.service\",\"state\":\"static\","
                  "\"triggers\":[\"ListenStream=1\"]}\n"
                  "{\"name\":\"c.path\",\"path\":\"" USR
                  "c.path\",\"starts\":\"z.service\",\"state\":\"static\","
                  "\"triggers\":[\"PathChanged=/etc/x\"]}\n" },
        /* systemd-analyze verify says of each of these that it executes what is told here */
        { .name = "what a look at the file does not show",
          .part = { PART(USR "a.service", "[Service]\n# x\rExecStart=/a\r\nUser=a\n"),
                    PART(USR "b.service", "\xef\xbb\xbf[Service]\nExecStart=/b \\\n"
                                          "  # x \\\n; y\n  c\nUser=b\n"),
                    PART(USR "c.service", "[Service]\nExecStart=/c \\\\\nUser=c\n"),
                    PART(USR "d.service", "[Service]\nExecStart\\\n=/d\\\r\n\te\n\rUser=d\n"),
                    { .name = USR "e.service",
                      .bytes = "[Service]\n;\0ExecStart=/e\0\nUser=e\n",
                      .n = 33 } },
#define EXECUTES(name, line)                                                                       \
        "{\"executes\":[\"ExecStart=" line "\"],\"name\":\"" name                                  \
        ".service\",\"path\":\"" USR name ".service\",\"state\":\"static\",\"user\":\"" name       \
        "\"}\n"
          .rows = EXECUTES("a", "/a") EXECUTES("b", "/b c") EXECUTES("c", "/c \\\\\\\\")
                  EXECUTES("d", "/d e") EXECUTES("e", "/e") },
        { .name = "an instance has drop-ins that its template has not",
          .part = { LINK(ETC "getty.target.wants/g@1.service", USR "g@.service"),
                    PART(ETC "g@1.service.d/a.conf", "[Service]\nExecStartPre=/evil\n"),
                    PART(ETC "g@.service.d/b.conf", "[Service]\nUser=b\n"),
                    PART(ETC "none@1.service.d/a.conf", X), PART(ETC "own@1.service.d/a.conf", X),
                    PART(ETC "own@1.service", "[Service]\nUser=o\n"), PART(USR "g@.service", XI) },
          .rows = "{\"drop_ins\":[\"" ETC "g@.service.d/b.conf\"],\"executes\":[\"ExecStart=/x\"],"
                  "\"instances\":[\"1\"],\"name\":\"g@.service\",\"path\":\"" USR
                  "g@.service\",\"state\":\"indirect\",\"user\":\"b\",\"wanted_by\":["
                  "\"getty.target\"]}\n"
                  "{\"drop_ins\":[\"" ETC "own@1.service.d/a.conf\"],\"executes\":["
                  "\"ExecStart=/x\"],\"name\":\"own@1.service\",\"path\":\"" ETC
                  "own@1.service\",\"state\":\"static\",\"user\":\"o\"}\n"
                  "{\"drop_ins\":[\"" ETC "g@1.service.d/a.conf\",\"" ETC
                  "g@.service.d/b.conf\"],\"executes\":[\"ExecStart=/x\",\"ExecStartPre=/evil\"],"
                  "\"name\":\"g@1.service\",\"path\":\"" USR
                  "g@.service\",\"state\":\"enabled\",\"user\":\"b\",\"wanted_by\":["
                  "\"getty.target\"]}\n" },
        { .name = "odd files",
          .part = { PART(USR "a.service",
                         "ExecStart=/no section\n[Service\n[Service]\n=\nExecStart\n"
                         "ExecStart=/x\\"),
                    PART(USR ".service", X),
                    PART(USR "b.target", X),
                    PART("/opt/c.service", X),
                    PART(USR "a.wants/b/c.service", X),
                    { .name = USR "d.service", .status = EACCES },
                    { .name = "/etc/systemd/system", .status = ENOENT } },
          .rows = "{\"executes\":[\"ExecStart=/x\"],\"name\":\"a.service\",\"path\":\"" USR
                  "a.service\",\"state\":\"static\",\"user\":\"root\"}\n",
          .faults = USR "d.service:0: Permission denied\n" },
};

static void test_services(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_services, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_services) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
