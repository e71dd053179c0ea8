/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_priv.h - what monitor.c and its parts share.  Floor 3. */
#ifndef MONITOR_MONITOR_PRIV_H
#define MONITOR_MONITOR_PRIV_H

#include "crypto/sha256.h"
#include "ledger/feed.h"
#include "loop/jobrun.h"
#include "monitor/config.h"
#include "monitor/gather.h"
#include "monitor/monitor.h"
#include "state/rows.h"
#include "state/stored.h"

enum { MONITOR_PROBLEM_MAX = 256, MONITOR_OUT_MAX = 1024 };

/* One table or target, and what is known of it. */
struct watched {
        const struct state_table *table;
        char name[STATE_NAME_MAX]; /* the table's, or "table.target" */
        const struct plan *plan;   /* of the configuration that is used */
        int64_t due_ns;            /* monotonic */
        uint8_t look[SHA256_LEN];  /* when it was last read */
        uint8_t gathered[SHA256_LEN];
        bool has_look, has_gathered;
        bool read;               /* once since the start */
        bool known;              /* there is a stored one */
        struct stored_head head; /* of that */
        uint64_t rows, faults;
        int64_t read_ns;                   /* wall */
        char problem[MONITOR_PROBLEM_MAX]; /* why it cannot be read; "": it can */
};

enum monitor_step { STEP_IDLE, STEP_GATHER, STEP_READ, STEP_TELL };

/* What is being told of one table: stored as .next, entry by entry to the feed. */
struct batch {
        struct rows old;
        struct rows_walk walk;
        struct stored_head head; /* of what is new */
        const char *baseline;    /* reason of a baseline instead of differences; NULL */
        uint64_t told;           /* entries handed over, those before a crash included */
        uint64_t skip;           /* that many are in the ledger already */
};

/* An entry of no batch. */
struct out_entry {
        struct out_entry *next;
        struct buf skeleton;
};

struct gather_job {
        struct pool_job job;
        struct monitor *m;
        struct gather g;
        bool look_first; /* and nothing more when it is the same as known */
        uint8_t known[SHA256_LEN];
        uint8_t look[SHA256_LEN];
        bool same;
        struct buf bundle;
        int rc;
        struct err err;
};

struct monitor {
        struct monitor_options o;
        int dirfd;          /* of state_dir */
        struct watched *at; /* PLANS_MAX */
        size_t n;
        struct monitor_config config;
        struct reload {
                struct monitor_config next;
                struct job_run *job;               /* reads it; NULL: none */
                bool again;                        /* once more when it has ended */
                bool ready;                        /* next waits for the table at hand */
                char refused[MONITOR_PROBLEM_MAX]; /* at the start; "": not */
        } reload;

        struct feed *feed;
        struct loop_source *feed_source, *pool_source, *tick, *reconnect;
        uint64_t last_seq;
        uint64_t entries, refused;
        struct out_entry *out_first, *out_last;
        size_t n_out;

        enum monitor_step step;
        struct watched *now; /* the one at hand */
        struct gather_job gather;
        atomic_bool stop;
        struct job_run *job;
        struct rows rows; /* what is being read */
        uint64_t faults;
        char fault[MONITOR_PROBLEM_MAX]; /* the first one */
        struct batch batch;
        struct buf skeleton, field;
        uint64_t left_run; /* of the entries that a crash left, 0: none */
        bool begun;        /* the recorder was there once */
        bool stopping;
};

/* ---- monitor_read.c: from due to rows ---- */

MUST_USE int read_begin(struct monitor *m, struct watched *w);
/* Its worker has finished. */
void read_gathered(struct monitor *m);
void read_stop(struct monitor *m);

/* ---- monitor_tell.c: from rows to the ledger ---- */

/* m->rows of m->now were read: compare, and begin to tell. */
void tell_rows(struct monitor *m);
/* Take up what a crash left in .next; *ret_run is the run it was told in, 0: none. */
MUST_USE int tell_left_over(struct monitor *m, uint64_t *ret_run, struct err *err);
MUST_USE int tell_resume(struct monitor *m, struct err *err);
/* More of the batch, and of what waits. */
void tell_pump(struct monitor *m);
/* Connected again, under another run. */
void tell_renumbered(struct monitor *m);
/* A table is "unreadable", has "faults", or, with why NULL, is "readable" again. */
void tell_trouble(struct monitor *m, struct watched *w, const char *event, const char *why);
/* reason: why a configuration was refused; NULL. */
void tell_monitor(struct monitor *m, const char *event, const char *reason);
void tell_done(struct monitor *m);
void tell_on_nak(void *ctx, uint64_t seq, int code, struct span text);

/* ---- monitor_reload.c: state.yaml ---- */

MUST_USE int reload_first(struct monitor *m, struct err *err);
/* No table is at hand: use the next one, if there is one. */
void reload_apply(struct monitor *m);
void reload_done(struct monitor *m);

/* ---- monitor.c ---- */

/* Everything is due. */
void monitor_look_again(struct monitor *m);

/* The table at hand is done with, for now. */
void monitor_next(struct monitor *m);

#endif
