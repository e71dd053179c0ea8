/* SPDX-License-Identifier: Apache-2.0 */
/* What goes both ways is in tests/job/deliver_test.c, which parses all that the job tells. */
#include "wire/deliver_fact.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define HEAD(more) "{" more "\"down_after\":0,\"fact\":\"sink\",\"history\":false,"
#define TAIL(type) "\"kinds\":[\"a.b\"],\"line\":3,\"name\":\"x\",\"retry_max\":1," type "}"
#define JOURNAL    "\"severity\":\"info\",\"type\":\"journal\""

static void refuses(void **state)
{
        static const struct {
                const char *json, *want;
        } t[] = {
                { "{}", "fact: fact" },
                { "{\"fact\":\"kind\"}", "fact: fact" },
                { HEAD("") TAIL("\"severity\":\"info\",\"type\":\"pigeon\""), "fact: type" },
                { HEAD("") "\"kinds\":[],\"line\":3,\"name\":\"x\",\"retry_max\":1," JOURNAL "}",
                  "fact: kinds" },
                { HEAD("") "\"kinds\":[\"a\"],\"line\":3,\"name\":\"x\",\"retry_max\":1," JOURNAL
                           "}",
                  "fact: kinds" },
                { HEAD("") "\"kinds\":[\"a.b\"],\"line\":3,\"name\":\"../x\",\"retry_max\":1," JOURNAL
                           "}",
                  "fact: name" },
                { HEAD("") "\"kinds\":[\"a.b\"],\"line\":3,\"name\":\"x\",\"retry_max\":0," JOURNAL
                           "}",
                  "fact: retry_max" },
                { HEAD("\"args\":[],")
                          TAIL("\"severity\":\"info\",\"timeout\":1,\"type\":\"command\""),
                  "fact: args" },
                { HEAD("\"args\":[\"sh\"],")
                          TAIL("\"severity\":\"info\",\"timeout\":1,\"type\":\"command\""),
                  "fact: args" },
                { HEAD("") TAIL("\"severity\":\"info\",\"type\":\"syslog\",\"way\":\"fax\""),
                  "fact: way" },
                { HEAD("") TAIL("\"severity\":\"info\",\"type\":\"syslog\",\"way\":\"udp\""),
                  "fact: facility" },
        };
        struct deliver_sink sink = { .line = 17 };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct err err = { 0 };

                assert_int_equal(json_check(span_str(t[i].json), NULL), 0);
                assert_int_equal(deliver_fact_parse(span_str(t[i].json), &sink, &err), -EBADMSG);
                assert_string_equal(err.text, t[i].want);
                assert_int_equal(sink.line, 17);
        }
        assert_int_equal(deliver_fact_parse(span_str(HEAD("") TAIL(JOURNAL)), &sink, NULL), 0);
        assert_int_equal(sink.line, 3);
}

static void names(void **state)
{
        static const struct {
                bool (*judge)(struct span);
                const char *text;
                bool want;
        } t[] = {
                { deliver_name_ok, "a-1_b", true },
                { deliver_name_ok, "", false },
                { deliver_name_ok, "A", false },
                { deliver_name_ok, "a/b", false },
                { deliver_name_ok, ".", false },
                { deliver_name_ok, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true },
                { deliver_name_ok, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
                { deliver_address_ok, "a@b", true },
                { deliver_address_ok, "o'hara+x@mail.example.com", true },
                { deliver_address_ok, "a", false },
                { deliver_address_ok, "@b", false },
                { deliver_address_ok, "a@", false },
                { deliver_address_ok, "a@b@c", false },
                { deliver_address_ok, "-a@b", false },
                { deliver_address_ok, "a@b\r\nRCPT TO:<x@y>", false },
                { deliver_address_ok, "a@b>", false },
                { deliver_address_ok, "a@b,c", false },
                { deliver_address_ok, "\xc3\xa4@b", false },
                { deliver_host_ok, "logs.example.com", true },
                { deliver_host_ok, "2001:db8::1", true },
                { deliver_host_ok, "", false },
                { deliver_host_ok, "-x", false },
                { deliver_host_ok, "a/b", false },
                { deliver_host_ok, "a@b", false },
                { deliver_host_ok, "a b", false },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++)
                if (t[i].judge(span_str(t[i].text)) != t[i].want)
                        fail_msg("\"%s\"", t[i].text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(refuses),
                cmocka_unit_test(names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
