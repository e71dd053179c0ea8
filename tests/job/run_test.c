/* SPDX-License-Identifier: Apache-2.0 */
/* The real assay-job (its path is the first argument), from the parent's side, on this machine's
 * real files; once also from inside the sensor's sandbox. */
#include "loop/jobrun.h"
#include "loop/role.h"
#include "sys/io.h"
#include "sys/sysclock.h"
#include "wire/json.h"

#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

static const char *program;

struct seen {
        unsigned facts, bad;
        bool root; /* "/" or user 0 was among them */
};

static int on_fact(void *ctx, struct span json)
{
        struct json_value o = json_value_of(json), v;
        struct seen *s = ctx;
        struct span text;
        int64_t n;

        s->facts++;
        if (json_get(o, "bad_line", &v))
                s->bad++;
        if (json_get(o, "uid", &v) && json_value_int(v, &n) && n == 0)
                s->root |= json_get(o, "name", &v) && json_value_plain(v, &text) &&
                           span_eq_str(text, "root");
        if (json_get(o, "point", &v) && json_value_plain(v, &text) && span_eq_str(text, "/"))
                s->root = true;
        return 0;
}

static int run(const char *job, const char *path, struct seen *s, struct err *err)
{
        CLEANUP_FD int in = open(path, O_RDONLY | O_CLOEXEC);
        struct job_spec spec = { .program = program,
                                 .job = job,
                                 .input = in,
                                 .timeout_ns = 20 * NS_PER_S,
                                 .facts_max = 100000,
                                 .clock = &sysclock };

        return job_run_wait(&spec, on_fact, s, err);
}

static void test_passwd(void **state)
{
        struct seen s = { 0 };
        struct err err = { 0 };
        unsigned want = 0;

        assert_int_equal(run("passwd", "/etc/passwd", &s, &err), 0);
        setpwent();
        while (getpwent())
                want++;
        endpwent();
        assert_int_equal(s.facts, want);
        assert_int_equal(s.bad, 0);
        assert_true(s.root);
}

static void test_mountinfo(void **state)
{
        struct seen s = { 0 };
        struct err err = { 0 };

        assert_int_equal(run("mountinfo", "/proc/self/mountinfo", &s, &err), 0);
        assert_int_equal(s.bad, 0);
        assert_true(s.root);
}

static void test_refused(void **state)
{
        struct seen s = { 0 };
        struct err err = { 0 };

        assert_int_equal(run("no-such-job", "/etc/passwd", &s, &err), -EIO);
        assert_non_null(strstr(err.text, "no such job"));
        assert_int_equal(run("passwd", "/dev/zero", &s, &err), -EIO);
        assert_non_null(strstr(err.text, "more than 16777216 bytes"));
        assert_int_equal(run("passwd", "/", &s, &err), -EIO);
        assert_non_null(strstr(err.text, "input"));
        assert_int_equal(s.facts, 0);
}

/* Binary noise is many bad lines, nothing worse. */
static void test_noise(void **state)
{
        struct seen s = { 0 };
        struct err err = { 0 };

        assert_int_equal(run("mountinfo", program, &s, &err), 0);
        assert_true(s.facts > 10);
        assert_int_equal(s.facts, s.bad);
}

static int from_sensor(void)
{
        struct role_paths none = { 0 };
        struct sandbox_state st;
        struct seen s = { 0 };
        struct err err = { 0 };

        if (role_enter(ROLE_SENSOR, &none, 0, &st, &err) < 0 ||
            run("mountinfo", "/proc/self/mountinfo", &s, &err) < 0) {
                fprintf(stderr, "%s\n", err.text);
                return 1;
        }
        return s.root ? 0 : 2;
}

static void test_from_sensor(void **state)
{
        int status;
        pid_t pid;

        if (geteuid() != 0)
                skip();
        pid = fork();
        if (pid == 0)
                _exit(from_sensor());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_passwd),      cmocka_unit_test(test_mountinfo),
                cmocka_unit_test(test_refused),     cmocka_unit_test(test_noise),
                cmocka_unit_test(test_from_sensor),
        };

        if (argc != 2) {
                fprintf(stderr, "usage: %s ASSAY-JOB\n", argv[0]);
                return 2;
        }
        program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
