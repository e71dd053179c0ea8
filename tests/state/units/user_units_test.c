/* SPDX-License-Identifier: Apache-2.0 */
#include "../table_tool.h"
#include "state/tables.h"

#include <errno.h>

#define FILE(name_, text_, uid_)                                                                   \
        {                                                                                          \
                .name = (name_), .bytes = (text_), .mode = 0100644, .uid = (uid_)                  \
        }
#define LINK(name_, to_, uid_)                                                                     \
        {                                                                                          \
                .name = (name_), .bytes = (to_), .mode = 0120777, .uid = (uid_)                    \
        }
#define PASSWD                                                                                     \
        PART("/etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann/:/bin/sh\n")
#define ANN "/home/ann/.config/systemd/user"

static const struct table_case cases[] = {
        { .name = "a unit, a drop-in, what starts it, a link to elsewhere",
          .part = { PASSWD,
                    FILE(ANN "/a.service", "[Service]\nExecStart=/home/ann/x --token=1\n", 1000),
                    FILE(ANN "/b.service.d/x.conf", "[Service]\nExecStartPre=/tmp/evil\n", 0),
                    LINK(ANN "/default.target.wants/a.service", "../a.service", 1000),
                    LINK(ANN "/c.service", "/opt/c.service", 1000) },
          .rows = "{\"executes\":[\"ExecStart=/home/ann/x --token=***\"],\"kind\":\"unit\","
                  "\"mode\":420,\"owner\":1000,\"path\":\"" ANN "/a.service\","
                  "\"unit\":\"a.service\",\"user\":\"ann\"}\n"
                  "{\"executes\":[\"ExecStartPre=/tmp/evil\"],\"kind\":\"drop_in\",\"mode\":420,"
                  "\"owner\":0,\"path\":\"" ANN "/b.service.d/x.conf\",\"unit\":\"b.service\","
                  "\"user\":\"ann\"}\n"
                  "{\"kind\":\"wanted\",\"owner\":1000,\"path\":\"" ANN
                  "/default.target.wants/a.service\",\"target\":\"../a.service\","
                  "\"unit\":\"a.service\",\"user\":\"ann\"}\n"
                  "{\"kind\":\"unit\",\"owner\":1000,\"path\":\"" ANN "/c.service\","
                  "\"target\":\"/opt/c.service\",\"unit\":\"c.service\",\"user\":\"ann\"}\n" },
        { .name = "timers, sockets and paths; every user's, and one's of a directory server",
          .part = { PASSWD, FILE("/etc/systemd/user/t.timer", "[Timer]\nOnCalendar=daily\n", 0),
                    FILE("/usr/lib/systemd/user/s.socket",
                         "[Socket]\nListenStream=%t/s\nExecStartPre=/bin/y\n", 0),
                    FILE("/home/bob/.local/share/systemd/user/p.path", "[Path]\nPathExists=/x\n",
                         7) },
          .rows = "{\"kind\":\"unit\",\"mode\":420,\"owner\":0,"
                  "\"path\":\"/etc/systemd/user/t.timer\",\"triggers\":[\"OnCalendar=daily\"],"
                  "\"unit\":\"t.timer\"}\n"
                  "{\"executes\":[\"ExecStartPre=/bin/y\"],\"kind\":\"unit\",\"mode\":420,"
                  "\"owner\":0,\"path\":\"/usr/lib/systemd/user/s.socket\","
                  "\"triggers\":[\"ListenStream=%t/s\"],\"unit\":\"s.socket\"}\n"
                  "{\"kind\":\"unit\",\"mode\":420,\"owner\":7,"
                  "\"path\":\"/home/bob/.local/share/systemd/user/p.path\","
                  "\"triggers\":[\"PathExists=/x\"],\"unit\":\"p.path\",\"user\":\"bob\"}\n" },
        { .name = "links on the way, and who lingers",
          .part = { PASSWD, LINK("/home/ann/.config", "/srv/ann", 1000),
                    LINK("/root/.config/systemd", "/srv/root", 0),
                    LINK("/root/.local/share", "/srv/share", 0),
                    LINK("/etc/xdg/systemd/user", "../../systemd/user", 0),
                    FILE("/var/lib/systemd/linger/ann", "", 0) },
          .rows = "{\"kind\":\"link\",\"owner\":1000,\"path\":\"/home/ann/.config\","
                  "\"target\":\"/srv/ann\",\"user\":\"ann\"}\n"
                  "{\"kind\":\"link\",\"owner\":0,\"path\":\"/root/.config/systemd\","
                  "\"target\":\"/srv/root\",\"user\":\"root\"}\n"
                  "{\"kind\":\"link\",\"owner\":0,\"path\":\"/root/.local/share\","
                  "\"target\":\"/srv/share\",\"user\":\"root\"}\n"
                  "{\"kind\":\"link\",\"owner\":0,\"path\":\"/etc/xdg/systemd/user\","
                  "\"target\":\"../../systemd/user\"}\n"
                  "{\"kind\":\"linger\",\"mode\":420,\"owner\":0,"
                  "\"path\":\"/var/lib/systemd/linger/ann\",\"user\":\"ann\"}\n" },
        { .name = "what systemd does not look at",
          .part = { PASSWD,
                    FILE(ANN "/README", "x", 1000),
                    FILE(ANN "/a.service~", "x", 1000),
                    FILE(ANN "/x.d/a.service", "x", 1000),
                    FILE(ANN "/d/a.service", "x", 1000),
                    FILE("/usr/lib/systemd/user/a.service.d/b/c.conf", "x", 0),
                    { .name = "/etc/systemd/user", .mode = 0040755 },
                    { .name = "/usr/lib/systemd/user", .status = ENOENT } },
          .rows = "" },
        { .name = "what cannot be read",
          .part = { PASSWD,
                    { .name = "/home/ann/.config", .status = EACCES },
                    { .name = ANN, .status = E2BIG },
                    { .name = ANN "/a.service", .mode = 0100644, .size = 300000, .bytes = "" } },
          .rows = "{\"kind\":\"unit\",\"mode\":420,\"owner\":0,\"path\":\"" ANN "/a.service\","
                  "\"unit\":\"a.service\",\"user\":\"ann\"}\n",
          .faults =
                  "/home/ann/.config:0: Permission denied\n" ANN ":0: Argument list too long\n" ANN
                  "/a.service:0: longer than the 262144 bytes that are read of it\n" },
};

static void test_user_units(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_user_units, cases);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_user_units) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
