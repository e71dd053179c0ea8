/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - one epoll loop per process: descriptors, timers, signals.  Floor 2.
 *
 * Handlers run one after the other and must not block.  A source may be removed in any handler, its
 * own included; it is never called again after loop_remove(). */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"

#include <sys/types.h>

struct loop;
struct loop_source;

enum loop_events {
        LOOP_READ = 1u << 0,
        LOOP_WRITE = 1u << 1,
        LOOP_HANGUP = 1u << 2, /* only reported, never asked for */
};

typedef void loop_io_fn(void *ctx, unsigned events);
typedef void loop_timer_fn(void *ctx);
typedef void loop_signal_fn(void *ctx, int signo);
typedef void loop_turn_fn(void *ctx);

MUST_USE int loop_new(const struct clock *clock, struct loop **ret, struct err *err);
struct loop *loop_free(struct loop *l); /* removes what is left; descriptors stay open */
DEFINE_CLEANUP(struct loop, loop_free)

/* fd is borrowed and must outlive the source. */
MUST_USE int loop_add_fd(struct loop *l, int fd, unsigned events, loop_io_fn *fn, void *ctx,
                         struct loop_source **ret, struct err *err);
MUST_USE int loop_set_events(struct loop_source *s, unsigned events);
/* Once, at clock_mono() >= at_ns; arm again with loop_timer_set, negative disarms. */
MUST_USE int loop_add_timer(struct loop *l, loop_timer_fn *fn, void *ctx, struct loop_source **ret,
                            struct err *err);
void loop_timer_set(struct loop_source *s, int64_t at_ns);
/* Blocks the signal for the process and reads it through a signalfd. */
MUST_USE int loop_add_signal(struct loop *l, int signo, loop_signal_fn *fn, void *ctx,
                             struct err *err);
/* Who sent the signal whose handler runs, or ran last.  pid 0: the kernel, or nobody yet. */
struct loop_sender {
        pid_t pid;
        uid_t uid;
};
struct loop_sender loop_signal_sender(const struct loop *l);
/* Called after every turn, when all ready handlers have run: the place for group commit. */
void loop_set_turn(struct loop *l, loop_turn_fn *fn, void *ctx);
struct loop_source *loop_remove(struct loop_source *s); /* NULL is fine; returns NULL */

/* Until loop_stop(); returns its code, or a negative errno of epoll. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int code);

#endif
