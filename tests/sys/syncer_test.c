/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/syncer.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

enum { MANY = 300 };

/* Descriptors are numbers here: what counts is which were asked for, how often, how many at a time.
 */
struct disk {
        struct io io;
        pthread_mutex_t lock;
        unsigned synced[MANY];
        unsigned now, most;
        int bad; /* this one fails */
        bool slow;
};

static int disk_fsync(void *ctx, int fd)
{
        struct disk *d = ctx;

        pthread_mutex_lock(&d->lock);
        d->synced[fd]++;
        d->now++;
        d->most = MAX_OF(d->most, d->now);
        pthread_mutex_unlock(&d->lock);
        if (d->slow)
                usleep(2000);
        pthread_mutex_lock(&d->lock);
        d->now--;
        pthread_mutex_unlock(&d->lock);
        return fd == d->bad ? -EDQUOT : 0;
}

static void disk_init(struct disk *d)
{
        *d = (struct disk){ .io = { .fsync = disk_fsync }, .bad = -1 };
        d->io.ctx = d;
        pthread_mutex_init(&d->lock, NULL);
}

static const unsigned helpers[] = { 0, 1, 3, 16 };

static struct syncer *syncer(unsigned n)
{
        struct syncer *s = NULL;

        assert_int_equal(syncer_new(n, &s, NULL), 0);
        return s;
}

/* Each once, run after run, and none under way when it returns. */
static void each_once(void **state)
{
        static const size_t sizes[] = { 0, 1, 2, 3, 17, MANY };
        int fd[MANY];
        size_t failed;

        for (int i = 0; i < MANY; i++)
                fd[i] = i;
        for (size_t h = 0; h <= ARRAY_LEN(helpers); h++) {
                struct syncer *s = h < ARRAY_LEN(helpers) ? syncer(helpers[h]) : NULL;
                unsigned want[MANY] = { 0 };
                struct disk d;

                disk_init(&d);
                for (int turn = 0; turn < 50; turn++) {
                        size_t n = sizes[(size_t)turn % ARRAY_LEN(sizes)];

                        assert_int_equal(syncer_run(s, &d.io, fd, n, &failed), 0);
                        for (size_t i = 0; i < n; i++)
                                want[i]++;
                        assert_int_equal(d.now, 0);
                        assert_memory_equal(d.synced, want, sizeof want);
                }
                syncer_free(s);
        }
}

/* As many at the same time as there are threads, and no more. */
static void at_the_same_time(void **state)
{
        int fd[64];
        size_t failed;

        for (int i = 0; i < 64; i++)
                fd[i] = i;
        for (size_t h = 0; h < ARRAY_LEN(helpers); h++) {
                struct syncer *s = syncer(helpers[h]);
                struct disk d;

                disk_init(&d);
                d.slow = true;
                assert_int_equal(syncer_run(s, &d.io, fd, 64, &failed), 0);
                assert_true(d.most <= helpers[h] + 1);
                assert_true(helpers[h] == 0 || d.most > 1);
                syncer_free(s);
        }
}

/* One that fails is named whoever had it, nothing is under way any more, and the next run begins
 * anew. */
static void failures(void **state)
{
        static const int bad[] = { 0, 1, 30, 62, 63 };
        int fd[64];

        for (int i = 0; i < 64; i++)
                fd[i] = i;
        for (size_t h = 0; h <= ARRAY_LEN(helpers); h++)
                for (size_t b = 0; b < ARRAY_LEN(bad); b++) {
                        struct syncer *s = h < ARRAY_LEN(helpers) ? syncer(helpers[h]) : NULL;
                        size_t failed = 1000;
                        struct disk d;

                        disk_init(&d);
                        d.bad = bad[b];
                        assert_int_equal(syncer_run(s, &d.io, fd, 64, &failed), -EDQUOT);
                        assert_int_equal(failed, bad[b]);
                        assert_int_equal(d.now, 0);
                        for (int i = 0; i <= bad[b]; i++) /* places are taken in order */
                                assert_int_equal(d.synced[i], 1);
                        d.bad = -1;
                        assert_int_equal(syncer_run(s, &d.io, fd, 64, &failed), 0);
                        syncer_free(s);
                }
}

static void too_many(void **state)
{
        struct err err = { 0 };
        struct syncer *s = NULL;

        assert_int_equal(syncer_new(1000, &s, &err), -EINVAL);
        assert_null(s);
        assert_null(syncer_free(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_once),
                cmocka_unit_test(at_the_same_time),
                cmocka_unit_test(failures),
                cmocka_unit_test(too_many),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
