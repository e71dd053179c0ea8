/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "wire/entry.h"

#include "../alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <openssl/sha.h>

/* RFC 9901 section 4.2.1: the example, and the same without white space, which is how we write it.
 */
#define RFC_SALT  "_26bc4LT-ac6q2KI6cBW5es"
#define RFC_BLANK "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
#define RFC_TIGHT "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsImZhbWlseV9uYW1lIiwiTcO2Yml1cyJd"

static void rfc9901_example(void **state)
{
        struct buf out = BUF_INIT(1000), scratch = BUF_INIT(1000);
        uint8_t digest[SHA256_DIGEST_LENGTH];
        struct disclosure d;
        struct err err;

        buf_put_str(&out, "#");
        disclosure_put(&out, SPAN(RFC_SALT), SPAN("family_name"),
                       SPAN("\"M\xc3\xb6"
                            "bius\""));
        assert_string_equal(buf_cstr(&out), "#" RFC_TIGHT);
        assert_int_equal(disclosure_parse(SPAN(RFC_TIGHT), &scratch, &d, &err), 0);
        assert_true(span_eq_str(d.salt, RFC_SALT));
        assert_true(span_eq_str(d.name, "family_name"));
        assert_int_equal(d.value.type, JSON_STRING);
        assert_true(span_eq_str(d.value.raw, "\"M\xc3\xb6"
                                             "bius\""));

        /* Another spelling is another disclosure, and ours has one only. */
        assert_int_equal(disclosure_parse(SPAN(RFC_BLANK), &scratch, &d, &err), -EBADMSG);
        assert_string_equal(err.text,
                            "the disclosure is not canonical: byte 27: blank between tokens");
        assert_int_equal(err.code, -EBADMSG);

        /* The digest is over the text, as the RFC's own is. */
        SHA256((const uint8_t *)RFC_BLANK, strlen(RFC_BLANK), digest);
        buf_clear(&out);
        text_put_base64url(&out, span_of(digest, sizeof digest));
        assert_string_equal(buf_cstr(&out), "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0");
        assert_int_equal(out.n, ENTRY_DIGEST_LEN);
        buf_done(&out);
        buf_done(&scratch);
}

static void values_of_every_type(void **state)
{
        static const char *const values[] = {
                "null",        "true", "false", "-9007199254740991",
                "\"\\n\\\"\"", "[]",   "{}",    "{\"a\":[1,{\"b\":\"c\"}]}",
        };
        struct buf out = BUF_INIT(1000), scratch = BUF_INIT(1000);
        struct disclosure d;
        struct err err;

        for (size_t i = 0; i < ARRAY_LEN(values); i++) {
                buf_clear(&out);
                disclosure_put(&out, SPAN("c2FsdA"), SPAN("who.user"), span_str(values[i]));
                assert_int_equal(disclosure_parse(buf_span(&out), &scratch, &d, &err), 0);
                assert_true(span_eq_str(d.value.raw, values[i]));
                assert_true(span_eq_str(d.name, "who.user"));
        }
        buf_done(&out);
        buf_done(&scratch);
}

static void refuses(void **state)
{
        static const struct {
                const char *json; /* NULL: text is taken as it is */
                const char *text, *want;
        } t[] = {
                { NULL, "",
                  "the disclosure is not canonical: byte 0: the input ends where a value"
                  " should be" },
                { NULL, "WyJhIiwiYiIsMV0=", "the disclosure is not base64url" },
                { NULL, "W y", "the disclosure is not base64url" },
                { NULL, "Wx", "the disclosure is not base64url" },
                { "{}", NULL, "the disclosure is not an array" },
                { "\"x\"", NULL, "the disclosure is not an array" },
                { "[]", NULL, "the disclosure does not have three items" },
                { "[\"a\",\"b\"]", NULL, "the disclosure does not have three items" },
                { "[\"a\",\"b\",1,2]", NULL, "the disclosure does not have three items" },
                { "[1,\"b\",1]", NULL, "the disclosure's salt is not base64url text" },
                { "[\"\",\"b\",1]", NULL, "the disclosure's salt is not base64url text" },
                { "[\"a+\",\"b\",1]", NULL, "the disclosure's salt is not base64url text" },
                { "[\"a\",1,1]", NULL, "the disclosure's name is not plain text" },
                { "[\"a\",\"\",1]", NULL, "the disclosure's name is not plain text" },
                { "[\"a\",\"b\\n\",1]", NULL, "the disclosure's name is not plain text" },
                { "[\"a\",\"b\",1.5]", NULL,
                  "the disclosure is not canonical: byte 10: a fraction is not allowed (restricted"
                  " JCS has integers only)" },
                { "[\"a\",\"b\",1", NULL,
                  "the disclosure is not canonical: byte 10: the input ends where a comma or ]"
                  " should be" },
        };
        struct buf in = BUF_INIT(1000), scratch = BUF_INIT(1000);

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct disclosure d = { .salt = SPAN("untouched") };
                struct err err = { 0 };

                buf_clear(&in);
                if (t[i].json)
                        text_put_base64url(&in, span_str(t[i].json));
                else
                        buf_put_str(&in, t[i].text);
                assert_int_equal(disclosure_parse(buf_span(&in), &scratch, &d, &err), -EBADMSG);
                assert_string_equal(err.text, t[i].want);
                assert_int_equal(disclosure_parse(buf_span(&in), &scratch, &d, NULL), -EBADMSG);
                assert_true(span_eq_str(d.salt, "untouched"));
        }
        buf_done(&in);
        buf_done(&scratch);
}

static void room_and_memory_run_out(void **state)
{
        struct buf scratch = BUF_INIT(10), fresh = BUF_INIT(1000);
        struct disclosure d;
        struct err err;
        size_t whole = strlen(RFC_TIGHT);

        assert_int_equal(disclosure_parse(SPAN(RFC_TIGHT), &scratch, &d, &err), -E2BIG);
        alloc_fail_nth = 1;
        assert_int_equal(disclosure_parse(SPAN(RFC_TIGHT), &fresh, &d, &err), -ENOMEM);
        alloc_fail_nth = 0;
        assert_int_equal(disclosure_parse(SPAN(RFC_TIGHT), &fresh, &d, &err), 0);
        for (size_t max = 0; max < whole; max++) {
                struct buf out = BUF_INIT(max);

                disclosure_put(&out, SPAN(RFC_SALT), SPAN("family_name"),
                               SPAN("\"M\xc3\xb6"
                                    "bius\""));
                assert_int_equal(buf_status(&out), -E2BIG);
                buf_done(&out);
        }
        buf_done(&scratch);
        buf_done(&fresh);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(rfc9901_example),
                cmocka_unit_test(values_of_every_type),
                cmocka_unit_test(refuses),
                cmocka_unit_test(room_and_memory_run_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
