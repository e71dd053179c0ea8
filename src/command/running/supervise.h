/* SPDX-License-Identifier: Apache-2.0 */
/* supervise.h - start programs, show what they log, start again those that die, stop them in order.
 * Floor 3.
 *
 *   IDLE --start--> RUNS --dies--> WAITS --back-off over--> RUNS
 *                    |               |
 *                    stop            stop
 *                    v               v
 *                  STOPS --dies--> IDLE */
#ifndef COMMAND_RUNNING_SUPERVISE_H
#define COMMAND_RUNNING_SUPERVISE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "command/screen.h"
#include "loop/loop.h"

#include <sys/types.h>

enum child_state { CHILD_IDLE, CHILD_RUNS, CHILD_WAITS, CHILD_STOPS };

enum {
        CHILD_ARGS_MAX = 48,
        CHILD_LINE_MAX = 4096,
        CHILD_QUICK_DEATHS = 5,
        CHILD_AGAIN = 75, /* exit status that asks to be started again (recorder/command.h) */
};

struct child {
        const char *name; /* before each line it logs */
        const char *path;
        const char *argv[CHILD_ARGS_MAX];
        bool as_user; /* become uid and gid before exec */
        uid_t uid;
        gid_t gid;

        struct supervisor *of;
        enum child_state state;
        pid_t pid;
        int log_fd; /* its standard output and error */
        struct loop_source *log, *timer;
        struct buf line;
        int64_t started_ns;
        unsigned quick_deaths; /* in a row */
        int last_status;       /* as waitpid(2) gave it */
};

struct supervisor {
        struct loop *loop;
        const struct clock *clock;
        struct screen out;
        size_t not_shown; /* lines that nobody took, since the last that somebody did */
        /* A child died: starting again or, after CHILD_QUICK_DEATHS in a row, not. */
        void (*on_death)(void *ctx, struct child *c, bool again);
        /* A child that was asked to stop has. */
        void (*on_stopped)(void *ctx, struct child *c);
        void *ctx;
        struct child **children; /* borrowed */
        size_t n;
};

/* From here on what this process says does not wait for who reads it: whoever stops his terminal
 * would stop all that is supervised with it. */
void supervise_never_wait(void);

/* Call from the loop's SIGCHLD handler. */
void supervise_reap(struct supervisor *s);

MUST_USE int child_start(struct child *c, struct err *err);
/* SIGTERM, and SIGKILL when that does not end it within the grace. */
void child_stop(struct child *c, int64_t grace_ns);
/* Give up its sources and descriptors; the process is gone. */
void child_done(struct child *c);

/* Did it end only to be started again? */
bool child_asks_again(const struct child *c);

/* "exit status 1", "killed by signal 9 (Killed)". */
void child_put_status(const struct child *c, struct buf *out);

#endif
