/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_restore_priv.h - the parts of putting back to each other.  Floor 3.
 *
 *   sensor_restore.c           what is wanted, and the task under way
 *   sensor_restore_turn.c      whose turn it is
 *   sensor_restore_good.c      which states are good, and the file that remembers them
 *   sensor_restore_mount.c     what lies behind a mount is not put back
 *   sensor_restore_stalled.c   what somebody keeps locked
 *   sensor_restore_result.c    what came of a task: table, entries, once more, incident
 *   sensor_restore_command.c   what administrators ask for */
#ifndef INTEGRITY_SENSOR_RESTORE_PRIV_H
#define INTEGRITY_SENSOR_RESTORE_PRIV_H

#include "integrity/restoring/quarantine.h"
#include "integrity/restoring/restore_disk.h"
#include "integrity/restoring/restore_entry.h"
#include "integrity/restoring/restore_places.h"
#include "integrity/sensor/sensor_priv.h"
#include "integrity/sensor/sensor_restore.h"

enum {
        RESTORE_INSIST = 3,    /* tries after which whatever is there goes */
        RESTORE_AGAIN_MS = 20, /* until what has changed was looked at */
        RESTORE_MANY = 256,    /* that wait: worth an incident */
        RESTORE_RETRIES = 5,
        RESTORE_FOUGHT = 20, /* times that it was changed again at once */
        RESTORE_HOLD_MS = 3,
        RESTORE_STALLED_MS = 1000, /* until what is kept locked is tried again by itself */
        RESTORE_REAP_MS = 100,     /* until a call that was stuck is seen to have come back */
};

enum restore_kind {
        RESTORE_IDLE,
        RESTORE_PUT,     /* a wanted place */
        RESTORE_COMMAND, /* one of a command's */
        RESTORE_KEEPING, /* the content of an explained state */
        RESTORE_SWEEP,   /* what a crash left beside a path */
};

/* What an administrator asked for. */
struct restore_call {
        bool active;
        struct control_call *call; /* NULL: nobody waits any more */
        struct who *who;
        struct buf list;   /* baseline_put_change(): path, and the state that is good there */
        struct buf behind; /* where something else is mounted; each with its NUL */
        struct span rest;
        struct buf path, good; /* the one whose turn it is */
        bool has;
        unsigned tries;
        bool discard, earlier;
        char root[2 * 32 + 1]; /* of the earlier baseline, in hex */
        uint64_t total, done, restored, same, failed;
        int64_t shown_ns;
        struct buf failures; /* items of a JSON array */
};

struct restores {
        struct sensor *sensor;
        struct restore_places *places;
        struct quarantine *quarantine;
        struct restore_budget budget;
        struct restore_call call;
        int log_fd;             /* -1: it cannot be written */
        off_t log_n, log_again; /* log_again: so long that it is written anew */
        struct buf log;
        bool rebase;
        struct buf points;    /* sensor_restore_good.c: mounts that are judged anew */
        bool gone;            /* the quarantine was removed and cannot be made again: it was told */
        size_t temps;         /* places with something beside them that is not under way */
        int64_t temps_due_ns; /* none of them is put away before */
        size_t keeps;         /* places whose content is to be kept */
        int64_t slowed_ns;    /* until then nobody is told again that the rest waits */
        uint64_t restored, failed, incidents;

        /* The task under way, and its own copies. */
        enum restore_kind kind;
        struct pool_job job;
        struct restore_task task;
        struct restorer tools;
        struct buf path, good, judged, moved;
        uint64_t keep_max;
        struct buf scratch, scratch2;
};

/* ---- sensor_restore.c ---- */

/* All that is remembered of it goes. */
void restore_drop(struct restores *r, struct restore_place *p);
/* Its content is to be kept when there is nothing better to do, or not any more. */
void restore_keep_later(struct restores *r, struct restore_place *p, bool keep);
/* It is as it should be: not wanted any more, and remembered only while that is of use. */
void restore_settled(struct restores *r, struct restore_place *p);
/* Hand a task to a worker: path and good are copied.  -EAGAIN: not now. */
MUST_USE int restore_submit(struct restores *r, enum restore_kind kind, struct restore_place *p,
                            struct span path, struct span good);
/* Is the quarantine there?  What somebody has removed is made again, and alerts.  No task may run.
 * -ENOMEM. */
MUST_USE int restore_look(struct restores *r);
/* May this path's task begin? */
bool restore_may_begin(struct restores *r, struct span path);

/* ---- sensor_restore_good.c ---- */

void restore_remember(struct restores *r, enum restore_op op, struct span path, struct span rest);
/* Its good state. */
void restore_remember_place(struct restores *r, const struct restore_place *p);
/* At the start; and the file anew, with only what is of use. */
MUST_USE int restore_load(struct restores *r, struct err *err);
MUST_USE int restore_write_anew(struct restores *r, struct err *err);
/* What differs from the baseline without being explained is not good; what does not is. */
MUST_USE int restore_rebase_now(struct restores *r);
/* The profile of a path, if it restores; else NULL. */
const struct watch_profile *restore_profile_of(const struct sensor *s, struct span path);

/* ---- sensor_restore_mount.c ---- */

enum { RESTORE_BEHIND_MAX = 4 * 1024 + 128 };

/* Is another thing mounted at this very path than the state that is good there, as encoded?  Empty:
 * nothing is to be there. */
bool restore_is_other_mount(struct restores *r, struct span path, struct span good);
/* The same of a place that has a good state. */
bool restore_is_foreign(struct restores *r, const struct restore_place *p);
/* Where something is mounted, at or above path, that is not trusted there; empty: nothing is known
 * to be.  May point into path. */
struct span restore_behind(struct restores *r, struct span path);
/* That in words, into a buffer of RESTORE_BEHIND_MAX. */
void restore_say_behind(struct span point, struct buf *out);
/* 1: it is behind a mount that is not trusted; told, and not wanted any more. */
MUST_USE int restore_mounted(struct restores *r, struct restore_place *p);

/* ---- sensor_restore_stalled.c ---- */

/* The task has ended, and may have left something at the name beside: it is put away later. */
void restore_keep_beside(struct restores *r, struct restore_place *p);
/* It was kept from being put back: told, and later. */
MUST_USE int restore_stalled(struct restores *r, struct restore_place *p);
/* Is it kept locked yet?  Then later. */
bool restore_is_stalled(struct restores *r, struct restore_place *p);
/* What has come back is tried at once. */
void restore_free_stalled(struct restores *r);
/* For the next time. */
void restore_stall_ended(struct restore_place *p);
void restore_put_stalled(const struct restores *r, struct json_writer *w);

/* ---- sensor_restore_result.c ---- */

/* -ENOMEM, or 0 whatever came of it. */
MUST_USE int restore_finish(struct restores *r);
/* integrity.not_restored. */
MUST_USE int restore_tell_not(struct restores *r, struct span path, const char *reason,
                              struct span detail, int64_t again_ns);
/* integrity.incident; until_ns wall or 0. */
MUST_USE int restore_tell_incident(struct restores *r, struct span path, const char *action,
                                   uint64_t count, uint64_t window_s, int64_t until_ns,
                                   struct span detail);

/* ---- sensor_restore_command.c ---- */

/* The next of the command's paths, if one is asked for: 1 when a task began. */
MUST_USE int restore_call_work(struct restores *r);
/* What came of it. */
void restore_call_result(struct restores *r);
void restore_call_done(struct restores *r);

#endif
