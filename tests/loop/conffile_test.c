/* SPDX-License-Identifier: Apache-2.0 */
/* Faults as a job tells them; whose files are believed is tests/integrity/watching/config_test.c.
 */
#include "loop/conffile.h"

#include <setjmp.h>
#include <stdarg.h>
/* cmocka wants the above first */
#include <cmocka.h>

static int take(struct conffile_faults *f, const char *json)
{
        struct json_value fact = json_value_of(span_str(json)), text;

        assert_int_equal(json_check(span_str(json), NULL), 0);
        assert_true(json_get(fact, "fault", &text));
        return conffile_take_fault(f, fact, text);
}

static void test_take(void **state)
{
        static const struct {
                const char *json;
                int want;
        } cases[] = {
                { "{\"column\":3,\"fault\":\"no\",\"line\":5}", 0 },
                { "{\"column\":0,\"fault\":\"a\\u001bb\",\"line\":0}", 0 },
                { "{\"column\":-1,\"fault\":\"no\",\"line\":5}", -EBADMSG },
                { "{\"column\":1,\"fault\":\"no\",\"line\":2147483648}", -EBADMSG },
                { "{\"column\":1,\"fault\":\"no\"}", -EBADMSG },
                { "{\"column\":1,\"fault\":17,\"line\":1}", -EBADMSG },
                { "{\"column\":\"1\",\"fault\":\"no\",\"line\":1}", -EBADMSG },
        };
        struct conffile_faults f = { 0 };
        struct buf b = BUF_INIT(4096);

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                assert_int_equal(take(&f, cases[i].json), cases[i].want);
        assert_int_equal(f.n, 2);
        conffile_put_fault("/etc/x.yaml", &f.at[0], &b);
        assert_string_equal(buf_cstr(&b), "x.yaml:5:3: no");
        buf_clear(&b);
        conffile_put_fault("/etc/x.yaml", &f.at[1], &b); /* nothing for a terminal to obey */
        assert_null(memchr(b.p, 0x1b, b.n));
        while (f.n < CONFFILE_FAULTS_MAX)
                assert_int_equal(take(&f, cases[0].json), 0);
        assert_int_equal(take(&f, cases[0].json), -EBADMSG);
        buf_done(&b);
        conffile_faults_done(&f);
}

static void test_end(void **state)
{
        struct conffile_faults f = { 0 };
        struct err job = { 0 }, err = { 0 };

        (void)state;
        assert_int_equal(conffile_end("/x.yaml", &f, 0, &job, &err), 0);
        err_set(&job, -EIO, "crashed");
        assert_int_equal(conffile_end("/x.yaml", &f, -EIO, &job, &err), -EIO);
        assert_string_equal(err_text(&err), "/x.yaml: crashed");
        assert_int_equal(take(&f, "{\"column\":3,\"fault\":\"no\",\"line\":5}"), 0);
        assert_int_equal(conffile_end("/x.yaml", &f, 0, &job, &err), -EINVAL);
        assert_string_equal(err_text(&err), "x.yaml:5:3: no");
        assert_int_equal(take(&f, "{\"column\":1,\"fault\":\"nor\",\"line\":6}"), 0);
        assert_int_equal(conffile_end("/x.yaml", &f, 0, &job, &err), -EINVAL);
        assert_string_equal(err_text(&err), "x.yaml:5:3: no (and 1 more)");
        conffile_faults_done(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_take),
                                            cmocka_unit_test(test_end) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
