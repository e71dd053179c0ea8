/* SPDX-License-Identifier: Apache-2.0 */
/* The file and the facts; the job itself is tests/job/watch_test.c, both together are
 * tests/system/integrity/watching/test_watch.py. */
#include "integrity/watching/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../alloc_fail.h"

static char dir[] = "/tmp/config-XXXXXX", file[64];

static void write_file(const char *text, size_t n, mode_t mode)
{
        FILE *f;

        unlink(file);
        f = fopen(file, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(text, 1, n, f), n);
        fclose(f);
        assert_int_equal(chmod(file, mode), 0);
}

static int open_file(const char *path, unsigned flags, struct config *c, struct buf *ret)
{
        int fd = -1, rc = config_open(path, flags, c, &fd, NULL);
        uint8_t piece[4096];
        ssize_t n;

        if (rc < 0) {
                assert_int_equal(fd, -1);
                return rc;
        }
        buf_clear(ret);
        while ((n = read(fd, piece, sizeof piece)) > 0)
                buf_put(ret, span_of(piece, (size_t)n));
        close(fd);
        return 0;
}

static void test_file(void **state)
{
        static const struct {
                mode_t mode;
                unsigned flags;
                int want;
        } cases[] = {
                { 0600, 0, 0 },       { 0644, 0, 0 }, { 0664, 0, -EACCES },
                { 0646, 0, -EACCES }, { 0640, 0, 0 }, { 0666, CONFIG_ANYBODYS, 0 },
                { 0602, 0, -EACCES }, { 0755, 0, 0 },
        };
        struct buf text = BUF_INIT(1 << 20);
        struct config c = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                write_file("abc", 3, cases[i].mode);
                assert_int_equal(open_file(file, cases[i].flags, &c, &text), cases[i].want);
                if (cases[i].want == 0)
                        assert_string_equal(buf_cstr(&text), "abc");
        }
        assert_string_equal(c.from, file);
        /* SHA-256 of "abc", FIPS 180-4's example. */
        assert_memory_equal(c.digest, "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde", 12);
        unlink(file);
        assert_int_equal(open_file(file, CONFIG_NO_OTHER, &c, &text), -ENOENT);
        assert_int_equal(open_file(file, 0, &c, &text), 0); /* the one that ships */
        assert_string_equal(c.from, CONFIG_SHIPPED);
        assert_true(span_eq(buf_span(&text), config_shipped()));
        assert_non_null(strstr(buf_cstr(&text), "\nprofiles:\n"));
        assert_int_equal(open_file(dir, 0, &c, &text), -EACCES);
        assert_int_equal(mkfifo(file, 0600), 0); /* must not be waited for */
        assert_int_equal(open_file(file, 0, &c, &text), -EACCES);
        unlink(file);
        buf_done(&text);
        (void)state;
}

static void test_ceiling(void **state)
{
        struct buf text = BUF_INIT(2 * CONFFILE_MAX);
        struct config c = { 0 };
        char *much = malloc(CONFFILE_MAX + 1);

        memset(much, 'x', CONFFILE_MAX + 1);
        write_file(much, CONFFILE_MAX, 0600);
        assert_int_equal(open_file(file, 0, &c, &text), 0);
        assert_int_equal(text.n, CONFFILE_MAX);
        write_file(much, CONFFILE_MAX + 1, 0600);
        assert_int_equal(open_file(file, 0, &c, &text), -E2BIG);
        unlink(file);
        free(much);
        buf_done(&text);
        (void)state;
}

#define PROFILE                                                                                    \
        "{\"about\":\"\",\"attributes\":[\"type\"],\"deep\":0,\"keep\":false,\"max_size\":0,"      \
        "\"mode\":\"log\",\"owners\":[],\"profile\":\"p\",\"volatile\":false}"
#define RULE                      "{\"column\":1,\"exclude\":false,\"line\":1,\"pattern\":\"/etc\",\"profile\":\"p\"}"
#define FAULT(line, column, text) "{\"column\":" column ",\"fault\":\"" text "\",\"line\":" line "}"

static void test_facts(void **state)
{
        static const struct {
                const char *facts[4];
                int fact_rc, job_rc, want;
                const char *says;
        } cases[] = {
                { { PROFILE, RULE }, 0, 0, 0, "" },
                { { NULL }, 0, 0, -EBADMSG, "nothing came of it" },
                { { PROFILE }, 0, 0, -EBADMSG, "nothing came of it" },
                { { FAULT("3", "7", "no\\u001b[2J good") },
                  0,
                  0,
                  -EINVAL,
                  "watch.yaml:3:7: no\\x1b[2J good" },
                { { FAULT("3", "7", "a"), FAULT("4", "1", "b"), FAULT("0", "0", "and 9 more") },
                  0,
                  0,
                  -EINVAL,
                  "watch.yaml:3:7: a (and 2 more)" },
                { { PROFILE, RULE, FAULT("1", "1", "x") }, 0, 0, -EINVAL, "watch.yaml:1:1: x" },
                { { PROFILE, RULE }, 0, -ETIMEDOUT, -ETIMEDOUT, "it \\x07 took too long" },
                { { "{}" }, -EBADMSG, 0, 0, NULL },
                { { FAULT("-1", "1", "x") }, -EBADMSG, 0, 0, NULL },
                { { FAULT("\"1\"", "1", "x") }, -EBADMSG, 0, 0, NULL },
                { { "{\"column\":1,\"fault\":1,\"line\":1}" }, -EBADMSG, 0, 0, NULL },
                { { "{\"fault\":\"x\"}" }, -EBADMSG, 0, 0, NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct config c = { .from = "/etc/assay/watch.yaml" };
                struct err job_err, err = { 0 };
                int rc = 0;

                (void)err_set(&job_err, -ETIMEDOUT, "it \a took too long");
                for (size_t k = 0; k < 4 && cases[i].facts[k] && rc == 0; k++)
                        rc = config_fact(&c, span_str(cases[i].facts[k]));
                assert_int_equal(rc, cases[i].fact_rc);
                if (rc == 0) {
                        assert_int_equal(config_end(&c, cases[i].job_rc, &job_err, &err),
                                         cases[i].want);
                        if (!strstr(err.text, cases[i].says))
                                fail_msg("case %zu says %s", i, err.text);
                }
                config_done(&c);
        }
        (void)state;
}

static void test_flood(void **state)
{
        struct config c = { .from = "f" };
        int rc = 0, n = 0;

        for (; rc == 0; n++)
                rc = config_fact(&c, span_str(FAULT("1", "1", "x")));
        assert_int_equal(rc, -EBADMSG);
        assert_int_equal(n, CONFFILE_FAULTS_MAX + 1);
        config_done(&c);
        (void)state;
}

static void test_paths(void **state)
{
        static const char *const good[] = { "/etc", "!/etc/x", "/srv/*/y", NULL };
        static const char *const bad[] = { "/etc", "srv", NULL };
        struct config c = { 0 };
        struct err err = { 0 };

        assert_int_equal(config_from_paths(good, &c, &err), 0);
        assert_true(watchset_covers(&c.set, SPAN("/srv/a/y/z")));
        assert_false(watchset_covers(&c.set, SPAN("/etc/x")));
        assert_false(c.has_digest);
        config_done(&c);
        assert_int_equal(config_from_paths(bad, &c, &err), -EINVAL);
        assert_non_null(strstr(err.text, "--watch: srv"));
        config_done(&c);
        (void)state;
}

static void test_out_of_memory(void **state)
{
        static const char *const facts[] = { PROFILE, RULE, FAULT("1", "2", "x") };
        int rc = -ENOMEM;

        for (size_t nth = 1; rc; nth++) {
                struct config c = { .from = "f" };

                rc = 0;
                alloc_fail_nth = nth;
                for (size_t k = 0; k < ARRAY_LEN(facts) && rc == 0; k++)
                        rc = config_fact(&c, span_str(facts[k]));
                alloc_fail_nth = 0;
                assert_true(rc == 0 || rc == -ENOMEM);
                config_done(&c);
        }
        write_file("abc", 3, 0600);
        rc = -ENOMEM;
        for (size_t nth = 1; rc; nth++) {
                struct config c = { 0 };
                int fd = -1;

                alloc_fail_nth = nth;
                rc = config_open(file, 0, &c, &fd, NULL);
                alloc_fail_nth = 0;
                assert_true(rc == 0 || rc == -ENOMEM);
                if (fd >= 0)
                        close(fd);
        }
        unlink(file);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_file),  cmocka_unit_test(test_ceiling),
                cmocka_unit_test(test_facts), cmocka_unit_test(test_flood),
                cmocka_unit_test(test_paths), cmocka_unit_test(test_out_of_memory),
        };
        int rc;

        if (!mkdtemp(dir))
                return 1;
        snprintf(file, sizeof file, "%s/watch.yaml", dir);
        rc = cmocka_run_group_tests(tests, NULL, NULL);
        rmdir(dir);
        return rc;
}
