/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of calls against what they must say, written out by hand; each is one that the recorder
 * takes, and one that another parser reads. */
#include "record_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../../freed.h"

#define T    "\"t\":\"2026-11-21T18:00:00.000000000Z\",\"v\":1"
#define ID   "01ARYZ6S41TSV4RRFFQ69G5FAV"
#define AB16 "abababababababab"
#define SHA  AB16 AB16 AB16 AB16

/* ---- ids ---- */

/* ULIDs of others, taken apart with Python. */
static void ids_are_ulids(void **state)
{
        static const struct {
                int64_t now_ns;
                uint8_t random[10];
                const char *want;
        } t[] = {
                { 1469918176385999999,
                  { 0xd6, 0x76, 0x4c, 0x61, 0xef, 0xb9, 0x93, 0x02, 0xbd, 0x5b },
                  "01ARYZ6S41TSV4RRFFQ69G5FAV" },
                { 0, { 0 }, "00000000000000000000000000" },
                { -5, { 0 }, "00000000000000000000000000" },
                { 0,
                  { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
                  "0000000000ZZZZZZZZZZZZZZZZ" },
        };
        char id[RECORD_ID + 1];

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                record_id(t[i].now_ns, t[i].random, id);
                assert_string_equal(id, t[i].want);
        }
}

/* ---- whole entries ---- */

/* Taken by the recorder, read by the parser of requests' bodies, of this call. */
static void check_record(struct record_world *w, const struct record *r)
{
        const struct tree *what, *call;
        struct err err = { 0 };
        const char *refused = record_world_refused(r, &err);
        struct tree t;

        if (refused)
                fail_msg("%s: %.*s", refused, (int)r->skeleton.n, (const char *)r->skeleton.p);
        assert_int_equal(tree_read(r->skeleton, &w->arena, &t, &err), 0);
        what = tree_get(&t, "what");
        assert_non_null(what);
        call = tree_get(what, "call");
        assert_true(call && span_eq_str(call->text, ID));
        for (uint32_t i = 0; i < r->n_fields; i++)
                if (!record_world_is_for_whom(&r->fields[i]))
                        assert_int_equal(tree_read(r->fields[i].value, &w->arena, &t, &err), 0);
}

static void assert_span(struct span s, const char *want)
{
        if (!span_eq_str(s, want))
                fail_msg("%.*s\nnot\n%s", (int)s.n, (const char *)s.p, want);
}

static void assert_field(const struct record *r, uint32_t i, const char *name, const char *subject,
                         const char *value)
{
        assert_in_range(i, 0, r->n_fields - 1);
        assert_span(r->fields[i].name, name);
        assert_span(r->fields[i].subject, subject);
        assert_span(r->fields[i].value, value);
}

static void an_intent(void **state)
{
        struct mask_found writes;
        struct record_world w;
        struct records made;
        struct err err = { 0 };

        record_world_init(&w);
        writes = (struct mask_found){ .counts = w.counts };
        w.call.writes = &writes;
        w.call.n_body = 17;
        w.decision.faults = &w.fault;
        w.decision.n_faults = 1;
        w.decision.n_reasons = 2;
        assert_int_equal(record_intent(&w.call, &w.arena, &made, &err), 0);
        assert_int_equal(made.n, 1);
        check_record(&w, &made.at[0]);
        assert_span(made.at[0].skeleton,
                    "{\"k\":\"api.intent\"," T ",\"what\":{\"api\":\"accounts\",\"bytes\":17,"
                    "\"call\":\"" ID "\",\"decision\":\"allow\",\"faults\":[[\"policy1\","
                    "\"line 7, column 12: neither true nor false\"]],\"generation\":9,"
                    "\"groups\":[\"tellers\"],\"method\":\"GET\",\"object_type\":\"Account\","
                    "\"operation\":\"getAccount\",\"policies\":[\"tellers-read\",\"policy1\"],"
                    "\"scheme\":\"token\",\"sha256\":\"" SHA "\",\"tls\":\"TLSv1.3\","
                    "\"verified\":true,\"version\":\"1.4.0\",\"writes\":[[\"pan\",1],"
                    "[\"pii.name\",2]]}}");
        assert_int_equal(made.at[0].n_fields, 3);
        assert_field(&made.at[0], 0, "what.object", "Account:A1", "\"A1\"");
        assert_field(&made.at[0], 1, "who.address", "address:192.0.2.7", "\"192.0.2.7\"");
        assert_field(&made.at[0], 2, "who.user", "caller:payroll", "\"payroll\"");
        record_world_done(&w);
}

/* Anybody, the API itself, a plain connection: nothing is said of what is not. */
static void an_intent_of_nobody(void **state)
{
        struct record_world w;
        struct records made;
        struct err err = { 0 };

        record_world_init(&w);
        w.credential = (struct credential){ 0 };
        w.raw.tls_version = SPAN_NONE;
        w.call.object_type = w.call.object_id = SPAN_NONE;
        assert_int_equal(record_intent(&w.call, &w.arena, &made, &err), 0);
        check_record(&w, &made.at[0]);
        assert_span(made.at[0].skeleton,
                    "{\"k\":\"api.intent\"," T ",\"what\":{\"api\":\"accounts\",\"bytes\":0,"
                    "\"call\":\"" ID
                    "\",\"decision\":\"allow\",\"generation\":9,\"method\":\"GET\","
                    "\"operation\":\"getAccount\",\"policies\":[\"tellers-read\"],\"sha256\":\"" SHA
                    "\",\"verified\":false,\"version\":\"1.4.0\"}}");
        assert_int_equal(made.at[0].n_fields, 1);
        assert_field(&made.at[0], 0, "who.address", "address:192.0.2.0/24", "\"192.0.2.7\"");
        record_world_done(&w);
}

static void outcomes(void **state)
{
        struct answer_finding finding = { FIND_CARD, SPAN("/accounts/*/note"), 2 };
        struct refusal late = { .reason = REFUSED_BACKEND_TIME, .text = "no answer in 10 s" };
        struct record_world w;
        struct records made;
        struct err err = { 0 };

        record_world_init(&w);
        w.answer.findings = &finding;
        w.answer.n_findings = 1;
        w.answer.findings_lost = true;
        assert_int_equal(record_outcome(&w.call, &w.outcome, &w.arena, &made, &err), 0);
        assert_int_equal(made.n, 1);
        check_record(&w, &made.at[0]);
        assert_span(made.at[0].skeleton,
                    "{\"k\":\"api.outcome\"," T ",\"what\":{\"api\":\"accounts\","
                    "\"backend_ns\":3000000,\"backend_status\":200,\"bytes\":120,\"call\":\"" ID
                    "\",\"findings\":[[\"card\",\"/accounts/*/note\",2]],"
                    "\"findings_left_out\":true,\"method\":\"GET\",\"object_type\":\"Account\","
                    "\"operation\":\"getAccount\",\"reads\":[[\"pan\",1,\"masked\"],"
                    "[\"pii.name\",2,\"clear\"]],\"result\":\"answered\",\"status\":200,"
                    "\"version\":\"1.4.0\"}}");
        assert_int_equal(made.at[0].n_fields, 2);
        assert_field(&made.at[0], 0, "what.object", "Account:A1", "\"A1\"");
        assert_field(&made.at[0], 1, "who.user", "caller:payroll", "\"payroll\"");

        w.outcome.backend_ns = -1;
        w.outcome.backend_status = 0;
        w.answer.n_findings = 0;
        w.counts[0] = w.counts[1] = 0;
        assert_int_equal(record_outcome(&w.call, &w.outcome, &w.arena, &made, &err), 0);
        check_record(&w, &made.at[0]);
        assert_span(made.at[0].skeleton,
                    "{\"k\":\"api.outcome\"," T ",\"what\":{\"api\":\"accounts\",\"bytes\":120,"
                    "\"call\":\"" ID "\",\"method\":\"GET\",\"object_type\":\"Account\","
                    "\"operation\":\"getAccount\",\"result\":\"cached\",\"status\":200,"
                    "\"version\":\"1.4.0\"}}");

        w.outcome = (struct record_outcome){
                .refusal = &late, .status = 504, .backend_ns = 10000000000, .n_body = 90
        };
        assert_int_equal(record_outcome(&w.call, &w.outcome, &w.arena, &made, &err), 0);
        check_record(&w, &made.at[0]);
        assert_span(made.at[0].skeleton,
                    "{\"k\":\"api.outcome\"," T ",\"what\":{\"api\":\"accounts\","
                    "\"backend_ns\":10000000000,\"bytes\":90,\"call\":\"" ID
                    "\",\"detail\":\"no answer in 10 s\",\"method\":\"GET\","
                    "\"object_type\":\"Account\",\"operation\":\"getAccount\","
                    "\"reason\":\"backend_time\",\"result\":\"refused\",\"status\":504,"
                    "\"version\":\"1.4.0\"}}");
        record_world_done(&w);
}

static void refusals(void **state)
{
        struct refusal denied = { .reason = REFUSED_POLICY }, malformed = { 0 };
        struct record_world w;
        struct records made;
        struct err err = { 0 };

        record_world_init(&w);
        w.decision.decision = CEDAR_FORBID;
        assert_int_equal(record_denied(&w.call, &denied, 1, &w.arena, &made, &err), 0);
        check_record(&w, &made.at[0]);
        assert_span(made.at[0].skeleton,
                    "{\"k\":\"api.denied\"," T ",\"what\":{\"api\":\"accounts\",\"bytes\":0,"
                    "\"call\":\"" ID "\",\"decision\":\"deny\",\"generation\":9,"
                    "\"groups\":[\"tellers\"],\"method\":\"GET\",\"object_type\":\"Account\","
                    "\"operation\":\"getAccount\",\"policies\":[\"tellers-read\"],"
                    "\"reason\":\"policy\",\"scheme\":\"token\",\"sha256\":\"" SHA
                    "\",\"status\":403,\"tls\":\"TLSv1.3\",\"verified\":true,"
                    "\"version\":\"1.4.0\"}}");
        assert_int_equal(made.at[0].n_fields, 3);
        assert_field(&made.at[0], 0, "what.object", "caller:payroll", "\"A1\"");
        assert_field(&made.at[0], 1, "who.address", "address:192.0.2.0/24", "\"192.0.2.7\"");
        assert_field(&made.at[0], 2, "who.user", "caller:payroll", "\"payroll\"");

        /* Nothing is known but the connection. */
        (void)refuse(&malformed, REFUSED_HEADER, "header \"x-a\" twice");
        w.call = (struct record_call){ .id = ID, .now_ns = w.raw.now_ns, .raw = &w.raw };
        w.raw.method = SPAN("BREW");
        assert_int_equal(record_denied(&w.call, &malformed, 3, &w.arena, &made, &err), 0);
        check_record(&w, &made.at[0]);
        assert_span(made.at[0].skeleton,
                    "{\"k\":\"api.denied\"," T ",\"what\":{\"call\":\"" ID "\",\"count\":3,"
                    "\"detail\":\"header \\\"x-a\\\" twice\",\"reason\":\"header\",\"status\":400,"
                    "\"tls\":\"TLSv1.3\"}}");
        assert_int_equal(made.at[0].n_fields, 1);
        record_world_done(&w);
}

/* ---- subjects and addresses ---- */

/* What is no label by itself is one by its digest: of sha256sum. */
static void subjects_are_labels(void **state)
{
        static const struct {
                char of;
                size_t n;                    /* so many of it */
                const char *subject, *value; /* NULL: that many between quotes */
        } t[] = {
                { 'x', 1, "caller:x", "\"x\"" },
                { '\n', 1,
                  "sha256:2d98cd61db38f9d0fb471dfca7aeaf426b48d2933c5c31ac4d4aaf4299262b60",
                  "\"\\n\"" },
                { '\xff', 1,
                  "sha256:5b968ad47ad5cf9d76162e68608dcd58561b539c497b59ef082dea678858ff70",
                  "\"?\"" },
                { 'x', 122,
                  "sha256:f840c108e6b156434bf288d1382e440e49c139f6d6bbf8917fe4bd0b84fdf3ee", NULL },
                { 'x', 1024,
                  "sha256:0b6eaded5363ab63354de5f818eda15c5facac25384018be42f8d7d9ca2f77e0", NULL },
                { 'x', 1032,
                  "sha256:1bf6119fc6c616f4c11ea19d8f690162a8b6b587c496fc7fd85bc830528a6a0f",
                  "{\"bytes\":1032,\"sha256\":"
                  "\"f01189b1ce36df67dfb7f50e8b3ce91a1f6291f671c00b31d07bbdce3892c1c0\"}" },
        };
        struct err err = { 0 };
        char id[1100];

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct record_world w;
                struct records made;

                record_world_init(&w);
                memset(id, t[i].of, t[i].n);
                w.credential.proof.id = span_of(id, t[i].n);
                assert_int_equal(record_intent(&w.call, &w.arena, &made, &err), 0);
                check_record(&w, &made.at[0]);
                assert_span(made.at[0].fields[2].subject, t[i].subject);
                if (t[i].value)
                        assert_span(made.at[0].fields[2].value, t[i].value);
                else
                        assert_int_equal(made.at[0].fields[2].value.n, t[i].n + 2);
                record_world_done(&w);
        }
}

/* The back-end's own user beside a caller who was verified: the caller's to erase. */
static void a_credential_that_is_passed_on(void **state)
{
        struct refusal denied = { .reason = REFUSED_POLICY };
        struct record_world w;
        struct records made;
        struct err err = { 0 };

        record_world_init(&w);
        w.credential.passed = SPAN("b\"ob");
        assert_int_equal(record_intent(&w.call, &w.arena, &made, &err), 0);
        assert_field(&made.at[0], 3, "who.passed", "caller:payroll", "\"b\\\"ob\"");
        assert_int_equal(record_denied(&w.call, &denied, 1, &w.arena, &made, &err), 0);
        assert_field(&made.at[0], 3, "who.passed", "caller:payroll", "\"b\\\"ob\"");
        record_world_done(&w);
}

/* Whoever has as many names or addresses as he likes has not as many subjects. */
static void strangers(void **state)
{
        struct refusal denied = { .reason = REFUSED_POLICY };
        struct record_world w;
        struct records made;
        struct err err = { 0 };

        record_world_init(&w);
        w.credential.verified = false;
        w.credential.proof.id = SPAN("unverified:bob");
        assert_int_equal(record_intent(&w.call, &w.arena, &made, &err), 0);
        assert_field(&made.at[0], 0, "what.object", "Account:A1", "\"A1\"");
        assert_field(&made.at[0], 1, "who.address", "address:192.0.2.0/24", "\"192.0.2.7\"");
        assert_field(&made.at[0], 2, "who.user", "address:192.0.2.0/24", "\"unverified:bob\"");
        assert_int_equal(record_denied(&w.call, &denied, 1, &w.arena, &made, &err), 0);
        for (uint32_t i = 0; i < made.at[0].n_fields; i++)
                assert_span(made.at[0].fields[i].subject, "address:192.0.2.0/24");
        record_world_done(&w);
}

static void networks(void **state)
{
        static const struct {
                struct cedar_ip address;
                const char *text, *served, *refused;
        } t[] = {
                { { .address = { 198, 51, 100, 255 } },
                  "198.51.100.255",
                  "address:198.51.100.255",
                  "address:198.51.100.0/24" },
                { { .v6 = true, .address = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0x12, 0x34, 1 } },
                  "2001:db8:0:1234:100::",
                  "address:2001:db8:0:1234::/64",
                  "address:2001:db8:0:1200::/56" },
                { { .v6 = true, .address = { [10] = 0xff, 0xff, 203, 0, 113, 9 } },
                  "::ffff:203.0.113.9",
                  "address:203.0.113.9",
                  "address:203.0.113.0/24" },
        };
        struct refusal path = { .reason = REFUSED_PATH };
        struct err err = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct record_world w;
                struct records made;

                record_world_init(&w);
                w.call.object_id = SPAN_NONE;
                w.raw.address = t[i].address;
                w.raw.address_text = span_str(t[i].text);
                assert_int_equal(record_denied(&w.call, &path, 1, &w.arena, &made, &err), 0);
                assert_span(made.at[0].fields[0].subject, t[i].refused);
                assert_int_equal(record_intent(&w.call, &w.arena, &made, &err), 0);
                assert_span(made.at[0].fields[0].subject, t[i].served);
                record_world_done(&w);
        }
}

/* ---- values ---- */

static struct tree text_of(const char *text)
{
        return (struct tree){ .kind = TREE_STRING, .text = span_str(text) };
}

static void values_by_class(void **state)
{
        const struct tree items[] = { { .kind = TREE_NUMBER, .number = 1 }, { .kind = TREE_NULL } };
        const struct tree v[] = {
                text_of("Ada"),
                text_of("a\"\n\xc3\xa9"),
                { .kind = TREE_NULL },
                { .kind = TREE_BOOL, .boolean = true },
                { .kind = TREE_NUMBER, .number = -12 },
                { .kind = TREE_NUMBER, .number = INT64_MIN },
                { .kind = TREE_REAL, .text = SPAN("1.50") },
                { .kind = TREE_ARRAY, .n = 2, .items = items },
        };
        struct mask_value values[] = {
                { 1, MASK_CLEAR, &v[0] },    { 0, MASK_MASKED, &v[1] }, { 1, MASK_CLEAR, &v[2] },
                { 1, MASK_WITHHELD, &v[3] }, { 0, MASK_MASKED, &v[4] }, { 0, MASK_MASKED, &v[5] },
                { 1, MASK_CLEAR, &v[6] },    { 2, MASK_CLEAR, &v[7] },
        };
        struct mask_found writes = { .values = values, .n_values = 2 };
        struct record_world w;
        struct records made;
        struct err err = { 0 };

        record_world_init(&w);
        w.answer.found.values = values;
        w.answer.found.n_values = ARRAY_LEN(values);
        freed_word = "[1,null]"; /* items, as text */
        assert_int_equal(record_outcome(&w.call, &w.outcome, &w.arena, &made, &err), 0);
        freed_word = NULL;
        assert_int_equal(freed_with_it, 0);
        assert_int_equal(made.n, 2);
        check_record(&w, &made.at[0]);
        check_record(&w, &made.at[1]);
        assert_span(made.at[0].skeleton,
                    "{\"k\":\"api.values\"," T ",\"what\":{\"api\":\"accounts\",\"call\":\"" ID
                    "\",\"classes\":[[\"pan\",3,\"masked\"],[\"pii.name\",3,\"clear\"],"
                    "[\"pii.name\",1,\"withheld\"],[\"pii.ssn\",1,\"clear\"]],"
                    "\"direction\":\"response\",\"operation\":\"getAccount\",\"part\":1}}");
        assert_int_equal(made.at[0].n_fields, 4);
        assert_field(&made.at[0], 0, "what.values_1", "Account:A1",
                     "[\"a\\\"\\n\xc3\xa9\",-12,{\"number\":\"-9223372036854775808\"}]");
        assert_field(&made.at[0], 1, "what.values_2", "Account:A1",
                     "[\"Ada\",null,{\"number\":\"1.50\"}]");
        assert_field(&made.at[0], 2, "what.values_3", "Account:A1", "[true]");
        assert_field(&made.at[0], 3, "what.values_4", "Account:A1", "[{\"json\":\"[1,null]\"}]");

        w.call.writes = &writes;
        w.call.object_id = w.call.object_type = SPAN_NONE;
        assert_int_equal(record_intent(&w.call, &w.arena, &made, &err), 0);
        assert_int_equal(made.n, 2);
        check_record(&w, &made.at[0]);
        assert_span(made.at[0].skeleton,
                    "{\"k\":\"api.values\"," T ",\"what\":{\"api\":\"accounts\",\"call\":\"" ID
                    "\",\"classes\":[[\"pan\",1],[\"pii.name\",1]],\"direction\":\"request\","
                    "\"operation\":\"getAccount\",\"part\":1}}");
        assert_field(&made.at[0], 0, "what.values_1", "api:accounts", "[\"a\\\"\\n\xc3\xa9\"]");
        assert_int_equal(made.at[0].n_fields, 3);
        assert_field(&made.at[0], 2, "who.user", "caller:payroll", ""); /* for whom it is */

        w.credential = (struct credential){ 0 };
        assert_int_equal(record_intent(&w.call, &w.arena, &made, &err), 0);
        assert_int_equal(made.at[0].n_fields, 2);
        record_world_done(&w);
}

/* As many entries as it takes; none is lost, and each class keeps its order. */
static void values_over_entries(void **state)
{
        static const struct {
                uint32_t n, bytes; /* of each value; 0: its number alone */
                char fill;
        } t[] = {
                { 1, 0, 'x' },    { 7, 1024, 'x' },    { 32, 1024, 'x' },  { 33, 1024, '\x01' },
                { 4096, 0, 'x' }, { 4096, 1024, 'x' }, { 300, 1025, 'x' },
        };
        static char text[4096][1025 + 1];
        static struct tree trees[4096];
        static struct mask_value values[4096];
        struct err err = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                uint32_t seen[WORLD_CLASSES][3] = { 0 }, all = 0;
                struct record_world w;
                struct records made;

                record_world_init(&w);
                for (uint32_t k = 0; k < t[i].n; k++) {
                        if (t[i].bytes)
                                memset(text[k], t[i].fill, t[i].bytes);
                        trees[k] = (struct tree){ .kind = t[i].bytes ? TREE_STRING : TREE_NUMBER };
                        if (t[i].bytes)
                                trees[k].text = span_of(text[k], t[i].bytes);
                        else
                                trees[k].number = k;
                        values[k] = (struct mask_value){ k * 7 % WORLD_CLASSES,
                                                         (enum mask_answer)(k * 5 % 3), &trees[k] };
                }
                w.answer.found.values = values;
                w.answer.found.n_values = t[i].n;
                assert_int_equal(record_outcome(&w.call, &w.outcome, &w.arena, &made, &err), 0);
                for (uint32_t r = 0; r + 1 < made.n; r++) {
                        check_record(&w, &made.at[r]);
                        for (uint32_t f = 0; f < made.at[r].n_fields; f++) {
                                struct tree list;

                                assert_int_equal(tree_read(made.at[r].fields[f].value, &w.arena,
                                                           &list, &err),
                                                 0);
                                all += list.n;
                                if (t[i].bytes)
                                        continue;
                                for (uint32_t k = 0; k < list.n; k++) {
                                        int64_t at = list.items[k].number;
                                        uint32_t *last = &seen[at * 7 % WORLD_CLASSES][at * 5 % 3];

                                        assert_true(*last == 0 || at >= *last);
                                        *last = (uint32_t)at;
                                }
                        }
                }
                assert_int_equal(all, t[i].n);
                check_record(&w, &made.at[made.n - 1]);
                record_world_done(&w);
        }
}

/* ---- what others have written ---- */

static void hostile_names(void **state)
{
        static const struct span names[] = {
                SPAN_INIT("a\x1b[2Jb"), SPAN_INIT("\xff\xfe"), SPAN_INIT("\xed\xa0\x80"),
                SPAN_INIT("a\0b"),      SPAN_INIT("\"\\"),     SPAN_INIT("\xc2\x9b"),
        };
        static const char *const want[] = { "[\"a?[2Jb\"]", "[\"??\"]",       "[\"???\"]",
                                            "[\"a?b\"]",    "[\"\\\"\\\\\"]", "[\"??\"]" };
        struct err err = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                struct json_value v;
                struct record_world w;
                struct records made;

                record_world_init(&w);
                w.group = names[i];
                w.call.object_type = w.call.object_id = names[i];
                w.raw.tls_version = names[i];
                assert_int_equal(record_intent(&w.call, &w.arena, &made, &err), 0);
                check_record(&w, &made.at[0]);
                assert_true(json_get_path(json_value_of(made.at[0].skeleton), "what.groups", &v));
                assert_span(v.raw, want[i]);
                record_world_done(&w);
        }
}

/* Lists are told up to their ceilings, and how much there was no room for. */
static void long_lists(void **state)
{
        enum { MANY = 256 };
        static char long_text[400];
        static const struct cedar_policy *reasons[MANY];
        static struct cedar_fault_at faults[MANY];
        static struct span groups[MANY];
        struct json_value what, v;
        struct record_world w;
        struct records made;
        struct err err = { 0 };

        record_world_init(&w);
        for (size_t i = 0; i + 1 < sizeof long_text; i += 2) {
                long_text[i] = '\xc3';
                long_text[i + 1] = '\xa9';
        }
        w.policy[1].id = span_of(long_text, sizeof long_text);
        for (size_t i = 0; i < MANY; i++) {
                reasons[i] = &w.policy[1];
                faults[i] = w.fault;
                groups[i] = span_of(long_text, 399);
        }
        w.decision = (struct cedar_answer){ CEDAR_PERMIT, reasons, MANY, faults, MANY };
        w.credential.proof.groups = groups;
        w.credential.proof.n_groups = MANY;
        assert_int_equal(record_intent(&w.call, &w.arena, &made, &err), 0);
        check_record(&w, &made.at[0]);
        assert_true(json_get(json_value_of(made.at[0].skeleton), "what", &what));
        assert_true(json_get(what, "groups_left_out", &v));
        assert_span(v.raw, "224");
        assert_true(json_get(what, "policies_left_out", &v));
        assert_span(v.raw, "224");
        assert_true(json_get(what, "faults_left_out", &v));
        assert_span(v.raw, "248");
        record_world_done(&w);
}

/* As many classes with as long names as a package may have, and all else at its worst: it fits. */
static void the_most(void **state)
{
        enum { MANY = 256, LONG = API_CLASSES_TEXT_MAX / MANY };
        static const struct cedar_policy *reasons[MANY];
        static char names[MANY][LONG], quotes[400];
        static struct cedar_fault_at faults[MANY];
        static struct span classes[MANY], groups[MANY];
        static uint32_t counts[MANY];
        static enum mask_answer answers[MANY];
        struct mask_found found = { .counts = counts };
        struct record_world w;
        struct records made;
        struct err err = { 0 };

        record_world_init(&w);
        memset(quotes, '"', sizeof quotes);
        w.policy[1].id = w.package.file.version = span_of(quotes, sizeof quotes);
        w.fault.policy = &w.policy[1];
        for (size_t i = 0; i < MANY; i++) {
                memset(names[i], 'a', LONG);
                classes[i] = span_of(names[i], LONG);
                groups[i] = span_of(quotes, sizeof quotes);
                counts[i] = UINT32_MAX;
                answers[i] = MASK_WITHHELD;
                reasons[i] = &w.policy[1];
                faults[i] = w.fault;
        }
        w.api.classes = classes;
        w.api.n_classes = MANY;
        w.call.writes = &found;
        w.raw.tls_version = w.call.object_type = span_of(quotes, sizeof quotes);
        w.decision = (struct cedar_answer){ CEDAR_PERMIT, reasons, MANY, faults, MANY };
        w.credential.proof.groups = groups;
        w.credential.proof.n_groups = MANY;
        assert_int_equal(record_intent(&w.call, &w.arena, &made, &err), 0);
        check_record(&w, &made.at[made.n - 1]);
        w.answer.found.counts = counts;
        w.answer.answers = (struct mask_answers){ answers, MANY };
        assert_int_equal(record_outcome(&w.call, &w.outcome, &w.arena, &made, &err), 0);
        check_record(&w, &made.at[made.n - 1]);
        record_world_done(&w);
}

/* A package whose names fill an entry: nothing is made, and the call is not served. */
static void too_much(void **state)
{
        enum { MANY = 256, LONG = 128 };
        static char name[LONG];
        static struct span classes[MANY], groups[MANY];
        static uint32_t counts[MANY];
        struct mask_found writes = { .counts = counts };
        struct record_world w;
        struct records made = { 0 };
        struct err err = { 0 };

        record_world_init(&w);
        memset(name, '"', sizeof name);
        for (size_t i = 0; i < MANY; i++) {
                classes[i] = groups[i] = span_of(name, LONG);
                counts[i] = UINT32_MAX;
        }
        w.api.classes = classes;
        w.api.n_classes = MANY;
        w.call.writes = &writes;
        w.credential.proof.groups = groups;
        w.credential.proof.n_groups = MANY;
        assert_int_equal(record_intent(&w.call, &w.arena, &made, &err), -E2BIG);
        assert_non_null(strstr(err.text, "api.intent"));
        assert_null(made.at);
        record_world_done(&w);
}

static void no_memory(void **state)
{
        struct mask_value values[64];
        struct tree list = { .kind = TREE_ARRAY };
        struct record_world w;
        struct records made;
        struct err err;
        int rc;

        for (size_t i = 0; i < ARRAY_LEN(values); i++)
                values[i] = (struct mask_value){ i % WORLD_CLASSES, MASK_CLEAR, &list };
        for (size_t nth = 1;; nth++) {
                record_world_init(&w);
                w.answer.found.values = values;
                w.answer.found.n_values = ARRAY_LEN(values);
                alloc_fail_nth = nth;
                rc = record_outcome(&w.call, &w.outcome, &w.arena, &made, &err);
                alloc_fail_nth = 0;
                record_world_done(&w);
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
        }
        /* The arena's own ceiling, byte by byte. */
        for (size_t max = 0;; max += 64) {
                record_world_init(&w);
                w.arena.max = max;
                w.answer.found.values = values;
                w.answer.found.n_values = ARRAY_LEN(values);
                rc = record_outcome(&w.call, &w.outcome, &w.arena, &made, &err);
                record_world_done(&w);
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ids_are_ulids),
                cmocka_unit_test(an_intent),
                cmocka_unit_test(an_intent_of_nobody),
                cmocka_unit_test(outcomes),
                cmocka_unit_test(refusals),
                cmocka_unit_test(subjects_are_labels),
                cmocka_unit_test(a_credential_that_is_passed_on),
                cmocka_unit_test(strangers),
                cmocka_unit_test(networks),
                cmocka_unit_test(values_by_class),
                cmocka_unit_test(values_over_entries),
                cmocka_unit_test(hostile_names),
                cmocka_unit_test(long_lists),
                cmocka_unit_test(the_most),
                cmocka_unit_test(too_much),
                cmocka_unit_test(no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
