/* SPDX-License-Identifier: Apache-2.0 */
/* What the job says of a retention.yaml: facts, or faults as "line:column text". */
#include "job/faults.h"
#include "wire/retention_fact.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../alloc_fail.h"
#include "yaml_told.h"

static const struct told_job job = { job_retention, NULL };

/* Four lines; what is added begins in line 4. */
#define HEAD "version: 1\nkeep: 400d\naudit_period: 365d\n"

static const struct told_fault faults[] = {
        { SPAN_INIT(""), "1:1 the keys version, keep and audit_period" },
        { SPAN_INIT("- a\n"), "1:1 the keys version, keep and audit_period" },
        { SPAN_INIT("keep: 400d\n"), "1:1 the policy has no version\n1:1 the policy has no audit" },
        { SPAN_INIT("version: 1\naudit_period: 1d\n"), "1:1 the policy has no keep" },
        { SPAN_INIT("version: 2\nkeep: 1d\naudit_period: 1d\n"), "1:10 this is version 1" },
        { SPAN_INIT("version: 1\nkeep: 1d\nkeep: 2d\naudit_period: 1d\n"),
          "3:1 key \"keep\" is there twice, first in line 2" },
        { SPAN_INIT(HEAD "hold: x\n"), "4:1 unknown key \"hold\": there are version, descr" },
        { SPAN_INIT(HEAD "\tx: 1\n"), "3:1" },
        { SPAN_INIT(HEAD "kinds: *x\n"), "4:8 aliases" },
        /* times */
        { SPAN_INIT("version: 1\nkeep: for ever\naudit_period: 1d\n"),
          "2:7 a time, as 36h, 400d or 57w, should stand here, not \"for ever\"" },
        { SPAN_INIT("version: 1\nkeep: 1y\naudit_period: 1d\n"), "2:7 a time, as 36h" },
        { SPAN_INIT("version: 1\nkeep: 400\naudit_period: 1d\n"), "2:7 a time, as 36h" },
        { SPAN_INIT("version: 1\nkeep: -1d\naudit_period: 1d\n"), "2:7 a time, as 36h" },
        { SPAN_INIT("version: 1\nkeep: 0d\naudit_period: 1d\n"), "2:7 a time is between 1h and" },
        { SPAN_INIT("version: 1\nkeep: 54901d\naudit_period: 1d\n"), "2:7 a time is between" },
        { SPAN_INIT("version: 1\nkeep: [1d]\naudit_period: 1d\n"), "2:7 a time, as 36h, 400d or" },
        /* the floor */
        { SPAN_INIT("version: 1\nkeep: 364d\naudit_period: 365d\n"),
          "2:7 is shorter than the audit period in line 3" },
        { SPAN_INIT(HEAD "kinds:\n  session.*: 400d\n  integrity.change: 90d\n"),
          "6:21 is shorter than the audit period in line 3" },
        { SPAN_INIT(HEAD "classes: {1008: 8759h}\n"), "4:17 is shorter than the audit period" },
        /* kinds and classes */
        { SPAN_INIT(HEAD "kinds: [a.b]\n"), "4:8 kinds with their times should stand here" },
        { SPAN_INIT(HEAD "kinds:\n"), "4:1 kinds with their times" },
        { SPAN_INIT(HEAD "kinds:\n  change: 400d\n"), "5:3 \"change\" is no kind: as integr" },
        { SPAN_INIT(HEAD "kinds:\n  \"*\": 400d\n"), "5:4 \"*\" is no kind" },
        { SPAN_INIT(HEAD "kinds:\n  integrity.chnage: 400d\n"),
          "5:3 there is no kind \"integrity.chnage\"" },
        { SPAN_INIT(HEAD "kinds:\n  integrity.x.*: 400d\n"), "5:3 there is no kind" },
        { SPAN_INIT(HEAD "kinds:\n  a.b: 400d\n  a.b: 500d\n"),
          "6:3 a.b is there twice, first in line 5" },
        { SPAN_INIT(HEAD "kinds:\n  a.b:\n"), "5:3 a time, as 36h, 400d or 57w, should stand" },
        { SPAN_INIT(HEAD "classes: {1: 400d}\n"), "4:11 no kind is of an OCSF class \"1\"" },
        { SPAN_INIT(HEAD "classes: {0: 400d}\n"), "4:11 no kind is of an OCSF class \"0\"" },
        { SPAN_INIT(HEAD "classes: {files: 400d}\n"), "4:11 no kind is of an OCSF class \"fil" },
        /* holds */
        { SPAN_INIT(HEAD "holds: {reason: x}\n"), "4:8 a list of holds should stand here" },
        { SPAN_INIT(HEAD "holds: [x]\n"), "4:9 the keys of a hold should stand here" },
        { SPAN_INIT(HEAD "holds:\n  - from: 2026-01-01\n"), "5:5 the hold has no reason" },
        { SPAN_INIT(HEAD "holds:\n  - reason: \"\"\n"), "5:14 a reason is 1 to 256 bytes" },
        { SPAN_INIT(HEAD "holds:\n  - reason: \"a\\0b\"\n"), "5:14 a reason is 1 to 256 bytes" },
        { SPAN_INIT(HEAD "holds:\n  - {reason: x, form: 2026-01-01}\n"), "5:17 unknown key \"f" },
        { SPAN_INIT(HEAD "holds:\n  - {reason: x, from: 2026-02-30}\n"),
          "5:23 a day from 1970 on, as 2026-12-31, should stand here, not \"2026-02-30\"" },
        { SPAN_INIT(HEAD "holds:\n  - {reason: x, from: 1969-12-31}\n"), "5:23 a day from 1970" },
        { SPAN_INIT(HEAD "holds:\n  - {reason: x, from: 2026-1-1}\n"), "5:23 a day from 1970" },
        { SPAN_INIT(HEAD "holds:\n  - {reason: x, to: 9999-01-01}\n"), "5:21 a day from 1970" },
        { SPAN_INIT(HEAD "holds:\n  - {reason: x, from: 2026-01-02, to: 2026-01-01}\n"),
          "5:39 the hold ends before it begins" },
        { SPAN_INIT(HEAD "holds:\n  - {reason: x, kinds: []}\n"), "5:24 an empty list says" },
        { SPAN_INIT(HEAD "holds:\n  - {reason: x, kinds: [a.b, c]}\n"), "5:30 \"c\" is no kind" },
        /* all of them, in order of their places */
        { SPAN_INIT("keep: 1\nholds:\n  - {}\nversion: 3\n"),
          "1:1 the policy has no audit_period\n1:7 a time\n3:5 the hold has no reason\n4:10 this" },
};

static void test_faults(void **state)
{
        told_check_faults(&job, faults, ARRAY_LEN(faults));
}

static const char whole[] = "# Approved by the board\n"
                            "version: 1\n"
                            "description: How long we keep what our hosts record\n"
                            "audit_period: 52w\n"
                            "keep: 400d\n"
                            "kinds:\n"
                            "  integrity.change: 730d\n"
                            "  session.*: 9600h\n"
                            "  ours.kind: 400d\n"
                            "classes:\n"
                            "  1008: 54900d\n"
                            "holds:\n"
                            "  - reason: case 2026-17\n"
                            "    from: 2026-03-01\n"
                            "    to: 2026-03-31\n"
                            "    kinds: [session.*, integrity.change]\n"
                            "  - reason: report of 2026\n"
                            "    from: 2026-01-01\n"
                            "    until: 2027-06-30\n"
                            "  - reason: \"all: \\u00e9\"\n"
                            "    kinds: ledger.*\n";

/* Days by date -d ... +%s; the last of a span ends a day later. */
static const char whole_told[] =
        "{\"audit_period\":31449600,\"fact\":\"policy\",\"keep\":34560000}\n"
        "{\"fact\":\"kind\",\"keep\":63072000,\"line\":7,\"name\":\"integrity.change\"}\n"
        "{\"fact\":\"kind\",\"keep\":34560000,\"line\":8,\"name\":\"session.*\"}\n"
        "{\"fact\":\"kind\",\"keep\":34560000,\"line\":9,\"name\":\"ours.kind\"}\n"
        "{\"class\":1008,\"fact\":\"class\",\"keep\":4743360000,\"line\":11}\n"
        "{\"fact\":\"hold\",\"from\":1772323200,\"kinds\":[\"session.*\",\"integrity.change\"],"
        "\"line\":13,\"reason\":\"case 2026-17\",\"to\":1775001600}\n"
        "{\"fact\":\"hold\",\"from\":1767225600,\"line\":17,\"reason\":\"report of 2026\","
        "\"until\":1814400000}\n"
        "{\"fact\":\"hold\",\"kinds\":[\"ledger.*\"],\"line\":20,\"reason\":\"all: \xc3\xa9\"}\n";

static void test_whole(void **state)
{
        told_check_whole(&job, SPAN(whole), whole_told);
}

static void test_ceilings(void **state)
{
        struct buf yaml = BUF_INIT(1 << 20), told = BUF_INIT(1 << 20);

        buf_put_str(&yaml, HEAD "kinds:\n");
        for (int i = 0; i < RETENTION_RULES_MAX + 1; i++)
                buf_printf(&yaml, "  k%d.x: 400d\n", i);
        assert_int_equal(told_run(&job, buf_span(&yaml), &told), 0);
        assert_true(told_begins(buf_cstr(&told), "261:3 more than 256 kinds and classes"));
        buf_clear(&yaml);
        buf_put_str(&yaml, HEAD "holds:\n");
        for (int i = 0; i < RETENTION_HOLDS_MAX + 1; i++)
                buf_put_str(&yaml, "  - reason: x\n");
        assert_int_equal(told_run(&job, buf_span(&yaml), &told), 0);
        assert_true(told_begins(buf_cstr(&told), "69:5 more than 64 holds"));
        buf_clear(&yaml);
        buf_put_str(&yaml, HEAD "holds:\n  - reason: x\n    kinds:\n");
        for (int i = 0; i < RETENTION_KINDS_MAX + 1; i++)
                buf_printf(&yaml, "      - k%d.x\n", i);
        assert_int_equal(told_run(&job, buf_span(&yaml), &told), 0);
        assert_true(told_begins(buf_cstr(&told), "23:9 more than 16 kinds"));
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
