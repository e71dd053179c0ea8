/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_priv.h - the parts of the sensor to each other.  Floor 3.
 *
 *   sensor.c        life: made, started, stopped
 *   sensor_turn.c   loop, timers
 *   sensor_scan.c   what scans find
 *   sensor_event.c, sensor_look.c, sensor_take.c, sensor_gone.c  what events lead to: sensor_look.h
 *   sensor_above.c  directories on the way to what is watched
 *   sensor_rename.c renames
 *   sensor_tell.c   entries on their way out
 *   sensor_fold.c   what one user changes too fast for that
 *   sensor_status.c what it says of itself
 *   sensor_mounts.c what is mounted
 *   sensor_mounted.c  what a mount did to what is watched
 *   sensor_mounter.c  who mounts
 *   sensor_remote.c filesystems whose server may not answer
 *   sensor_trusted*.c, sensor_accept.c  what is trusted: baselines taken and accepted
 *   sensor_command.c  what administrators ask
 *   sensor_config.c   what is watched becomes something else
 *   sensor_deep.c     all content read again, in the background
 *   sensor_users.c  names of users
 *   sensor_restore*.c  what is put back
 *   sensor_actor.c  whether an author's program is what is trusted
 *   sensor_kept.c   who is logged in, over a restart
 *   sensor_why.c    what explains a change, and alerts where nothing does
 *   deny*.c         mode deny: see deny.h
 *   attempts.c      who tried to change what is denied
 *   guard*.c        execution control: see guard.h
 *   sensor_package.c  package transactions
 *   sensor_info.c   scripts of packages that somebody changed
 *   sensor_sources.c  signed lists of paths */
#ifndef INTEGRITY_SENSOR_PRIV_H
#define INTEGRITY_SENSOR_PRIV_H

#include "integrity/preventing/attempts.h"
#include "integrity/preventing/deny.h"
#include "integrity/preventing/guard.h"
#include "integrity/sensor/sensor.h"
#include "integrity/sensor/sensor_config.h"
#include "integrity/sensor/sensor_sources.h"
#include "integrity/trusted/change.h"
#include "integrity/trusted/observe.h"
#include "integrity/trusted/scan.h"
#include "integrity/trusted/state.h"
#include "integrity/trusted/table.h"
#include "integrity/watching/dirty.h"
#include "integrity/watching/mountlist.h"
#include "integrity/watching/watch.h"
#include "integrity/who/procs.h"
#include "integrity/who/procsource.h"
#include "integrity/who/who.h"
#include "integrity/why/alert.h"
#include "integrity/why/approval.h"
#include "integrity/why/late.h"
#include "integrity/why/why.h"
#include "ledger/feed/feed.h"
#include "loop/pool.h"

struct folds;
struct json_writer;

enum {
        LOOK_JOBS = 4,             /* large files read in the pool at once */
        LOOK_BUDGET = 256,         /* places per turn of the loop */
        INLINE_BYTES = 256 * 1024, /* a file up to here is read between two events */
        FORGET_BUDGET = 512,       /* deletions told from one place per turn */
        OUT_HIGH = 4096,           /* entries that wait: stop making more */
        DIR_FDS = 16,
        SETTLE_CREATE_MS = 3,       /* until a new file is thought to be no longer written */
        SETTLE_WRITE_MS = 1000,     /* until a file that stays open is looked at */
        SETTLE_LONG_MS = 30 * 1000, /* and a large one again, which was told to be written */
        LARGE_BYTES = 64 << 20,     /* from here one at a time is read, and none while written */
        LARGE_TURN_MS = 500,        /* for the next owner to take his turn */
        CHANGING_MS = 50,
        CHANGING_TRIES = 6,
        MOUNTED_ID_MAX = 40, /* bytes of what names the act in entries */
};

/* An entry, or a change of the table worth none, on its way to the journal and the recorder. */
struct out {
        struct out *next;
        struct buf skeleton; /* empty: none */
        struct buf ops;
        struct who *who;
        struct buf
                field; /* one more sensitive value: name, NUL, subject, NUL, value; empty: none */
        bool of_baseline; /* tells of what is trusted now */
};

/* Handed to the feed and not acknowledged: kept for a recorder that begins a new run. */
struct told {
        struct told *next;
        uint64_t seq;
        struct buf skeleton;
        bool of_baseline;
};

struct dir_fd {
        struct table_handle dir;
        int fd; /* -1: free */
};

/* How what is looked at is opened and read, by the loop or by a worker. */
struct look_by {
        struct sensor *sensor;
        unsigned wait_ms;
        struct observe_calls calls;
};

struct look_job {
        struct pool_job job;
        struct sensor *sensor;
        struct look_job *next_free;
        struct dirty_place *place; /* NULL: free */
        bool stale;                /* the name was renamed since: what was read is another's */
        bool large;
        bool written; /* a large file that is being written: not to be read now */
        int dirfd;
        struct observer *observer;
        int rc;
        struct buf encoded;
        struct table_handle handle;
};

enum sensor_phase { SENSOR_FIRST, SENSOR_RESCAN, SENSOR_SWEEP, SENSOR_LIVE };

enum sensor_loss { /* why a rescan is wanted; bits */
                   LOSS_DOWN = 1u << 0,
                   LOSS_OVERFLOW = 1u << 1,
                   LOSS_QUEUE = 1u << 2,
                   LOSS_MOUNTS = 1u << 3, /* what is mounted has changed */
                   LOSS_POLL = 1u << 4,   /* places without marks, changes without events */
                   LOSS_ASKED = 1u << 5,  /* nothing is lost: an administrator wants to know */
                   LOSS_CONFIG = 1u << 6, /* nothing is lost: more is watched than was */
};

/* Who has mounted or unmounted anything. */
enum { MOUNTERS_MAX = 4, MOUNTER_WITHOUT_MAX = 160 };
struct mounters {
        struct who *of[MOUNTERS_MAX];
        size_t n;
        bool more; /* others, or somebody who cannot be told */
};

struct sensor {
        struct sensor_options o;
        struct table *table;
        struct state state;
        struct state_found found;
        struct who_cache *who;
        struct {
                struct buf bytes; /* of the file of sessions, to be written; empty: none */
                bool told;        /* its digest is on its way to the ledger */
                bool forged;      /* what was there is not what the ledger says */
        } kept;
        struct watch *watch;
        struct dirty *dirty;
        struct scan *scan;
        struct feed *feed;
        struct observer *observer;

        struct loop_source *watch_source, *feed_source, *pool_source, *process_source,
                *process_again;
        struct loop_source *tick, *settle, *reconnect, *attempts_source;

        unsigned watch_told; /* watch_version() that the ledger knows of */
        size_t fallbacks_told;
        bool broken_told; /* state.broken, as the ledger knows it */
        enum sensor_phase phase;
        unsigned loss;      /* why the scan that runs was wanted */
        unsigned loss_next; /* why another one is wanted */
        int64_t loss_from_ns, loss_until_ns, next_from_ns, next_until_ns; /* wall */
        int64_t scan_began_ns;                                            /* monotonic */
        int64_t read_ns; /* wall, when no event was left to read; none before it is lost */
        struct {
                struct who *who; /* NULL: nobody was seen */
                struct buf path;
                bool many; /* others too: whose doing is what is not known */
        } way;             /* moved, and the scan that it causes has not ended: sensor_way.c */
        uint64_t found_changes, absorbed;

        struct out *out_first, *out_last, *out_change; /* the last: of the change just told */
        size_t n_out;
        struct told *told_first, *told_last;
        uint64_t acked;
        bool acked_news, reading, feed_ready, keeping;
        uint64_t changes, refused;
        struct sensor_shown {
                uint64_t acked, files, frozen;
        } shown; /* when it rested last */

        struct dir_fd dir_fd[DIR_FDS];
        unsigned next_dir_fd;
        struct look_job look[LOOK_JOBS], *free_look;
        struct hands *hands; /* they look for what somebody may keep locked */
        struct look_by by_loop, by_worker, by_scan;
        int64_t look_told_ns; /* no such place is told before */
        struct {
                bool busy, waits;      /* one is read; another owner's waits */
                uint32_t uid, next;    /* whose it is, and whose is next */
                int64_t next_until_ns; /* monotonic */
        } large;
        atomic_bool ended; /* whoever reads a file need not go on */

        struct buf path, path2, encoded, ops, skeleton, scratch;
        struct job_run *users_job;
        struct buf users; /* what it has told so far */
        bool users_old;   /* the file has changed */
        bool was_live, first_waits;

        struct loop_source *mounts_source;
        struct job_run *mounts_job;
        int mounts_fd;
        bool mounts_old, mounts_known; /* the list has changed; was read once */
        uint32_t mounts_crc, mounts_now;
        uint32_t mounts_crc_all, mounts_now_all; /* of those, too, that do not matter */
        int64_t mounts_seen_ns;                  /* wall, when it changed */
        size_t mounts_lost; /* filesystems whose marks had gone when it was read */
        struct buf layers;
        struct {
                struct mountlist was, is; /* as it was read before; as it is being read */
                struct buf causes;        /* of what the scan that is wanted, or runs, will find */
                struct buf foreign;       /* points of those that came, each with its NUL */
                uint64_t number;
                int64_t untold;     /* notices of mounts that no difference has been seen to */
                bool uncounted;     /* so many that the kernel has lost some */
                uint64_t unseen;    /* mounts told as come and gone between two readings */
                bool unread;        /* the list was not to be had the last time, and that is told */
                bool again;         /* it is read only because it could not be before */
                int64_t again_ns;   /* when it is tried again; 0: it was read */
                int64_t put_off_ns; /* monotonic, since when what it leads to waits; 0: it does not
                                     */
                bool skipped;       /* a scan has left out what it found: see mounts_first() */
                int64_t scan_from_ns; /* wall, of the scan that it leads to; 0: none waits */
        } mounted;
        struct {
                int fd; /* -1: the kernel does not tell; without says so */
                uint64_t quiet_ns;
                struct mounters now; /* since the list was read last */
                char without[MOUNTER_WITHOUT_MAX];
        } mounter;

        struct approvals approvals;
        bool approvals_forged;             /* one was there that the ledger does not have */
        bool contents_forged;              /* the same of a content that may be executed */
        char approvals_lost[ERR_TEXT_MAX]; /* why they could not be read; yet to be told */
        struct alerts *alerts;
        struct buf alert; /* the entry that is to be told of one */
        enum alert_news alert_news;
        struct late *late;
        struct lists *lists; /* sensor_sources.c */
        uint64_t unexplained;
        struct package_run *packages; /* transactions, the newest first */
        struct {
                struct buf changed; /* sensor_info.c: paths, each ended by a NUL */
                bool all;
        } info;

        struct remotes *remotes;    /* sensor_remote.c */
        struct above *above;        /* sensor_above.h */
        struct folds *folds;        /* sensor_fold.c */
        struct content *fold_lists; /* NULL: there is no room for them */
        struct content *content;
        struct trusted *trusted;   /* sensor_trusted.c */
        struct restores *restores; /* sensor_restore.c */
        struct sensor_config config;
        struct deep *deep;   /* sensor_deep.c */
        struct deny *deny;   /* deny.h */
        struct guard *guard; /* guard.h */
        struct control *control;
        struct pace pace;
        unsigned asked;       /* enum scan_flags of the scan that was asked for */
        int64_t strangers_ns; /* until then no more of them are told of */
        int64_t alive_at_ns, poll_at_ns, polled_ns, scan_took_ns;
        bool stopping;
        int failed; /* a negative errno that ends the sensor */
};

static inline int64_t sensor_mono(const struct sensor *s)
{
        return clock_mono(s->o.clock);
}

static inline int64_t sensor_wall(const struct sensor *s)
{
        return clock_wall(s->o.clock);
}

/* ---- sensor_turn.c ---- */

extern const struct watch_ops turn_watch_ops;

/* Everything that wakes the sensor, in its loop. */
MUST_USE int turn_start(struct sensor *s, struct err *err);
/* Connected: what the recorder's process does is Assay's own. */
void turn_know_recorder(struct sensor *s);
/* What comes every few seconds; ctx is the sensor.  Sets its timer anew. */
void turn_tick(void *ctx);
/* Read what the kernel has told until now, as far as there is room for it. */
MUST_USE int sensor_read_all(struct sensor *s);

/* ---- sensor_tell.c ---- */

/* May more be made? */
static inline bool out_room(const struct sensor *s)
{
        return s->n_out < OUT_HIGH;
}

/* A change of the table at n: its path, its state before and now.  ops are the table's changes.
 * c->path may point into s->path.  -ENOMEM. */
MUST_USE int tell_change(struct sensor *s, const struct change *c, struct span ops);
/* Table changes without an entry. */
MUST_USE int tell_silent(struct sensor *s, struct span ops);
/* Any other entry. */
MUST_USE int tell_entry(struct sensor *s, struct span skeleton);
/* The one that was made in s->skeleton, with its author's sensitive values; who may be NULL.  Fails
 * when it could not be made. */
MUST_USE int tell_made(struct sensor *s, struct who *who);
/* Any other with its author's sensitive values; of_baseline: trusted_told() is called when it is in
 * the ledger. */
MUST_USE int tell_entry_of(struct sensor *s, struct span skeleton, struct who *who,
                           bool of_baseline);
/* The same with one more sensitive value, without a NUL; field may be NULL. */
MUST_USE int tell_entry_with(struct sensor *s, struct span skeleton, struct who *who,
                             const struct feed_field *field);
/* An entry, with changes of the table that it tells of. */
MUST_USE int tell_entry_ops(struct sensor *s, struct span skeleton, struct span ops,
                            struct who *who);
/* A path for an entry: one that is too long by its beginning and a digest, valid until the next
 * call of this or of tell_change(). */
struct span tell_path(struct sensor *s, struct span path);
/* Hand over what the feed takes and journal it: a kill loses none of that. */
void tell_keep(struct sensor *s);
/* The same, and send. */
void tell_pump(struct sensor *s);
/* The recorder is there (again): compare runs. */
MUST_USE int tell_connected(struct sensor *s, uint64_t run_before);
void tell_on_ack(void *ctx, uint64_t seq, uint64_t index);
void tell_on_nak(void *ctx, uint64_t seq, int code, struct span text);
void tell_done(struct sensor *s);

/* ---- sensor_fold.c ---- */

MUST_USE int fold_init(struct sensor *s, struct err *err);
void fold_done(struct sensor *s);
/* A change whose why is known: 1 when it is folded, and its entry will follow with others'.
 * c->path and ops may point into s->path and s->ops. */
MUST_USE int fold_take(struct sensor *s, const struct change *c, struct span ops);
/* Tell of those whose window is over; of all of them. */
MUST_USE int fold_tick(struct sensor *s);
MUST_USE int fold_flush(struct sensor *s);
/* Does any wait?  Then the table has what the journal does not have yet. */
bool fold_any(const struct sensor *s);
void fold_put_status(const struct sensor *s, struct json_writer *w);

/* ---- looking: sensor_look.h ---- */

MUST_USE int look_init(struct sensor *s, struct err *err);
void look_done(struct sensor *s);
/* Look at what is ready, up to a budget. */
MUST_USE int look_some(struct sensor *s);
/* Events: see watch.h. */
int look_touched(void *ctx, const struct table_handle *dir, struct span name, uint64_t mask,
                 const struct table_handle *child, struct who *who);
bool look_complete(void *ctx);
bool look_settled(void *ctx, const struct table_handle *dir, struct span name);
/* Is a look at this path, or at something below it, under way? */
bool look_in_flight(struct sensor *s, struct span path);
/* May this name in this directory be looked at?  Leaves its path in s->path. */
bool look_watched(struct sensor *s, struct table_node *dir, struct span name);
/* Look at the other watched names of this file. */
MUST_USE int look_siblings(struct sensor *s, const struct record *r, const struct table_node *but,
                           struct who *who);
/* A file with other names: see watch_linked(). */
MUST_USE int look_linked(struct sensor *s, struct table_node *n);
/* See to it that the filesystem of a file with a handle is watched. */
MUST_USE int look_meet(struct sensor *s, struct table_node *n);
/* Look at a place soon. */
MUST_USE int look_at(struct sensor *s, const struct table_handle *dir, struct span name,
                     unsigned what, struct who *who, int64_t delay_ns);
/* A file was renamed: a look on its way at either name is worth nothing, and who did what it was
 * for did it to what is at the new name. */
MUST_USE int look_renamed(struct sensor *s, const struct table_handle *from_dir, struct span from,
                          const struct table_handle *to_dir, struct span to);
/* The i-th node with this handle; NULL when there are not so many. */
struct table_node *look_nth(struct sensor *s, const struct table_handle *h, unsigned i);
/* Borrowed descriptor of the directory, valid until the next call; or a negative errno. */
int look_dir(struct sensor *s, const struct table_node *dir);
/* Close those: or nothing here could be unmounted, and a removed directory would look alive. */
void look_rest(struct sensor *s);
/* The node's record was just set to a directory that is new here: know it by handle, look at what
 * is in it. */
MUST_USE int look_enter(struct sensor *s, struct table_node *n, struct who *who);
/* Tell that n and what is below it are gone, at most a budget of them.  1: there is more. */
MUST_USE int look_forget(struct sensor *s, struct table_node *n, const char *seen, struct who *who,
                         int64_t wall_ns);

/* ---- sensor_way.c ---- */

/* Who moved a directory that leads to this path, which a scan finds to differ; NULL: nobody was
 * seen. */
struct who *way_author(const struct sensor *s, struct span path);
void way_done(struct sensor *s);

/* ---- sensor_rename.c ---- */

int rename_seen(void *ctx, const struct table_handle *from_dir, struct span from,
                const struct table_handle *to_dir, struct span to, struct who *who);

/* ---- sensor_status.c ---- */

/* An integrity.sensor entry, with all filesystems and how each is watched. */
MUST_USE int status_tell(struct sensor *s, const char *event, const char *reason);
/* That it ends, for a signal of this sender. */
struct loop_sender;
MUST_USE int status_tell_stopped(struct sensor *s, const struct loop_sender *asked);
/* One, if that has changed since the last. */
MUST_USE int status_news(struct sensor *s);
/* After a turn: show what is new, when nothing is left to look at or to tell. */
void status_rest(struct sensor *s);

/* ---- sensor_mounts.c ---- */

MUST_USE int mounts_init(struct sensor *s, struct err *err);
/* Read the list of mounts if it has changed. */
void mounts_work(struct sensor *s);
void mounts_done(struct sensor *s);
/* Has the list changed, and is not read again yet?  Then what a scan finds now may be what a mount
 * did that no entry has told of: it is to be left as it was known, and found by the scan that
 * follows in any case.  Not for longer than a moment, nor in a scan that is to tell what there is.
 */
bool mounts_first(struct sensor *s);
/* Is that scan still to be begun?  Then what is known is not what there is. */
bool mounts_scan_waits(const struct sensor *s);
/* Is something watched there, below, or above? */
bool mounts_matter(struct sensor *s, struct span point);

/* ---- sensor_remote.c ---- */

/* Once, before anything is touched that is watched, or is above it: asks for all of that, and takes
 * as long as that takes, seconds at the most where one does not answer. */
MUST_USE int remote_init(struct sensor *s, struct err *err);
void remote_done(struct sensor *s);
/* Is a filesystem of this type one that a server answers for? */
bool remote_is(struct span type);
/* The list of mounts is read: one that matters, for each of them, and the end of a whole list. */
void remote_round(struct sensor *s);
void remote_met(struct sensor *s, struct span point);
void remote_round_end(struct sensor *s);
/* Now and then: ask. */
void remote_tick(struct sensor *s);
/* Something else is watched now: the list of mounts is to be read again before a scan, for one that
 * did not matter may do so.  When that is done: was it wanted? */
void remote_list_anew(struct sensor *s);
bool remote_listed(struct sensor *s);
/* Is there still to be asked before anything is scanned? */
bool remote_waits(struct sensor *s);

/* ---- sensor_mounter.c ---- */

void mounter_init(struct sensor *s);
void mounter_done(struct sensor *s);
/* Hear what the kernel has told until now. */
void mounter_take(struct sensor *s);
/* Who has made what differs; borrowed.  NULL: unknown, which is cleared, gets why. */
struct who *mounter_of(struct sensor *s, struct buf *unknown);
/* What they did is told. */
void mounter_forget(struct sensor *s);

/* ---- sensor_mounted.c ---- */

void mounted_init(struct sensor *s);
void mounted_done(struct sensor *s);
/* Of s->mounted, what differs and matters: 1 if there is any.  A negative errno: not all of it was
 * told; -E2BIG: none. */
MUST_USE int mounted_tell(struct sensor *s, int64_t wall_ns);
/* The list has been read: what came and went before that is told, as one entry.  same: all of it is
 * what it was before. */
MUST_USE int mounted_tell_unseen(struct sensor *s, int64_t wall_ns, bool same);
/* The list could not be had, and why; NULL: it was.  Told when that changes. */
MUST_USE int mounted_tell_unread(struct sensor *s, const char *why);
/* A change whose author nobody saw: is it what a mount has hidden or shown? */
void mounted_name(const struct sensor *s, struct change *c);
/* Where something was mounted since the first reading that path is at or below; the nearest. Empty:
 * nothing was. */
struct span mounted_foreign(const struct sensor *s, struct span path);
/* What is mounted at this very path is as it should be; or all but where fn says true. */
void mounted_trust(struct sensor *s, struct span path);
void mounted_rebase(struct sensor *s, bool (*fn)(void *ctx, struct span point), void *ctx);
/* What mounts have led to was found. */
void mounted_forget(struct sensor *s);

/* ---- sensor_users.c ---- */

void users_read(struct sensor *s);
/* A path has changed: is it theirs? */
void users_seen(struct sensor *s, struct span path);
void users_done(struct sensor *s);

/* ---- sensor_scan.c ---- */

MUST_USE int scan_init(struct sensor *s, struct err *err);
/* Something may have been missed between two wall times. */
void scan_want(struct sensor *s, unsigned loss, int64_t from_ns, int64_t until_ns);
/* Begin the scan that is wanted, go on with the one that runs. */
MUST_USE int scan_work(struct sensor *s);
/* The first, as soon as it is known which filesystems answer. */
void scan_start_first(struct sensor *s);
/* One is wanted for its own sake; trusted_scanned() is called when it has ended. */
void scan_ask(struct sensor *s, bool deep, bool keep);
/* What was found at n is not what is known: told, unless an event waits for it, and known from now
 * on.  1: there was something worth an entry. */
MUST_USE int scan_difference(struct sensor *s, struct table_node *n, const struct record *is,
                             struct span encoded, const char *seen, const char *unknown);
/* After a scan: mark files with other names, forget directories that were known early and are not
 * there. */
MUST_USE int scan_settle(struct sensor *s);
/* The directories above watched paths: marked, known by handle. */
MUST_USE int scan_know_above(struct sensor *s, struct err *err);

/* ---- sensor_why.c ---- */

/* Read the approved changes that were open. */
MUST_USE int why_init(struct sensor *s, struct err *err);
void why_done(struct sensor *s);
/* Does the ledger have an entry of this kind with this digest, or will it: it waits in the journal
 * of before? */
bool why_is_told(const struct sensor *s, const char *kind, const char *hex);
/* Does an approved change, or a signed list, say what is to be at this path? */
bool why_expects(const struct sensor *s, struct span path);
/* What explains it. */
void why_explain(struct sensor *s, const struct change *c, struct why *ret);
/* Raise or count an alert when nothing explains it; ret_id is "" where there is none.  Its entry
 * follows that of the change: why_alert_tell(). */
MUST_USE int why_alert(struct sensor *s, const struct change *c, char ret_id[ALERT_ID_MAX + 1]);
MUST_USE int why_alert_tell(struct sensor *s, struct who *who);
/* Something other than a change of a file wants attention: word says what ("attempt denied"), path
 * where.  detail is UTF-8. */
MUST_USE int why_alert_event(struct sensor *s, const char *word, struct span path, struct who *who,
                             const char *detail);
/* Now and then: tell of acts that are over, of all when the sensor stops; of approved changes. */
MUST_USE int why_tick(struct sensor *s, bool stopping);
MUST_USE int why_expire(struct sensor *s);
void why_put_status(const struct sensor *s, struct json_writer *w);

/* This alert is explained after the fact. */
MUST_USE int why_tell_explained(struct sensor *s, const char *id, const char *change,
                                const char *reason, struct who *who);

/* The commands: 1 with the answer in *out. */
struct control_call;
MUST_USE int why_open(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                      struct err *err);
MUST_USE int why_close(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                       struct err *err);
MUST_USE int why_list(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                      struct err *err);
MUST_USE int why_late(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                      struct err *err);

/* ---- sensor_late.c ---- */

/* The alerts of before that nobody has explained yet. */
MUST_USE int late_init(struct sensor *s, struct err *err);

/* ---- sensor_kept.c ---- */

/* Once, at the start: the logins that the sensor knew before. */
void kept_recall(struct sensor *s);
/* Every few seconds: keep what is new of them; at the end, when it is the last time, everything. */
MUST_USE int kept_tick(struct sensor *s, bool last);
void kept_done(struct sensor *s);

/* ---- sensor_actor.c ---- */

void actor_init(struct sensor *s);
void actor_done(struct sensor *s);
/* An actor_file_fn. */
bool actor_ran_trusted(void *ctx, struct span exe, const struct who_exe *file);

/* ---- sensor_package.c ---- */

void package_done(struct sensor *s);
/* The sensor stops; its transactions go on when it starts. */
MUST_USE int package_stop(struct sensor *s);
/* At the start: go on with those that ran when the sensor ended, as far as the ledger knows them.
 */
MUST_USE int package_recall(struct sensor *s);
/* Is it not known yet what their packages hold?  What was done meanwhile is not to be judged yet.
 */
bool package_waits(const struct sensor *s);
/* For why_judge(). */
const struct packages *package_table(const struct sensor *s);
void package_judged(struct sensor *s, const struct change *c, const struct why *why);
/* Was the place put back, because a transaction did all that was seen there, and what its packages
 * hold is not known yet? */
bool package_holds(struct sensor *s, struct dirty_place *p);
/* A rename from this name by who is dpkg's, and what it leads to is read anew. */
bool package_unfollowed(const struct sensor *s, struct span from, const struct who *who);
/* Did only a transaction's own processes do it, dpkg and its maintainer scripts, as far as is
 * known?
 */
bool package_did(const struct sensor *s, const struct change *c);
/* Is the path in the hands of a transaction?  Then what that did is not to be put back yet. */
bool packages_own(const struct sensor *s, struct span path);

/* The commands: 1 with the answer in *out. */
MUST_USE int package_begin(struct sensor *s, struct control_call *c, struct who *who,
                           struct buf *out, struct err *err);
MUST_USE int package_end(struct sensor *s, struct control_call *c, struct who *who, struct buf *out,
                         struct err *err);
MUST_USE int package_denied(struct sensor *s, struct control_call *c, struct who *who,
                            struct buf *out, struct err *err);

/* ---- sensor_info.c ---- */

/* What the ledger says happened before. */
MUST_USE int info_init(struct sensor *s, struct err *err);
void info_done(struct sensor *s);
/* A change was judged. */
void info_judged(struct sensor *s, const struct change *c, const struct why *why);
/* A package_changed_fn; ctx: the sensor. */
bool info_is_changed(void *ctx, struct span path);
/* Has something been seen of this file there that was not looked at yet? */
bool info_waits(const struct sensor *s, struct span path);

/* ---- sensor_command.c ---- */

/* Who this process is now, or was; the caller's to unref.  NULL: no memory. */
struct who *command_who(struct sensor *s, pid_t pid, int pidfd);
MUST_USE int command_init(struct sensor *s, struct err *err);
void command_done(struct sensor *s);
/* What was asked for has ended: 0 and the answer, or a negative errno and why. */
void command_end(struct sensor *s, struct control_call *c, int rc, const char *text,
                 struct span body);

#endif
