/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "base/text.h"

enum { SHOWN_MAX = 4096 };

/* As "[a][b]/ n=v; m=w;": the slash is one at the end. */
static const char *show(const struct target *t, struct buf *out)
{
        buf_clear(out);
        for (uint32_t i = 0; i < t->n_segments; i++) {
                buf_put_byte(out, '[');
                buf_put(out, t->segments[i]);
                buf_put_byte(out, ']');
        }
        buf_put_str(out, t->slash ? "/" : "");
        for (uint32_t i = 0; i < t->n_pairs; i++) {
                buf_put_byte(out, ' ');
                buf_put(out, t->pairs[i].name);
                buf_put_byte(out, '=');
                buf_put(out, t->pairs[i].value);
                buf_put_byte(out, ';');
        }
        return buf_cstr(out);
}

static int read_target(struct span raw, struct arena *arena, struct target *t, struct refusal *r)
{
        *r = (struct refusal){ 0 };
        memset(t, 0xa5, sizeof *t);
        return target_read(raw, arena, t, r);
}

static void targets_are_read(void **state)
{
        static const struct {
                const char *raw, *want;
        } table[] = {
                { "/", "/" },
                { "/?", "/" },
                { "/a", "[a]" },
                { "/a/", "[a]/" },
                { "/a/b/c", "[a][b][c]" },
                { "/ADMIN", "[ADMIN]" },
                { "/a.b/..c/d../...", "[a.b][..c][d..][...]" },
                { "/a:b@c!$&'()*+,=-._~", "[a:b@c!$&'()*+,=-._~]" },
                { "/a%20b", "[a b]" },
                { "/%C3%A9/%c3%a9", "[\xc3\xa9][\xc3\xa9]" },
                { "/%41%2C%2b%3D", "[A,+=]" },
                { "/a?x=1&y=2", "[a] x=1; y=2;" },
                { "/a?x=1&x=2&x=1", "[a] x=1; x=2; x=1;" },
                { "/a?x", "[a] x=;" },
                { "/a?x=", "[a] x=;" },
                { "/a?x=y=z", "[a] x=y=z;" },
                { "/a?&x=1&&y=2&", "[a] x=1; y=2;" },
                { "/a?x=1+2%2B3", "[a] x=1 2+3;" },
                { "/a?a+b=c", "[a] a b=c;" },
                { "/a?x=a;b=c", "[a] x=a;b=c;" },
                { "/a?x=1?y=2/../b", "[a] x=1?y=2/../b;" },
                { "/a?x=%26y%3D2%23", "[a] x=&y=2#;" },
                { "/a?x=%2e%2F%5c%25%3B", "[a] x=./\\%;;" },
                { "/a?f[x]=1&f%5By%5D={|}^`", "[a] f[x]=1; f[y]={|}^`;" },
                { "/a?x=%0D%0A%09", "[a] x=\r\n\t;" },
                { "/a?x=%F0%9F%98%80", "[a] x=\xf0\x9f\x98\x80;" },
        };
        CLEANUP(buf_done) struct buf out = BUF_INIT(SHOWN_MAX);
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
        struct target t;
        struct refusal r;

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                if (read_target(span_str(table[i].raw), &arena, &t, &r) < 0)
                        fail_msg("%s: %s", table[i].raw, r.text);
                assert_string_equal(show(&t, &out), table[i].want);
        }
}

static void targets_are_refused(void **state)
{
        static const struct {
                struct span raw;
                const char *why;
        } table[] = {
                { SPAN_INIT(""), "no path" },
                { SPAN_INIT("*"), "no path" },
                { SPAN_INIT("a"), "no path" },
                { SPAN_INIT("?a"), "no path" },
                { SPAN_INIT("http://a/b"), "no path" },
                { SPAN_INIT("a.example:443"), "no path" },
                { SPAN_INIT("\\a"), "no path" },
                { SPAN_INIT("%2fa"), "no path" },
                { SPAN_INIT("//"), "two slashes" },
                { SPAN_INIT("//admin"), "two slashes" },
                { SPAN_INIT("/a//b"), "two slashes" },
                { SPAN_INIT("/a//"), "two slashes" },
                { SPAN_INIT("/."), "dots" },
                { SPAN_INIT("/./a"), "dots" },
                { SPAN_INIT("/a/.."), "dots" },
                { SPAN_INIT("/a/../b"), "dots" },
                { SPAN_INIT("/a/../"), "dots" },
                { SPAN_INIT("/x/..;/admin"), "0x3b as it is" },
                { SPAN_INIT("/a;b=c"), "0x3b as it is" },
                { SPAN_INIT("/;"), "0x3b as it is" },
                { SPAN_INIT("/x/..%3b/admin"), "0x3b, escaped" },
                { SPAN_INIT("/a\\b"), "0x5c as it is" },
                { SPAN_INIT("/a%5Cb"), "0x5c, escaped" },
                { SPAN_INIT("/x/%2e%2e/admin"), "0x2e, escaped" },
                { SPAN_INIT("/x/%2E/admin"), "0x2e, escaped" },
                { SPAN_INIT("/x/.%2e/admin"), "0x2e, escaped" },
                { SPAN_INIT("/a%2ehtml"), "0x2e, escaped" },
                { SPAN_INIT("/x/%252e%252e/admin"), "0x25, escaped" },
                { SPAN_INIT("/x%2f..%2fadmin"), "0x2f, escaped" },
                { SPAN_INIT("/a%3Fb"), "0x3f, escaped" },
                { SPAN_INIT("/a%23b"), "0x23, escaped" },
                { SPAN_INIT("/a%00"), "0x00, escaped" },
                { SPAN_INIT("/a%0d%0aX:y"), "0x0d, escaped" },
                { SPAN_INIT("/a%7f"), "0x7f, escaped" },
                { SPAN_INIT("/a#b"), "0x23 as it is" },
                { SPAN_INIT("/a?b#c"), "query: byte 0x23 as it is" },
                { SPAN_INIT("/a b"), "0x20 as it is" },
                { SPAN_INIT("/a\tb"), "0x09 as it is" },
                { SPAN_INIT("/a\0b"), "0x00 as it is" },
                { SPAN_INIT("/a\xc3\xa9"), "0xc3 as it is" },
                { SPAN_INIT("/a?x=\xc3\xa9"), "query: byte 0xc3 as it is" },
                { SPAN_INIT("/a?x=a\\b"), "query: byte 0x5c as it is" },
                { SPAN_INIT("/a?x=<b>"), "query: byte 0x3c as it is" },
                { SPAN_INIT("/a?x=1 HTTP/1.1\r\nHost: b"), "query: byte 0x20 as it is" },
                { SPAN_INIT("/a?x=1\n"), "query: byte 0x0a as it is" },
                { SPAN_INIT("/%"), "without two hexadecimal" },
                { SPAN_INIT("/%2"), "without two hexadecimal" },
                { SPAN_INIT("/%g0"), "without two hexadecimal" },
                { SPAN_INIT("/%%41"), "without two hexadecimal" },
                { SPAN_INIT("/%u0041"), "without two hexadecimal" },
                { SPAN_INIT("/a?x=%4"), "query: a \"%\" without" },
                { SPAN_INIT("/a?%=1"), "query: a \"%\" without" },
                { SPAN_INIT("/%ff"), "no UTF-8" },
                { SPAN_INIT("/%c0%af"), "no UTF-8" },
                { SPAN_INIT("/%c0%ae%c0%ae/admin"), "no UTF-8" },
                { SPAN_INIT("/%ed%a0%80"), "no UTF-8" },
                { SPAN_INIT("/a?x=%e0%80%af"), "query: no UTF-8" },
                { SPAN_INIT("/a?x=%00"), "query: byte 0x00, escaped" },
                { SPAN_INIT("/a?x=%1b"), "query: byte 0x1b, escaped" },
                { SPAN_INIT("/a?=1"), "a value without a name" },
                { SPAN_INIT("/a?="), "a value without a name" },
                { SPAN_INIT("/a?x=1&=2"), "a value without a name" },
        };
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
        struct target t;
        struct refusal r;

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                int rc = read_target(table[i].raw, &arena, &t, &r);

                if (rc != -EACCES || r.reason != REFUSED_TARGET || !strstr(r.text, table[i].why))
                        fail_msg("%.*s: %d, \"%s\", not \"%s\"", (int)table[i].raw.n,
                                 (const char *)table[i].raw.p, rc, r.text, table[i].why);
        }
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* Each byte, as it is and escaped, against what RFC 3986 lists (2.3, 3.3, 3.4). */
static void every_byte_is_decided(void **state)
{
        static const char path[] = LETTERS "-._~!$&'()*+,=:@%/?",
                          query[] = LETTERS "-._~!$&'()*+,;=:@/?[]{}|^`%";
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 24);
        struct target t;
        struct refusal r;

        for (unsigned c = 0; c < 256; c++) {
                char in_path[] = "/ab?", in_query[] = "/a?x=b", escaped[16];
                bool control = c < ' ' || c == 0x7f, blank = c == '\t' || c == '\r' || c == '\n';

                in_path[2] = (char)c;
                assert_int_equal(read_target(span_of(in_path, 4), &arena, &t, &r) == 0,
                                 c && c != '%' && strchr(path, (int)c));
                in_query[5] = (char)c;
                assert_int_equal(read_target(span_of(in_query, 6), &arena, &t, &r) == 0,
                                 c && c != '%' && strchr(query, (int)c));
                snprintf(escaped, sizeof escaped, "/a%%%02X", c);
                assert_int_equal(read_target(span_str(escaped), &arena, &t, &r) == 0,
                                 c < 0x80 && !control && !strchr("/\\;%?#.", (int)c));
                snprintf(escaped, sizeof escaped, "/a?x=%%%02x", c);
                assert_int_equal(read_target(span_str(escaped), &arena, &t, &r) == 0,
                                 c < 0x80 && (!control || blank));
        }
}

/* n times `part` behind `head`. */
static struct span repeat(struct buf *out, const char *head, const char *part, size_t n)
{
        buf_clear(out);
        buf_put_str(out, head);
        for (size_t i = 0; i < n; i++)
                buf_put_str(out, part);
        assert_int_equal(buf_status(out), 0);
        return buf_span(out);
}

static void there_are_ceilings(void **state)
{
        static const struct {
                const char *head, *part;
                size_t n;
                bool fits;
        } table[] = {
                { "", "/a", TARGET_SEGMENTS_MAX, true },
                { "", "/a", TARGET_SEGMENTS_MAX + 1, false },
                { "/?", "&a", TARGET_PAIRS_MAX, true },
                { "/?", "&a", TARGET_PAIRS_MAX + 1, false },
                { "/", "a", TARGET_MAX - 1, true },
                { "/", "a", TARGET_MAX, false },
                { "/?", "&", TARGET_MAX - 2, true },
        };
        CLEANUP(buf_done) struct buf raw = BUF_INIT(2 * TARGET_MAX);
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
        struct target t;
        struct refusal r;

        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                assert_int_equal(read_target(repeat(&raw, table[i].head, table[i].part, table[i].n),
                                             &arena, &t, &r),
                                 table[i].fits ? 0 : -EACCES);
}

static void texts_are_escaped(void **state)
{
        static const struct {
                struct span text;
                const char *segment, *word;
        } table[] = {
                { SPAN_INIT(""), "", "" },
                { SPAN_INIT(LETTERS "-._~"), LETTERS "-._~", LETTERS "-._~" },
                { SPAN_INIT("a/b?c#d%;"), "a%2Fb%3Fc%23d%25%3B", "a%2Fb%3Fc%23d%25%3B" },
                { SPAN_INIT("things:batch"), "things%3Abatch", "things:batch" },
                { SPAN_INIT("a,b+c=d"), "a%2Cb%2Bc%3Dd", "a,b+c=d" },
                { SPAN_INIT("\0\n\xff\xc3\xa9 "), "%00%0A%FF%C3%A9%20", "%00%0A%FF%C3%A9%20" },
        };
        CLEANUP(buf_done) struct buf out = BUF_INIT(SHOWN_MAX);

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                buf_clear(&out);
                target_put_segment(&out, table[i].text);
                assert_string_equal(buf_cstr(&out), table[i].segment);
                buf_clear(&out);
                target_put_query(&out, table[i].text);
                assert_string_equal(buf_cstr(&out), table[i].segment);
                buf_clear(&out);
                target_put_word(&out, table[i].text);
                assert_string_equal(buf_cstr(&out), table[i].word);
        }
}

static void no_memory_is_told(void **state)
{
        static const struct span raw = SPAN_INIT("/a%20b?c%20d=e%20f");
        size_t nth;
        int rc = -ENOMEM;

        for (nth = 1; rc == -ENOMEM; nth++) {
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
                struct target t;
                struct refusal r;

                alloc_fail_nth = nth;
                rc = read_target(raw, &arena, &t, &r);
                alloc_fail_nth = 0;
        }
        assert_int_equal(rc, 0);
        assert_true(nth > 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(targets_are_read),      cmocka_unit_test(targets_are_refused),
                cmocka_unit_test(every_byte_is_decided), cmocka_unit_test(there_are_ceilings),
                cmocka_unit_test(texts_are_escaped),     cmocka_unit_test(no_memory_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
