/* SPDX-License-Identifier: Apache-2.0 */
/* What the job says of a deliver.yaml: facts, or faults as "line:column text". */
#include "job/faults.h"
#include "wire/deliver_fact.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../alloc_fail.h"
#include "yaml_told.h"

static void check_fact(struct span fact)
{
        struct deliver_sink sink;

        assert_int_equal(deliver_fact_parse(fact, &sink, NULL), 0);
}

static const struct told_job job = { job_deliver, check_fact };

/* What is added is line 4, from column 5 on. */
#define SINK(keys) SPAN_INIT("version: 1\nsinks:\n  x:\n    " keys "\n")
#define MAIL(keys) SINK("{type: mail, from: a@b, to: c@d, server: smtp://h" keys "}")

static const struct told_fault faults[] = {
        { SPAN_INIT(""), "1:1 the keys version and sinks should stand here" },
        { SPAN_INIT("- a\n"), "1:1 the keys version and sinks should stand here" },
        { SPAN_INIT("version: 1\n"), "1:1 the file has no sinks" },
        { SPAN_INIT("version: 2\nsinks: {x: {type: journal}}\n"), "1:10 this is version 1" },
        { SPAN_INIT("version: 1\nsinks:\n"), "2:1 sinks by their names" },
        { SPAN_INIT("version: 1\nsinks: [x]\n"), "2:8 sinks by their names" },
        { SPAN_INIT("version: 1\nsinks: {X: {type: journal}}\n"), "2:9 \"X\" is no sink's name" },
        { SPAN_INIT("version: 1\nsinks: {../x: {type: journal}}\n"), "2:9 \"../x\" is no sink" },
        { SPAN_INIT("version: 1\nsinks:\n  a: {type: journal}\n  a: {type: journal}\n"),
          "4:3 a is there twice, first in line 3" },
        { SPAN_INIT("version: 1\nsinks: {x: journal}\n"), "2:12 the keys of a sink" },
        { SINK("kinds: alert.*"), "3:3 the sink has no type" },
        { SINK("type: pigeon"), "4:11 journal, syslog, command or mail should stand here" },
        { SINK("type: [mail]"), "4:11 journal, syslog, command or mail should stand here" },
        /* every sink's */
        { SINK("{type: journal, to: x}"), "4:21 unknown key \"to\": there are type, kinds, sev" },
        { SINK("{type: journal, kinds: []}"), "4:28 an empty list says nothing" },
        { SINK("{type: journal, kinds: [alert.risen]}"), "4:29 there is no kind \"alert.risen\"" },
        { SINK("{type: journal, kinds: [alert]}"), "4:29 \"alert\" is no kind" },
        { SINK("{type: journal, severity: low}"), "4:31 info, high or critical should stand" },
        { SINK("{type: journal, history: some}"), "4:30 none or all should stand here" },
        { SINK("{type: journal, down_after: 5}"), "4:33 a time, as 30s, 5m or 2h, should" },
        { SINK("{type: journal, retry_max: 0s}"), "4:32 a time here is between 1s and 168h" },
        { SINK("{type: journal, retry_max: 169h}"), "4:32 a time here is between 1s and 168h" },
        /* syslog */
        { SINK("{type: syslog}"), "3:3 the sink has no to" },
        { SINK("{type: syslog, to: logs}"), "4:24 udp://, tcp:// or tls:// and a host, or a" },
        { SINK("{type: syslog, to: http://x}"), "4:24 udp://, tcp:// or tls://" },
        { SINK("{type: syslog, to: \"udp://\"}"), "4:25 udp://, tcp:// or tls://" },
        { SINK("{type: syslog, to: udp://a:0}"), "4:24 udp://, tcp:// or tls://" },
        { SINK("{type: syslog, to: udp://a:65536}"), "4:24 udp://, tcp:// or tls://" },
        { SINK("{type: syslog, to: udp://a:1x}"), "4:24 udp://, tcp:// or tls://" },
        { SINK("{type: syslog, to: udp://a b}"), "4:24 udp://, tcp:// or tls://" },
        { SINK("{type: syslog, to: udp://::1}"), "4:24 udp://, tcp:// or tls://" },
        { SINK("{type: syslog, to: \"udp://[::1\"}"), "4:25 udp://, tcp:// or tls://" },
        { SINK("{type: syslog, to: udp://a, facility: 10}"), "4:43 a facility, as authpriv" },
        { SINK("{type: syslog, to: udp://a, ca: /x}"), "3:3 ca, cert, key and tls_name go with" },
        { SINK("{type: syslog, to: tls://a, ca: x}"), "4:37 the absolute path of a file should" },
        { SINK("{type: syslog, to: tls://a, cert: /x}"), "3:3 cert and key go together" },
        { SINK("{type: syslog, to: tls://a, tls_name: a/b}"), "4:43 \"a/b\" is no host's name" },
        /* command */
        { SINK("{type: command}"), "3:3 the sink has no run" },
        { SINK("{type: command, run: \"page me\"}"), "4:27 the absolute path of a program" },
        { SINK("{type: command, run: [/x, \"\"]}"), "4:32 1 to 512 bytes should stand here" },
        { SINK("{type: command, run: [/x, [y]]}"), "4:31 an argument should stand here" },
        { SINK("{type: command, run: [a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a]}"),
          "4:26 the absolute path of a program\n4:59 more than 16 arguments" },
        { SINK("{type: command, run: /x, timeout: 0s}"), "4:39 a time here is between 1s" },
        /* mail */
        { SINK("{type: mail}"),
          "3:3 the sink has no server\n3:3 the sink has no from\n3:3 the sink "
          "has no to" },
        { SINK("{type: mail, from: a, to: c@d, server: smtp://h}"), "4:24 \"a\" is no mail addr" },
        { SINK("{type: mail, from: a@b, to: [\"c@d>\"], server: smtp://h}"),
          "4:35 \"c@d>\" is no" },
        { SINK("{type: mail, from: a@b, to: \"c d@e\", server: smtp://h}"),
          "4:34 \"c d@e\" is no" },
        { SINK("{type: mail, from: a@b, to: c@d, server: h}"), "4:46 smtp:// or smtps:// and a h" },
        { MAIL(", tls: maybe"), "4:61 never or required should stand here" },
        { MAIL(", user: x"), "3:3 user and password_file go together" },
        { MAIL(", user: x, password_file: /p, tls: never"), "3:3 the password would cross the" },
        { SINK("{type: mail, from: a@b, to: c@d, server: smtp://127.0.0.1.example.com, "
               "user: x, password_file: /p, tls: never}"),
          "3:3 the password would cross the" },
        { SINK("{type: mail, from: a@b, to: c@d, server: smtps://h, tls: never}"),
          "4:62 smtps:// is never without TLS" },
};

static void test_faults(void **state)
{
        told_check_faults(&job, faults, ARRAY_LEN(faults));
}

static const char whole[] =
        "version: 1\n"
        "sinks:\n"
        "  local: {type: journal, kinds: [alert.*, session.*]}\n"
        "  old:\n"
        "    type: syslog\n"
        "    to: /dev/log\n"
        "    facility: local3\n"
        "    history: all\n"
        "  siem:\n"
        "    type: syslog\n"
        "    to: tls://[2001:db8::1]\n"
        "    ca: /etc/ca.pem\n"
        "    cert: /etc/c.pem\n"
        "    key: /etc/k.pem\n"
        "    severity: critical\n"
        "  flood: {type: syslog, to: \"udp://logs:5514\", down_after: 0s}\n"
        "  pager:\n"
        "    type: command\n"
        "    run: [/usr/local/bin/page, --to, \"a b\"]\n"
        "    timeout: 5s\n"
        "    retry_max: 2h\n"
        "  post:\n"
        "    type: mail\n"
        "    server: smtp://mail.example.com:587\n"
        "    from: assay@web1.example.com\n"
        "    to: [a@example.com, b+c@example.com]\n"
        "    user: u\n"
        "    password_file: /etc/p\n"
        "    every: 1h\n"
        "  near: {type: mail, server: \"smtp://localhost\", from: a@b, to: c@d}\n";

static const char whole_told[] =
        "{\"down_after\":300,\"fact\":\"sink\",\"history\":false,\"kinds\":[\"alert.*\",\"session.*\"],"
        "\"line\":3,\"name\":\"local\",\"retry_max\":300,\"severity\":\"info\",\"type\":\"journal\"}\n"
        "{\"down_after\":300,\"facility\":19,\"fact\":\"sink\",\"history\":true,\"kinds\":[\"alert.*\"],"
        "\"line\":4,\"name\":\"old\",\"path\":\"/dev/log\",\"port\":514,\"retry_max\":300,"
        "\"severity\":\"info\",\"type\":\"syslog\",\"way\":\"unix\"}\n"
        "{\"ca\":\"/etc/ca.pem\",\"cert\":\"/etc/c.pem\",\"down_after\":300,\"facility\":10,"
        "\"fact\":\"sink\",\"history\":false,\"host\":\"2001:db8::1\",\"key\":\"/etc/k.pem\","
        "\"kinds\":[\"alert.*\"],\"line\":9,\"name\":\"siem\",\"port\":6514,\"retry_max\":300,"
        "\"severity\":\"critical\",\"tls_name\":\"2001:db8::1\",\"type\":\"syslog\",\"way\":\"tls\"}\n"
        "{\"down_after\":0,\"facility\":10,\"fact\":\"sink\",\"history\":false,\"host\":\"logs\","
        "\"kinds\":[\"alert.*\"],\"line\":16,\"name\":\"flood\",\"port\":5514,\"retry_max\":300,"
        "\"severity\":\"info\",\"type\":\"syslog\",\"way\":\"udp\"}\n"
        "{\"args\":[\"/usr/local/bin/page\",\"--to\",\"a b\"],\"down_after\":300,\"fact\":\"sink\","
        "\"history\":false,\"kinds\":[\"alert.*\"],\"line\":17,\"name\":\"pager\",\"retry_max\":7200,"
        "\"severity\":\"info\",\"timeout\":5,\"type\":\"command\"}\n"
        "{\"down_after\":300,\"every\":3600,\"fact\":\"sink\",\"from\":\"assay@web1.example.com\","
        "\"gather\":10,\"history\":false,\"host\":\"mail.example.com\",\"kinds\":[\"alert.*\"],"
        "\"line\":22,\"name\":\"post\",\"password_file\":\"/etc/p\",\"port\":587,\"retry_max\":300,"
        "\"severity\":\"info\",\"timeout\":60,\"tls\":\"starttls\",\"to\":[\"a@example.com\","
        "\"b+c@example.com\"],\"type\":\"mail\",\"user\":\"u\"}\n"
        "{\"down_after\":300,\"every\":300,\"fact\":\"sink\",\"from\":\"a@b\",\"gather\":10,"
        "\"history\":false,\"host\":\"localhost\",\"kinds\":[\"alert.*\"],\"line\":30,\"name\":\"near\","
        "\"port\":25,\"retry_max\":300,\"severity\":\"info\",\"timeout\":60,\"tls\":\"plain\","
        "\"to\":[\"c@d\"],\"type\":\"mail\"}\n";

static void test_whole(void **state)
{
        told_check_whole(&job, SPAN(whole), whole_told);
}

static void test_ceilings(void **state)
{
        struct buf yaml = BUF_INIT(1 << 20), told = BUF_INIT(1 << 20);

        buf_put_str(&yaml, "version: 1\nsinks:\n");
        for (int i = 0; i < DELIVER_SINKS_MAX + 1; i++)
                buf_printf(&yaml, "  s%d: {type: journal}\n", i);
        assert_int_equal(told_run(&job, buf_span(&yaml), &told), 0);
        assert_true(told_begins(buf_cstr(&told), "19:3 more than 16 sinks"));
        buf_clear(&yaml);
        buf_put_str(&yaml, "version: 1\nsinks:\n  x:\n    type: journal\n    kinds:\n");
        for (int i = 0; i < DELIVER_KINDS_MAX + 1; i++)
                buf_printf(&yaml, "      - k%d.x\n", i);
        assert_int_equal(told_run(&job, buf_span(&yaml), &told), 0);
        assert_true(told_begins(buf_cstr(&told), "22:9 more than 16 kinds"));
        buf_clear(&yaml);
        buf_put_str(&yaml, "version: 1\nsinks:\n  x:\n    type: mail\n    server: smtp://h\n"
                           "    from: a@b\n    to:\n");
        for (int i = 0; i < DELIVER_TO_MAX + 1; i++)
                buf_printf(&yaml, "      - c%d@d\n", i);
        assert_int_equal(told_run(&job, buf_span(&yaml), &told), 0);
        assert_true(told_begins(buf_cstr(&told), "24:9 more than 16 recipients"));
        buf_done(&yaml);
        buf_done(&told);
}

static void test_out_of_memory(void **state)
{
        told_check_memory(&job, SPAN(whole), whole_told);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_faults),
                cmocka_unit_test(test_whole),
                cmocka_unit_test(test_ceilings),
                cmocka_unit_test(test_out_of_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
