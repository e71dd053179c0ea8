/* SPDX-License-Identifier: Apache-2.0 */
/* thread.h - threads that take no signals: those are for the owner's signalfd or handlers.
 * Floor 1. */
#ifndef SYS_THREAD_H
#define SYS_THREAD_H

#include "base/base.h"

#include <pthread.h>

/* As pthread_create() with its defaults, with every signal blocked from the thread's first moment.
 * A negative errno: none was begun. */
MUST_USE int thread_begin(pthread_t *ret, void *(*fn)(void *ctx), void *ctx);

#endif
