/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json.h"

#include "../alloc_fail.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- check ---- */

static void accepts_canonical(void **state)
{
        static const struct span t[] = {
                SPAN_INIT("{}"),
                SPAN_INIT("{\"a\":1}"),
                SPAN_INIT(
                        "{\"_\":0,\"a\":-1,\"a0\":9007199254740991,\"a_\":-9007199254740991,\"b\":10}"),
                SPAN_INIT("{\"a\":[],\"b\":{},\"c\":[[],{}],\"d\":[1,\"x\",null,true,false]}"),
                SPAN_INIT("{\"a\":\"\"}"),
                SPAN_INIT("{\"a\":\"/ \x7f \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"}"),
                SPAN_INIT("{\"a\":\"\\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f\\u000b\"}"),
                SPAN_INIT("{\"_sd\":1,\"_subj\":2,\"id\":3,\"k\":4}"),
        };
        struct err err;

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                assert_int_equal(json_check(t[i], &err), 0);
                assert_int_equal(json_check_value(t[i], &err), 0);
                for (size_t n = 0; n < t[i].n; n++)
                        assert_int_equal(json_check(span_of(t[i].p, n), NULL), -EINVAL);
        }
        assert_int_equal(json_check_value(SPAN("\"x\""), &err), 0);
        assert_int_equal(json_check_value(SPAN("[{\"a\":1},{\"a\":1}]"), &err), 0);
        assert_int_equal(json_check_value(SPAN("-5"), &err), 0);
        assert_int_equal(json_check_value(SPAN("null"), &err), 0);
}

static void refuses_with_the_byte(void **state)
{
        static const struct {
                struct span in;
                const char *want;
        } t[] = {
                { SPAN_INIT(""), "byte 0: the input ends where an object should be" },
                { SPAN_INIT("[]"), "byte 0: '[' where an object should be" },
                { SPAN_INIT("1"), "byte 0: '1' where an object should be" },
                { SPAN_INIT(" {}"), "byte 0: blank between tokens" },
                { SPAN_INIT("\xef\xbb\xbf{}"), "byte 0: 0xef where an object should be" },
                { SPAN_INIT("{} "), "byte 2: more bytes behind the value" },
                { SPAN_INIT("{}{}"), "byte 2: more bytes behind the value" },
                { SPAN_INIT("{"), "byte 1: the input ends where a key should be" },
                { SPAN_INIT("{ }"), "byte 1: blank between tokens" },
                { SPAN_INIT("{\"a\" :1}"), "byte 4: blank between tokens" },
                { SPAN_INIT("{\"a\":\n1}"), "byte 5: blank between tokens" },
                { SPAN_INIT("{\"a\":1 }"), "byte 6: blank between tokens" },
                { SPAN_INIT("{\"a\":[1, 2]}"), "byte 8: blank between tokens" },
                { SPAN_INIT("{\"a\":1,}"), "byte 7: '}' where a key should be" },
                { SPAN_INIT("{\"a\":[1,]}"), "byte 8: ']' where a value should be" },
                { SPAN_INIT("{\"a\":[1}"), "byte 7: '}' where a comma or ] should be" },
                { SPAN_INIT("{\"a\":1]"), "byte 6: ']' where a comma or } should be" },
                { SPAN_INIT("{\"a\"}"), "byte 4: '}' where a colon should be" },
                { SPAN_INIT("{\"a\":}"), "byte 5: '}' where a value should be" },
                { SPAN_INIT("{a:1}"), "byte 1: 'a' where a key should be" },
                { SPAN_INIT("{\"\":1}"), "byte 2: a key must match [a-z_][a-z0-9_]*" },
                { SPAN_INIT("{\"0a\":1}"), "byte 2: a key must match [a-z_][a-z0-9_]*" },
                { SPAN_INIT("{\"aB\":1}"), "byte 3: a key must match [a-z_][a-z0-9_]*" },
                { SPAN_INIT("{\"a.b\":1}"), "byte 3: a key must match [a-z_][a-z0-9_]*" },
                { SPAN_INIT("{\"a\\u0062\":1}"), "byte 3: a key must match [a-z_][a-z0-9_]*" },
                { SPAN_INIT("{\"a\":1,\"a\":2}"), "byte 7: duplicate key \"a\"" },
                { SPAN_INIT("{\"b\":1,\"a\":2}"), "byte 7: keys must ascend: \"a\" after \"b\"" },
                { SPAN_INIT("{\"ab\":1,\"a\":2}"), "byte 8: keys must ascend: \"a\" after \"ab\"" },
                { SPAN_INIT("{\"a\":{\"c\":1,\"b\":2}}"),
                  "byte 12: keys must ascend: \"b\" after \"c\"" },
                { SPAN_INIT("{\"a\":1.5}"),
                  "byte 6: a fraction is not allowed (restricted JCS has integers only)" },
                { SPAN_INIT("{\"a\":56.0}"),
                  "byte 7: a fraction is not allowed (restricted JCS has integers only)" },
                { SPAN_INIT("{\"a\":1e3}"),
                  "byte 6: an exponent is not allowed (restricted JCS has integers only)" },
                { SPAN_INIT("{\"a\":0E0}"),
                  "byte 6: an exponent is not allowed (restricted JCS has integers only)" },
                { SPAN_INIT("{\"a\":-0}"), "byte 5: minus zero" },
                { SPAN_INIT("{\"a\":01}"), "byte 5: a number with a leading zero" },
                { SPAN_INIT("{\"a\":-01}"), "byte 5: a number with a leading zero" },
                { SPAN_INIT("{\"a\":00000000000000000000}"),
                  "byte 5: a number with a leading zero" },
                { SPAN_INIT("{\"a\":-}"), "byte 6: '}' where a digit should be" },
                { SPAN_INIT("{\"a\":+1}"), "byte 5: '+' where a value should be" },
                { SPAN_INIT("{\"a\":.5}"), "byte 5: '.' where a value should be" },
                { SPAN_INIT("{\"a\":1a}"), "byte 6: 'a' where a comma or } should be" },
                { SPAN_INIT("{\"a\":9007199254740992}"),
                  "byte 5: an integer beyond 2^53-1 (write it as a string)" },
                { SPAN_INIT("{\"a\":-9007199254740992}"),
                  "byte 5: an integer beyond 2^53-1 (write it as a string)" },
                { SPAN_INIT("{\"a\":18446744073709551617}"),
                  "byte 5: an integer beyond 2^53-1 (write it as a string)" },
                { SPAN_INIT("{\"a\":NaN}"), "byte 5: 'N' where a value should be" },
                { SPAN_INIT("{\"a\":tru}"), "byte 5: 't' where a value should be" },
                { SPAN_INIT("{\"a\":nullx}"), "byte 9: 'x' where a comma or } should be" },
                { SPAN_INIT("{\"a\":'x'}"), "byte 5: ''' where a value should be" },
                { SPAN_INIT("{\"a\":\"x}"), "byte 8: the input ends inside a string" },
                { SPAN_INIT("{\"a\":\"\\"), "byte 7: the input ends inside an escape" },
                { SPAN_INIT("{\"a\":\"a\tb\"}"), "byte 7: a raw control character (0x09)" },
                { SPAN_INIT("{\"a\":\"0123456789\0\"}"),
                  "byte 16: a raw control character (0x00)" },
                { SPAN_INIT("{\"a\":\"\\/\"}"), "byte 6: an escape that is not needed (/)" },
                { SPAN_INIT("{\"a\":\"\\x41\"}"), "byte 6: an unknown escape" },
                { SPAN_INIT("{\"a\":\"\\\0\"}"), "byte 6: an unknown escape" },
                { SPAN_INIT("{\"a\":\"\\u0041\"}"),
                  "byte 6: an escape that is not needed (U+0041)" },
                { SPAN_INIT("{\"a\":\"\\u0022\"}"),
                  "byte 6: an escape that is not needed (U+0022)" },
                { SPAN_INIT("{\"a\":\"\\u007f\"}"),
                  "byte 6: an escape that is not needed (U+007F)" },
                { SPAN_INIT("{\"a\":\"\\u20ac\"}"),
                  "byte 6: an escape that is not needed (U+20AC)" },
                { SPAN_INIT("{\"a\":\"\\u000a\"}"), "byte 6: U+000A has a short escape" },
                { SPAN_INIT("{\"a\":\"\\u001F\"}"), "byte 6: an escape in upper case" },
                { SPAN_INIT("{\"a\":\"\\u001\"}"), "byte 6: \\u without four hexadecimal digits" },
                { SPAN_INIT("{\"a\":\"\\ud83d\\ude02\"}"),
                  "byte 6: a surrogate escape (write the character itself)" },
                { SPAN_INIT("{\"a\":\"\\udead\"}"),
                  "byte 6: a surrogate escape (write the character itself)" },
                { SPAN_INIT("{\"a\":\"x\xff\"}"), "byte 7: not UTF-8" },
                { SPAN_INIT("{\"a\":\"\xc0\x80\"}"), "byte 6: not UTF-8" },
                { SPAN_INIT("{\"a\":\"\xed\xa0\x80\"}"), "byte 6: not UTF-8" },
                { SPAN_INIT("{\"a\":\"\xe2\x82\"}"), "byte 6: not UTF-8" },
                { SPAN_INIT("{\"a\":\"12345678\xf4\x90\x80\x80\"}"), "byte 14: not UTF-8" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct err err = { 0 };

                if (json_check(t[i].in, &err) != -EINVAL)
                        fail_msg("accepted: %s", (const char *)t[i].in.p);
                assert_string_equal(err.text, t[i].want);
                assert_int_equal(err.code, -EINVAL);
        }
}

static void depth_is_bounded(void **state)
{
        char in[2 * JSON_DEPTH_MAX + 32];
        struct err err;
        int n;

        n = snprintf(in, sizeof in, "{\"a\":%.*s%.*s}", JSON_DEPTH_MAX - 1,
                     "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", JSON_DEPTH_MAX - 1,
                     "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
        assert_int_equal(json_check(span_of(in, (size_t)n), &err), 0);
        n = snprintf(in, sizeof in, "{\"a\":%.*s%.*s}", JSON_DEPTH_MAX,
                     "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", JSON_DEPTH_MAX,
                     "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
        assert_int_equal(json_check(span_of(in, (size_t)n), &err), -E2BIG);
        assert_string_equal(err.text, "byte 36: deeper than 32 levels");
}

/* A string's scan takes eight bytes a step: the offending byte at each distance from both ends. */
static void every_alignment_of_a_string(void **state)
{
        static const uint8_t bad[] = { 0x00, 0x1f, 0x80, 0xff, '\\', '"' };
        uint8_t in[64];

        for (size_t n = 1; n < 40; n++) {
                for (size_t at = 0; at < n; at++) {
                        for (size_t b = 0; b < sizeof bad; b++) {
                                in[0] = '"';
                                memset(in + 1, 0x7f, n);
                                in[n + 1] = '"';
                                assert_int_equal(json_check_value(span_of(in, n + 2), NULL), 0);
                                in[1 + at] = bad[b];
                                assert_int_equal(json_check_value(span_of(in, n + 2), NULL),
                                                 -EINVAL);
                        }
                        in[1 + at] = '!'; /* one above the blank, beside the quote */
                        assert_int_equal(json_check_value(span_of(in, n + 2), NULL), 0);
                }
        }
}

/* ---- canonicalize ---- */

static void makes_canonical(void **state)
{
        static const struct {
                unsigned flags;
                struct span in;
                const char *want;
        } t[] = {
                { 0, SPAN_INIT("{}"), "{}" },
                { 0, SPAN_INIT(" \t\r\n{ } \n"), "{}" },
                { 0, SPAN_INIT("[ ]"), "[]" },
                { 0, SPAN_INIT("{\"b\" : 1 , \"a\":[ 1 , true,false , null ]}"),
                  "{\"a\":[1,true,false,null],\"b\":1}" },
                { 0,
                  SPAN_INIT(
                          "{\"c\":{\"y\":1,\"x\":2},\"b\":{\"a\":1},\"a\":{\"b\":{\"d\":0,\"c\":1}}}"),
                  "{\"a\":{\"b\":{\"c\":1,\"d\":0}},\"b\":{\"a\":1},\"c\":{\"x\":2,\"y\":1}}" },
                { 0, SPAN_INIT("{\"a_\":1,\"a0\":2,\"a\":3,\"_\":4}"),
                  "{\"_\":4,\"a\":3,\"a0\":2,\"a_\":1}" },
                { 0, SPAN_INIT("{\"\\u0062\":1,\"a\":2}"), "{\"a\":2,\"b\":1}" },
                { 0, SPAN_INIT("\"\\/\\u0041\\u000A\\u000b\\u001F\\u007f\\u0022\\u005c\\b\""),
                  "\"/A\\n\\u000b\\u001f\x7f\\\"\\\\\\b\"" },
                { 0, SPAN_INIT("\"\\u00e9\\u20AC\\ud83d\\uDE02\""),
                  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x82\"" },
                { 0, SPAN_INIT("-12"), "-12" },
                /* U+1F600 is two units, d83d de00, and sorts before U+FB33; by byte it would not.
                 */
                { JSON_ANY_KEY, SPAN_INIT("{\"\xef\xac\xb3\":1,\"\xf0\x9f\x98\x80\":2}"),
                  "{\"\xf0\x9f\x98\x80\":2,\"\xef\xac\xb3\":1}" },
                /* Unescaped order: U+000A before the quote before A. */
                { JSON_ANY_KEY, SPAN_INIT("{\"A\":1,\"\\\"\":2,\"\\n\":3,\"\":4}"),
                  "{\"\":4,\"\\n\":3,\"\\\"\":2,\"A\":1}" },
                { JSON_ANY_KEY, SPAN_INIT("{\"\\\\\":1,\"Z\":2,\"]\":3,\"\\u0001\":4}"),
                  "{\"\\u0001\":4,\"Z\":2,\"\\\\\":1,\"]\":3}" },
        };
        struct buf out = BUF_INIT(1000);
        struct err err;

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                buf_clear(&out);
                buf_put_str(&out, "before");
                if (json_canonicalize(t[i].in, t[i].flags, &out, &err) < 0)
                        fail_msg("%s: %s", (const char *)t[i].in.p, err.text);
                assert_string_equal(buf_cstr(&out) + 6, t[i].want);
                assert_memory_equal(out.p, "before", 6);
        }
        buf_done(&out);
}

static void canonicalize_refuses(void **state)
{
        static const struct {
                unsigned flags;
                struct span in;
                int code;
                const char *want;
        } t[] = {
                { 0, SPAN_INIT(""), -EINVAL, "byte 0: the input ends where a value should be" },
                { 0, SPAN_INIT("{\"a\":1,\"b\":2,\"a\":3}"), -EINVAL,
                  "byte 13: duplicate key \"a\"" },
                { 0, SPAN_INIT("{\"a\":1,\"\\u0061\":3}"), -EINVAL, "byte 7: duplicate key \"a\"" },
                { JSON_ANY_KEY, SPAN_INIT("{\"\\u000a\":1,\"\\n\":3}"), -EINVAL,
                  "byte 12: duplicate key \"\\n\"" },
                { 0, SPAN_INIT("{\"A\":1}"), -EINVAL, "byte 1: a key must match [a-z_][a-z0-9_]*" },
                { 0, SPAN_INIT("{\"\":1}"), -EINVAL, "byte 1: a key must match [a-z_][a-z0-9_]*" },
                { 0, SPAN_INIT("[1.0]"), -EINVAL,
                  "byte 2: a fraction is not allowed (restricted JCS has integers only)" },
                { 0, SPAN_INIT("[1E2]"), -EINVAL,
                  "byte 2: an exponent is not allowed (restricted JCS has integers only)" },
                { 0, SPAN_INIT("[-0]"), -EINVAL, "byte 1: minus zero" },
                { 0, SPAN_INIT("[9007199254740992]"), -EINVAL,
                  "byte 1: an integer beyond 2^53-1 (write it as a string)" },
                { 0, SPAN_INIT("[1 2]"), -EINVAL, "byte 3: '2' where a comma or ] should be" },
                { 0, SPAN_INIT("[1,]"), -EINVAL, "byte 3: ']' where a value should be" },
                { 0, SPAN_INIT("{\"a\":1,}"), -EINVAL, "byte 7: '}' where a key should be" },
                { 0, SPAN_INIT("{\"a\" 1}"), -EINVAL, "byte 5: '1' where a colon should be" },
                { 0, SPAN_INIT("[1] x"), -EINVAL, "byte 4: more bytes behind the value" },
                { 0, SPAN_INIT("\"\\ud83d\""), -EINVAL, "byte 1: a lone surrogate escape" },
                { 0, SPAN_INIT("\"\\ud83dx\\ude02\""), -EINVAL, "byte 1: a lone surrogate escape" },
                { 0, SPAN_INIT("\"\\ude02\\ud83d\""), -EINVAL, "byte 1: a lone surrogate escape" },
                { 0, SPAN_INIT("\"\\ud83d\\u0041\""), -EINVAL, "byte 1: a lone surrogate escape" },
                { 0, SPAN_INIT("\"\\u12g4\""), -EINVAL,
                  "byte 1: \\u without four hexadecimal digits" },
                { 0, SPAN_INIT("\"a\\q\""), -EINVAL, "byte 2: an unknown escape" },
                { 0, SPAN_INIT("\"a\nb\""), -EINVAL, "byte 2: a raw control character (0x0a)" },
                { 0, SPAN_INIT("\"a\xff\""), -EINVAL, "byte 2: not UTF-8" },
                { 0, SPAN_INIT("\"a"), -EINVAL, "byte 2: the input ends inside a string" },
                { 0, SPAN_INIT("// c\n1"), -EINVAL, "byte 0: '/' where a value should be" },
                { 0,
                  SPAN_INIT("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
                  -E2BIG, "byte 32: deeper than 32 levels" },
        };
        struct buf out = BUF_INIT(1000);
        struct err err;

        buf_put_str(&out, "before");
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                assert_int_equal(json_canonicalize(t[i].in, t[i].flags, &out, &err), t[i].code);
                assert_string_equal(err.text, t[i].want);
                assert_true(span_eq(buf_span(&out), SPAN("before")));
        }
        buf_done(&out);
}

static void canonicalize_is_bounded(void **state)
{
        struct buf out = BUF_INIT(8), big = BUF_INIT(JSON_FREE_MAX + 1);
        struct err err;
        uint8_t *p;

        assert_int_equal(json_canonicalize(SPAN("[1,2,3,4,5]"), 0, &out, &err), -E2BIG);
        assert_int_equal(out.n, 0);
        buf_done(&out);
        p = buf_extend(&big, JSON_FREE_MAX + 1);
        assert_non_null(p);
        memset(p, ' ', JSON_FREE_MAX + 1);
        p[0] = '1';
        out = BUF_INIT(8);
        assert_int_equal(json_canonicalize(buf_span(&big), 0, &out, &err), -E2BIG);
        assert_int_equal(json_canonicalize(span_of(p, JSON_FREE_MAX), 0, &out, &err), 0);
        buf_done(&out);
        /* The most members that fit: none may be lost to a ceiling of our own. */
        p[0] = '{';
        for (size_t i = 0; i < JSON_FREE_MAX / 5; i++)
                memcpy(p + 1 + 5 * i, "\"\":1,", 5);
        out = BUF_INIT(JSON_FREE_MAX);
        assert_int_equal(
                json_canonicalize(span_of(p, JSON_FREE_MAX / 5 * 5), JSON_ANY_KEY, &out, &err),
                -EINVAL);
        p[JSON_FREE_MAX / 5 * 5] = '}';
        assert_int_equal(
                json_canonicalize(span_of(p, JSON_FREE_MAX / 5 * 5 + 1), JSON_ANY_KEY, &out, &err),
                -EINVAL);
        assert_non_null(strstr(err.text, "duplicate key \"\""));
        buf_done(&out);
        buf_done(&big);
}

static void canonicalize_survives_failing_allocation(void **state)
{
        static const struct span in = SPAN_INIT("{\"b\":{\"d\":1,\"c\":[\"\\u0041\"]},\"a\":null}");
        size_t failures = 0;

        for (size_t nth = 1;; nth++) {
                struct buf out = BUF_INIT(1000);
                struct err err;
                int r;

                alloc_fail_nth = nth;
                r = json_canonicalize(in, 0, &out, &err);
                alloc_fail_nth = 0;
                assert_int_equal(out.n, r < 0 ? 0 : 32);
                buf_done(&out);
                if (r == 0)
                        break;
                assert_int_equal(r, -ENOMEM);
                failures++;
        }
        assert_int_equal(failures, 3); /* out, members, sorted */
}

/* ---- the public vectors ---- */

static struct span load(const char *dir, const char *sub, const char *name, char *text, size_t max)
{
        char path[4096];
        size_t n;
        FILE *f;

        snprintf(path, sizeof path, "%s/jcs/%s/%s", dir, sub, name);
        f = fopen(path, "rb");
        if (!f)
                fail_msg("%s cannot be read", path);
        n = fread(text, 1, max, f);
        fclose(f);
        assert_true(n > 0 && n < max);
        return span_of(text, n);
}

static size_t from_hex_words(struct span s, uint8_t *out)
{
        char text[4096], *at = text, *end;
        size_t n = 0;

        memcpy(text, s.p, s.n);
        text[s.n] = '\0';
        for (;; at = end) {
                unsigned long v = strtoul(at, &end, 16);

                if (end == at)
                        return n;
                out[n++] = (uint8_t)v;
        }
}

static void jcs_vectors(void **state)
{
        static const struct {
                const char *name, *hex, *refused;
        } t[] = {
                { "arrays.json", "arrays.txt", NULL },
                { "french.json", "french.txt", NULL },
                { "unicode.json", "unicode.txt", NULL },
                { "weird.json", "weird.txt", NULL },
                /* The point of 56.0 and of 333333333.33333329, each in line 2. */
                { "structures.json", "structures.txt", "byte 43: a fraction" },
                { "values.json", "values.txt", "byte 25: a fraction" },
        };
        const char *dir = getenv("ASSAY_DATA");
        char in_text[4096], want_text[4096], hex_text[4000];
        uint8_t hex[4096];

        if (!dir) {
                print_message("jcs_vectors: skipped, ASSAY_DATA is not set\n");
                skip();
        }
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct span in = load(dir, "input", t[i].name, in_text, sizeof in_text);
                struct span want = load(dir, "output", t[i].name, want_text, sizeof want_text);
                struct span words = load(dir, "outhex", t[i].hex, hex_text, sizeof hex_text);
                struct buf out = BUF_INIT(4096);
                struct err err = { 0 };
                int r = json_canonicalize(in, JSON_ANY_KEY, &out, &err);

                if (t[i].refused) {
                        assert_int_equal(r, -EINVAL);
                        assert_memory_equal(err.text, t[i].refused, strlen(t[i].refused));
                } else {
                        assert_int_equal(r, 0);
                        assert_true(span_eq(buf_span(&out), want));
                        assert_true(
                                span_eq(buf_span(&out), span_of(hex, from_hex_words(words, hex))));
                }
                buf_done(&out);
        }
}

/* ---- read ---- */

static const char doc[] = "{\"a\":[1,\"x\",[],{}],\"b\":{\"c\":{\"d\":-7},\"e\":\"q\\\"]}\\\\\"},"
                          "\"f\":true,\"g\":false,\"h\":null,\"i\":\"\\u0001\\n\xc3\xa9\"}";

static void walks_members_and_items(void **state)
{
        static const struct {
                const char *key, *raw;
                enum json_type type;
        } want[] = {
                { "a", "[1,\"x\",[],{}]", JSON_ARRAY },
                { "b", "{\"c\":{\"d\":-7},\"e\":\"q\\\"]}\\\\\"}", JSON_OBJECT },
                { "f", "true", JSON_TRUE },
                { "g", "false", JSON_FALSE },
                { "h", "null", JSON_NULL },
                { "i", "\"\\u0001\\n\xc3\xa9\"", JSON_STRING },
        };
        static const char *const items[] = { "1", "\"x\"", "[]", "{}" };
        struct json_value object = json_value_of(span_str(doc)), v;
        struct json_iter it = json_iter_of(object);
        struct span key;
        size_t n = 0;

        assert_int_equal(json_check(span_str(doc), NULL), 0);
        for (; json_next(&it, &key, &v); n++) {
                assert_true(n < ARRAY_LEN(want));
                assert_true(span_eq_str(key, want[n].key));
                assert_true(span_eq_str(v.raw, want[n].raw));
                assert_int_equal(v.type, want[n].type);
        }
        assert_int_equal(n, ARRAY_LEN(want));
        assert_false(json_next(&it, &key, &v));
        assert_true(json_get(object, "a", &v));
        it = json_iter_of(v);
        for (n = 0; json_next(&it, NULL, &v); n++)
                assert_true(span_eq_str(v.raw, items[n]));
        assert_int_equal(n, ARRAY_LEN(items));
        it = json_iter_of(json_value_of(SPAN("{}")));
        assert_false(json_next(&it, &key, &v));
}

static void gets_by_key_and_path(void **state)
{
        struct json_value object = json_value_of(span_str(doc)), v, item[3];
        struct buf text = BUF_INIT(100);
        struct span plain;
        int64_t n = 0;

        assert_true(json_get_path(object, "b.c.d", &v));
        assert_true(json_value_int(v, &n));
        assert_int_equal(n, -7);
        assert_false(json_get_path(object, "b.c.x", &v));
        assert_false(json_get_path(object, "b.e.x", &v));
        assert_false(json_get_path(object, "x.c", &v));
        assert_false(json_get(object, "", &v));
        assert_true(json_get_path(object, "b.e", &v));
        assert_false(json_value_int(v, &n));
        assert_false(json_value_plain(v, &plain));
        assert_true(json_value_text(v, &text));
        assert_string_equal(buf_cstr(&text), "q\"]}\\");
        buf_clear(&text);
        assert_true(json_get(object, "i", &v));
        assert_true(json_value_text(v, &text));
        assert_string_equal(buf_cstr(&text), "\x01\n\xc3\xa9");
        assert_true(json_value_plain(json_value_of(SPAN("\"\xc3\xa9\"")), &plain));
        assert_true(span_eq_str(plain, "\xc3\xa9"));
        assert_true(json_value_plain(json_value_of(SPAN("\"\"")), &plain));
        assert_int_equal(plain.n, 0);
        assert_true(json_value_items(json_value_of(SPAN("[1,\"a\",[]]")), item, 3));
        assert_int_equal(item[0].type, JSON_INT);
        assert_int_equal(item[2].type, JSON_ARRAY);
        assert_false(json_value_items(json_value_of(SPAN("[1,2]")), item, 3));
        assert_false(json_value_items(json_value_of(SPAN("[1,2,3,4]")), item, 3));
        assert_true(json_value_items(json_value_of(SPAN("[]")), item, 0));
        assert_false(json_value_items(json_value_of(SPAN("[1]")), item, 0));
        assert_false(json_value_items(json_value_of(SPAN("{\"a\":1}")), item, 1));
        assert_false(json_value_items(json_value_of(SPAN("null")), item, 0));
        assert_false(json_value_text(json_value_of(SPAN("1")), &text));
        assert_false(json_value_plain(json_value_of(SPAN("null")), &plain));
        assert_true(json_value_int(json_value_of(SPAN("-9007199254740991")), &n));
        assert_true(n == -JSON_INT_MAX);
        buf_done(&text);
}

/* ---- write ---- */

static void writes_canonical(void **state)
{
        struct buf out = BUF_INIT(1000);
        struct json_writer w;
        struct err err;

        json_writer_init(&w, &out);
        json_begin_object(&w);
        json_put_key(&w, "a");
        json_begin_array(&w);
        json_put_int(&w, -JSON_INT_MAX);
        json_put_int(&w, 0);
        json_put_u64(&w, JSON_INT_MAX);
        json_put_u64(&w, JSON_INT_MAX + 1ull);
        json_put_u64(&w, UINT64_MAX);
        json_begin_object(&w);
        json_end_object(&w);
        json_put_raw(&w, SPAN("[1]"));
        json_end_array(&w);
        json_put_key(&w, "b");
        json_put_bool(&w, true);
        json_put_key(&w, "c");
        json_begin_object(&w);
        json_put_key(&w, "a");
        json_put_bool(&w, false);
        json_end_object(&w);
        json_put_key(&w, "d");
        json_put_null(&w);
        json_put_key(&w, "e");
        json_put_string(&w, SPAN("a\"\\\b\t\n\f\r\x0b\x7f/\xc3\xa9\0z"));
        json_put_bytes(&w, "path", SPAN("/etc/h\xc3\xb6st"));
        json_put_bytes(&w, "path2", SPAN("/\xff"));
        json_put_bytes(&w, "q", SPAN_NONE);
        json_end_object(&w);
        assert_string_equal(
                buf_cstr(&out),
                "{\"a\":[-9007199254740991,0,9007199254740991,\"9007199254740992\","
                "\"18446744073709551615\",{},[1]],\"b\":true,\"c\":{\"a\":false},"
                "\"d\":null,\"e\":\"a\\\"\\\\\\b\\t\\n\\f\\r\\u000b\x7f/\xc3\xa9\\u0000z\","
                "\"path\":\"/etc/h\xc3\xb6st\",\"path2_b64\":\"L/8=\",\"q\":\"\"}");
        assert_int_equal(json_check(buf_span(&out), &err), 0);
        buf_done(&out);
}

static void writes_members(void **state)
{
        struct buf out = BUF_INIT(1000);
        struct json_writer w;

        json_writer_init(&w, &out);
        json_begin_object(&w);
        json_member_bool(&w, "a", false);
        json_member_int(&w, "b", -7);
        json_member_raw(&w, "c", SPAN("[{}]"));
        json_member_string(&w, "d", SPAN("x\0y"));
        json_member_text(&w, "e", "caf\xc3\xa9 \"1\"");
        json_member_time(&w, "f", 1782345678000000009); /* date -u -d @1782345678 */
        json_member_u64(&w, "g", UINT64_MAX);
        json_member_u64(&w, "h", 7);
        json_end_object(&w);
        assert_string_equal(
                buf_cstr(&out),
                "{\"a\":false,\"b\":-7,\"c\":[{}],\"d\":\"x\\u0000y\","
                "\"e\":\"caf\xc3\xa9 \\\"1\\\"\",\"f\":\"2026-06-25T00:01:18.000000009Z\","
                "\"g\":\"18446744073709551615\",\"h\":7}");
        buf_done(&out);
}

static void a_full_buf_sticks(void **state)
{
        for (size_t max = 0; max < 20; max++) {
                struct buf out = BUF_INIT(max);
                struct json_writer w;

                json_writer_init(&w, &out);
                json_begin_object(&w);
                json_put_key(&w, "aaa");
                json_put_int(&w, 12345);
                json_put_key(&w, "b");
                json_begin_array(&w);
                json_put_string(&w, SPAN("x"));
                json_end_array(&w);
                json_end_object(&w);
                assert_int_equal(buf_status(&out), -E2BIG);
                buf_done(&out);
        }
}

/* Each misuse must end the process: an assert, run in a child. */
static void misuse(unsigned which)
{
        struct buf out = BUF_INIT(1000);
        struct json_writer w;

        json_writer_init(&w, &out);
        if (which == 0) {
                json_put_int(&w, 1);
                json_put_int(&w, 2);
                return;
        }
        json_begin_object(&w);
        switch (which) {
        case 1:
                json_put_int(&w, 1);
                break;
        case 2:
                json_put_key(&w, "b");
                json_put_int(&w, 1);
                json_put_key(&w, "a");
                break;
        case 3:
                json_put_key(&w, "a");
                json_put_int(&w, 1);
                json_put_key(&w, "a");
                break;
        case 4:
                json_put_key(&w, "a");
                json_end_object(&w);
                break;
        case 5:
                json_put_key(&w, "a");
                json_put_key(&w, "b");
                break;
        case 6:
                json_end_array(&w);
                break;
        case 7:
                json_put_key(&w, "A");
                break;
        case 8:
                json_put_key(&w, "a");
                json_put_string(&w, SPAN("\xff"));
                break;
        case 9:
                json_member_int(&w, "a", JSON_INT_MAX + 1);
                break;
        default:
                break;
        }
        json_end_object(&w);
}

static void misuse_asserts(void **state)
{
        for (unsigned which = 0; which < 10; which++) {
                int status;
                pid_t pid = fork();

                assert_true(pid >= 0);
                if (pid == 0) {
                        int fd = open("/dev/null", O_WRONLY);

                        signal(SIGABRT, SIG_DFL);
                        dup2(fd, STDERR_FILENO);
                        misuse(which);
                        _exit(0);
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
                        fail_msg("misuse %u was not caught", which);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(accepts_canonical),
                cmocka_unit_test(refuses_with_the_byte),
                cmocka_unit_test(depth_is_bounded),
                cmocka_unit_test(every_alignment_of_a_string),
                cmocka_unit_test(makes_canonical),
                cmocka_unit_test(canonicalize_refuses),
                cmocka_unit_test(canonicalize_is_bounded),
                cmocka_unit_test(canonicalize_survives_failing_allocation),
                cmocka_unit_test(jcs_vectors),
                cmocka_unit_test(walks_members_and_items),
                cmocka_unit_test(gets_by_key_and_path),
                cmocka_unit_test(writes_canonical),
                cmocka_unit_test(writes_members),
                cmocka_unit_test(a_full_buf_sticks),
                cmocka_unit_test(misuse_asserts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
