/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's side against jobs that misbehave (badjob.c, whose path is the first argument). */
#include "loop/jobrun.h"

#include "sys/io.h"
#include "sys/sysclock.h"

#include <fcntl.h>
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
        unsigned facts;
        char last[64];
        int refuse_at; /* on_fact() fails at this one */
};

static int on_fact(void *ctx, struct span json)
{
        struct seen *s = ctx;

        s->facts++;
        snprintf(s->last, sizeof s->last, "%.*s", (int)json.n, (const char *)json.p);
        return s->refuse_at && (int)s->facts == s->refuse_at ? -ECANCELED : 0;
}

static struct job_spec spec_of(const char *how)
{
        return (struct job_spec){ .program = program,
                                  .job = how,
                                  .input = -1,
                                  .timeout_ns = 10 * NS_PER_S,
                                  .facts_max = 1000,
                                  .clock = &sysclock };
}

static const struct {
        const char *how;
        int want;
        const char *text;
        int facts; /* -1: any number */
        int64_t timeout_ms;
} cases[] = {
        { "good", 0, "", 2, 0 },
        { "crash", -EIO, "signal 6", 1, 0 },
        { "hang", -ETIMEDOUT, "not done after 100 ms", 1, 100 },
        { "close", -ETIMEDOUT, "not done after 100 ms", 0, 100 },
        { "flood", -E2BIG, "more than 1000 facts", 1000, 0 },
        { "status", -EIO, "status 3", 0, 0 },
        { "silent", -EBADMSG, "in the middle", 0, 0 },
        { "count", -EBADMSG, "says 2 facts, sent 1", 1, 0 },
        { "after", -EBADMSG, "after the end", 0, 0 },
        { "json", -EBADMSG, "fact: byte", 0, 0 },
        { "type", -EBADMSG, "type 7", 0, 0 },
        { "large", -EBADMSG, "receive", 0, 0 },
        { "told", -EIO, "job told: line 7 is odd", 0, 0 },
        { "inherit", -EIO, "status 4", 0, 0 },
};

/* Stands still until the first fact: a slow machine begins a process as late as it likes. */
static int64_t since_first_fact(void *ctx)
{
        const struct seen *s = ctx;

        return s->facts ? clock_mono(&sysclock) : 0;
}

static void test_cases(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct job_spec s = spec_of(cases[i].how);
                struct seen seen = { 0 };
                struct clock clock = { since_first_fact, since_first_fact, &seen };
                struct err err = { 0 };
                int r;

                print_message("%s\n", cases[i].how);
                if (cases[i].timeout_ms)
                        s.timeout_ns = cases[i].timeout_ms * NS_PER_MS;
                if (cases[i].timeout_ms && cases[i].facts)
                        s.clock = &clock;
                r = job_run_wait(&s, on_fact, &seen, &err);
                if (r != cases[i].want)
                        print_error("%s\n", err.text);
                assert_int_equal(r, cases[i].want);
                assert_non_null(strstr(err.text, cases[i].text));
                if (cases[i].facts >= 0)
                        assert_int_equal(seen.facts, cases[i].facts);
                assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
        }
}

static void test_input(void **state)
{
        CLEANUP_FD int in = job_input(SPAN("{\"b\":[]}"), NULL);
        struct job_spec s = spec_of("echo");
        struct seen seen = { 0 };
        struct err err = { 0 };

        assert_true(in >= 0);
        assert_int_equal(write(in, "x", 1), -1); /* sealed */
        s.input = in;
        assert_int_equal(job_run_wait(&s, on_fact, &seen, &err), 0);
        assert_string_equal(seen.last, "{\"b\":[]}");
}

static void test_parts(void **state)
{
        CLEANUP_FD int a = job_input(SPAN("1"), NULL);
        CLEANUP_FD int b = job_input(SPAN("2"), NULL);
        static const char *const args[] = { "the_argument", NULL };
        struct job_spec s = spec_of("parts");
        int more[] = { a, b };
        struct seen seen = { 0 };

        assert_true(a >= 0 && b >= 0);
        s.args = args;
        s.more = more;
        s.n_more = ARRAY_LEN(more);
        assert_int_equal(job_run_wait(&s, on_fact, &seen, NULL), 0);
        assert_string_equal(seen.last, "{\"the_argument\":[1,2]}");
}

static void test_refused_fact(void **state)
{
        struct job_spec s = spec_of("good");
        struct seen seen = { .refuse_at = 1 };
        struct err err = { 0 };

        assert_int_equal(job_run_wait(&s, on_fact, &seen, &err), -ECANCELED);
        assert_int_equal(seen.facts, 1);
}

static void test_missing_program(void **state)
{
        struct job_spec s = spec_of("good");
        struct seen seen = { 0 };
        struct err err = { 0 };

        s.program = "/nowhere/assay-job";
        assert_int_equal(job_run_wait(&s, on_fact, &seen, &err), -ENOENT);
        assert_non_null(strstr(err.text, "/nowhere/assay-job"));
}

static void never(void *ctx, int result, const struct err *err)
{
        fail();
}

static void test_cancel(void **state)
{
        CLEANUP(loop_freep) struct loop *l = NULL;
        struct job_spec s = spec_of("hang");
        struct job_run *j = NULL;
        struct seen seen = { 0 };

        assert_int_equal(loop_new(&sysclock, &l, NULL), 0);
        assert_int_equal(job_start(l, &s, on_fact, never, &seen, &j, NULL), 0);
        j = job_cancel(j);
        assert_null(j);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_null(job_cancel(NULL));
}

/* Many at once on one loop, some of which fail: each ends by itself. */
enum { MANY = 20 };

struct many {
        struct loop *loop;
        unsigned good, bad;
};

static int many_fact(void *ctx, struct span json)
{
        return 0;
}

static void many_end(void *ctx, int result, const struct err *err)
{
        struct many *m = ctx;

        if (result == 0)
                m->good++;
        else
                m->bad++;
        if (m->good + m->bad == MANY)
                loop_stop(m->loop, 0);
}

static void test_many(void **state)
{
        CLEANUP(loop_freep) struct loop *l = NULL;
        struct many m = { 0 };
        struct job_run *j;

        assert_int_equal(loop_new(&sysclock, &l, NULL), 0);
        m.loop = l;
        for (int i = 0; i < MANY; i++) {
                struct job_spec s = spec_of(i % 2 ? "good" : "crash");

                assert_int_equal(job_start(l, &s, many_fact, many_end, &m, &j, NULL), 0);
        }
        assert_int_equal(loop_run(l), 0);
        assert_int_equal(m.good, MANY / 2);
        assert_int_equal(m.bad, MANY / 2);
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),        cmocka_unit_test(test_input),
                cmocka_unit_test(test_refused_fact), cmocka_unit_test(test_missing_program),
                cmocka_unit_test(test_cancel),       cmocka_unit_test(test_parts),
                cmocka_unit_test(test_many),
        };

        if (argc != 2) {
                fprintf(stderr, "usage: %s BADJOB\n", argv[0]);
                return 2;
        }
        program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
