/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/message.h"

#include "fleet/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../alloc_fail.h"

#define ENTRY(kind, proc, rest)                                                                    \
        "{\"id\":\"01JD8Z3R9M-web1-4-12\",\"k\":\"" kind                                           \
        "\",\"src\":{\"host\":\"web1\",\"proc\":\"" proc                                           \
        "\",\"run\":4,\"seq\":12},\"t\":\"2026-11-21T18:00:00.123456789Z\",\"v\":1," rest "}"
#define RAISED(path, severity)                                                                     \
        ENTRY("alert.raised", "sensor",                                                            \
              "\"what\":{\"change\":\"modified\",\"id\":\"1-7\"," path ",\"seen\":\"live\","       \
              "\"severity\":\"" severity                                                           \
              "\"},\"who\":{\"exe\":\"/usr/bin/vi\",\"pid\":5,\"uid\":0}")
#define PLAIN RAISED("\"path\":\"/etc/passwd\"", "critical")

static struct message *make(const char *json)
{
        struct message *m = NULL;

        assert_int_equal(message_new("example.com/web1", 42, span_str(json), &m, NULL), 0);
        return m;
}

static void says(void **state)
{
        static const struct {
                const char *json, *want;
        } t[] = {
                { PLAIN, "/etc/passwd modified, by /usr/bin/vi, pid 5, uid 0 [alert 1-7]" },
                /* printf '/\377\n' | base64 */
                { RAISED("\"path_b64\":\"L/8K\"", "high"),
                  "/\\xff\\x0a modified, by /usr/bin/vi, pid 5, uid 0 [alert 1-7]" },
                { RAISED("\"path\":\"/a\\nMESSAGE=b\\u001b[1m\"", "high"),
                  "/a\\x0aMESSAGE=b\\x1b[1m modified, by /usr/bin/vi, pid 5, uid 0 [alert 1-7]" },
                { ENTRY("alert.updated", "sensor",
                        "\"what\":{\"count\":12,\"id\":\"1-7\",\"paths\":[\"/a\",\"/b\",\"/c\",\"/d\",\"/e"
                        "\"],\"severity\":\"high\",\"state\":\"quiet\"}"),
                  "alert 1-7 is quiet: 12 changes: /a, /b, /c, /d and 1 more" },
                { ENTRY("alert.explained", "sensor",
                        "\"what\":{\"change\":\"CHG-1\",\"id\":\"1-7\",\"reason\":\"late\"}"),
                  "alert 1-7 is explained by CHG-1: late" },
                { ENTRY("alert.sink_down", "uplink",
                        "\"what\":{\"index\":7,\"reason\":\"gone\",\"since\":\"then\",\"sink\":\"x\"}"),
                  "sink x takes no alerts since then: gone (entry 7 and later ones wait)" },
                { ENTRY("alert.missed", "uplink",
                        "\"what\":{\"from\":7,\"origin\":\"o\",\"reason\":\"pruned\",\"sink\":\"x\"}"),
                  "sink x did not get the entries from 7 of o: pruned" },
                { ENTRY("session.opened", "sensor", "\"what\":{\"a\":1,\"b\":\"x y\",\"c\":[2]}"),
                  "session.opened a=1 b=x y c=[2]" },
                { "{\"anything\":1}", "entry 42" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct message *m = make(t[i].json);

                assert_string_equal(m->text, t[i].want);
                message_free(m);
        }
}

static void cuts_between_characters(void **state)
{
        struct buf json = BUF_INIT(1 << 16);
        struct message *m;
        size_t n;

        buf_put_str(&json, "{\"k\":\"x.y\",\"what\":{\"a\":\"");
        for (int i = 0; i < 2000; i++)
                buf_put_str(&json, "\xc3\xa4");
        buf_put_str(&json, "\"}}");
        m = make(buf_cstr(&json));
        n = strlen(m->text);
        assert_true(n <= MESSAGE_TEXT_MAX && n > MESSAGE_TEXT_MAX - 6);
        assert_string_equal(m->text + n - 5, "\xc3\xa4...");
        message_free(m);
        buf_done(&json);
}

static void is_for(void **state)
{
        static const char own[] = ENTRY("alert.sink_down", "uplink",
                                        "\"what\":{\"severity\":\"high\",\"sink\":\"x\"}");
        static const struct {
                const char *json, *kind;
                enum deliver_severity least;
                bool want;
        } t[] = {
                { PLAIN, "alert.*", DELIVER_INFO, true },
                { PLAIN, "alert.raised", DELIVER_CRITICAL, true },
                { PLAIN, "alert.updated", DELIVER_INFO, false },
                { PLAIN, "session.*", DELIVER_INFO, false },
                { RAISED("\"path\":\"/x\"", "high"), "alert.*", DELIVER_CRITICAL, false },
                { RAISED("\"path\":\"/x\"", "odd"), "alert.*", DELIVER_HIGH, false },
                { own, "alert.*", DELIVER_INFO, false }, /* of itself */
                { ENTRY("alert.sink_down", "uplink",
                        "\"what\":{\"severity\":\"high\",\"sink\":\"y\"}"),
                  "alert.*", DELIVER_INFO, true },
                { ENTRY("alert.test", "recorder", "\"what\":{\"test\":\"1\"}"), "session.*",
                  DELIVER_CRITICAL, true },
                { "{\"anything\":1}", "alert.*", DELIVER_INFO, false },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct deliver_sink s = { .name = "x", .severity = t[i].least, .n_kinds = 1 };
                struct message *m = make(t[i].json);

                snprintf(s.kinds[0], sizeof s.kinds[0], "%s", t[i].kind);
                if (message_is_for(m, &s) != t[i].want)
                        fail_msg("%s for %s", t[i].json, t[i].kind);
                message_free(m);
        }
}

static void is_own(void **state)
{
        struct message *m = make(ENTRY("alert.refused", "uplink", "\"what\":{}"));

        assert_true(message_is_own(m));
        message_free(m);
        m = make(ENTRY("alert.refused", "sensor", "\"what\":{}"));
        assert_false(message_is_own(m));
        message_free(m);
        m = make(PLAIN);
        assert_false(message_is_own(m));
        message_free(m);
}

static void as_json(void **state)
{
        struct buf out = BUF_INIT(1 << 16);
        struct message *m = make(PLAIN);

        message_put_json(m, "pager", &out);
        assert_int_equal(json_check(buf_span(&out), NULL), 0);
        assert_string_equal(
                buf_cstr(&out),
                "{\"entry\":" PLAIN ",\"index\":42,\"kind\":\"alert.raised\",\"origin\":"
                "\"example.com/web1\",\"severity\":\"critical\",\"sink\":\"pager\",\"text\":"
                "\"/etc/passwd modified, by /usr/bin/vi, pid 5, uid 0 [alert 1-7]\"}");
        message_free(m);
        buf_done(&out);
}

static void as_syslog(void **state)
{
        static const struct {
                const char *json;
                unsigned facility;
                const char *want;
        } t[] = {
                { PLAIN, 10,
                  "<82>1 2026-11-21T18:00:00.123456Z web1 assay - alert.raised [assay@32473 index=\"42\" "
                  "origin=\"example.com/web1\" severity=\"critical\" id=\"01JD8Z3R9M-web1-4-12\" "
                  "alert=\"1-7\"] /etc/passwd modified, by /usr/bin/vi, pid 5, uid 0 [alert 1-7]" },
                { "{\"k\":\"\"}", 23,
                  "<189>1 - - assay - - [assay@32473 index=\"42\" "
                  "origin=\"example.com/web1\" severity=\"info\" id=\"\"] entry 42" },
                /* what has a meaning in the header and in a parameter */
                { "{\"id\":\"a]b\",\"k\":\"a b.c\",\"src\":{\"host\":\"h i\"}}", 0,
                  "<5>1 - h?i assay - a?b.c [assay@32473 index=\"42\" "
                  "origin=\"example.com/web1\" severity=\"info\" id=\"a\\]b\"] a b.c" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct buf out = BUF_INIT(FORMAT_SYSLOG_MAX);
                struct message *m = make(t[i].json);

                format_syslog(m, t[i].facility, &out);
                assert_string_equal(buf_cstr(&out), t[i].want);
                message_free(m);
                buf_done(&out);
        }
}

/* As logger(1) writes to /dev/log, with a tag and without a host. */
static void as_local_syslog(void **state)
{
        static const struct {
                const char *json;
                struct tm local;
                const char *want;
        } t[] = {
                { PLAIN,
                  { .tm_mon = 10, .tm_mday = 21, .tm_hour = 19 },
                  "<82>Nov 21 19:00:00 assay: alert.raised index=42 origin=example.com/web1 "
                  "severity=critical alert=1-7: /etc/passwd modified, by /usr/bin/vi, pid 5, uid 0 "
                  "[alert 1-7]" },
                { "{\"k\":\"a b.c\",\"what\":{\"id\":\"x y\"}}",
                  { .tm_mon = 1, .tm_mday = 9, .tm_hour = 3, .tm_min = 4, .tm_sec = 5 },
                  "<85>Feb  9 03:04:05 assay: a b.c index=42 origin=example.com/web1 severity=info "
                  "alert=x?y: a b.c id=x y" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct buf out = BUF_INIT(FORMAT_SYSLOG_MAX);
                struct message *m = make(t[i].json);

                format_syslog_local(m, 10, &t[i].local, &out);
                assert_string_equal(buf_cstr(&out), t[i].want);
                message_free(m);
                buf_done(&out);
        }
}

static void as_journal(void **state)
{
        struct buf out = BUF_INIT(1 << 16);
        struct message *m = make(PLAIN);

        format_journal(m, "local", &out);
        assert_string_equal(
                buf_cstr(&out),
                "MESSAGE=/etc/passwd modified, by /usr/bin/vi, pid 5, uid 0 [alert 1-7]\n"
                "PRIORITY=2\nSYSLOG_IDENTIFIER=assay\nMESSAGE_ID=5e0c2d7a8f134be69a31c6d0f2b4e781\n"
                "ASSAY_ENTRY=" PLAIN "\nASSAY_HOST=web1\nASSAY_INDEX=42\nASSAY_KIND=alert.raised\n"
                "ASSAY_ORIGIN=example.com/web1\nASSAY_SEVERITY=critical\nASSAY_SINK=local\n");
        message_free(m);
        buf_done(&out);
}

/* python3: quopri.encodestring and email.utils.formatdate agree. */
static void as_mail(void **state)
{
        static const struct {
                const char *text, *want;
        } t[] = {
                { "plain\r\n", "plain\r\n" },
                { "a=b \r\n c\t", "a=3Db=20\r\n c=09" },
                { "\xc3\xa4", "=C3=A4" },
                { "0123456789012345678901234567890123456789012345678901234567890123456789012345",
                  "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n5" },
                { "01234567890123456789012345678901234567890123456789012345678901234567890123=",
                  "01234567890123456789012345678901234567890123456789012345678901234567890123=\r\n=3D" },
        };
        struct message *m = make(PLAIN), *many[] = { m, m };
        struct buf out = BUF_INIT(4096);

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                buf_clear(&out);
                format_put_quoted(span_str(t[i].text), &out);
                assert_string_equal(buf_cstr(&out), t[i].want);
        }
        buf_clear(&out);
        format_put_date(1795284000LL * 1000000000, &out);
        assert_string_equal(buf_cstr(&out), "Sat, 21 Nov 2026 18:00:00 +0000");
        buf_clear(&out);
        format_mail_item(m, &out);
        assert_string_equal(
                buf_cstr(&out),
                "2026-11-21T18:00:00Z  critical  #42  /etc/passwd modified, by /usr/bin/vi, "
                "pid 5, uid 0 [alert 1-7]\r\n");
        buf_clear(&out);
        format_mail_subject(many, 1, "web1", &out);
        assert_string_equal(buf_cstr(&out), "[assay web1] critical: /etc/passwd modified, by "
                                            "/usr/bin/vi, pid 5, uid 0 [alert 1-7]");
        buf_clear(&out);
        format_mail_subject(many, 2, "web1", &out);
        assert_string_equal(buf_cstr(&out), "[assay web1] 2 messages, critical");
        message_free(m);
        buf_done(&out);
}

static void out_of_memory(void **state)
{
        struct message *m = NULL;
        int rc = -ENOMEM;

        for (size_t nth = 1; nth < 3; nth++) {
                alloc_fail_nth = nth;
                rc = message_new("o", 1, SPAN(PLAIN), &m, NULL);
                alloc_fail_nth = 0;
                assert_int_equal(rc, -ENOMEM);
        }
        for (size_t nth = 3; nth < 12; nth++) { /* the words are made without it */
                alloc_fail_nth = nth;
                rc = message_new("o", 1, SPAN(PLAIN), &m, NULL);
                alloc_fail_nth = 0;
                assert_int_equal(rc, 0);
                assert_true(strlen(m->text) > 0);
                m = message_free(m);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(says),
                cmocka_unit_test(cuts_between_characters),
                cmocka_unit_test(is_for),
                cmocka_unit_test(is_own),
                cmocka_unit_test(as_json),
                cmocka_unit_test(as_syslog),
                cmocka_unit_test(as_local_syslog),
                cmocka_unit_test(as_journal),
                cmocka_unit_test(as_mail),
                cmocka_unit_test(out_of_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
