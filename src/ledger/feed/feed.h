/* SPDX-License-Identifier: Apache-2.0 */
/* feed.h - a writer's end of the line to the recorder.  Floor 2.
 *
 * Keeps what is not yet acknowledged and sends it again after a reconnect, so an entry handed to
 * feed_put() reaches the ledger exactly once or feed_put() said no.  Bounded: at most
 * LEDGER_WINDOW entries and feed_options.max_bytes wait; then feed_put() says -EAGAIN and the
 * caller chooses (wait, or record a gap).  Never blocks once started. */
#ifndef LEDGER_FEED_H
#define LEDGER_FEED_H

#include "base/base.h"
#include "base/err.h"

#include <sys/types.h>

struct feed;

struct feed_field {
        struct span subject; /* whose data it is: "uid:1000", a label only the vault sees */
        struct span name;    /* dotted path in the entry: "who.user" */
        struct span value;   /* canonical JSON value */
};

struct feed_options {
        const char *socket; /* path of the recorder's socket */
        const char *proc;   /* this process' name in the table of roles */
        size_t max_bytes;   /* of waiting entries; 0: 8 MiB */
        /* Acknowledged: durably in the ledger at this index. */
        void (*on_ack)(void *ctx, uint64_t seq, uint64_t index);
        /* Refused for good, with the recorder's words. */
        void (*on_nak)(void *ctx, uint64_t seq, int code, struct span text);
        void *ctx;
};

/* Does not connect yet. */
MUST_USE int feed_new(const struct feed_options *o, struct feed **ret, struct err *err);
struct feed *feed_free(struct feed *f);
DEFINE_CLEANUP(struct feed, feed_free)

/* Connect and shake hands, blocking up to timeout_ms.  resume_run 0 asks for a new run.  A run the
 * recorder does not know is answered with a new one; what is queued then goes out under that. */
MUST_USE int feed_connect(struct feed *f, uint64_t resume_run, int timeout_ms, struct err *err);
/* The same without waiting: connects, says hello and returns.  feed_work() hears the answer; until
 * then there is a feed_fd() and feed_connected() is false. */
MUST_USE int feed_greet(struct feed *f, uint64_t resume_run, struct err *err);
bool feed_connected(const struct feed *f);
uint64_t feed_run(const struct feed *f);
/* The last sequence of this run the recorder held when it welcomed us. */
uint64_t feed_held(const struct feed *f);
struct span feed_host(const struct feed *f);

/* Queue one entry; *ret_seq is its sequence.  -EAGAIN: full. -E2BIG: does not fit a message. */
MUST_USE int feed_put(struct feed *f, struct span skeleton, const struct feed_field *fields,
                      size_t n_fields, uint64_t *ret_seq, struct err *err);

/* For the owner's loop: the descriptor (-1 when not connected) and what to wait for. */
int feed_fd(const struct feed *f);
bool feed_wants_write(const struct feed *f);
/* Send and receive what is possible now.  -EPIPE: the recorder went away; connect again. */
MUST_USE int feed_work(struct feed *f, struct err *err);
/* The same without receiving, for a loop that knows that nothing has come. */
MUST_USE int feed_send(struct feed *f, struct err *err);
/* 0, or the negative errno with which the recorder takes no entries for now: -ENOSPC, its disk is
 * full; -EIO, it stopped for good.  What was put before stays queued. */
int feed_stopped(const struct feed *f);
/* Entries not yet acknowledged. */
size_t feed_pending(const struct feed *f);
/* Work until nothing is pending or the time is over (-ETIMEDOUT). */
MUST_USE int feed_flush(struct feed *f, int timeout_ms, struct err *err);

/* Say that we live, where MSG_BEAT_S are over since that was said last: for a timer of the owner's
 * loop, so that a loop that stands still says nothing.  Who has begun with it has to go on. */
void feed_beat(struct feed *f);
/* Say that we leave, before the connection is closed: asked to by this process of this user (pid 0:
 * not known); again: to come back at once.  Without it the recorder takes it for a death. */
void feed_bye(struct feed *f, bool again, pid_t pid, uid_t uid);

/* Send an administrator's command and wait for the reply's JSON body, appended to ret.
 * Returns the reply's code; its "error" text is in *err. */
struct buf;
MUST_USE int feed_command(struct feed *f, const char *verb, struct span args, int timeout_ms,
                          struct buf *ret, struct err *err);

#endif
