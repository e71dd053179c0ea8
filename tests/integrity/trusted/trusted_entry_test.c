/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/trusted_entry.h"

#include "../sample.h"
#include "integrity/trusted/change.h"
#include "integrity/watching/dirty.h"
#include "integrity/who/who.h"
#include "wire/kind.h"

/* The recorder's own checks accept it. */
static struct json_value check(const struct buf *b)
{
        struct err err = { 0 };

        assert_int_equal(buf_status(b), 0);
        if (json_check(buf_span(b), &err) < 0 ||
            kind_check(buf_span(b), "sensor", NULL, 0, &err) < 0)
                fail_msg("%s: %.*s", err.text, (int)b->n, (const char *)b->p);
        return json_value_of(buf_span(b));
}

static void check_text(struct json_value entry, const char *path, const char *want)
{
        struct json_value v;
        struct span s;

        if (!json_get_path(entry, path, &v))
                fail_msg("no %s", path);
        assert_true(json_value_plain(v, &s));
        assert_true(span_eq_str(s, want));
}

static void test_first(void **state)
{
        static const struct hash root = { .b = { 0xab } };
        struct watchset w = { 0 };
        struct baseline_facts f = {
                .sums = { .files = UINT64_MAX }, .root = &root, .watch = &w, .reason = "first"
        };
        struct buf b = BUF_INIT(CHANGE_TEXT_MAX);
        struct json_value e, v;

        assert_int_equal(watchset_add(&w, SPAN("/a\xff\n"), false, NULL), 0);
        assert_int_equal(watchset_add(&w, SPAN("/a/x"), true, NULL), 0);
        baseline_put(&f, &b);
        e = check(&b);
        check_text(e, "what.reason", "first");
        check_text(e, "what.root",
                   "ab00000000000000000000000000000000000000000000000000000000000000");
        assert_false(json_get_path(e, "what.comment", &v));
        assert_false(json_get_path(e, "who", &v));
        assert_true(json_get_path(e, "what.paths", &v));
        assert_true(span_eq_str(v.raw, "[\"/a\\\\xff\\\\x0a\",\"!/a/x\"]"));
        buf_done(&b);
        watchset_done(&w);
        (void)state;
}

/* Of an entry of the ledger, with what the recorder added: facts are kept, acts are not. */
static void test_again(void **state)
{
        static const char before[] =
                "{\"_sd\":[],\"id\":\"x\",\"k\":\"integrity.baseline\",\"src\":{},"
                "\"t\":\"2026-11-21T18:00:00.000000000Z\",\"v\":1,\"what\":{\"added\":1,\"bytes\":7,"
                "\"comment\":\"CHG-1\",\"files\":3,\"kept\":2,\"not_kept\":0,\"paths\":[\"/a\"],"
                "\"previous_root\":"
                "\"cd00000000000000000000000000000000000000000000000000000000000000\","
                "\"reason\":\"accepted\",\"root\":"
                "\"ab00000000000000000000000000000000000000000000000000000000000000\","
                "\"skipped\":0,\"took_ns\":5,\"unreadable\":1},\"who\":{\"uid\":0}}";
        struct buf b = BUF_INIT(CHANGE_TEXT_MAX);
        struct json_value e, v;

        baseline_put_again(SPAN(before), 0, &b);
        e = check(&b);
        assert_true(json_get(e, "what", &v));
        assert_true(span_eq_str(
                v.raw, "{\"bytes\":7,\"files\":3,\"kept\":2,\"not_kept\":0,\"paths\":[\"/a\"],"
                       "\"reason\":\"succeeded\",\"root\":"
                       "\"ab00000000000000000000000000000000000000000000000000000000000000\","
                       "\"skipped\":0,\"unreadable\":1}"));
        assert_false(json_get_path(e, "who", &v));
        check_text(e, "t", "1970-01-01T00:00:00.000000000Z");
        buf_done(&b);
        (void)state;
}

/* It is known again by these words, in an entry like any other of a change. */
static void test_unrecorded(void **state)
{
        static const struct hash root = { .b = { 0xab } }, other = { .b = { 0xac } };
        char is[BASELINE_UNRECORDED_MAX], again[sizeof is], another[sizeof is];
        struct change c = { .path = SPAN("/s/baseline"),
                            .passed = DIRTY_DELETED,
                            .seen = "start",
                            .existed = true,
                            .unknown = is };
        struct buf b = BUF_INIT(CHANGE_TEXT_MAX);

        baseline_unrecorded(&root, is);
        baseline_unrecorded(&root, again);
        baseline_unrecorded(&other, another);
        assert_string_equal(is, again);
        assert_string_not_equal(is, another);
        assert_non_null(strstr(is, "root ab000000000000000000000000000000000000000000000000000000"
                                   "00000000, nor of any other"));
        assert_non_null(strstr(is, "put back from it")); /* not cut off */
        change_put(&c, &b);
        check_text(check(&b), "who.unknown", is);
        buf_done(&b);
        (void)state;
}

static void test_accepted(void **state)
{
        static const struct hash root = { .b = { 1 } }, previous = { .b = { 2 } };
        struct watchset w = { 0 };
        struct who *who = who_new(42);
        struct baseline_facts f = { .root = &root,
                                    .previous = &previous,
                                    .watch = &w,
                                    .reason = "accepted",
                                    .added = 1,
                                    .changed = 2,
                                    .removed = 3,
                                    .comment = SPAN("CHG-7: \"patch\" day"),
                                    .selected = span_of("/etc\0/usr/bin\0", 14),
                                    .kept = 5,
                                    .not_kept = 6,
                                    .who = who };
        struct buf b = BUF_INIT(CHANGE_TEXT_MAX);
        struct json_value e, v;
        int64_t pid = 0;

        baseline_put(&f, &b);
        e = check(&b);
        check_text(e, "what.previous_root",
                   "0200000000000000000000000000000000000000000000000000000000000000");
        assert_true(json_get_path(e, "what.selected", &v));
        assert_true(span_eq_str(v.raw, "[\"/etc\",\"/usr/bin\"]"));
        assert_true(json_get_path(e, "who.pid", &v) && json_value_int(v, &pid) && pid == 42);
        who_unref(who);
        buf_done(&b);
        (void)state;
}

/* More paths than an entry holds: as many as fit, and how many do not. */
static void test_many_paths(void **state)
{
        static const struct hash root = { .b = { 1 } };
        struct watchset w = { 0 };
        struct buf paths = BUF_INIT(1 << 20), b = BUF_INIT(CHANGE_TEXT_MAX);
        struct baseline_facts f = { .root = &root, .watch = &w, .reason = "accepted" };
        struct json_value e, v;

        f.comment = SPAN("c");
        for (int i = 0; i < 5000; i++) {
                buf_printf(&paths, "/path/number/%06d", i);
                buf_put_byte(&paths, 0);
        }
        f.selected = buf_span(&paths);
        baseline_put(&f, &b);
        e = check(&b);
        assert_true(json_get_path(e, "what.selected", &v));
        assert_non_null(memmem(v.raw.p, v.raw.n, "\"/path/number/000000\",", 22));
        /* 16 KiB hold 862 texts of 19 bytes. */
        assert_non_null(memmem(v.raw.p, v.raw.n, ",\"and 4138 more\"]", 17));
        buf_done(&paths);
        buf_done(&b);
        (void)state;
}

static void test_commands(void **state)
{
        static const char args[] = "{\"paths\":[\"/etc\"],\"reason\":\"r\"}";
        static const struct {
                const char *state, *error;
                int64_t took;
                bool args;
        } rows[] = {
                { "begun", NULL, -1, true },
                { "done", NULL, 5, true },
                { "failed", "no \xff room", 5, false },
                { "refused", "no", 0, false },
        };
        struct buf b = BUF_INIT(CHANGE_TEXT_MAX);
        struct json_value v;

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct command_facts f = { .took_ns = rows[i].took,
                                           .verb = "baseline.accept",
                                           .state = rows[i].state,
                                           .error = rows[i].error,
                                           .unknown = "why" };
                struct json_value e;

                if (rows[i].args)
                        f.args = json_value_of(SPAN(args));
                buf_clear(&b);
                command_put(&f, &b);
                e = check(&b);
                check_text(e, "what.state", rows[i].state);
                check_text(e, "who.unknown", "why");
                assert_int_equal(json_get_path(e, "what.took_ns", &v), rows[i].took >= 0);
                assert_int_equal(json_get_path(e, "what.arguments.reason", &v), rows[i].args);
                assert_int_equal(json_get_path(e, "what.error", &v), rows[i].error != NULL);
        }
        buf_done(&b);
        (void)state;
}

/* What does not fit is told by its length. */
static void test_long_arguments(void **state)
{
        struct command_facts f = { .verb = "v", .state = "done", .unknown = "w" };
        struct buf args = BUF_INIT(1 << 20), b = BUF_INIT(CHANGE_TEXT_MAX);
        struct json_value e, v;
        int64_t n = 0;

        buf_put_str(&args, "{\"a\":\"");
        for (int i = 0; i < 100000; i++)
                buf_put_byte(&args, 'x');
        buf_put_str(&args, "\"}");
        f.args = json_value_of(buf_span(&args));
        command_put(&f, &b);
        e = check(&b);
        assert_true(json_get_path(e, "what.arguments_bytes", &v) && json_value_int(v, &n));
        assert_int_equal(n, 100008);
        assert_false(json_get_path(e, "what.arguments", &v));
        buf_done(&args);
        buf_done(&b);
        (void)state;
}

static void test_reread(void **state)
{
        static const struct reread_facts f = {
                .wall_ns = 9, .from_ns = 1, .period_s = 86400, .files = UINT64_MAX
        };
        struct buf b = BUF_INIT(CHANGE_TEXT_MAX);

        reread_put(&f, &b);
        check_text(check(&b), "what.from", "1970-01-01T00:00:00.000000001Z");
        buf_done(&b);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_first),    cmocka_unit_test(test_unrecorded),
                cmocka_unit_test(test_accepted), cmocka_unit_test(test_many_paths),
                cmocka_unit_test(test_commands), cmocka_unit_test(test_long_arguments),
                cmocka_unit_test(test_reread),   cmocka_unit_test(test_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
