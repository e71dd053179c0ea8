/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIME "2026-11-21T18:00:00.123456789Z"
#define D1   "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
#define D2   "z9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
#define S1   "AAAAAAAAAAAAAAAAAAAAAA"

static const struct span digests[] = { SPAN_INIT(D1), SPAN_INIT(D2) };
static const struct span subjects[] = { SPAN_INIT(S1) };

static struct entry_stamp stamp(void)
{
        return (struct entry_stamp){ .host = SPAN("web1"),
                                     .proc = SPAN("sensor"),
                                     .run = 4,
                                     .seq = 8812,
                                     .wall_ns = 1732550000123456789 };
}

/* Crockford digits worked out by hand: ULID of the specification's example is 01ARZ3NDEK for
 * 2016-07-30T23:54:10.259Z = 1469922850259 ms. */
static void ids(void **state)
{
        static const struct {
                int64_t wall_ns;
                uint64_t run, seq;
                const char *want;
        } t[] = {
                { 1469922850259000000, 4, 8812, "01ARZ3NDEK-web1-4-8812" },
                { 1469922850259999999, 0, 0, "01ARZ3NDEK-web1-0-0" },
                { 0, 1, 2, "0000000000-web1-1-2" },
                { 31999999, 1, 2, "000000000Z-web1-1-2" },
                { 32000000, 1, 2, "0000000010-web1-1-2" },
                { -5, 1, 2, "0000000000-web1-1-2" },
                { 0, UINT64_MAX, UINT64_MAX,
                  "0000000000-web1-18446744073709551615-18446744073709551615" },
        };
        char out[ENTRY_ID_MAX + 1], host[ENTRY_HOST_MAX];
        struct entry_stamp s = stamp();

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                s.wall_ns = t[i].wall_ns;
                s.run = t[i].run;
                s.seq = t[i].seq;
                entry_id(&s, out);
                assert_string_equal(out, t[i].want);
        }
        memset(host, 'h', sizeof host);
        s.host = span_of(host, sizeof host);
        entry_id(&s, out);
        assert_int_equal(strlen(out), ENTRY_ID_MAX);
}

static void hosts(void **state)
{
        static const char *const good[] = { "a", "Web-1.example.org", "0" };
        static const char *const bad[] = { "",     "a b", "a_b", "a/b", "\xc3\xa9", "a\n",
                                           "a\"b", "[",   "`",   "@",   "{" };
        char host[ENTRY_HOST_MAX + 1];

        for (size_t i = 0; i < ARRAY_LEN(good); i++)
                assert_true(entry_host_ok(span_str(good[i])));
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_false(entry_host_ok(span_str(bad[i])));
        memset(host, 'h', sizeof host);
        assert_true(entry_host_ok(span_of(host, ENTRY_HOST_MAX)));
        assert_false(entry_host_ok(span_of(host, ENTRY_HOST_MAX + 1)));
}

#define ID  "\"id\":\"01JDJ0DZFV-web1-4-8812\""
#define SRC "\"src\":{\"host\":\"web1\",\"proc\":\"sensor\",\"run\":4,\"seq\":8812}"

static void composes(void **state)
{
        static const struct {
                const char *skeleton;
                size_t n_digests, n_subjects;
                const char *want;
        } t[] = {
                { "{\"k\":\"x.y\",\"t\":\"" TIME "\",\"v\":1}", 0, 0,
                  "{" ID ",\"k\":\"x.y\"," SRC ",\"t\":\"" TIME "\",\"v\":1}" },
                { "{\"k\":\"x.y\",\"t\":\"" TIME
                  "\",\"v\":1,\"what\":{\"path\":\"/etc/hosts\"},\"who\":{\"uid\":0}}",
                  2, 1,
                  "{\"_sd\":[\"" D1 "\",\"" D2 "\"],\"_subj\":[\"" S1 "\"]," ID
                  ",\"k\":\"x.y\"," SRC ",\"t\":\"" TIME
                  "\",\"v\":1,\"what\":{\"path\":\"/etc/hosts\"},\"who\":{\"uid\":0}}" },
                /* Members on either side of each stamped one. */
                { "{\"_a\":1,\"_se\":2,\"_z\":3,\"a\":4,\"ic\":5,\"ie\":6,\"k\":\"x\",\"s\":{\"id\":7,"
                  "\"src\":8},\"srcs\":9,\"t\":\"" TIME "\",\"v\":10}",
                  1, 1,
                  "{\"_a\":1,\"_sd\":[\"" D1 "\"],\"_se\":2,\"_subj\":[\"" S1
                  "\"],\"_z\":3,\"a\":4,\"ic\":5," ID
                  ",\"ie\":6,\"k\":\"x\",\"s\":{\"id\":7,\"src\":8}," SRC
                  ",\"srcs\":9,\"t\":\"" TIME "\",\"v\":10}" },
        };
        struct buf out = BUF_INIT(2000);
        struct entry_stamp s = stamp();
        struct err err;

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                s.digests = digests;
                s.n_digests = t[i].n_digests;
                s.subjects = subjects;
                s.n_subjects = t[i].n_subjects;
                buf_clear(&out);
                buf_put_str(&out, "#");
                assert_int_equal(json_check(span_str(t[i].skeleton), &err), 0);
                assert_int_equal(entry_compose(span_str(t[i].skeleton), &s, &out, &err), 0);
                assert_string_equal(buf_cstr(&out) + 1, t[i].want);
                assert_int_equal(json_check(span_from(buf_span(&out), 1), &err), 0);
        }
        buf_done(&out);
}

static void compose_refuses(void **state)
{
        static const struct {
                const char *skeleton, *want;
        } t[] = {
                { "{\"_sd\":[],\"k\":\"x\",\"t\":\"\",\"v\":1}", "_sd is the recorder's to set" },
                { "{\"_subj\":[],\"k\":\"x\",\"t\":\"\",\"v\":1}",
                  "_subj is the recorder's to set" },
                { "{\"id\":1,\"k\":\"x\",\"t\":\"\",\"v\":1}", "id is the recorder's to set" },
                { "{\"k\":\"x\",\"src\":1,\"t\":\"\",\"v\":1}", "src is the recorder's to set" },
                { "{}", "k is missing" },
                { "{\"t\":\"\",\"v\":1}", "k is missing" },
                { "{\"k\":\"x\"}", "t is missing" },
                { "{\"k\":\"x\",\"v\":1}", "t is missing" },
                { "{\"k\":\"x\",\"t\":\"\"}", "v is missing" },
                { "{\"k\":1,\"t\":\"\",\"v\":1}", "k must be a string" },
                { "{\"k\":\"x\",\"t\":1,\"v\":1}", "t must be a string" },
                { "{\"k\":\"x\",\"t\":\"\",\"v\":\"1\"}", "v must be an integer" },
                { "[1]", "the skeleton is no object" },
        };
        struct buf out = BUF_INIT(2000);
        struct entry_stamp s = stamp();

        buf_put_str(&out, "before");
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct err err = { 0 };

                assert_int_equal(entry_compose(span_str(t[i].skeleton), &s, &out, &err), -EINVAL);
                assert_string_equal(err.text, t[i].want);
                assert_true(span_eq(buf_span(&out), SPAN("before")));
        }
        s.seq = JSON_INT_MAX + 1ull;
        assert_int_equal(entry_compose(SPAN("{\"k\":\"x\",\"t\":\"\",\"v\":1}"), &s, &out, NULL),
                         -EINVAL);
        buf_done(&out);
}

static void compose_is_bounded(void **state)
{
        static const char head[] = "{\"k\":\"x\",\"t\":\"\",\"v\":1,\"what\":\"";
        struct buf skeleton = BUF_INIT(70000), out = BUF_INIT(200000), small = BUF_INIT(100);
        struct entry_stamp s = stamp();
        size_t added = strlen(ID) + strlen(SRC) + 2, pad = ENTRY_MAX - added - strlen(head) - 2;
        struct err err;

        buf_put_str(&skeleton, head);
        for (size_t i = 0; i < pad; i++)
                buf_put_byte(&skeleton, 'x');
        buf_put_str(&skeleton, "\"}");
        assert_int_equal(entry_compose(buf_span(&skeleton), &s, &small, &err), -E2BIG);
        assert_int_equal(small.n, 0);
        assert_int_equal(entry_compose(buf_span(&skeleton), &s, &out, &err), 0);
        assert_int_equal(out.n, ENTRY_MAX);
        skeleton.n -= 2;
        buf_put_str(&skeleton, "x\"}");
        buf_clear(&out);
        assert_int_equal(entry_compose(buf_span(&skeleton), &s, &out, &err), -E2BIG);
        assert_string_equal(err.text, "the entry has 65536 bytes, at most 65535 are recorded");
        assert_int_equal(out.n, 0);
        buf_done(&skeleton);
        buf_done(&out);
        buf_done(&small);
}

static void parses(void **state)
{
        static const char text[] =
                "{\"_sd\":[\"" D1 "\"],\"_subj\":[\"" S1 "\"]," ID ",\"k\":\"x.y\"," SRC
                ",\"t\":\"" TIME "\",\"v\":3,\"what\":{\"a\":1},\"who\":{},\"why\":{\"b\":2}}";
        struct entry e;
        struct err err;

        assert_int_equal(json_check(span_str(text), &err), 0);
        assert_int_equal(entry_parse(span_str(text), &e, &err), 0);
        assert_true(span_eq_str(e.object.raw, text));
        assert_true(span_eq_str(e.id, "01JDJ0DZFV-web1-4-8812"));
        assert_true(span_eq_str(e.kind, "x.y"));
        assert_true(span_eq_str(e.time, TIME));
        assert_true(span_eq_str(e.host, "web1"));
        assert_true(span_eq_str(e.proc, "sensor"));
        assert_int_equal(e.run, 4);
        assert_int_equal(e.seq, 8812);
        assert_int_equal(e.v, 3);
        assert_true(span_eq_str(e.sd.raw, "[\"" D1 "\"]"));
        assert_true(span_eq_str(e.subj.raw, "[\"" S1 "\"]"));
        assert_true(span_eq_str(e.what.raw, "{\"a\":1}"));
        assert_true(span_eq_str(e.who.raw, "{}"));
        assert_true(span_eq_str(e.why.raw, "{\"b\":2}"));

        assert_int_equal(entry_parse(SPAN("{\"a\":1,\"z\":\"\\n\"}"), &e, &err), 0);
        assert_int_equal(e.id.n + e.kind.n + e.time.n + e.host.n + e.proc.n, 0);
        assert_int_equal(e.run, -1);
        assert_int_equal(e.seq, -1);
        assert_int_equal(e.v, 0);
        assert_int_equal(e.sd.raw.n + e.subj.raw.n + e.what.raw.n + e.who.raw.n + e.why.raw.n, 0);
        assert_int_equal(entry_parse(SPAN("{\"src\":{\"seq\":7}}"), &e, &err), 0);
        assert_int_equal(e.run, -1);
        assert_int_equal(e.seq, 7);
}

static void parse_refuses(void **state)
{
        static const struct {
                const char *text, *want;
        } t[] = {
                { "[]", "an entry must be an object" },
                { "{\"_sd\":1}", "_sd must be an array" },
                { "{\"_subj\":{}}", "_subj must be an array" },
                { "{\"id\":5}", "id must be a string without escapes" },
                { "{\"k\":\"a\\nb\"}", "k must be a string without escapes" },
                { "{\"src\":[]}", "src must be an object" },
                { "{\"src\":{\"host\":null}}", "src.host must be a string without escapes" },
                { "{\"src\":{\"proc\":1}}", "src.proc must be a string without escapes" },
                { "{\"src\":{\"run\":\"1\"}}", "src.run must be an integer" },
                { "{\"src\":{\"seq\":true}}", "src.seq must be an integer" },
                { "{\"t\":1}", "t must be a string without escapes" },
                { "{\"v\":\"1\"}", "v must be an integer" },
                { "{\"what\":[]}", "what must be an object" },
                { "{\"who\":\"root\"}", "who must be an object" },
                { "{\"why\":1}", "why must be an object" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct entry e = { .run = 42 };
                struct err err = { 0 };

                assert_int_equal(entry_parse(span_str(t[i].text), &e, &err), -EINVAL);
                assert_string_equal(err.text, t[i].want);
                assert_int_equal(e.run, 42);
        }
}

/* What does not fit is left out, what is around it is not. */
static void read_what_fits(void **state)
{
        struct err err = { 0 };
        struct entry e;
        bool fits;

        assert_int_equal(entry_read(SPAN("{\"id\":5,\"k\":\"a\",\"src\":{\"host\":1,\"run\":3,"
                                         "\"seq\":4},\"t\":\"x\"}"),
                                    &e, &fits, &err),
                         0);
        assert_false(fits);
        assert_string_equal(err.text, "id must be a string without escapes");
        assert_int_equal(e.id.n, 0);
        assert_int_equal(e.host.n, 0);
        assert_true(span_eq_str(e.kind, "a") && span_eq_str(e.time, "x"));
        assert_int_equal(e.run, 3);
        assert_int_equal(e.seq, 4);
        assert_int_equal(entry_read(SPAN("{\"k\":\"a\"}"), &e, &fits, &err), 0);
        assert_true(fits);
        assert_int_equal(entry_read(SPAN("[]"), &e, &fits, &err), -EINVAL);
        assert_true(fits);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(ids),
                cmocka_unit_test(hosts),
                cmocka_unit_test(composes),
                cmocka_unit_test(compose_refuses),
                cmocka_unit_test(compose_is_bounded),
                cmocka_unit_test(parses),
                cmocka_unit_test(parse_refuses),
                cmocka_unit_test(read_what_fits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
