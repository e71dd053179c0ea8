/* SPDX-License-Identifier: Apache-2.0 */
/* The usual styles of configuration; a real sshd is tests/system/state/test_state_targets.py. */
#include "state/tables.h"
#include "target_tool.h"

#define ANSWER(text)                                                                               \
        {                                                                                          \
                PART("ssh", text)                                                                  \
        }
#define GIVEN(given, text)                                                                         \
        {                                                                                          \
                PART("state.yaml", given), PART("ssh", text)                                       \
        }
#define ROW(after, line, number, section)                                                          \
        "{\"after\":\"" after "\",\"line\":\"" line "\",\"number\":" number                        \
        ",\"section\":\"" section "\"}\n"
#define FIRST(line, number, section)                                                               \
        "{\"line\":\"" line "\",\"number\":" number ",\"section\":\"" section "\"}\n"

static const struct table_case cases[] = {
        { "indented",
          ANSWER("!\ninterface e1\n ip address 192.0.2.1\n shutdown\n!\ninterface e2\n shutdown\n"
                 "router bgp 1\n address-family ipv4\n  neighbor a\n exit\nend\n"),
          FIRST("interface e1", "1", "") FIRST("ip address 192.0.2.1", "1", "interface e1")
                  ROW("ip address 192.0.2.1", "shutdown", "1",
                      "interface e1") ROW("interface e1", "interface e2", "1",
                                          "") FIRST("shutdown", "1", "interface e2")
                          ROW("interface e2", "router bgp 1", "1", "") FIRST("address-family ipv4",
                                                                             "1", "router bgp 1")
                                  FIRST("neighbor a", "1", "router bgp 1 / address-family ipv4"),
          NULL },
        { "braces",
          ANSWER("system {\r\n    host-name r1;\r\n    services {\r\n        ssh;\r\n    }\r\n}\r\n"),
          FIRST("system {", "1", "") FIRST("host-name r1;", "1", "system")
                  ROW("host-name r1;", "services {", "1", "system")
                          FIRST("ssh;", "1", "system / services"),
          NULL },
        { "set lines", ANSWER("set system host-name r1\nset interfaces ge-0 unit 0 mtu 9000\n"),
          FIRST("set system host-name r1", "1", "system host-name")
                  ROW("set system host-name r1", "set interfaces ge-0 unit 0 mtu 9000", "1",
                      "interfaces ge-0"),
          NULL },
        { "the same twice", ANSWER("a\na\nb\na\n"),
          FIRST("a", "1", "") ROW("a", "a", "2", "") ROW("a", "b", "1", "") ROW("b", "a", "3", ""),
          NULL },
        { "secrets",
          ANSWER("enable secret 5 $1$abc$defghijk\nsnmp-server community pub RO\n"
                 "tacacs-server key 7 0822\nset x encrypted-password \"$6$abcdefgh$\"\n"
                 "username a hash $9$abcdefgh$\nkey chain x\n key 1\nradius x\n key abc\n"
                 " key 7 0822\n"),
          FIRST("enable secret (hidden)", "1", "") ROW(
                  "enable secret (hidden)", "snmp-server community (hidden)", "1",
                  "") ROW("snmp-server community (hidden)", "tacacs-server key (hidden)", "1",
                          "") ROW("tacacs-server key (hidden)", "set x encrypted-password (hidden)",
                                  "1", "x encrypted-password")
                  ROW("set x encrypted-password (hidden)", "username a hash (hidden)", "1",
                      "") ROW("username a hash (hidden)", "key chain x", "1", "")
                          FIRST("key 1", "1", "key chain x") ROW("key chain x", "radius x", "1", "")
                                  FIRST("key (hidden)", "1", "radius x")
                                          ROW("key (hidden)", "key (hidden)", "2", "radius x"),
          NULL },
        { "ignored",
          GIVEN("ignore\t! at *\nignore\tntp clock-period ?\n",
                "! at 10:00\na\nntp clock-period 7\nntp clock-period 77\n"),
          FIRST("a", "1", "") ROW("a", "ntp clock-period 77", "1", ""), NULL },
        { "no status, but its end",
          { PART("state.yaml", "end\te?d\n"),
            { .name = "ssh", .bytes = "a\nend\n", .status = 256 + 255 } },
          FIRST("a", "1", ""),
          NULL },
};

static const struct failing_case failing[] = {
        { "nothing", ANSWER(""), "no configuration" },
        { "only ends", ANSWER("!\n\nend\n"), "no configuration" },
        { "cut", GIVEN("end\tend\n", "a\nb\n"), "does not end as it should" },
        { "cut, badly",
          { PART("state.yaml", "end\tend\n"),
            { .name = "ssh", .bytes = "a\n", .status = 256 + 255 },
            PART("errors", "Connection closed by remote host") },
          "broke off" },
        { "no end to look for",
          { { .name = "ssh", .bytes = "a\nend\n", .status = 256 + 255 } },
          "status 255" },
        { "a command that failed, whatever it printed",
          { PART("state.yaml", "end\tend\n"),
            { .name = "ssh", .bytes = "end\n", .status = 256 + 1 } },
          "status 1" },
        { "host key",
          { { .name = "ssh", .status = 256 + 255 },
            PART("errors", "Host key verification failed.\r\n") },
          "host key" },
};

static void test_read(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_device, cases);
}

static void test_fails(void **state)
{
        (void)state;
        TARGET_FAILS_ALL(&state_device, failing);
}

/* Patterns and duplicates cost no more than their length. */
static void test_large(void **state)
{
        struct table_told told = { .table = &state_device,
                                   .rows = BUF_INIT(1 << 28),
                                   .faults = BUF_INIT(1 << 20) };
        struct buf text = BUF_INIT(1 << 22), bundle = BUF_INIT(BUNDLE_MAX);
        struct state_part given = { .name = SPAN("state.yaml"),
                                    .bytes = SPAN("ignore\t*a*a*a*a*a*a*a*b\n") };
        struct state_part p = { .name = SPAN("ssh") };
        struct state_out out;
        struct state_in in;

        (void)state;
        for (int i = 0; i < 20000; i++)
                buf_put_str(&text, " aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n");
        p.bytes = buf_span(&text);
        bundle_begin(&bundle);
        bundle_put(&bundle, &given);
        bundle_put(&bundle, &p);
        assert_int_equal(bundle_open(buf_span(&bundle), &in, NULL), 0);
        state_out_init(&out, &state_device, target_drop, NULL);
        assert_int_equal(state_device.read(&in, &out, NULL), 0);
        assert_int_equal(out.rows, 20000);
        state_out_done(&out);
        buf_done(&told.rows);
        buf_done(&told.faults);
        buf_done(&text);
        buf_done(&bundle);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_read),
                                            cmocka_unit_test(test_fails),
                                            cmocka_unit_test(test_large) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
