/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/authentication/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "base/buf.h"
#include "wire/json.h"

enum { NOW = 1800000000 };

/* Digests are those of another implementation of SHA-256, of 32 bytes 00 01 ... 1f, of ff and of
 * 00. */
#define SECRET_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define SECRET_B "__________________________________________8"
#define SECRET_C "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define SHA_A    "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd"
#define SHA_B    "af9613760f72635fbdb44a5a0a63c39f12af30f950a6ee5c971be188e89c4051"
#define SHA_C    "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"
#define ID_A     "aaaaaaaaaaaaaaaa"
#define ID_B     "mfrggzdfmztwq2lk"
#define ID_C     "zzzzzzzzzzzzzzz7"

#define TOKEN(caller, groups, id, sha, until)                                                      \
        "{\"caller\":\"" caller "\",\"groups\":[" groups "],\"id\":\"" id "\",\"sha256\":\"" sha   \
        "\",\"until\":" until "}"
#define A          TOKEN("payroll", "\"partners\",\"staff\"", ID_A, SHA_A, "1800000001")
#define B          TOKEN("b \\\"\xc3\xa9", "", ID_B, SHA_B, "253402300799")
#define C          TOKEN("old", "", ID_C, SHA_C, "1800000000")
#define FILE_OF(t) "{\"tokens\":[" t "]}\n"
#define ALL        FILE_OF(A "," B "," C)

static struct tokens *read_good(const char *text)
{
        struct tokens *t = NULL;
        struct err err = { 0 };

        if (tokens_read(span_str(text), &t, &err) < 0)
                fail_msg("%s: %s", text, err.text);
        return t;
}

static void files_that_are_none(void **state)
{
        static const struct {
                const char *text, *why;
        } t[] = {
                { "", "tokens: line 1" },
                { "{\"tokens\":[]}", "canonical" }, /* the newline is missing */
                { "{\"tokens\":[]}\n\n", "canonical" },
                { " {\"tokens\":[]}\n", "canonical" },
                { "{\"tokens\": []}\n", "canonical" },
                { "[]\n", "not just a list" },
                { "{}\n", "not just a list" },
                { "{\"tokens\":{}}\n", "not just a list" },
                { "{\"a\":1,\"tokens\":[]}\n", "not just a list" },
                { "{\"tokens\":[],\"tokens\":[]}\n", "tokens: line 1" },
                { FILE_OF("7"), "token 1: it has not five" },
                { FILE_OF("{}"), "token 1: it has not five" },
                { FILE_OF(A "," TOKEN("x", "", ID_C, SHA_A, "1}")), "tokens: line 1" },
                { FILE_OF("{\"a\":1,\"caller\":\"p\",\"groups\":[],\"id\":\"" ID_A
                          "\",\"sha256\":\"" SHA_A "\",\"until\":1}"),
                  "it has not five" },
                { FILE_OF("{\"caller\":\"p\",\"groups\":[],\"id\":\"" ID_A "\",\"sha256\":\"" SHA_A
                          "\",\"utnil\":1}"),
                  "\"until\" is no time" },
                { FILE_OF("{\"groups\":[],\"caller\":\"p\",\"id\":\"" ID_A "\",\"sha256\":\"" SHA_A
                          "\",\"until\":1}"),
                  "canonical" },
                { FILE_OF(TOKEN("\\u0061", "", ID_A, SHA_A, "1")), "canonical" },
                { FILE_OF(TOKEN("", "", ID_A, SHA_A, "1")), "\"caller\"" },
                { FILE_OF(TOKEN("a\\n", "", ID_A, SHA_A, "1")), "\"caller\"" },
                { FILE_OF(TOKEN("unverified:a", "", ID_A, SHA_A, "1")), "\"caller\"" },
                { FILE_OF(TOKEN("a", "", "aaaaaaaaaaaaaaa", SHA_A, "1")), "\"id\"" },
                { FILE_OF(TOKEN("a", "", "aaaaaaaaaaaaaaaaa", SHA_A, "1")), "\"id\"" },
                { FILE_OF(TOKEN("a", "", "aaaaaaaaaaaaaaaA", SHA_A, "1")), "\"id\"" },
                { FILE_OF(TOKEN("a", "", "aaaaaaaaaaaaaaa1", SHA_A, "1")), "\"id\"" },
                { FILE_OF(TOKEN("a", "", "aaaaaaaaaaaaaaa8", SHA_A, "1")), "\"id\"" },
                { FILE_OF(TOKEN("a", "", ID_A, "00", "1")), "\"sha256\"" },
                { FILE_OF(TOKEN("a", "", ID_A,
                                "630DCD2966C4336691125448BBB25B4FF412A49C732DB2C8ABC1B8581BD710DD",
                                "1")),
                  "\"sha256\"" },
                { FILE_OF(TOKEN("a", "", ID_A, SHA_A, "-1")), "\"until\"" },
                { FILE_OF(TOKEN("a", "", ID_A, SHA_A, "253402300800")), "\"until\"" },
                { FILE_OF(TOKEN("a", "", ID_A, SHA_A, "\"1\"")), "\"until\"" },
                { FILE_OF(TOKEN("a", "", ID_A, SHA_A, "1.5")), "tokens: line 1" },
                { FILE_OF(TOKEN("a", "7", ID_A, SHA_A, "1")), "group 1 is none" },
                { FILE_OF(TOKEN("a", "\"\"", ID_A, SHA_A, "1")), "group 1 is none" },
                { FILE_OF(TOKEN("a", "\"b\",\"unverified\"", ID_A, SHA_A, "1")),
                  "group 2 is none" },
                { FILE_OF(TOKEN("a", "\"b\",\"a\"", ID_A, SHA_A, "1")), "group 2 is not in order" },
                { FILE_OF(TOKEN("a", "\"a\",\"a\"", ID_A, SHA_A, "1")), "group 2 is not in order" },
                { FILE_OF(B "," A), "token 2: not in the order" },
                { FILE_OF(A "," A), "token 2: not in the order" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct tokens *tokens = NULL;
                struct err err = { 0 };

                assert_int_equal(tokens_read(span_str(t[i].text), &tokens, &err), -EBADMSG);
                assert_null(tokens);
                if (strncmp(err.text, "tokens: ", 8) != 0 || !strstr(err.text, t[i].why))
                        fail_msg("%s: \"%s\", not \"%s\"", t[i].text, err.text, t[i].why);
                assert_int_equal(tokens_read(span_str(t[i].text), &tokens, NULL), -EBADMSG);
        }
}

static void finding(void **state)
{
        static const struct {
                const char *text;
                enum token_fault want;
                const char *caller;
        } t[] = {
                { "as1_" ID_A "_" SECRET_A, TOKEN_GOOD, "payroll" },
                { "as1_" ID_B "_" SECRET_B, TOKEN_GOOD, "b \"\xc3\xa9" },
                { "as1_" ID_C "_" SECRET_C, TOKEN_EXPIRED, NULL },
                { "as1_" ID_A "_" SECRET_B, TOKEN_SECRET_WRONG, NULL },
                { "as1_" ID_B "_" SECRET_A, TOKEN_SECRET_WRONG, NULL },
                { "as1_" ID_C "_" SECRET_A, TOKEN_SECRET_WRONG, NULL }, /* and expired */
                { "as1_baaaaaaaaaaaaaaa_" SECRET_A, TOKEN_UNKNOWN, NULL },
                { "as1_2222222222222222_" SECRET_A, TOKEN_UNKNOWN, NULL },
                { "as1_zzzzzzzzzzzzzzzz_" SECRET_C, TOKEN_UNKNOWN, NULL },
                { "as1_aaaaaaaaaaaaaaab_" SECRET_A, TOKEN_UNKNOWN, NULL },
                { "", TOKEN_MALFORMED, NULL },
                { "as1_", TOKEN_MALFORMED, NULL },
                { "as1__", TOKEN_MALFORMED, NULL },
                { "AS1_" ID_A "_" SECRET_A, TOKEN_MALFORMED, NULL },
                { "as2_" ID_A "_" SECRET_A, TOKEN_MALFORMED, NULL },
                { "as1_AAAAAAAAAAAAAAAA_" SECRET_A, TOKEN_MALFORMED, NULL },
                { "as1_" ID_A "-" SECRET_A, TOKEN_MALFORMED, NULL },
                { "as1_" ID_A "_" SECRET_A "=", TOKEN_MALFORMED, NULL },
                { "as1_" ID_A "_" SECRET_A "A", TOKEN_MALFORMED, NULL },
                { " as1_" ID_A "_" SECRET_A, TOKEN_MALFORMED, NULL },
                { "as1_" ID_A "_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh", TOKEN_MALFORMED,
                  NULL },
                /* the same bytes, spelled with pad bits or in the other alphabet */
                { "as1_" ID_A "_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9", TOKEN_MALFORMED,
                  NULL },
                { "as1_" ID_B "_//////////////////////////////////////////8", TOKEN_MALFORMED,
                  NULL },
                /* the digest is not the secret */
                { "as1_" ID_A "_Yw3NKWbEM2aREl"
                  "RIu7JbT_QSpJxzLbLIq8G4WBvXEN0",
                  TOKEN_SECRET_WRONG, NULL },
        };
        CLEANUP(tokens_freep) struct tokens *tokens = read_good(ALL);

        assert_int_equal(tokens_count(tokens), 3);
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                const struct token *found = NULL;
                enum token_fault f = tokens_find(tokens, span_str(t[i].text), NOW, &found);

                if (f != t[i].want)
                        fail_msg("%s: %s, not %s", t[i].text, token_fault_name(f),
                                 token_fault_name(t[i].want));
                assert_true((found != NULL) == (f == TOKEN_GOOD));
                if (found)
                        assert_true(span_eq_str(found->caller, t[i].caller));
        }
}

static void what_is_found(void **state)
{
        CLEANUP(tokens_freep) struct tokens *tokens = read_good(ALL);
        const struct token *t = NULL;

        assert_int_equal(tokens_find(tokens, SPAN("as1_" ID_A "_" SECRET_A), NOW, &t), TOKEN_GOOD);
        assert_true(span_eq_str(t->id, ID_A));
        assert_int_equal(t->n_groups, 2);
        assert_true(span_eq_str(t->groups[0], "partners"));
        assert_true(span_eq_str(t->groups[1], "staff"));
        assert_int_equal(t->until_s, NOW + 1);
        assert_int_equal(tokens_find(tokens, SPAN("as1_" ID_A "_" SECRET_A), NOW + 1, &t),
                         TOKEN_EXPIRED);
}

/* Of any number of tokens each is found, and none that is not there. */
static void any_number(void **state)
{
        for (unsigned n = 0; n < 40; n++) {
                CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 16);
                CLEANUP(tokens_freep) struct tokens *tokens = NULL;

                buf_put_str(&b, "{\"tokens\":[");
                for (unsigned i = 0; i < n; i++)
                        buf_printf(&b, "%s" TOKEN("c%u", "", "aaaaaaaaaaaaaa%c%c", SHA_A, "%d"),
                                   i ? "," : "", i, 'a' + i / 5, 'b' + i % 5 * 2, NOW + 1);
                buf_put_str(&b, "]}\n");
                tokens = read_good(buf_cstr(&b));
                assert_int_equal(tokens_count(tokens), n);
                for (unsigned i = 0; i < 40; i++)
                        for (unsigned off = 0; off < 2; off++) {
                                const struct token *t = NULL;
                                char text[128], want[16];
                                enum token_fault f;

                                snprintf(text, sizeof text, "as1_aaaaaaaaaaaaaa%c%c_" SECRET_A,
                                         'a' + i / 5, 'b' + i % 5 * 2 - off);
                                snprintf(want, sizeof want, "c%u", i);
                                f = tokens_find(tokens, span_str(text), NOW, &t);
                                assert_int_equal(f, i < n && !off ? TOKEN_GOOD : TOKEN_UNKNOWN);
                                if (t)
                                        assert_true(span_eq_str(t->caller, want));
                        }
        }
}

static void ceilings(void **state)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(64 << 20);
        CLEANUP(tokens_freep) struct tokens *tokens = NULL;
        static const char digits[] = "234567abcdefghijklmnopqrstuvwxyz";

        buf_put_str(&b, "{\"tokens\":[");
        for (unsigned i = 0; i <= TOKENS_MAX; i++) {
                if (i == TOKENS_MAX) {
                        buf_put_str(&b, "]}\n");
                        assert_int_equal(tokens_read(buf_span(&b), &tokens, NULL), 0);
                        assert_int_equal(tokens_count(tokens), TOKENS_MAX);
                        b.n -= 3;
                }
                buf_printf(&b, "%s" TOKEN("c", "", "aaaaaaaaaaaa%c%c%c%c", SHA_A, "1"),
                           i ? "," : "", digits[i >> 15 & 31], digits[i >> 10 & 31],
                           digits[i >> 5 & 31], digits[i & 31]);
        }
        buf_put_str(&b, "]}\n");
        tokens = tokens_free(tokens);
        assert_int_equal(tokens_read(buf_span(&b), &tokens, NULL), -E2BIG);
        while (b.n <= TOKENS_FILE_MAX)
                buf_put_byte(&b, ' ');
        assert_int_equal(tokens_read(buf_span(&b), &tokens, NULL), -E2BIG);
}

static void memory_runs_out(void **state)
{
        for (size_t nth = 1;; nth++) {
                CLEANUP(tokens_freep) struct tokens *t = NULL;
                struct err err = { 0 };
                int rc;

                alloc_fail_nth = nth;
                rc = tokens_read(SPAN(ALL), &t, &err);
                alloc_fail_nth = 0;
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
                assert_int_equal(strncmp(err.text, "tokens: ", 8), 0);
                assert_null(t);
        }
}

/* Whoever changes the file writes the others again, byte for byte. */
static void what_is_put_is_what_was_read(void **state)
{
        static const char *const t[] = {
                FILE_OF(""),
                ALL,
                FILE_OF(TOKEN("\xe2\x80\xa8/ <\xf0\x9f\x94\x91>", "\"\xc3\xa9\"", ID_A, SHA_A,
                              "0")),
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(tokens_freep) struct tokens *k = read_good(t[i]);
                CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
                struct json_writer w;

                json_writer_init(&w, &out);
                json_begin_object(&w);
                json_put_key(&w, "tokens");
                json_begin_array(&w);
                for (uint32_t n = 0; n < tokens_count(k); n++)
                        token_put(&w, tokens_at(k, n));
                json_end_array(&w);
                json_end_object(&w);
                buf_put_byte(&out, '\n');
                assert_string_equal(buf_cstr(&out), t[i]);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(files_that_are_none),
                cmocka_unit_test(finding),
                cmocka_unit_test(what_is_found),
                cmocka_unit_test(any_number),
                cmocka_unit_test(ceilings),
                cmocka_unit_test(what_is_put_is_what_was_read),
                cmocka_unit_test(memory_runs_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
