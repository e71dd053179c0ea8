/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/thread.h"

#include <signal.h>

int thread_begin(pthread_t *ret, void *(*fn)(void *ctx), void *ctx)
{
        sigset_t all, before;
        int r;

        /* A thread inherits what its creator has blocked. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(ret, NULL, fn, ctx);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return -r;
}
