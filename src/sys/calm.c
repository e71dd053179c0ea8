/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/calm.h"

#include "sys/sysclock.h"
#include "sys/thread.h"

#include <linux/ioprio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { WORK_MS = 10, REST_MAX_MS = 100 };

struct task {
        void (*fn)(void *ctx);
        void *ctx;
};

static void *run(void *ctx)
{
        struct task *t = ctx;

        /* Both are of this thread alone; without them the work is done all the same. */
        (void)!setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19);
        (void)!syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
                       IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
        t->fn(t->ctx);
        return NULL;
}

int calm_run(void (*fn)(void *ctx), void *ctx)
{
        struct task t = { fn, ctx };
        pthread_t thread;
        int rc = thread_begin(&thread, run, &t);

        if (rc < 0)
                return rc;
        pthread_join(thread, NULL);
        return 0;
}

void calm_rest(struct calm_pace *p, const atomic_bool *stop)
{
        int64_t now = clock_mono(&sysclock), worked = now - p->since_ns;
        struct timespec t = { 0 };

        if (p->since_ns && worked < WORK_MS * NS_PER_MS)
                return;
        if (p->since_ns && !*stop) {
                t.tv_nsec = MIN_OF(worked, REST_MAX_MS * NS_PER_MS);
                nanosleep(&t, NULL);
        }
        p->since_ns = clock_mono(&sysclock);
}
