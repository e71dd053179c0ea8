/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that fails is never a row that is missing or different: a reading says all, or fails. */
#include "../alloc_fail.h"
#include "state/tables.h"
#include "table_tool.h"

#include <stdlib.h>

static const struct {
        const struct state_table *table;
        struct table_part part[3];
} cases[] = {
        { &state_authorized_keys,
          { PART("/etc/passwd", "ann:x:1:1::/home/ann:/bin/sh\n"),
            PART("/home/ann/.ssh/authorized_keys",
                 "environment=\"A=b\",command=\"x --token y\" ssh-ed25519 "
                 "AAAAC3NzaC1lZDI1NTE5AAAAIB46JEI0Lo0YnmkCGYs0KtEfL1T2GwcRtjTGM/rXXW3I c\n") } },
        { &state_cron, { PART("/etc/crontab", "PATH=/bin\n1 2 * * * root x --token y\n") } },
        { &state_namespace_mounts,
          { PART("namespace_mounts", "mount\t1\ta\t1\t1\t7\t/\t/\\x5c040\trw,ro\text4\ts\n") } },
        { &state_namespace_ports,
          { PART("namespace_ports", "socket\t1\ta\t1\ttcp\t::\t80\t0\t7\t/x\t-\tb.scope\tc\n") } },
        { &state_pam,
          { PART("/etc/pam.d/a", "auth include b\nauth required c.so d=e\n"),
            PART("/etc/pam.d/b", "auth required f.so\n") } },
        { &state_passwords,
          { PART("/etc/shadow", "ann:$y$j9T$abc$def:20000:1:90:14:30:20454:\n") } },
        { &state_sshd, { PART("/usr/sbin/sshd -T", "port 22\nsetenv A=b\n") } },
        { &state_sudo_rules,
          { PART("/etc/sudoers", "User_Alias A = ann\nDefaults x += y\nA ALL = (b) NOPASSWD: c\n"
                                 "@include /etc/sudoers.d/x\n"),
            PART("/etc/sudoers.d/x", "bob ALL = ALL\n") } },
        { &state_user_units,
          { PART("/etc/passwd", "ann:x:1:1::/home/ann:/bin/sh\n"),
            PART("/home/ann/.config/systemd/user/a.timer",
                 "[Timer]\nOnCalendar=daily\n[Service]\nExecStart=/x --token=1\n") } },
        { &state_tls, { PART("/etc/nginx/nginx.conf", "server { ssl_protocols A B; }\n") } },
};

static size_t told_n, told_max;
static char told[8192];

static int take(void *ctx, struct span fact)
{
        (void)ctx;
        assert_true(told_n + fact.n < sizeof told);
        memcpy(told + told_n, fact.p, fact.n);
        told_n += fact.n;
        return 0;
}

/* What the reading returns; what it told is in told. */
static int read_with(size_t i, struct span bundle, size_t nth)
{
        struct state_out out;
        struct state_in in;
        int rc;

        assert_int_equal(bundle_open(bundle, &in, NULL), 0);
        told_n = 0;
        state_out_init(&out, cases[i].table, take, NULL);
        alloc_fail_nth = nth;
        rc = cases[i].table->read(&in, &out, NULL);
        alloc_fail_nth = 0;
        if (rc == 0)
                rc = out.failed;
        state_out_done(&out);
        return rc;
}

static void test_readers(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct buf bundle = BUF_INIT(1 << 16);
                char all[sizeof told];
                size_t failed = 0;
                int rc = -ENOMEM;

                table_put_parts(cases[i].part, &bundle);
                assert_int_equal(read_with(i, buf_span(&bundle), 0), 0);
                told_max = told_n;
                memcpy(all, told, told_max);
                for (size_t nth = 1; rc != 0; nth++) {
                        rc = read_with(i, buf_span(&bundle), nth);
                        assert_true(rc == 0 || rc == -ENOMEM);
                        failed += rc != 0;
                }
                assert_true(failed > 0);
                if (told_n != told_max || memcmp(all, told, told_max) != 0)
                        fail_msg("%s: told another thing", cases[i].table->name);
                buf_done(&bundle);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_readers) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
