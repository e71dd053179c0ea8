/* SPDX-License-Identifier: Apache-2.0 */
#include "command/ledger/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"

#define KIND(name, keep, line)                                                                     \
        "{\"fact\":\"kind\",\"keep\":" keep ",\"line\":" line ",\"name\":\"" name "\"}"
#define DAY  "86400"
#define WEEK "604800"
#define YEAR "31536000"

static const char *const told[] = {
        "{\"audit_period\":" DAY ",\"fact\":\"policy\",\"keep\":" WEEK "}",
        KIND("session.*", YEAR, "5"),
        KIND("session.login.*", DAY, "6"),
        KIND("session.tty", DAY, "7"),
        "{\"class\":1008,\"fact\":\"class\",\"keep\":" YEAR ",\"line\":9}",
        KIND("ledger.opened", WEEK, "10"),
        /* 2026-03-01 to 2026-03-31 */
        ("{\"fact\":\"hold\",\"from\":1772323200,\"kinds\":[\"x.y\",\"z.*\"],\"line\":12,"
         "\"reason\":\"case 17\",\"to\":1775001600}"),
        /* before 2020, while it is not 2030 yet */
        ("{\"fact\":\"hold\",\"line\":15,\"reason\":\"old\",\"to\":1577836800,\"until\":1893456000}"),
};

static void load(struct policy *p)
{
        policy_init(p);
        p->name = "p.yaml";
        for (size_t i = 0; i < ARRAY_LEN(told); i++) {
                assert_int_equal(json_check(span_str(told[i]), NULL), 0);
                assert_int_equal(policy_take(p, span_str(told[i])), 0);
        }
}

static int64_t at(const char *time)
{
        char whole[TEXT_TIME_LEN + 1];
        int64_t ns;

        snprintf(whole, sizeof(whole), "%s.000000000Z", time);
        assert_int_equal(text_to_time(span_str(whole), &ns), 0);
        return ns;
}

static void keeps(void **state)
{
        static const struct {
                const char *kind;
                unsigned class_uid;
                const char *time, *now;
                const char *want; /* NULL: may go */
        } t[] = {
                /* the policy's own */
                { "", 0, "2026-01-01T00:00:00", "2026-01-07T23:59:59", "keep 7d" },
                { "", 0, "2026-01-01T00:00:00", "2026-01-08T00:00:00", "keep 7d" },
                { "", 0, "2026-01-01T00:00:00", "2026-01-08T00:00:01", NULL },
                { "a.b", 7, "2026-01-01T00:00:00", "2026-01-08T00:00:01", NULL },
                { "a.b", 7, "2026-01-09T00:00:00", "2026-01-08T00:00:01", "keep 7d" },
                /* a family; a longer one; a kind, which is no prefix */
                { "session.x", 0, "2026-01-01T00:00:00", "2026-12-31T00:00:00",
                  "session.*: 365d, line 5" },
                { "session.x", 0, "2026-01-01T00:00:00", "2027-01-01T00:00:01", NULL },
                { "session.login.x", 0, "2026-01-01T00:00:00", "2026-01-02T00:00:00",
                  "session.login.*: 1d, line 6" },
                { "session.login.x", 0, "2026-01-01T00:00:00", "2026-01-02T00:00:01", NULL },
                { "session.tty", 0, "2026-01-01T00:00:00", "2026-01-02T00:00:01", NULL },
                { "session.ttys", 0, "2026-01-01T00:00:00", "2026-01-02T00:00:01",
                  "session.*: 365d, line 5" },
                /* a class; names come before it */
                { "ledger.hold", 1008, "2026-01-01T00:00:00", "2026-06-01T00:00:00",
                  "class 1008: 365d, line 9" },
                { "ledger.opened", 1008, "2026-01-01T00:00:00", "2026-06-01T00:00:00", NULL },
                /* holds: of kinds, of times, until a day */
                { "x.y", 0, "2026-02-28T23:59:59", "2028-01-01T00:00:00", NULL },
                { "x.y", 0, "2026-03-01T00:00:00", "2028-01-01T00:00:00",
                  "hold \"case 17\", line 12" },
                { "z.z", 0, "2026-03-31T23:59:59", "2028-01-01T00:00:00",
                  "hold \"case 17\", line 12" },
                { "x.y", 0, "2026-04-01T00:00:00", "2028-01-01T00:00:00", NULL },
                { "x.yz", 0, "2026-03-15T00:00:00", "2028-01-01T00:00:00", NULL },
                { "", 0, "2019-12-31T23:59:59", "2029-12-31T23:59:59", "hold \"old\", line 15" },
                { "", 0, "1960-01-01T00:00:00", "2029-12-31T23:59:59", "hold \"old\", line 15" },
                { "", 0, "2020-01-01T00:00:00", "2029-12-31T23:59:59", NULL },
                { "", 0, "2019-12-31T23:59:59", "2030-01-01T00:00:00", NULL },
        };
        struct policy p;

        load(&p);
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct buf why = BUF_INIT(1024);
                const struct retention_fact *rule = NULL;
                bool kept = policy_keeps(&p, span_str(t[i].kind), t[i].class_uid, at(t[i].time),
                                         at(t[i].now), &rule);

                if (kept)
                        policy_put_why(rule, &why);
                if (kept != (t[i].want != NULL) || (kept && strcmp(buf_cstr(&why), t[i].want) != 0))
                        fail_msg("%zu: %s at %s: %s", i, t[i].kind, t[i].time,
                                 kept ? buf_cstr(&why) : "may go");
                buf_done(&why);
        }
        policy_done(&p);
}

static void takes_faults(void **state)
{
        struct buf text = BUF_INIT(1024);
        struct policy p;

        policy_init(&p);
        assert_int_equal(policy_take(&p, SPAN("{\"column\":3,\"fault\":\"a\\u0007b\",\"line\":5}")),
                         0);
        assert_int_equal(policy_take(&p, SPAN("{\"column\":0,\"fault\":\"and more\",\"line\":0}")),
                         0);
        assert_int_equal(p.faults.n, 2);
        for (size_t i = 0; i < 2; i++) {
                conffile_put_fault("/x/\033p.yaml", &p.faults.at[i], &text);
                buf_put_byte(&text, '\n');
        }
        assert_string_equal(buf_cstr(&text), "\\x1bp.yaml:5:3: a\\x07b\nand more\n");
        buf_done(&text);
        policy_done(&p);
}

static void refuses(void **state)
{
        static const char *const t[] = {
                "{}",
                "{\"column\":-1,\"fault\":\"x\",\"line\":5}",
                "{\"fault\":\"x\",\"line\":5}",
                "{\"column\":1,\"fault\":7,\"line\":5}",
                "{\"audit_period\":1,\"fact\":\"policy\",\"keep\":1}", /* a second one */
                KIND("session", "1", "1"),
        };
        struct policy p;

        load(&p);
        for (size_t i = 0; i < ARRAY_LEN(t); i++)
                if (policy_take(&p, span_str(t[i])) != -EBADMSG)
                        fail_msg("%s", t[i]);
        while (p.n_rules < RETENTION_FACTS_MAX)
                assert_int_equal(policy_take(&p, span_str(told[1])), 0);
        assert_int_equal(policy_take(&p, span_str(told[1])), -EBADMSG);
        policy_done(&p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(keeps),
                cmocka_unit_test(takes_faults),
                cmocka_unit_test(refuses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
