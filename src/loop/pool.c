/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants, under lock: every job is in exactly one of queue, a worker's hands, or finished;
 * busy counts them all and belongs to the owner's thread alone.  No done() without its run(). */
#include "loop/pool.h"

#include "sys/thread.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { WORKERS_MAX = 256 };

struct list {
        struct pool_job *first;
        struct pool_job **tail;
};

struct pool {
        pthread_mutex_t lock;
        pthread_cond_t work;  /* queue filled, or closing */
        pthread_cond_t ready; /* finished filled */
        struct list queue;
        struct list finished;
        bool closing;
        int fd; /* eventfd, readable while finished is not empty */
        unsigned busy;
        unsigned max_jobs;
        bool inline_turn; /* a job runs inside pool_submit() right now */
        unsigned n_workers;
        pthread_t workers[];
};

static void list_clear(struct list *l)
{
        l->first = NULL;
        l->tail = &l->first;
}

static void list_put(struct list *l, struct pool_job *j)
{
        j->next = NULL;
        *l->tail = j;
        l->tail = &j->next;
}

static struct pool_job *list_take(struct list *l)
{
        struct pool_job *j = l->first;

        if (j) {
                l->first = j->next;
                if (!l->first)
                        l->tail = &l->first;
                j->next = NULL;
        }
        return j;
}

static void finish(struct pool *p, struct pool_job *j)
{
        bool first = !p->finished.first;
        ssize_t r;

        list_put(&p->finished, j);
        pthread_cond_signal(&p->ready);
        if (first) {
                r = write(p->fd, &(uint64_t){ 1 }, sizeof(uint64_t));
                assert(r == sizeof(uint64_t)); /* the counter is at most 1 */
        }
}

static void *worker(void *ctx)
{
        struct pool *p = ctx;
        struct pool_job *j;

        pthread_mutex_lock(&p->lock);
        for (;;) {
                j = list_take(&p->queue);
                if (!j && p->closing)
                        break;
                if (!j) {
                        pthread_cond_wait(&p->work, &p->lock);
                        continue;
                }
                pthread_mutex_unlock(&p->lock);
                j->run(j);
                pthread_mutex_lock(&p->lock);
                finish(p, j);
        }
        pthread_mutex_unlock(&p->lock);
        return NULL;
}

static int start_workers(struct pool *p, unsigned n, struct err *err)
{
        for (; p->n_workers < n; p->n_workers++) {
                int r = thread_begin(&p->workers[p->n_workers], worker, p);

                if (r < 0)
                        return err_sys(err, r, "worker %u of %u", p->n_workers + 1, n);
        }
        return 0;
}

int pool_new(unsigned workers, unsigned max_jobs, struct pool **ret, struct err *err)
{
        CLEANUP(pool_freep) struct pool *p = NULL;
        int r;

        if (workers > WORKERS_MAX || max_jobs == 0)
                return err_set(err, -EINVAL, "pool of %u workers and %u jobs: out of range",
                               workers, max_jobs);
        p = calloc(1, sizeof *p + workers * sizeof p->workers[0]);
        if (!p)
                return err_sys(err, -ENOMEM, "pool");
        pthread_mutex_init(&p->lock, NULL);
        pthread_cond_init(&p->work, NULL);
        pthread_cond_init(&p->ready, NULL);
        list_clear(&p->queue);
        list_clear(&p->finished);
        p->max_jobs = max_jobs;
        p->fd = -1;
        if (workers > 0) {
                p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
                if (p->fd < 0)
                        return err_sys(err, -errno, "pool: eventfd");
                r = start_workers(p, workers, err);
                if (r < 0)
                        return r;
        }
        *ret = p;
        p = NULL;
        return 0;
}

struct pool *pool_free(struct pool *p)
{
        if (!p)
                return NULL;
        assert(!p->inline_turn);
        pool_drain(p);
        pthread_mutex_lock(&p->lock);
        p->closing = true;
        pthread_cond_broadcast(&p->work);
        pthread_mutex_unlock(&p->lock);
        for (unsigned i = 0; i < p->n_workers; i++)
                pthread_join(p->workers[i], NULL);
        if (p->fd >= 0)
                close(p->fd);
        pthread_cond_destroy(&p->ready);
        pthread_cond_destroy(&p->work);
        pthread_mutex_destroy(&p->lock);
        free(p);
        return NULL;
}

/* Zero workers.  A job submitted by a done() waits in the queue for the outer call, so a chain of
 * jobs does not grow the stack. */
static void run_inline(struct pool *p)
{
        struct pool_job *j;

        if (p->inline_turn)
                return;
        p->inline_turn = true;
        while ((j = list_take(&p->queue))) {
                j->run(j);
                p->busy--;
                j->done(j);
        }
        p->inline_turn = false;
}

int pool_submit(struct pool *p, struct pool_job *j)
{
        if (p->busy >= p->max_jobs)
                return -EAGAIN;
        p->busy++;
        if (p->n_workers == 0) {
                list_put(&p->queue, j);
                run_inline(p);
                return 0;
        }
        pthread_mutex_lock(&p->lock);
        list_put(&p->queue, j);
        pthread_cond_signal(&p->work);
        pthread_mutex_unlock(&p->lock);
        return 0;
}

int pool_fd(const struct pool *p)
{
        return p->fd;
}

unsigned pool_reap(struct pool *p)
{
        struct pool_job *next, *j;
        uint64_t count;
        unsigned n = 0;
        ssize_t r;

        if (p->n_workers == 0)
                return 0;
        pthread_mutex_lock(&p->lock);
        j = p->finished.first;
        list_clear(&p->finished);
        r = read(p->fd, &count, sizeof count); /* EAGAIN when nothing had finished */
        assert((r == sizeof count) == (j != NULL));
        pthread_mutex_unlock(&p->lock);
        for (; j; j = next) {
                next = j->next; /* done() may free j */
                j->next = NULL;
                p->busy--;
                j->done(j);
                n++;
        }
        return n;
}

unsigned pool_busy(const struct pool *p)
{
        return p->busy;
}

void pool_drain(struct pool *p)
{
        while (p->busy > 0 && p->n_workers > 0) {
                pthread_mutex_lock(&p->lock);
                while (!p->finished.first)
                        pthread_cond_wait(&p->ready, &p->lock);
                pthread_mutex_unlock(&p->lock);
                pool_reap(p);
        }
}
