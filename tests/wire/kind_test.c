/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIME    "2026-11-21T18:00:00.123456789Z"
#define HASH    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD(k) "{\"k\":\"" k "\",\"t\":\"" TIME "\",\"v\":1"

/* What kind_find() and kind_check() rely on, and what a published table promises. */
static void table_is_in_order(void **state)
{
        for (size_t i = 0; i < kind_count; i++) {
                const struct kind *k = &kind_table[i], *before = k - 1;

                if (i > 0) {
                        int c = strcmp(before->name, k->name);

                        if (c > 0 || (c == 0 && before->v >= k->v))
                                fail_msg("%s v%d is not behind %s", k->name, k->v, before->name);
                }
                assert_true(k->v >= 1);
                assert_non_null(strchr(k->name, '.'));
                assert_true(strlen(k->about) > 0 && k->about[strlen(k->about) - 1] == '.');
        }
}

static void fields_are_in_order(void **state)
{
        for (size_t i = 0; i < kind_count; i++) {
                assert_in_range(kind_table[i].n_fields, 1, KIND_FIELDS_MAX);
                assert_null(kind_table[i].fields[kind_table[i].n_fields].path);
                for (const struct kind_field *f = kind_table[i].fields; f->path; f++) {
                        assert_true(strncmp(f->path, "what.", 5) == 0 ||
                                    strncmp(f->path, "who.", 4) == 0 ||
                                    strncmp(f->path, "why.", 4) == 0);
                        assert_true(strlen(f->about) > 0);
                        assert_true(!(f->flags & KIND_BYTES) || f->type == KIND_TEXT);
                        if (!f[1].path)
                                continue;
                        if (strcmp(f->path, f[1].path) >= 0)
                                fail_msg("%s: %s is not behind %s", kind_table[i].name, f[1].path,
                                         f->path);
                }
        }
}

static void finds_each(void **state)
{
        for (size_t i = 0; i < kind_count; i++)
                assert_ptr_equal(kind_find(span_str(kind_table[i].name), kind_table[i].v),
                                 &kind_table[i]);
        assert_null(kind_find(SPAN("integrity.change"), 0));
        assert_null(kind_find(SPAN("integrity.change"), 2));
        assert_null(kind_find(SPAN("integrity.chang"), 1));
        assert_null(kind_find(SPAN("integrity.changes"), 1));
        assert_null(kind_find(SPAN(""), 1));
        assert_null(kind_find(SPAN("a"), 1));
        assert_null(kind_find(SPAN("z"), 1));
}

static const struct span names[] = { SPAN_INIT("who.user"), SPAN_INIT("who.cmdline_b64"),
                                     SPAN_INIT("who.tty") };

static void accepts(void **state)
{
        static const struct {
                const char *proc, *skeleton;
                size_t n_sensitive;
        } t[] = {
                { "recorder", HEAD("ledger.full") ",\"what\":{\"size\":7}}", 0 },
                { "recorder",
                  HEAD("ledger.full") ",\"what\":{\"free\":\"18446744073709551615\","
                                      "\"size\":\"7\"}}",
                  0 },
                { "recorder",
                  HEAD("host.clock") ",\"what\":{\"after\":\"" TIME "\",\"before\":\"" TIME
                                     "\",\"jump_ns\":-5}}",
                  0 },
                { "sensor",
                  HEAD("integrity.change") ",\"what\":{\"change\":\"modified\",\"new_mode\":\"0644\","
                                           "\"new_sha256\":\"" HASH "\",\"old_sha256\":\"" HASH
                                           "\",\"path\":\"/etc/hosts\",\"seen\":\"live\"},"
                                           "\"who\":{\"exe\":\"/usr/bin/vi\",\"pid\":17,\"uid\":0},"
                                           "\"why\":{\"state\":\"unexplained\"}}",
                  3 },
                { "sensor",
                  HEAD("integrity.change") ",\"what\":{\"change\":\"renamed\",\"from_b64\":\"/w==\","
                                           "\"path_b64\":\"L/8=\",\"seen\":\"live\"},"
                                           "\"why\":{\"state\":\"volatile\"}}",
                  0 },
                { "sensor",
                  HEAD("integrity.sensor") ",\"what\":{\"event\":\"started\",\"fallbacks\":"
                                           "[[\"/x\",\"poll\"]],\"version\":\"0.1\"},"
                                           "\"who\":{}}",
                  0 },
                { "monitor",
                  HEAD("state.trouble") ",\"what\":{\"event\":\"faults\",\"table\":\"x\"},"
                                        "\"who\":{}}",
                  0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct err err = { 0 };
                int r;

                assert_int_equal(json_check(span_str(t[i].skeleton), &err), 0);
                r = kind_check(span_str(t[i].skeleton), t[i].proc, names, t[i].n_sensitive, &err);
                if (i == ARRAY_LEN(t) - 1) {
                        /* An empty part that the kind does not have is still unknown. */
                        assert_int_equal(r, -EINVAL);
                        assert_string_equal(err.text,
                                            "state.trouble v1: \"who\" is not a field of it");
                } else if (r < 0) {
                        fail_msg("%s: %s", t[i].skeleton, err.text);
                }
        }
}

#define CHANGE(what, rest)                                                                         \
        HEAD("integrity.change") ",\"what\":{" what "}" rest ",\"why\":{\"state\":\"volatile\"}}"
#define GOOD "\"change\":\"created\",\"path\":\"/x\",\"seen\":\"live\""

static void refuses(void **state)
{
        static const struct {
                int code;
                const char *proc, *skeleton, *want;
        } t[] = {
                { -EACCES, "sensor", HEAD("ledger.full") ",\"what\":{\"size\":7}}",
                  "ledger.full belongs to recorder, not to sensor" },
                { -EINVAL, "sensor", HEAD("no.such") "}", "k: unknown kind \"no.such\" v1" },
                { -EINVAL, "recorder", "{\"k\":\"ledger.full\",\"t\":\"" TIME "\",\"v\":2}",
                  "k: unknown kind \"ledger.full\" v2" },
                { -EINVAL, "sensor", "{}", "k is missing or no plain string" },
                { -EINVAL, "sensor", "{\"k\":1}", "k is missing or no plain string" },
                { -EINVAL, "sensor", "{\"k\":\"a\\n\"}", "k is missing or no plain string" },
                { -EINVAL, "sensor", "{\"k\":\"x\",\"v\":1}",
                  "t is missing or no time (RFC 3339, UTC, nine decimals)" },
                { -EINVAL, "sensor", "{\"k\":\"x\",\"t\":\"2026-11-21T18:00:00Z\",\"v\":1}",
                  "t is missing or no time (RFC 3339, UTC, nine decimals)" },
                { -EINVAL, "sensor", "{\"k\":\"x\",\"t\":\"" TIME "\"}",
                  "v is missing or no integer" },
                { -EINVAL, "sensor", "{\"k\":\"x\",\"t\":\"" TIME "\",\"v\":\"1\"}",
                  "v is missing or no integer" },
                { -EINVAL, "sensor", "[]", "an entry must be an object" },
                { -EINVAL, "recorder", HEAD("ledger.full") "}",
                  "ledger.full v1: what.size is missing" },
                { -EINVAL, "recorder", HEAD("ledger.full") ",\"what\":{}}",
                  "ledger.full v1: what.size is missing" },
                { -EINVAL, "recorder", HEAD("ledger.full") ",\"what\":7}",
                  "ledger.full v1: \"what\" is not a field of it" },
                { -EINVAL, "recorder", HEAD("ledger.full") ",\"what\":{\"size\":-7}}",
                  "ledger.full v1: what.size must be an unsigned integer or its decimal string" },
                { -EINVAL, "recorder", HEAD("ledger.full") ",\"what\":{\"size\":\"07\"}}",
                  "ledger.full v1: what.size must be an unsigned integer or its decimal string" },
                { -EINVAL, "recorder", HEAD("ledger.full") ",\"what\":{\"size\":7,\"sizf\":1}}",
                  "ledger.full v1: \"what.sizf\" is not a field of it" },
                { -EINVAL, "recorder", HEAD("ledger.full") ",\"what\":{\"siz\":1,\"size\":7}}",
                  "ledger.full v1: \"what.siz\" is not a field of it" },
                { -EINVAL, "recorder", HEAD("ledger.full") ",\"what\":{\"size\":7},\"x\":1}",
                  "ledger.full v1: \"x\" is not a field of it" },
                { -EINVAL, "recorder",
                  "{\"a\":1,\"k\":\"ledger.full\",\"t\":\"" TIME
                  "\",\"v\":1,\"what\":{\"size\":7}}",
                  "ledger.full v1: \"a\" is not a field of it" },
                { -EINVAL, "recorder", HEAD("ledger.full") ",\"wha\":{\"size\":7}}",
                  "ledger.full v1: \"wha\" is not a field of it" },
                { -EINVAL, "sensor", CHANGE("\"change\":\"created\",\"seen\":\"live\"", ""),
                  "integrity.change v1: what.path is missing" },
                { -EINVAL, "sensor", HEAD("integrity.change") ",\"what\":{" GOOD "}}",
                  "integrity.change v1: why.state is missing" },
                { -EINVAL, "sensor", CHANGE(GOOD, ",\"who\":{\"user\":\"root\"}"),
                  "integrity.change v1: who.user is sensitive and may not stand in the entry" },
                { -EINVAL, "sensor", CHANGE(GOOD, ",\"who\":{\"cmdline_b64\":\"/w==\"}"),
                  "integrity.change v1: who.cmdline_b64 is sensitive and may not stand in the entry" },
                { -EINVAL, "sensor", CHANGE(GOOD, ",\"who\":{\"user_b64\":\"/w==\"}"),
                  "integrity.change v1: \"who.user_b64\" is not a field of it" },
                { -EINVAL, "sensor", CHANGE(GOOD, ",\"who\":{\"pid\":\"1\"}"),
                  "integrity.change v1: who.pid must be an integer" },
                { -EINVAL, "sensor", CHANGE(GOOD, ",\"who\":[]"),
                  "integrity.change v1: \"who\" is not a field of it" },
                { -EINVAL, "sensor", CHANGE("\"change\":1,\"path\":\"/\",\"seen\":\"live\"", ""),
                  "integrity.change v1: what.change must be a string" },
                { -EINVAL, "sensor", CHANGE("\"change\":\"c\",\"new_sha256\":\"AB\"", ""),
                  "integrity.change v1: what.new_sha256 must be 64 lower-case hexadecimal digits" },
                { -EINVAL, "sensor", CHANGE("\"change\":\"c\",\"new_mtime\":\"today\"", ""),
                  "integrity.change v1: what.new_mtime must be a time (RFC 3339, UTC, nine decimals)" },
                { -EINVAL, "sensor", CHANGE("\"change\":\"c\",\"differs\":{}", ""),
                  "integrity.change v1: what.differs must be an array" },
                { -EINVAL, "sensor", CHANGE("\"change\":\"c\",\"path_b64\":\"L/9=\"", ""),
                  "integrity.change v1: what.path_b64 must be base64" },
                { -EINVAL, "sensor", CHANGE("\"change\":\"c\",\"path_b64\":[]", ""),
                  "integrity.change v1: what.path_b64 must be base64" },
                { -EINVAL, "sensor",
                  CHANGE("\"change\":\"c\",\"path\":\"/\",\"path_b64\":\"L/8=\"", ""),
                  "integrity.change v1: what.path is given twice, plain and as _b64" },
                { -EINVAL, "recorder",
                  HEAD("ledger.peer") ",\"what\":{\"event\":\"gone\","
                                      "\"resumed\":1}}",
                  "ledger.peer v1: what.resumed must be true or false" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct err err = { 0 };

                assert_int_equal(json_check_value(span_str(t[i].skeleton), &err), 0);
                assert_int_equal(kind_check(span_str(t[i].skeleton), t[i].proc, NULL, 0, &err),
                                 t[i].code);
                assert_string_equal(err.text, t[i].want);
        }
}

static void sensitive_names(void **state)
{
        static const struct {
                struct span name[2];
                size_t n;
                const char *want; /* NULL: fine */
        } t[] = {
                { { SPAN_INIT("who.user"), SPAN_INIT("who.address") }, 2, NULL },
                { { SPAN_INIT("who.cmdline") }, 1, NULL },
                { { SPAN_INIT("who.cmdline_b64") }, 1, NULL },
                { { SPAN_INIT("who.pid") },
                  1,
                  "integrity.change v1: who.pid is not a sensitive field of it" },
                { { SPAN_INIT("who.nose") },
                  1,
                  "integrity.change v1: \"who.nose\" is not a field of it" },
                { { SPAN_INIT("who.user_b64") },
                  1,
                  "integrity.change v1: \"who.user_b64\" is not a field of it" },
                { { SPAN_INIT("") }, 1, "integrity.change v1: \"\" is not a field of it" },
                { { SPAN_INIT("who.cmdline\0") },
                  1,
                  "integrity.change v1: \"who.cmdline\" is not a field of it" },
                { { SPAN_INIT("who.cmdline\0and what lies behind it") },
                  1,
                  "integrity.change v1: \"who.cmdline\" is not a field of it" },
                { { SPAN_INIT("who.user"), SPAN_INIT("who.user") },
                  2,
                  "integrity.change v1: who.user is given twice" },
                { { SPAN_INIT("who.cmdline"), SPAN_INIT("who.cmdline_b64") },
                  2,
                  "integrity.change v1: who.cmdline is given twice" },
        };
        static const char skeleton[] = CHANGE(GOOD, "");

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct err err = { 0 };

                assert_int_equal(kind_check(span_str(skeleton), "sensor", t[i].name, t[i].n, &err),
                                 t[i].want ? -EINVAL : 0);
                assert_string_equal(err.text, t[i].want ? t[i].want : "");
        }
}

/* Long base64 is judged in pieces; a bad digit in any of them counts. */
static void long_base64(void **state)
{
        for (size_t n = 4; n <= 260; n += 4) {
                for (size_t bad = 0; bad <= n; bad++) {
                        char b64[300], text[1000];
                        struct err err;

                        memset(b64, 'A', n);
                        b64[n] = '\0';
                        if (bad < n)
                                b64[bad] = '=';
                        snprintf(
                                text, sizeof text,
                                HEAD("integrity.change") ",\"what\":{\"change\":\"c\",\"path_b64\":"
                                                         "\"%s\",\"seen\":\"live\"},\"why\":"
                                                         "{\"state\":\"volatile\"}}",
                                b64);
                        assert_int_equal(kind_check(span_str(text), "sensor", NULL, 0, &err),
                                         bad == n || bad == n - 1 ? 0 : -EINVAL);
                }
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(table_is_in_order), cmocka_unit_test(fields_are_in_order),
                cmocka_unit_test(finds_each),        cmocka_unit_test(accepts),
                cmocka_unit_test(refuses),           cmocka_unit_test(sensitive_names),
                cmocka_unit_test(long_base64),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
