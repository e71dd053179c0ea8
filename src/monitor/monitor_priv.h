/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_priv.h - what monitor.c and its parts share.  Floor 3. */
#ifndef MONITOR_MONITOR_PRIV_H
#define MONITOR_MONITOR_PRIV_H

#include "crypto/sha256.h"
#include "ledger/feed/feed.h"
#include "loop/jobrun.h"
#include "monitor/cause.h"
#include "monitor/config.h"
#include "monitor/gather.h"
#include "monitor/monitor.h"
#include "monitor/wake.h"
#include "state/rows/rows.h"
#include "state/rows/stored.h"
#include "sys/notices.h"

enum { MONITOR_PROBLEM_MAX = 256, MONITOR_OUT_MAX = 1024, MONITOR_PLACES_MAX = 4 * 1024 * 1024 };

/* One table or target, and what is known of it. */
struct watched {
        const struct state_table *table;
        char name[STATE_NAME_MAX]; /* the table's, or "table.target" */
        const struct plan *plan;   /* of the configuration that is used */
        int64_t due_ns;            /* monotonic */
        int64_t ended_ns, took_ns; /* of the last look, monotonic */
        bool busy;                 /* a lane or the telling has it */
        bool woken;                /* while it was busy */
        bool woken_look;           /* since the last look: its times are not believed */
        int64_t gathered_ns;       /* monotonic: its content was compared */
        bool moved;                /* since its places were found out */
        int64_t places_ns;         /* monotonic: where its files lie was found out; 0: it is not */
        uint8_t look[SHA256_LEN];  /* when it was last read */
        uint8_t gathered[SHA256_LEN];
        bool has_look, has_gathered;
        bool read;               /* once since the start */
        bool known;              /* there is a stored one */
        struct stored_head head; /* of that */
        uint64_t rows, faults;
        int64_t read_ns;                   /* wall */
        int64_t looked_ns;                 /* wall: the beginning of the last look that succeeded */
        char problem[MONITOR_PROBLEM_MAX]; /* why it cannot be read; "": it can */
};

/* Tables are gathered and read in lanes beside each other, so that a slow one delays nobody but
 * its like.  What is in the memory of the system and its own files; files of other people, whose
 * home may lie on a server that is away; programs; the walk over all files; and what is beyond this
 * host. */
enum lane_id {
        LANE_FILES,
        LANE_HOMES,
        LANE_PROGRAMS,
        LANE_WALK,
        LANE_TARGETS,
        LANE_TARGETS_TOO, /* one that does not answer leaves the other */
        LANES,
};
_Static_assert((int)WAKE_OWNERS_MAX >= (int)PLANS_MAX, "each may be woken");
_Static_assert((int)LANES == (int)MONITOR_WORKERS, "each lane has a worker");

/*   IDLE --due--> GATHER --differs--> READ --rows--> READY --the telling is free--> IDLE
 *    ^  ^-----same---'      ^-failed--'                                              */
enum lane_step { LANE_IDLE, LANE_GATHER, LANE_READ, LANE_READY };

/*   IDLE --differs--> CAUSE --found, or not within CAUSE_MS--> TELL --all in the ledger--> IDLE  */
enum monitor_step { STEP_IDLE, STEP_CAUSE, STEP_TELL };

/* What is being told of one table: stored as .next, entry by entry to the feed. */
struct batch {
        struct rows old;
        struct rows_walk walk;
        struct stored_head head; /* of what is new */
        const char *baseline;    /* reason of a baseline instead of differences; NULL */
        uint64_t told;           /* entries handed over, those before a crash included */
        uint64_t skip;           /* that many are in the ledger already */
};

/* Differences of a batch that alert, by what made them so. */
struct alert_group {
        const struct cause *cause; /* of the monitor's causes; NULL: not known */
        char id[64];
        const char *change;
        uint64_t count;
        size_t n_rows;
        struct buf rows;
};
enum { ALERT_GROUPS_MAX = 16, ALERT_ROWS_MAX = 8 };

/* An entry of no batch. */
struct out_entry {
        struct out_entry *next;
        struct buf skeleton;
};

struct lane;

struct gather_job {
        struct pool_job job;
        struct lane *lane;
        struct gather g;
        bool want_places; /* first, and nothing else; then once more */
        struct buf places;
        bool look_first; /* and nothing more when it is the same as known */
        uint8_t known[SHA256_LEN];
        uint8_t look[SHA256_LEN];
        bool same;
        struct buf bundle;
        int rc;
        struct err err;
};

struct lane {
        struct monitor *m;
        enum lane_step step;
        struct watched *now;
        int64_t since_ns; /* monotonic: it was begun */
        int64_t wall_ns;  /* likewise */
        bool late;        /* that it takes long was told */
        struct gather_job gather;
        atomic_bool stop;
        struct job_run *job;
        struct rows rows; /* what is being read */
        uint64_t faults;
        char fault[MONITOR_PROBLEM_MAX]; /* the first one */
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
        uint64_t lost; /* entries that there was no room for */

        struct wake *wake; /* NULL: there is no such thing here */
        struct loop_source *wake_source, *wake_rest;
        struct kernel_wake {
                struct monitor *m;
                int fd; /* -1: the kernel does not say it here */
                struct loop_source *source;
        } kernel_wake[NOTICES];
        uint64_t wakes;
        bool wake_full; /* not every place could be watched */
        struct lane lanes[LANES];
        enum monitor_step step;
        struct watched *now; /* the one that is being told */
        struct rows rows;    /* of it, as they are now */
        uint64_t faults;     /* of it */
        int64_t since_ns;    /* wall: it is this rows' difference to those of then */
        struct causes causes;
        struct alert_group alerts[ALERT_GROUPS_MAX];
        size_t n_alerts;
        uint64_t alerts_raised;
        struct loop_source *cause_timer;
        struct batch batch;
        struct buf skeleton, field;
        uint64_t left_run; /* of the entries that a crash left, 0: none */
        bool begun;        /* the recorder was there once */
        bool woken;        /* monitor_wake() since the tick began */
        bool stopping;
};

/* ---- monitor_read.c: from due to rows ---- */

/* Which lanes a table may take: from the returned one on, *ret_n of them. */
enum lane_id lane_of(const struct plan *p, unsigned *ret_n);
MUST_USE int read_begin(struct lane *l, struct watched *w);
/* What is being gathered and read is given up; the lanes are idle when their workers say so. */
void read_stop(struct monitor *m);
/* A lane that takes very long is trouble. */
void read_late(struct lane *l, int64_t now_ns);

/* ---- monitor_wake.c: what changes is looked at soon ---- */

MUST_USE int wakes_start(struct monitor *m, struct err *err);
void wakes_stop(struct monitor *m);
/* When to look at a table that something has woken. */
int64_t wake_due(const struct watched *w, int64_t now_ns);
bool wakes_want_places(const struct monitor *m, const struct watched *w);
void wakes_take_places(struct monitor *m, struct watched *w, struct span places);
/* Other tables are watched from here on. */
void wakes_forget(struct monitor *m);

/* ---- monitor_tell.c: from rows to the ledger ---- */

/* The differences of m->now, entry by entry. */
void tell_begin(struct monitor *m);
/* The rows of a lane that is ready: compare, and begin to tell.  The lane is idle again. */
void tell_rows(struct monitor *m, struct lane *l);
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

/* ---- monitor_cause.c: who ---- */

MUST_USE int cause_start(struct monitor *m, struct err *err);
void cause_stop(struct monitor *m);
/* Of m->now into m->causes.  false: there should be one, and there is none. */
bool cause_find(struct monitor *m);
/* tell_begin(), a moment later where the sensor's entry may be on its way. */
void cause_then_tell(struct monitor *m);

/* Any other entry that is to be told before a batch begins. */
void tell_queue(struct monitor *m);

/* ---- monitor_alert.c: what of a batch alerts ---- */

/* Before its entries: they name the alert. */
void alert_begin(struct monitor *m);
/* NULL: none. */
const char *alert_of(struct monitor *m, struct span old, struct span new);
void alert_done(struct monitor *m);

/* ---- monitor_reload.c: state.yaml ---- */

MUST_USE int reload_first(struct monitor *m, struct err *err);
/* No table is at hand: use the next one, if there is one. */
void reload_apply(struct monitor *m);
void reload_done(struct monitor *m);

/* ---- monitor.c ---- */

/* Everything is due. */
void monitor_look_again(struct monitor *m);
/* There may be something to do: at the next turn. */
void monitor_wake(struct monitor *m);

/* A table is done with, for now. */
void monitor_rest(struct monitor *m, struct watched *w);

#endif
