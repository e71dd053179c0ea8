/* SPDX-License-Identifier: Apache-2.0 */
/* journal.h - entries of calls on their way to the recorder, in nginx's loop.  Floor 4, in nginx.
 *
 * What is handed in during a turn of the loop goes out at its end, as few messages as hold it.
 * Nothing here waits: the connection is made anew by a timer, and who waits is called back from the
 * loop, never from within journal_put().
 *
 * When the recorder is not there, takes no entries for now, or has answered nothing for so long,
 * who waits is told so after JOURNAL_WAIT_MS and who comes later at once, but for the patient.
 *
 * Entries for which nobody waits go first, in their order; JOURNAL_TOLD_MAX bytes of them have room
 * while the feed is full, then they are lost, with a line in the log: ends of calls, which the
 * recorder then tells as api.unknown, and counts of refusals. */
#ifndef NGINX_JOURNAL_H
#define NGINX_JOURNAL_H

#include "nginx/settings.h"

#include "gateway/record/record.h"

struct journal;

enum {
        JOURNAL_WAIT_MS = 3000, /* how long a restart of the recorder may take */
        JOURNAL_AGAIN_MS = 200, /* between attempts to connect */
        JOURNAL_TOLD_MAX = 4 << 20,
};

/* Somebody who waits; zeroed at first, the journal's between put and done. */
struct journal_waiter {
        const struct records *records; /* borrowed until done */
        void (*done)(struct journal_waiter *w, enum record_fate fate);
        bool patient; /* a recorder that is away may be back in time: what they tell of is done */
        enum { JOURNAL_NOWHERE, JOURNAL_COMING, JOURNAL_SENT, JOURNAL_OVER } place;
        ngx_queue_t queue; /* COMING, OVER */
        ngx_msec_t since;
        uint32_t n_put, n_answered;
        bool refused; /* one of them, or all were too late */
        bool last_refused;
        bool limited; /* one was refused because its caller has made too many subjects */
};

/* Waits for the recorder a moment at most: the worker serves nobody yet. */
MUST_USE int journal_new(const char *socket, ngx_log_t *log, struct journal **ret, struct err *err);
/* Says good-bye; again: somebody takes over at once. */
struct journal *journal_free(struct journal *j, bool again);

void journal_put(struct journal *j, struct journal_waiter *w);
/* Nobody waits any more: what is not handed over yet is handed over now.  How far they got;
 * RECORD_DONE also where it does not wait. */
enum record_fate journal_forget(struct journal *j, struct journal_waiter *w);
/* For whom nobody waits; copied. */
void journal_tell(struct journal *j, const struct records *records);

/* The recorder takes entries; false: *ret_why says what is the matter. */
bool journal_works(const struct journal *j, const char **ret_why);
/* Somebody has waited for JOURNAL_WAIT_MS, and nothing that was sent is answered since. */
bool journal_late(const struct journal *j);
/* Who waits now. */
size_t journal_waiting(const struct journal *j);

#endif
