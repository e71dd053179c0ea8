/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tlogproof.h"

#include "../alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEAD "c2sp.org/tlog-proof@v1\n"
#define HASH "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
#define REST "o\n1\n" HASH "\n\xe2\x80\x94 o AAAAAAE=\n"

static void good_proofs(void **state)
{
        static const struct {
                struct span in;
                bool has_extra;
                struct span extra;
                uint64_t index;
                size_t n;
        } rows[] = {
                { SPAN_INIT(HEAD "index 0\n\n" REST), false, { NULL, 0 }, 0, 0 },
                { SPAN_INIT(HEAD "index 17\n" HASH HASH "\n" REST), false, { NULL, 0 }, 17, 2 },
                { SPAN_INIT(HEAD "extra aGk=\nindex 3\n" HASH "\n" REST), true, SPAN_INIT("hi"), 3,
                  1 },
                { SPAN_INIT(HEAD "extra \nindex 3\n" HASH "\n" REST), true, { NULL, 0 }, 3, 1 },
                { SPAN_INIT(HEAD "index 18446744073709551615\n\n" REST),
                  false,
                  { NULL, 0 },
                  UINT64_MAX,
                  0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CLEANUP(buf_done) struct buf extra = BUF_INIT(TLOG_PROOF_EXTRA_MAX);
                CLEANUP(buf_done) struct buf again = BUF_INIT(TLOG_PROOF_MAX);
                struct tlog_proof p;
                struct err err = { 0 };

                if (tlog_proof_parse(rows[i].in, &extra, &p, &err))
                        fail_msg("row %zu: %s", i, err.text);
                assert_int_equal(p.has_extra, rows[i].has_extra);
                assert_true(span_eq(p.extra, rows[i].extra));
                assert_true(p.index == rows[i].index);
                assert_int_equal(p.n, rows[i].n);
                assert_true(span_eq(p.checkpoint, SPAN(REST)));
                tlog_proof_put(&again, &p);
                assert_true(span_eq(buf_span(&again), rows[i].in));
        }
}

static void malformed_proofs(void **state)
{
        static const struct {
                struct span in;
                const char *says;
        } rows[] = {
                { SPAN_INIT(""), "line 1" },
                { SPAN_INIT("c2sp.org/tlog-proof@v2\nindex 0\n\n" REST), "line 1" },
                { SPAN_INIT("c2sp.org/tlog-proof@v1"), "line 1" },
                { SPAN_INIT(HEAD), "ends here" },
                { SPAN_INIT(HEAD "\n" REST), "line 2: not \"index" },
                { SPAN_INIT(HEAD "index\n\n" REST), "line 2: not \"index" },
                { SPAN_INIT(HEAD "index 01\n\n" REST), "line 2: not \"index" },
                { SPAN_INIT(HEAD "index -1\n\n" REST), "line 2: not \"index" },
                { SPAN_INIT(HEAD "index 1\nextra aGk=\n\n" REST), "line 3: not strict" },
                { SPAN_INIT(HEAD "extra aGl=\nindex 1\n\n" REST), "line 2: extra is not strict" },
                { SPAN_INIT(HEAD "extra aGk\nindex 1\n\n" REST), "line 2: extra is not strict" },
                { SPAN_INIT(HEAD "extra aGk=\nextra aGk=\nindex 1\n\n" REST),
                  "line 3: not \"index" },
                { SPAN_INIT(HEAD "extra aGk=\n"), "ends here" },
                { SPAN_INIT(HEAD "index 1\n" HASH), "no blank line" },
                { SPAN_INIT(HEAD "index 1\nAAAA\n\n" REST), "32 bytes" },
                { SPAN_INIT(HEAD "index 1\n\n"), "no checkpoint" },
                { SPAN_INIT(HEAD "index 1\r\n\n" REST), "line 2: not \"index" },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CLEANUP(buf_done) struct buf extra = BUF_INIT(TLOG_PROOF_EXTRA_MAX);
                struct tlog_proof p = { .index = 42 };
                struct err err = { 0 };

                if (tlog_proof_parse(rows[i].in, &extra, &p, &err) != -EBADMSG ||
                    !strstr(err.text, rows[i].says))
                        fail_msg("row %zu: %d %s", i, err.code, err.text);
                assert_int_equal(p.index, 42);
        }
}

static void too_many_hashes(void **state)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(TLOG_PROOF_MAX);
        CLEANUP(buf_done) struct buf extra = BUF_INIT(TLOG_PROOF_EXTRA_MAX);
        struct tlog_proof p;

        buf_put_str(&b, HEAD "index 1\n");
        for (int i = 0; i < PROOF_MAX; i++)
                buf_put_str(&b, HASH);
        buf_put_str(&b, "\n" REST);
        assert_int_equal(tlog_proof_parse(buf_span(&b), &extra, &p, NULL), 0);
        assert_int_equal(p.n, PROOF_MAX);
        buf_clear(&b);
        buf_put_str(&b, HEAD "index 1\n");
        for (int i = 0; i < PROOF_MAX + 1; i++)
                buf_put_str(&b, HASH);
        buf_put_str(&b, "\n" REST);
        assert_int_equal(tlog_proof_parse(buf_span(&b), &extra, &p, NULL), -EBADMSG);
}

static void out_of_memory(void **state)
{
        struct buf extra = BUF_INIT(TLOG_PROOF_EXTRA_MAX);
        struct tlog_proof p;
        int r, failures = -1;

        for (size_t nth = 1;; nth++) {
                alloc_fail_nth = nth;
                r = tlog_proof_parse(SPAN(HEAD "extra aGk=\nindex 3\n" HASH "\n" REST), &extra, &p,
                                     NULL);
                alloc_fail_nth = 0;
                failures++;
                buf_done(&extra);
                if (r == 0)
                        break;
                assert_int_equal(r, -ENOMEM);
        }
        assert_int_equal(failures, 1);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(good_proofs),
                cmocka_unit_test(malformed_proofs),
                cmocka_unit_test(too_many_hashes),
                cmocka_unit_test(out_of_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
