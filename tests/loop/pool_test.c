/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/pool.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

enum { JOBS = 2000 };

struct square {
        struct pool_job job;
        pthread_t owner;
        unsigned n, result;
        unsigned done;
        unsigned more; /* jobs that done() submits, one after the other */
        struct pool *pool;
};

static void square_run(struct pool_job *j)
{
        struct square *s = CONTAINER_OF(j, struct square, job);

        s->result = s->n * s->n;
}

static void square_done(struct pool_job *j)
{
        struct square *s = CONTAINER_OF(j, struct square, job);

        assert_true(pthread_equal(pthread_self(), s->owner));
        assert_int_equal(s->result, s->n * s->n);
        s->done++;
        if (s->more > 0) {
                s->more--;
                s->n++;
                assert_int_equal(pool_submit(s->pool, &s->job), 0);
        }
}

static struct square jobs[JOBS];

static void jobs_init(struct pool *pool)
{
        for (unsigned i = 0; i < JOBS; i++)
                jobs[i] = (struct square){
                        .job = { .run = square_run, .done = square_done },
                        .owner = pthread_self(),
                        .n = i,
                        .pool = pool,
                };
}

static void with_workers(unsigned workers, unsigned max)
{
        CLEANUP(pool_freep) struct pool *p = NULL;
        struct err err = { 0 };
        struct pollfd pfd;
        int r;

        assert_int_equal(pool_new(workers, max, &p, &err), 0);
        jobs_init(p);
        pfd = (struct pollfd){ .fd = pool_fd(p), .events = POLLIN };
        assert_true((pool_fd(p) >= 0) == (workers > 0));
        for (unsigned i = 0; i < JOBS; i++) {
                while ((r = pool_submit(p, &jobs[i].job)) == -EAGAIN) {
                        assert_int_equal(pool_busy(p), max);
                        assert_int_equal(poll(&pfd, 1, 10000), 1);
                        assert_true(pool_reap(p) > 0);
                }
                assert_int_equal(r, 0);
        }
        pool_drain(p);
        assert_int_equal(pool_busy(p), 0);
        assert_int_equal(pool_reap(p), 0);
        if (workers > 0)
                assert_int_equal(poll(&pfd, 1, 0), 0);
        for (unsigned i = 0; i < JOBS; i++)
                assert_int_equal(jobs[i].done, 1);
}

static void test_workers(void **state)
{
        static const struct {
                unsigned workers, max;
        } cases[] = { { 0, 1 }, { 0, 64 }, { 1, 1 }, { 1, 64 }, { 4, 3 }, { 8, JOBS } };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                with_workers(cases[i].workers, cases[i].max);
}

/* A done() that submits its job again, long enough to end a stack if it recursed. */
static void test_chain(void **state)
{
        static const unsigned workers[] = { 0, 2 };
        enum { LINKS = 20000 };

        for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
                CLEANUP(pool_freep) struct pool *p = NULL;

                assert_int_equal(pool_new(workers[i], 1, &p, NULL), 0);
                jobs_init(p);
                jobs[0].more = LINKS;
                assert_int_equal(pool_submit(p, &jobs[0].job), 0);
                pool_drain(p);
                assert_int_equal(jobs[0].done, LINKS + 1);
        }
}

static void test_free_with_work(void **state)
{
        struct pool *p = NULL;

        assert_int_equal(pool_new(2, JOBS, &p, NULL), 0);
        jobs_init(p);
        for (unsigned i = 0; i < JOBS; i++)
                assert_int_equal(pool_submit(p, &jobs[i].job), 0);
        p = pool_free(p);
        assert_null(p);
        for (unsigned i = 0; i < JOBS; i++)
                assert_int_equal(jobs[i].done, 1);
}

static void test_limits(void **state)
{
        struct err err = { 0 };
        struct pool *p = NULL;

        assert_int_equal(pool_new(100000, 1, &p, &err), -EINVAL);
        assert_int_equal(pool_new(1, 0, &p, &err), -EINVAL);
        assert_non_null(strstr(err.text, "0 jobs"));
        assert_null(pool_free(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_workers),
                cmocka_unit_test(test_chain),
                cmocka_unit_test(test_free_with_work),
                cmocka_unit_test(test_limits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
