/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants, under lock: places below `next` were taken by somebody; `working` of the helpers are
 * in work().  Between two runs next == n and working == 0. */
#include "sys/syncer.h"

#include "sys/thread.h"

#include <stdlib.h>

enum { HELPERS_MAX = 64 };

struct syncer {
        pthread_mutex_t lock;
        pthread_cond_t begin; /* places to take, or closing */
        pthread_cond_t rest;  /* nobody works any more */
        const struct io *io;  /* of this run */
        const int *fd;
        size_t n, next, failed;
        int result;
        unsigned working;
        bool closing;
        unsigned n_helpers;
        pthread_t helper[];
};

/* Take places until there are none; with the lock, which is let go during each sync. */
static void work(struct syncer *s)
{
        while (s->next < s->n) {
                size_t at = s->next++;
                int r;

                pthread_mutex_unlock(&s->lock);
                r = s->io->fsync(s->io->ctx, s->fd[at]);
                pthread_mutex_lock(&s->lock);
                if (r < 0 && s->result == 0) {
                        s->result = r;
                        s->failed = at;
                        s->next = s->n; /* what is not begun would not help any more */
                }
        }
}

static void *helper(void *ctx)
{
        struct syncer *s = ctx;

        pthread_mutex_lock(&s->lock);
        while (!s->closing) {
                if (s->next == s->n) {
                        pthread_cond_wait(&s->begin, &s->lock);
                        continue;
                }
                s->working++;
                work(s);
                if (--s->working == 0)
                        pthread_cond_signal(&s->rest);
        }
        pthread_mutex_unlock(&s->lock);
        return NULL;
}

static int start_helpers(struct syncer *s, unsigned n, struct err *err)
{
        for (; s->n_helpers < n; s->n_helpers++) {
                int r = thread_begin(&s->helper[s->n_helpers], helper, s);

                if (r < 0)
                        return err_sys(err, r, "syncing thread %u of %u", s->n_helpers + 1, n);
        }
        return 0;
}

int syncer_new(unsigned helpers, struct syncer **ret, struct err *err)
{
        CLEANUP(syncer_freep) struct syncer *s = NULL;
        int r;

        if (helpers > HELPERS_MAX)
                return err_set(err, -EINVAL, "%u syncing threads, at most %d", helpers,
                               HELPERS_MAX);
        s = calloc(1, sizeof *s + helpers * sizeof s->helper[0]);
        if (!s)
                return err_sys(err, -ENOMEM, "syncing threads");
        pthread_mutex_init(&s->lock, NULL);
        pthread_cond_init(&s->begin, NULL);
        pthread_cond_init(&s->rest, NULL);
        r = start_helpers(s, helpers, err);
        if (r < 0)
                return r;
        *ret = s;
        s = NULL;
        return 0;
}

struct syncer *syncer_free(struct syncer *s)
{
        if (!s)
                return NULL;
        pthread_mutex_lock(&s->lock);
        s->closing = true;
        pthread_cond_broadcast(&s->begin);
        pthread_mutex_unlock(&s->lock);
        for (unsigned i = 0; i < s->n_helpers; i++)
                pthread_join(s->helper[i], NULL);
        pthread_cond_destroy(&s->rest);
        pthread_cond_destroy(&s->begin);
        pthread_mutex_destroy(&s->lock);
        free(s);
        return NULL;
}

static int run_alone(const struct io *io, const int *fd, size_t n, size_t *ret_failed)
{
        for (size_t i = 0; i < n; i++) {
                int r = io->fsync(io->ctx, fd[i]);

                if (r < 0) {
                        *ret_failed = i;
                        return r;
                }
        }
        return 0;
}

int syncer_run(struct syncer *s, const struct io *io, const int *fd, size_t n, size_t *ret_failed)
{
        int r;

        if (!s || n < 2)
                return run_alone(io, fd, n, ret_failed);
        pthread_mutex_lock(&s->lock);
        assert(s->next == s->n && s->working == 0);
        s->io = io;
        s->fd = fd;
        s->next = 0;
        s->n = n;
        s->result = 0;
        /* No more than there is work for. */
        for (size_t i = 1; i < n && i <= s->n_helpers; i++)
                pthread_cond_signal(&s->begin);
        work(s);
        while (s->working > 0)
                pthread_cond_wait(&s->rest, &s->lock);
        s->n = s->next = 0;
        r = s->result;
        if (r < 0)
                *ret_failed = s->failed;
        pthread_mutex_unlock(&s->lock);
        return r;
}
