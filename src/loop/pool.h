/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h - a fixed set of worker threads.  Floor 2.
 *
 * A job moves in, a result moves out; workers share nothing with the loop or each other.  The queue
 * has a ceiling: a full pool says so and the caller waits.  With zero workers a job runs inside
 * pool_submit(), which is what a command line tool wants. */
#ifndef LOOP_POOL_H
#define LOOP_POOL_H

#include "base/base.h"
#include "base/err.h"

struct pool;

/* Embed in the job's own struct.  run() is called in a worker, done() in the owner's thread. */
struct pool_job {
        void (*run)(struct pool_job *j);
        void (*done)(struct pool_job *j);
        struct pool_job *next;
};

MUST_USE int pool_new(unsigned workers, unsigned max_jobs, struct pool **ret, struct err *err);
/* Runs what is queued, waits, and calls every done() that is still due. */
struct pool *pool_free(struct pool *p);
DEFINE_CLEANUP(struct pool, pool_free)

/* -EAGAIN: the ceiling is reached.  The job is the pool's until its done(). */
MUST_USE int pool_submit(struct pool *p, struct pool_job *j);

/* Readable when results wait; -1 with zero workers. */
int pool_fd(const struct pool *p);
/* Call done() of every finished job; returns how many. */
unsigned pool_reap(struct pool *p);
/* Jobs in the pool, finished ones not yet reaped included. */
unsigned pool_busy(const struct pool *p);
/* Wait until nothing is queued or running, reaping on the way. */
void pool_drain(struct pool *p);

#endif
