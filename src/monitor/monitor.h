/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.h - looks at the tables of this host's state and tells what becomes of them.  Floor 3.
 *
 *   due --look--> the same: nothing          gather --> the same bytes: nothing
 *          `----> may have changed ------------^  `---> read by assay-job --> compare with what is
 *   stored --> the same: nothing
 *          `-> .next written --> entries --> all in the ledger: .next is what is stored
 *
 * Up to `->` read, tables go in a few lanes beside each other, each by the sort of its sources, so
 * that what is slow delays its like alone; one at a time is told.  Memory is bounded by the lanes.
 * An entry is told at least once, and after a crash not again, as far as the recorder still knows
 * the run. */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "base/base.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "loop/loop.h"
#include "loop/pool.h"
#include "sys/io.h"

enum { MONITOR_WORKERS = 6 };

struct monitor;

struct monitor_options {
        const struct clock *clock;
        const struct io *io;
        struct loop *loop;
        struct pool *pool; /* of MONITOR_WORKERS; its jobs are the monitor's alone */
        const char *state_dir;
        const char *socket; /* of the recorder */
        const char *ledger; /* directory of the ledger: who changed a file */
        const char *run;    /* directory: does a sensor tell that */
        const char *job_program;
        const char *root;          /* before the paths of all sources; "" */
        const char *config;        /* state.yaml(5); where it is not there, what is built in */
        const char *const *tables; /* only these, ended by NULL; NULL: all */
        bool as_others;            /* may become somebody else for a program */
        uid_t net_uid;             /* who asks what is beyond this host */
        gid_t net_gid;
};

/* A state.yaml that is refused is told, and what is built in is used.  -ENOENT: a table of
 * o->tables is none. */
MUST_USE int monitor_new(const struct monitor_options *o, struct monitor **ret, struct err *err);
struct monitor *monitor_free(struct monitor *m);
DEFINE_CLEANUP(struct monitor, monitor_free)

/* Begin once the recorder is there: finish what a crash left, then look. */
MUST_USE int monitor_start(struct monitor *m, struct err *err);
/* Tell that it stops, for whose signal, and wait a little for the recorder. */
void monitor_stop(struct monitor *m, const struct loop_sender *asked);
/* Now and then: a sign of life for the recorder. */
void monitor_beat(struct monitor *m);
/* Read state.yaml again, and look at everything.  A file that is refused is told, and what was
 * before goes on. */
void monitor_reload(struct monitor *m);

/* Has every table been read once? */
bool monitor_is_ready(const struct monitor *m);
/* {"pending":0,"tables":[[name,rows,faults,"<time read>","<problem>",seconds between two looks,
 * milliseconds that the last one took],...]} */
void monitor_put_status(const struct monitor *m, struct buf *out);

#endif
