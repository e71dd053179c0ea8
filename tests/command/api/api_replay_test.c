/* SPDX-License-Identifier: Apache-2.0 */
/* Calls as the ledger has them, and what is said of what would become of them. */
#include "command/api/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ENTRY(kind, what)                                                                          \
        "{\"k\":\"" kind "\",\"t\":\"2026-11-21T18:00:00.500000000Z\",\"v\":1,\"what\":{" what "}}"
#define CALL "\"call\":\"01ARYZ6S41TSV4RRFFQ69G5FAV\""

static const uint8_t sha256[PACKAGE_HASH] = { 0xab };
#define AB00 "ab00000000000000000000000000000000000000000000000000000000000000"

static void init(struct replayed *r)
{
        *r = (struct replayed){ .arena = ARENA_INIT(1 << 20) };
}

static int read_entry(struct replayed *r, const char *text, struct err *err)
{
        struct view v;
        int rc;

        view_init(&v);
        rc = view_open(&v, 7, span_str(text), err);
        if (rc == 0)
                rc = replay_read_call(r, &v, sha256, err);
        view_done(&v);
        return rc;
}

/* ---- entries ---- */

static void an_entry(void **state)
{
        struct replayed r;
        struct err err = { 0 };

        (void)state;
        init(&r);
        assert_int_equal(
                read_entry(&r,
                           ENTRY("api.intent",
                                 "\"api\":\"x\"," CALL ",\"faults\":[[\"p\",\"line 1\"]],"
                                 "\"groups\":[\"a\",\"b\"],\"method\":\"GET\",\"object_type\":"
                                 "\"Account\",\"operation\":\"getAccount\",\"policies\":[\"p1\","
                                 "\"p2\"],\"policies_left_out\":3,\"scheme\":\"token\",\"sha256\":"
                                 "\"" AB00 "\",\"tls\":\"TLSv1.3\""),
                           &err),
                0);
        assert_string_equal(r.id, "01ARYZ6S41TSV4RRFFQ69G5FAV");
        assert_true(r.allowed && r.call.same_package && r.index == 7);
        assert_true(span_eq_str(r.call.operation, "getAccount"));
        assert_true(span_eq_str(r.call.scheme, "token"));
        assert_int_equal(r.call.time_ms, 1795284000500);
        assert_int_equal(r.call.n_groups, 2);
        assert_int_equal(r.call.known.groups, REPLAY_KNOWN);
        assert_int_equal(r.call.known.caller, REPLAY_UNRECORDED);
        assert_int_equal(r.call.known.object, REPLAY_UNRECORDED);
        assert_int_equal(r.call.known.asked, REPLAY_UNRECORDED);
        assert_int_equal(r.n_policies, 2);
        assert_int_equal(r.policies_left_out, 3);
        assert_int_equal(r.n_faults, 1);
        assert_true(r.faults && span_eq_str(r.faults[0], "p"));
        arena_done(&r.arena);
}

/* Groups whose names were made safe, cut, or left out are not what they were. */
static void groups(void **state)
{
        static const struct {
                const char *what;
                enum replay_known want;
        } t[] = {
                { CALL, REPLAY_KNOWN },
                { CALL ",\"groups\":[\"a\"]", REPLAY_KNOWN },
                { CALL ",\"groups\":[\"a?\"]", REPLAY_UNRECORDED },
                { CALL ",\"groups\":[\"a\"],\"groups_left_out\":1", REPLAY_UNRECORDED },
        };
        struct err err = { 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                char text[1024];
                struct replayed r;

                init(&r);
                snprintf(text, sizeof text, ENTRY("api.intent", "%s"), t[i].what);
                assert_int_equal(read_entry(&r, text, &err), 0);
                assert_int_equal(r.call.known.groups, t[i].want);
                arena_done(&r.arena);
        }
}

static void not_of_their_kind(void **state)
{
        static const char *const t[] = {
                ENTRY("api.intent", "\"api\":\"x\""),
                ENTRY("api.intent", "\"call\":\"\""),
                ENTRY("api.intent", "\"call\":7"),
                ENTRY("api.intent", CALL ",\"groups\":7"),
                ENTRY("api.intent", CALL ",\"groups\":[7]"),
                ENTRY("api.intent", CALL ",\"policies\":{}"),
                ENTRY("api.denied", CALL ",\"faults\":[[7,8]]"),
                "{\"k\":\"api.intent\",\"v\":1,\"what\":{" CALL "}}",
        };
        struct err err = { 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct replayed r;

                init(&r);
                assert_int_equal(read_entry(&r, t[i], &err), -EINVAL);
                assert_non_null(strstr(err_text(&err), "entry 7"));
                arena_done(&r.arena);
        }
}

static void no_memory(void **state)
{
        static const char text[] =
                ENTRY("api.denied", CALL ",\"groups\":[\"a\"],\"policies\":[\"p\\n\"]");
        struct err err = { 0 };
        int rc = -1;

        (void)state;
        for (size_t max = 0; rc < 0; max += 16) {
                struct replayed r = { .arena = ARENA_INIT(max) };

                rc = read_entry(&r, text, &err);
                assert_true(rc == 0 || rc == -ENOMEM || rc == -EINVAL || rc == -E2BIG);
                arena_done(&r.arena);
        }
}

/* What a kind has is there, of its sort, and of a version that is known. */
static void of_their_kind(void **state)
{
        static const struct {
                const char *entry, *says; /* NULL: it fits */
        } t[] = {
                { ENTRY("api.denied", "\"reason\":\"policy\""), NULL },
                { ENTRY("api.denied", "\"policies\":[],\"reason\":\"policy\""), NULL },
                { ENTRY("api.denied",
                        "\"policies_left_out\":\"9007199254740993\",\"reason\":\"x\""),
                  NULL },
                { ENTRY("api.denied", CALL), "what.reason" },
                { ENTRY("api.denied", "\"policies\":{},\"reason\":\"policy\""), "what.policies" },
                { ENTRY("api.denied", "\"reason\":7"), "what.reason" },
                { ENTRY("api.denied", "\"policies_left_out\":-1,\"reason\":\"x\""),
                  "what.policies_left_out" },
                { "{\"k\":\"api.denied\",\"v\":99,\"what\":{\"reason\":\"policy\"}}", "version" },
                { "{\"k\":\"api.nothing\",\"v\":1}", "version" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct err err = { 0 };
                struct view v;
                int rc;

                view_init(&v);
                assert_int_equal(view_open(&v, 7, span_str(t[i].entry), &err), 0);
                rc = replay_check_kind(&v, &err);
                if (rc != (t[i].says ? -EINVAL : 0) ||
                    (t[i].says && !strstr(err_text(&err), t[i].says)))
                        fail_msg("row %zu: %d, %s", i, rc, err_text(&err));
                view_done(&v);
        }
}

/* The numbers of what was left out may not fit JSON's. */
static void large_numbers(void **state)
{
        struct err err = { 0 };
        struct replayed r;

        (void)state;
        init(&r);
        assert_int_equal(read_entry(&r,
                                    ENTRY("api.intent", CALL ",\"groups_left_out\":\"2\","
                                                             "\"policies_left_out\":"
                                                             "\"18446744073709551615\""),
                                    &err),
                         0);
        assert_true(r.policies_left_out == UINT64_MAX);
        assert_int_equal(r.call.known.groups, REPLAY_UNRECORDED);
        arena_done(&r.arena);
}

/* An outcome that is none, or another call's. */
static void no_outcomes(void **state)
{
        static const struct {
                const char *what;
                int want;
        } t[] = {
                { "\"method\":\"GET\",\"operation\":\"o\",\"reads\":[]", 0 },
                { "\"method\":\"GET\",\"operation\":\"o\"", 0 },
                { "\"method\":\"GET\",\"operation\":\"o\",\"reads\":7", -EINVAL },
                { "\"method\":\"GET\",\"operation\":\"o\",\"reads\":{}", -EINVAL },
                { "\"method\":\"GET\",\"operation\":\"o\",\"reads\":[[\"a\",1,\"shown\"]]",
                  -EINVAL },
                { "\"method\":\"PUT\",\"operation\":\"o\"", -EINVAL },
                { "\"method\":\"GET\",\"operation\":\"p\"", -EINVAL },
                { "\"method\":\"GET\",\"object_type\":\"T\",\"operation\":\"o\"", -EINVAL },
                { "\"operation\":\"o\"", -EINVAL },
        };
        static const struct api api = { 0 };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct err err = { 0 };
                struct replayed r;
                struct view v;
                char text[512];

                init(&r);
                r.call.operation = SPAN("o");
                r.call.method = SPAN("GET");
                snprintf(text, sizeof text, ENTRY("api.outcome", "%s"), t[i].what);
                view_init(&v);
                assert_int_equal(view_open(&v, 7, span_str(text), &err), 0);
                if (replay_read_outcome(&r, &v, &api, &err) != t[i].want)
                        fail_msg("row %zu: %s", i, err_text(&err));
                view_done(&v);
                arena_done(&r.arena);
        }
}

/* What is only counted is never nothing, be it nobody's. */
static void refusals(void **state)
{
        static const struct {
                const char *what;
                enum replay_telling want;
                uint64_t n;
        } t[] = {
                { "\"api\":\"x\",\"operation\":\"o\",\"reason\":\"policy\"", REPLAY_TELLS_ONE, 1 },
                { "\"api\":\"x\",\"reason\":\"policy\"", REPLAY_TELLS_REFUSED, 1 },
                { "\"api\":\"x\",\"operation\":\"o\",\"reason\":\"rate\"", REPLAY_TELLS_REFUSED,
                  1 },
                { "\"api\":\"x\",\"count\":9,\"reason\":\"rate\"", REPLAY_TELLS_REFUSED, 9 },
                { "\"api\":\"x\",\"count\":9,\"operation\":\"o\",\"reason\":\"body\"",
                  REPLAY_TELLS_COUNTED, 9 },
                { "\"api\":\"x\",\"count\":1,\"operation\":\"o\",\"reason\":\"body\"",
                  REPLAY_TELLS_COUNTED, 1 },
                { "\"count\":7,\"reason\":\"several\"", REPLAY_TELLS_ANY, 7 },
                { "\"count\":7,\"detail\":\"counted by a process that was killed\",\"reason\":"
                  "\"policy\"",
                  REPLAY_TELLS_ANY, 7 },
                { "\"count\":1,\"reason\":\"parameter\"", REPLAY_TELLS_ANY, 1 },
                { "\"count\":7,\"reason\":\"rate\"", REPLAY_TELLS_NOTHING, 7 },
                { "\"reason\":\"path\"", REPLAY_TELLS_NOTHING, 1 },
                { "\"api\":\"y\",\"count\":9,\"operation\":\"o\",\"reason\":\"policy\"",
                  REPLAY_TELLS_NOTHING, 9 },
                { "\"api\":\"y\",\"operation\":\"o\",\"reason\":\"policy\"", REPLAY_TELLS_NOTHING,
                  1 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct arena arena = ARENA_INIT(1 << 16);
                struct err err = { 0 };
                struct span reason;
                struct view v;
                char text[512];
                uint64_t n;

                snprintf(text, sizeof text, ENTRY("api.denied", "%s"), t[i].what);
                view_init(&v);
                assert_int_equal(view_open(&v, 7, span_str(text), &err), 0);
                assert_int_equal(replay_telling_of(&v, SPAN("x"), &arena, &n, &reason), t[i].want);
                assert_int_equal(n, t[i].n);
                view_done(&v);
                arena_done(&arena);
        }
}

/* ---- judging ---- */

static const struct cedar_annotation named = { .key = SPAN_INIT("id"),
                                               .value = SPAN_INIT("a \x1b long name") };
static const struct cedar_policy first = { .id = SPAN_INIT("policy0") }, second = {
        .id = SPAN_INIT("policy1"), .annotations = &named, .n_annotations = 1
};

static void take(const char *text, struct replay_policies *list)
{
        list->sure = true;
        for (; *text; text++)
                if (*text == '?')
                        list->sure = false;
                else
                        list->at[list->n++] = *text == '0' ? &first : &second;
}

static void changes(void **state)
{
        static const struct {
                const char *reason; /* NULL: it was allowed */
                bool same;          /* package */
                enum replay_decision now;
                const char *was, *policy; /* names; NULL: none.  now: "0", "1", "01" */
                enum replay_change want;
        } t[] = {
                { NULL, false, REPLAY_ALLOWED, "policy0", "0", REPLAY_SAME },
                { NULL, false, REPLAY_ALLOWED, "policy1", "0", REPLAY_OTHER_POLICIES },
                { NULL, false, REPLAY_ALLOWED, "policy0", "01", REPLAY_OTHER_POLICIES },
                { NULL, false, REPLAY_ALLOWED, "a ? long name", "1", REPLAY_SAME },
                { NULL, false, REPLAY_ALLOWED, "a ? long", "1", REPLAY_OTHER_POLICIES },
                { NULL, false, REPLAY_DENIED, "policy0", "", REPLAY_NOW_DENIED },
                { NULL, false, REPLAY_REFUSED, "policy0", "", REPLAY_NOW_DENIED },
                { NULL, false, REPLAY_GONE, "policy0", "", REPLAY_NOW_DENIED },
                { NULL, false, REPLAY_OPEN, "policy0", "", REPLAY_CANNOT_TELL },
                { "policy", false, REPLAY_ALLOWED, NULL, "0", REPLAY_NOW_ALLOWED },
                { "policy", false, REPLAY_DENIED, NULL, "", REPLAY_SAME },
                { "policy", false, REPLAY_DENIED, NULL, "0", REPLAY_OTHER_POLICIES },
                { "policy", false, REPLAY_REFUSED, NULL, "", REPLAY_SAME },
                { "policy", true, REPLAY_OPEN, NULL, "", REPLAY_CANNOT_TELL },
                { "body", false, REPLAY_REFUSED, NULL, "", REPLAY_SAME },
                { "body", false, REPLAY_DENIED, NULL, "0", REPLAY_SAME },
                { "body", false, REPLAY_ALLOWED, NULL, "0", REPLAY_CANNOT_TELL },
                { "body", true, REPLAY_ALLOWED, NULL, "0", REPLAY_SAME },
                { "parameter", true, REPLAY_OPEN, NULL, "", REPLAY_SAME },
                { "parameter", false, REPLAY_OPEN, NULL, "", REPLAY_CANNOT_TELL },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                const struct cedar_policy *now[2];
                struct span was = t[i].was ? span_str(t[i].was) : SPAN_NONE;
                struct replayed r = { .allowed = !t[i].reason,
                                      .reason = t[i].reason ? span_str(t[i].reason) : SPAN_NONE,
                                      .policies = &was,
                                      .n_policies = t[i].was ? 1 : 0,
                                      .call.same_package = t[i].same };

                r.result = (struct replay_result){ .decision = t[i].now,
                                                   .decide = { .at = now },
                                                   .err = { .sure = true } };
                take(t[i].policy, &r.result.decide);
                replay_judge(&r);
                if (r.change != t[i].want || r.policies_open)
                        fail_msg("row %zu: %s", i, replay_change_name(r.change));
        }
}

/* Others than those that are sure may decide, or the entry has not all: then it is not "the same".
 */
static void by_which(void **state)
{
        static const struct {
                const char *reason, *was; /* as above */
                uint64_t left_out;
                enum replay_decision now;
                const char *policy, *err; /* "?": and perhaps others */
                enum replay_change want;
                bool open;
        } t[] = {
                { NULL, "policy9", 0, REPLAY_ALLOWED, "?", "", REPLAY_SAME, true },
                { NULL, "policy0", 0, REPLAY_ALLOWED, "0?", "", REPLAY_SAME, true },
                { NULL, "policy9", 0, REPLAY_ALLOWED, "0?", "", REPLAY_OTHER_POLICIES, false },
                { NULL, "policy0", 0, REPLAY_ALLOWED, "01?", "", REPLAY_OTHER_POLICIES, false },
                { NULL, "policy0", 0, REPLAY_ALLOWED, "00?", "", REPLAY_OTHER_POLICIES, false },
                { NULL, "policy0", 0, REPLAY_DENIED, "?", "", REPLAY_NOW_DENIED, false },
                { "policy", NULL, 0, REPLAY_DENIED, "?", "", REPLAY_SAME, true },
                { "policy", NULL, 0, REPLAY_DENIED, "0?", "", REPLAY_OTHER_POLICIES, false },
                { "policy", NULL, 0, REPLAY_ALLOWED, "?", "", REPLAY_NOW_ALLOWED, false },
                { "body", NULL, 0, REPLAY_DENIED, "?", "", REPLAY_SAME, false },
                /* what errs */
                { NULL, "policy0", 0, REPLAY_ALLOWED, "0", "?", REPLAY_SAME, true },
                { NULL, "policy0", 0, REPLAY_ALLOWED, "0", "1?", REPLAY_OTHER_POLICIES, false },
                { "policy", NULL, 0, REPLAY_DENIED, "", "?", REPLAY_SAME, true },
                /* the entry has not all */
                { NULL, "policy0", 1, REPLAY_ALLOWED, "01", "", REPLAY_SAME, true },
                { NULL, "policy0", 1, REPLAY_ALLOWED, "0", "", REPLAY_OTHER_POLICIES, false },
                { NULL, "policy9", 1, REPLAY_ALLOWED, "01", "", REPLAY_OTHER_POLICIES, false },
                { NULL, "policy0", 1, REPLAY_ALLOWED, "01?", "", REPLAY_SAME, true },
                { NULL, "policy9", 1, REPLAY_ALLOWED, "0?", "", REPLAY_SAME, true },
                { NULL, "policy9", 1, REPLAY_ALLOWED, "01?", "", REPLAY_OTHER_POLICIES, false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                const struct cedar_policy *now[2], *err[2];
                struct span was = t[i].was ? span_str(t[i].was) : SPAN_NONE;
                struct replayed r = { .allowed = !t[i].reason,
                                      .reason = t[i].reason ? span_str(t[i].reason) : SPAN_NONE,
                                      .policies = &was,
                                      .n_policies = t[i].was ? 1 : 0,
                                      .policies_left_out = t[i].left_out };

                r.result = (struct replay_result){ .decision = t[i].now,
                                                   .decide = { .at = now },
                                                   .err = { .at = err } };
                take(t[i].policy, &r.result.decide);
                take(t[i].err, &r.result.err);
                replay_judge(&r);
                if (r.change != t[i].want || r.policies_open != t[i].open)
                        fail_msg("row %zu: %s%s", i, replay_change_name(r.change),
                                 r.policies_open ? ", open" : "");
        }
}

static void reads(void **state)
{
        static const struct {
                struct replay_seen seen;
                enum replay_change want;
                bool open;
        } t[] = {
                { { SPAN_INIT("c"), REPLAY_CLEAR, REPLAY_CLEAR, false }, REPLAY_SAME, false },
                { { SPAN_INIT("c"), REPLAY_CLEAR, REPLAY_MASKED, false },
                  REPLAY_OTHER_READS,
                  false },
                { { SPAN_INIT("c"), REPLAY_CLEAR, REPLAY_READ_OPEN, false }, REPLAY_SAME, true },
                { { SPAN_INIT("c"), REPLAY_CLEAR, REPLAY_CLEAR, true }, REPLAY_SAME, true },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct replayed r = { .allowed = true, .seen = &t[i].seen, .n_seen = 1 };

                r.result.decide.sure = r.result.err.sure = true;
                replay_judge(&r);
                assert_int_equal(r.change, t[i].want);
                assert_int_equal(r.reads_open, t[i].open);
        }
}

/* A class of another package that the answer had nothing of may be at any place of it. */
static void unmet(void **state)
{
        static const struct span classes[] = { SPAN_INIT("a"), SPAN_INIT("b") };
        static const struct api api = { .classes = classes, .n_classes = 2 };
        static const struct {
                bool same; /* package */
                const char *reads;
                enum replay_read a, b; /* now */
                const char *want;      /* unmet */
        } t[] = {
                { false, "[\"a\",2,\"clear\"],[\"b\",1,\"masked\"]", REPLAY_CLEAR, REPLAY_MASKED,
                  "" },
                { false, "[\"a\",2,\"clear\"]", REPLAY_CLEAR, REPLAY_WITHHELD, "b" },
                { false, "[\"a\",2,\"clear\"]", REPLAY_CLEAR, REPLAY_READ_OPEN, "b" },
                { false, "[\"a\",2,\"masked\"]", REPLAY_MASKED, REPLAY_CLEAR, "b" },
                { false, "[\"a\",2,\"clear\"]", REPLAY_CLEAR, REPLAY_CLEAR, "" },
                { false, "", REPLAY_CLEAR, REPLAY_CLEAR, "" },
                { false, "", REPLAY_MASKED, REPLAY_WITHHELD, "ab" },
                { true, "", REPLAY_MASKED, REPLAY_WITHHELD, "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                const struct replay_class now[] = { { 0, t[i].a }, { 1, t[i].b } };
                struct err err = { 0 };
                struct replayed r;
                struct view v;
                char text[512];

                init(&r);
                r.allowed = true;
                r.call.same_package = t[i].same;
                r.result = (struct replay_result){ .reads = now, .n_reads = 2 };
                r.result.decide.sure = r.result.err.sure = true;
                snprintf(text, sizeof text, ENTRY("api.outcome", "\"reads\":[%s]"), t[i].reads);
                view_init(&v);
                assert_int_equal(view_open(&v, 7, span_str(text), &err), 0);
                assert_int_equal(replay_read_outcome(&r, &v, &api, &err), 0);
                assert_int_equal(r.n_unmet, strlen(t[i].want));
                for (uint32_t k = 0; k < r.n_unmet; k++)
                        assert_int_equal(r.unmet[k].p[0], t[i].want[k]);
                replay_judge(&r);
                assert_int_equal(r.reads_open, r.n_unmet > 0);
                view_done(&v);
                arena_done(&r.arena);
        }
}

/* What an allowed call would be shown is open where its outcome is not known. */
static void no_outcome(void **state)
{
        static const struct {
                const char *late;
                uint32_t n_reads;
                bool open;
                bool unread;
        } t[] = { { "x", 1, true, false },
                  { "x", 0, false, false },
                  { NULL, 1, false, false },
                  { "x", 0, true, true } };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct replayed r = { .allowed = true, .late = t[i].late, .unread = t[i].unread };
                struct replay_sum *sum = calloc(1, sizeof *sum);

                assert_non_null(sum);
                r.result.decide.sure = r.result.err.sure = true;
                r.result.n_reads = t[i].n_reads;
                replay_judge(&r);
                replay_add(sum, &r);
                assert_int_equal(r.change, REPLAY_SAME);
                assert_int_equal(sum->reads_open, t[i].open);
                assert_int_equal(sum->n_missing, t[i].open);
                if (t[i].open)
                        assert_string_equal(sum->missing[0].text, "x");
                free(sum);
        }
}

/* Nobody's name looks like two. */
static void names(void **state)
{
        static const struct span policies[] = { SPAN_INIT("a\", \"b"), SPAN_INIT("c\\"),
                                                SPAN_INIT("\"") };
        CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
        const struct screen screen = { 0 };
        struct replayed r = { .allowed = true, .policies = policies, .n_policies = 3 };

        (void)state;
        r.result.decision = REPLAY_DENIED;
        r.result.decide.sure = r.result.err.sure = true;
        replay_judge(&r);
        replay_put_text(&screen, &r, &out);
        assert_non_null(
                strstr(buf_cstr(&out), "was allowed by \"a\\\", \\\"b\", \"c\\\\\", \"\\\"\"\n"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_entry),      cmocka_unit_test(groups),
                cmocka_unit_test(refusals),      cmocka_unit_test(not_of_their_kind),
                cmocka_unit_test(of_their_kind), cmocka_unit_test(large_numbers),
                cmocka_unit_test(no_outcomes),   cmocka_unit_test(no_memory),
                cmocka_unit_test(changes),       cmocka_unit_test(no_outcome),
                cmocka_unit_test(names),         cmocka_unit_test(unmet),
                cmocka_unit_test(by_which),      cmocka_unit_test(reads),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
