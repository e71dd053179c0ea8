/* SPDX-License-Identifier: Apache-2.0 */
/* Both forms of sources.list(5), as that page has them. */
#include "job/job.h"
#include "wire/source_fact.h"

#include "../alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define SOURCE(rest) "{\"fact\":\"source\"," rest "}\n"
#define PLAIN(suite)                                                                               \
        SOURCE("\"signed_by\":[],\"suite\":\"" suite                                               \
               "\",\"trusted\":false,\"uri\":\"http://example.org/debian\"")
#define BAD(line, why) "{\"bad_line\":" line ",\"why\":\"" why "\"}\n"

static const struct {
        const char *name, *job, *text, *want;
} cases[] = {
        { "nothing", "aptlist", "", "" },
        { "line", "aptlist", "deb http://example.org/debian stable main contrib\n",
          PLAIN("stable") },
        { "comments, blanks, sources only", "aptlist",
          "# deb x y\n\n \t deb  http://example.org/debian\tstable main # z\n"
          "deb-src http://example.org/debian stable main\n",
          PLAIN("stable") },
        { "options", "aptlist",
          "deb [ arch=amd64 signed-by=/a.gpg,/b.asc trusted=yes ] http://example.org/ s main\n",
          SOURCE("\"signed_by\":[\"/a.gpg\",\"/b.asc\"],\"suite\":\"s\",\"trusted\":true,"
                 "\"uri\":\"http://example.org/\"") },
        { "options without blanks around", "aptlist",
          "deb [trusted=no signed-by=0123456789ABCDEF] file:/srv ./\n",
          SOURCE("\"signed_by\":[\"0123456789ABCDEF\"],\"suite\":\"./\",\"trusted\":false,"
                 "\"uri\":\"file:/srv\"") },
        { "passwords stay here", "aptlist", "deb https://user:pa@ss@example.org:81/a@b s main\n",
          SOURCE("\"signed_by\":[],\"suite\":\"s\",\"trusted\":false,"
                 "\"uri\":\"https://example.org:81/a@b\"") },
        { "odd lines, and a good one", "aptlist",
          "rpm http://example.org s\ndeb http://example.org\ndeb [x=y http://example.org s\n"
          "deb http://example.org/debian stable\n",
          BAD("1", "no source") BAD("2", "no URI or suite") BAD("3", "options without end")
                  PLAIN("stable") },
        { "paragraph", "aptsources",
          "Types: deb deb-src\nURIs: http://example.org/debian\nSuites: a b\nComponents: main\n",
          PLAIN("a") PLAIN("b") },
        { "two URIs on two lines", "aptsources",
          "Types: deb\nURIs:\n http://example.org/debian\n http://example.org/debian\nSuites: a\n",
          PLAIN("a") PLAIN("a") },
        { "sources only; switched off", "aptsources",
          "Types: deb-src\nURIs: x\nSuites: a\n\nTypes: deb\nURIs: x\nSuites: a\nEnabled: no\n",
          "" },
        { "trusted, keyring", "aptsources",
          "# x\nTypes: deb\nURIs: http://example.org/debian/\nSuites: a\nTrusted: Yes\n"
          "Signed-By: /k.gpg /l.gpg\n",
          SOURCE("\"signed_by\":[\"/k.gpg\",\"/l.gpg\"],\"suite\":\"a\",\"trusted\":true,"
                 "\"uri\":\"http://example.org/debian/\"") },
        { "key inside", "aptsources",
          "Types: deb\nURIs: u\nSuites: a\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n"
          " mWhlbGxv\n -----END PGP PUBLIC KEY BLOCK-----\n\nTypes: deb\nURIs: u\nSuites: b\n",
          SOURCE("\"key\":\"-----BEGIN PGP PUBLIC KEY BLOCK-----\\n\\nmWhlbGxv\\n"
                 "-----END PGP PUBLIC KEY BLOCK-----\\n\",\"signed_by\":[],\"suite\":\"a\","
                 "\"trusted\":false,\"uri\":\"u\"")
                  SOURCE("\"signed_by\":[],\"suite\":\"b\",\"trusted\":false,\"uri\":\"u\"") },
        { "not UTF-8", "aptsources", "Types: deb\nURIs: \xff\nSuites: a\n",
          BAD("3", "no URI or suite") },
        { "too many keyrings", "aptsources",
          "Types: deb\nURIs: u\nSuites: a\nSigned-By: 1 2 3 4 5 6 7 8 9\n",
          BAD("4", "keyrings that cannot be told") },
};

static int collect(void *ctx, struct span json)
{
        struct buf *b = ctx;

        assert_int_equal(json_check(json, NULL), 0);
        buf_put(b, json);
        buf_put_byte(b, '\n');
        return 0;
}

static int run(size_t i, struct buf *b, struct err *err)
{
        struct job_out out;
        int r;

        job_out_init(&out, collect, b);
        r = job_by_name(cases[i].job)->run(&out, span_str(cases[i].text), err);
        job_out_done(&out);
        return r;
}

/* What is told is what a consumer parses. */
static void check_parses(struct span facts)
{
        struct span line;

        while (job_cut(&facts, '\n', &line)) {
                struct source_fact f;
                bool source = span_starts(line, SPAN("{\"fact\""));

                assert_int_equal(source_fact_parse(line, &f, NULL), source ? 0 : -EBADMSG);
                if (source && f.n_signers > 0)
                        assert_true(f.signer[0][0] != '\0');
        }
}

static void test_cases(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct buf b = BUF_INIT(1 << 20);
                struct err err = { 0 };

                print_message("%s\n", cases[i].name);
                assert_int_equal(run(i, &b, &err), 0);
                assert_string_equal(buf_cstr(&b), cases[i].want);
                check_parses(buf_span(&b));
                buf_done(&b);
        }
}

static void test_refused(void **state)
{
        static const char *const keys[] = { "\"key\":7,\"signed_by\":[]", "\"signed_by\":\"x\"",
                                            "\"signed_by\":[\"\"]", "\"signed_by\":[1]" };
        struct source_fact f;
        struct buf out = BUF_INIT(1 << 20), fact = BUF_INIT(1024);
        struct job_out o;

        job_out_init(&o, collect, &out);
        assert_int_equal(job_aptsources(&o, SPAN("no field\n"), NULL), -EBADMSG);
        job_out_done(&o);
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
                buf_clear(&fact);
                buf_printf(&fact,
                           "{\"fact\":\"source\",%s,\"suite\":\"a\",\"trusted\":false,"
                           "\"uri\":\"u\"}",
                           keys[i]);
                assert_int_equal(json_check(buf_span(&fact), NULL), 0);
                assert_int_equal(source_fact_parse(buf_span(&fact), &f, NULL), -EBADMSG);
        }
        buf_done(&fact);
        buf_done(&out);
}

static void test_memory(void **state)
{
        static uint8_t room[1 << 16];
        unsigned failures = 0;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                for (size_t nth = 1;; nth++) {
                        struct buf b = { .p = room, .cap = sizeof room, .max = sizeof room };
                        int r;

                        alloc_fail_nth = nth;
                        r = run(i, &b, NULL);
                        if (alloc_fail_nth > 0) { /* nothing failed any more */
                                alloc_fail_nth = 0;
                                assert_int_equal(r, 0);
                                break;
                        }
                        if (r == 0) /* a bad line needs less */
                                assert_true(span_eq_str(buf_span(&b), cases[i].want));
                        else
                                assert_int_equal(r, -ENOMEM);
                        failures += r < 0;
                }
        assert_true(failures > ARRAY_LEN(cases));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
