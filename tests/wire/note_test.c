/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/note.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define DASH "\xe2\x80\x94 "
#define B5   "AAAAAAE=" /* 4 + 1 bytes */

/* As note_parse sees it in the field: exact size, so that a sanitizer sees an over-read. */
static int parse(struct span s, struct note *ret, struct err *err)
{
        static uint8_t *copy;

        free(copy);
        copy = malloc(s.n ? s.n : 1);
        assert_non_null(copy);
        memcpy(copy, s.p, s.n);
        return note_parse(span_of(copy, s.n), ret, err);
}

static void good_notes(void **state)
{
        static const struct {
                struct span in, text;
                size_t sigs;
        } rows[] = {
                { SPAN_INIT("a\n\n" DASH "k " B5 "\n"), SPAN_INIT("a\n"), 1 },
                { SPAN_INIT("a\nb\n\n" DASH "k " B5 "\n" DASH "l " B5 "\n"), SPAN_INIT("a\nb\n"),
                  2 },
                /* blank lines in the text: split at the last one */
                { SPAN_INIT("a\n\nb\n\n" DASH "k " B5 "\n"), SPAN_INIT("a\n\nb\n"), 1 },
                /* a text that looks like a signature */
                { SPAN_INIT("a\n\n" DASH "k " B5 "\n\n" DASH "l " B5 "\n"),
                  SPAN_INIT("a\n\n" DASH "k " B5 "\n"), 1 },
                { SPAN_INIT("\n\n" DASH "k " B5 "\n"), SPAN_INIT("\n"), 1 },
                { SPAN_INIT("\xc3\xa9\n\n" DASH "\xc3\xa9.example/x " B5 "\n"),
                  SPAN_INIT("\xc3\xa9\n"), 1 },
                { SPAN_INIT("a\x7f\n\n" DASH "k " B5 "\n"), SPAN_INIT("a\x7f\n"), 1 },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct note_sig sig;
                struct span rest;
                struct note n;
                size_t sigs = 0;

                assert_int_equal(parse(rows[i].in, &n, NULL), 0);
                assert_true(span_eq(n.text, rows[i].text));
                assert_int_equal(n.n_sigs, rows[i].sigs);
                for (rest = n.sigs; note_next_sig(&rest, &sig); sigs++) {
                        assert_int_equal(sig.sig_n, 1);
                        assert_int_equal(sig.sig[0], 1);
                        assert_memory_equal(sig.keyid, "\0\0\0\0", 4);
                }
                assert_int_equal(sigs, rows[i].sigs);
        }
}

static void malformed_notes(void **state)
{
        static const struct {
                const char *what;
                struct span in;
                const char *says;
        } rows[] = {
                { "nothing", SPAN_INIT(""), "no blank line" },
                { "no signature at all", SPAN_INIT("a\n"), "no blank line" },
                { "no signature line", SPAN_INIT("a\n\n"), "no signature" },
                { "no newline at the end", SPAN_INIT("a\n\n" DASH "k " B5), "no newline" },
                { "no blank line", SPAN_INIT("a\n" DASH "k " B5 "\n"), "no blank line" },
                { "blank line at the end", SPAN_INIT("a\n\n" DASH "k " B5 "\n\n"), "no signature" },
                { "hyphen for dash", SPAN_INIT("a\n\n- k " B5 "\n"), "em dash" },
                { "en dash", SPAN_INIT("a\n\n\xe2\x80\x93 k " B5 "\n"), "em dash" },
                { "no blank after the dash", SPAN_INIT("a\n\n\xe2\x80\x94k " B5 "\n"), "em dash" },
                { "two blanks", SPAN_INIT("a\n\n" DASH " k " B5 "\n"), "name" },
                { "blank before the base64", SPAN_INIT("a\n\n" DASH "k  " B5 "\n"), "base64" },
                { "no name", SPAN_INIT("a\n\n" DASH B5 "\n"), "no blank" },
                { "name with plus", SPAN_INIT("a\n\n" DASH "k+l " B5 "\n"), "name" },
                { "name with no-break space", SPAN_INIT("a\n\n" DASH "k\xc2\xa0l " B5 "\n"),
                  "name" },
                { "name with line separator", SPAN_INIT("a\n\n" DASH "k\xe2\x80\xa8l " B5 "\n"),
                  "name" },
                { "no base64", SPAN_INIT("a\n\n" DASH "k \n"), "shorter" },
                { "only a key ID", SPAN_INIT("a\n\n" DASH "k AAAAAA==\n"), "shorter" },
                { "pad bits set", SPAN_INIT("a\n\n" DASH "k AAAAAAF=\n"), "base64" },
                { "no padding", SPAN_INIT("a\n\n" DASH "k AAAAAAE\n"), "base64" },
                { "too much padding", SPAN_INIT("a\n\n" DASH "k AAAAAAE==\n"), "base64" },
                { "url alphabet", SPAN_INIT("a\n\n" DASH "k AAAAAA-_\n"), "base64" },
                { "trailing blank", SPAN_INIT("a\n\n" DASH "k " B5 " \n"), "base64" },
                { "carriage return", SPAN_INIT("a\n\n" DASH "k " B5 "\r\n"), "control character" },
                { "tab in the text", SPAN_INIT("a\tb\n\n" DASH "k " B5 "\n"), "control character" },
                { "zero byte", SPAN_INIT("a\0b\n\n" DASH "k " B5 "\n"), "control character" },
                { "not UTF-8", SPAN_INIT("a\xff\n\n" DASH "k " B5 "\n"), "UTF-8" },
                { "surrogate", SPAN_INIT("a\xed\xa0\x80\n\n" DASH "k " B5 "\n"), "UTF-8" },
                { "second line bad", SPAN_INIT("a\n\n" DASH "k " B5 "\nx\n"), "signature 2" },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct note n = { .n_sigs = 77 };
                struct err err = { 0 };

                if (parse(rows[i].in, &n, &err) != -EBADMSG || !strstr(err.text, rows[i].says))
                        fail_msg("%s: %d %s", rows[i].what, err.code, err.text);
                assert_int_equal(n.n_sigs, 77);
        }
}

static void signature_counts(void **state)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 20);
        struct note n;
        struct err err;

        buf_put_str(&b, "a\n\n");
        for (size_t i = 1; i <= NOTE_SIGS_MAX + 1; i++) {
                note_put_sig(&b, SPAN("some.example/key"), (const uint8_t *)"abcd", SPAN("s"));
                assert_int_equal(buf_status(&b), 0);
                assert_int_equal(note_parse(buf_span(&b), &n, &err),
                                 i <= NOTE_SIGS_MAX ? 0 : -EBADMSG);
                if (i <= NOTE_SIGS_MAX)
                        assert_int_equal(n.n_sigs, i);
        }
        assert_non_null(strstr(err.text, "one too many"));
        buf_clear(&b);
        while (b.n <= NOTE_MAX)
                buf_put_str(&b, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n");
        buf_put_str(&b, "\n" DASH "k " B5 "\n");
        assert_int_equal(note_parse(buf_span(&b), &n, &err), -EBADMSG);
}

static void written_lines_parse(void **state)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 20);
        uint8_t sig[NOTE_SIG_MAX];
        struct note_sig got;
        struct note n;

        memset(sig, 0xa5, sizeof sig);
        buf_put_str(&b, "a\n\n");
        note_put_sig(&b, SPAN("k"), (const uint8_t *)"\x01\x02\x03\x04", span_of(sig, sizeof sig));
        assert_int_equal(note_parse(buf_span(&b), &n, NULL), 0);
        assert_true(note_next_sig(&n.sigs, &got));
        assert_int_equal(got.sig_n, sizeof sig);
        assert_memory_equal(got.sig, sig, sizeof sig);
        assert_memory_equal(got.keyid, "\x01\x02\x03\x04", 4);
        assert_false(note_next_sig(&n.sigs, &got));
}

static void names(void **state)
{
        char longest[NOTE_NAME_MAX + 2];

        memset(longest, 'a', sizeof longest);
        assert_true(note_name_ok(span_of(longest, NOTE_NAME_MAX)));
        assert_false(note_name_ok(span_of(longest, NOTE_NAME_MAX + 1)));
        assert_true(note_name_ok(SPAN("example.com/log")));
        assert_true(note_name_ok(SPAN("\xf0\x9f\x90\xa7")));
        assert_false(note_name_ok(SPAN("")));
        assert_false(note_name_ok(SPAN("a b")));
        assert_false(note_name_ok(SPAN("a+b")));
        assert_false(note_name_ok(SPAN("a\x7f")));
        assert_false(note_name_ok(SPAN("a\xc2\x85")));
        assert_false(note_name_ok(SPAN("\xe3\x80\x80")));
        assert_false(note_name_ok(SPAN("\xe1\x9a\x80")));
        assert_false(note_name_ok(SPAN("a\xc3")));
}

static const char tessera_vkey[] =
        "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

static void vkeys(void **state)
{
        static const char *const bad[] = {
                "",
                "name",
                "name+33d7b496",
                "+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx",
                "na me+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx",
                "name+33D7B496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx",
                "name+33d7b49+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx",
                "name+33d7b4961+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx",
                "name+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkS",
                "name+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx\n",
                "name+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkg==",
                "name+33d7b496+",
                "name+33d7b496+AQ==",
                "name+33d7b496+BgEC",
        };
        CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
        struct note_vkey k;

        assert_int_equal(note_vkey_parse(SPAN(tessera_vkey), &k, NULL), 0);
        assert_string_equal(k.name, "example.com/log/testdata");
        assert_memory_equal(k.keyid, "\x33\xd7\xb4\x96", 4);
        assert_int_equal(k.alg, NOTE_ED25519);
        assert_int_equal(k.key_n, 32);
        assert_int_equal(k.key[0], 0xe1);
        note_vkey_put(&b, &k);
        assert_string_equal(buf_cstr(&b), tessera_vkey);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                if (note_vkey_parse(span_str(bad[i]), &k, NULL) != -EBADMSG)
                        fail_msg("accepted: %s", bad[i]);
        /* A type nobody knows yet is kept for whoever knows it. */
        assert_int_equal(note_vkey_parse(SPAN("n+00000000+/wEC"), &k, NULL), 0);
        assert_int_equal(k.alg, 0xff);
        assert_int_equal(k.key_n, 2);
}

#define ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static void checkpoints(void **state)
{
        static const struct {
                const char *in;
                int want;
                uint64_t size;
        } rows[] = {
                { "o.example/l\n0\n" ROOT "\n", 0, 0 },
                { "o\n9223372036854775807\n" ROOT "\n", 0, INT64_MAX },
                { "o\n5\n" ROOT "\next one\ntwo\n", 0, 5 },
                { "", -EBADMSG, 0 },
                { "o\n5\n", -EBADMSG, 0 },
                { "o\n5\n" ROOT, -EBADMSG, 0 },
                { "\n5\n" ROOT "\n", -EBADMSG, 0 },
                { "o o\n5\n" ROOT "\n", -EBADMSG, 0 },
                { "o+\n5\n" ROOT "\n", -EBADMSG, 0 },
                { "o\n05\n" ROOT "\n", -EBADMSG, 0 },
                { "o\n+5\n" ROOT "\n", -EBADMSG, 0 },
                { "o\n-5\n" ROOT "\n", -EBADMSG, 0 },
                { "o\n5 \n" ROOT "\n", -EBADMSG, 0 },
                { "o\n\n" ROOT "\n", -EBADMSG, 0 },
                { "o\n0x5\n" ROOT "\n", -EBADMSG, 0 },
                { "o\n9223372036854775808\n" ROOT "\n", -EBADMSG, 0 },
                { "o\n18446744073709551616\n" ROOT "\n", -EBADMSG, 0 },
                { "o\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n", -EBADMSG, 0 },
                { "o\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==\n", -EBADMSG, 0 },
                { "o\n5\n" ROOT "\n\n", -EBADMSG, 0 },
                { "o\n5\n" ROOT "\next\n\nmore\n", -EBADMSG, 0 },
                { "o\n5\n" ROOT "\next", -EBADMSG, 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
                struct checkpoint c;

                if (checkpoint_parse(span_str(rows[i].in), &c, NULL) != rows[i].want)
                        fail_msg("row %zu: %s", i, rows[i].in);
                if (rows[i].want)
                        continue;
                assert_true(c.size == rows[i].size);
                checkpoint_put(&b, &c);
                assert_string_equal(buf_cstr(&b), rows[i].in);
        }
}

static void cosigned_message(void **state)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(4096);

        cosignature_put_message(&b, 1679315147, SPAN("o\n1\nr\n"));
        assert_string_equal(buf_cstr(&b), "cosignature/v1\ntime 1679315147\no\n1\nr\n");
}

static void origins(void **state)
{
        static const struct {
                const char *origin;
                bool good;
        } rows[] = {
                { "example.com/log", true },
                { "example.com", true },
                { "a/.b/..c/d.", true },
                { "r\xc3\xa9seau/log", true },
                { "", false },
                { "https://example.com/log", false },
                { "example.com/a b", false },
                { "/example.com", false },
                { "example.com/", false },
                { "example.com//log", false },
                { "./log", false },
                { "example.com/./log", false },
                { "example.com/.", false },
                { "../log", false },
                { "example.com/../log", false },
                { "example.com/..", false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                print_message("%s\n", rows[i].origin);
                assert_int_equal(note_origin_ok(span_str(rows[i].origin)), rows[i].good);
        }
}

/* Unicode's default ignorable code points (DerivedCoreProperties.txt), and those that set the way
 * a line is read: the ends of each run, and what lies before and behind. */
static void invisible_in_origins(void **state)
{
        static const struct {
                uint32_t first, last;
                bool blank_before, blank_behind; /* refused for that */
        } runs[] = {
                { 0xad, 0xad, false, false },       { 0x61c, 0x61c, false, false },
                { 0x180e, 0x180e, false, false },   { 0x200b, 0x200f, true, false },
                { 0x202a, 0x202e, true, true },     { 0x2060, 0x206f, true, false },
                { 0xfeff, 0xfeff, false, false },   { 0xfff0, 0xfffb, false, false },
                { 0xe0000, 0xe0fff, false, false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
                const struct {
                        uint32_t point;
                        bool good;
                } rows[] = {
                        { runs[i].first - 1, !runs[i].blank_before },
                        { runs[i].first, false },
                        { runs[i].last, false },
                        { runs[i].last + 1, !runs[i].blank_behind },
                };

                for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
                        struct buf origin = BUF_INIT(64);

                        buf_put_str(&origin, "example.com/l");
                        text_put_utf8(&origin, rows[k].point);
                        buf_put_str(&origin, "og");
                        print_message("U+%04X\n", (unsigned)rows[k].point);
                        assert_int_equal(note_origin_ok(buf_span(&origin)), rows[k].good);
                        buf_done(&origin);
                }
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(good_notes),
                cmocka_unit_test(malformed_notes),
                cmocka_unit_test(signature_counts),
                cmocka_unit_test(written_lines_parse),
                cmocka_unit_test(names),
                cmocka_unit_test(origins),
                cmocka_unit_test(invisible_in_origins),
                cmocka_unit_test(vkeys),
                cmocka_unit_test(checkpoints),
                cmocka_unit_test(cosigned_message),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
