/* SPDX-License-Identifier: Apache-2.0 */
#include "state/reading/mask.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
        const char *name, *input, *want;
} cases[] = {
        { "nothing to hide", "cd / && run-parts --report /etc/cron.hourly",
          "cd / && run-parts --report /etc/cron.hourly" },
        { "blanks stay as they are", " a\t b  c\n", " a\t b  c\n" },
        { "a variable", "MYSQL_PWD=geheim mysqldump x", "MYSQL_PWD=*** mysqldump x" },
        { "an option with =", "mysqldump --password=geheim -u a", "mysqldump --password=*** -u a" },
        { "an option and a word", "x --api-key geheim y", "x --api-key *** y" },
        { "an option that is followed by another", "x --password --user y",
          "x --password --user y" },
        { "in quotes, with blanks", "PASSWORD=\"a b\" x --token 'c d' y",
          "PASSWORD=*** x --token *** y" },
        { "a header", "curl -H \"X-Auth-Token: geheim\" u", "curl -H \"X-Auth-Token: *** u" },
        { "a header without a blank", "curl -H \"X-Token:geheim\" u", "curl -H \"X-Token:***\" u" },
        { "bearer", "curl -H \"Authorization: Bearer geheim",
          "curl -H \"Authorization: Bearer ***" },
        { "an URL", "git clone https://ann:geheim@host/x", "git clone https://ann:***@host/x" },
        { "an URL in a variable", "U=postgres://a:b@h/d psql", "U=postgres://a:***@h/d psql" },
        { "an URL without a password", "wget https://host:8080/x ssh://ann@host",
          "wget https://host:8080/x ssh://ann@host" },
        { "a path that only sounds so", "cp /etc/passwd /backup", "cp /etc/passwd /backup" },
        { "upper case", "AWS_SECRET_ACCESS_KEY=x", "AWS_SECRET_ACCESS_KEY=***" },
        { "a name without a value", "TOKEN= x", "TOKEN= x" },
        { "nothing", "", "" },
};

static void test_mask(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct buf b = BUF_INIT(4096);

                mask_put(&b, span_str(cases[i].input));
                if (strcmp(buf_cstr(&b), cases[i].want) != 0)
                        fail_msg("%s: %s", cases[i].name, buf_cstr(&b));
                buf_done(&b);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_mask) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
