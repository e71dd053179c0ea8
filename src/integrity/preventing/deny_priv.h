/* SPDX-License-Identifier: Apache-2.0 */
/* deny_priv.h - the parts of mode deny to each other.  Floor 3.
 *
 *   deny.c         the pass over all flags, and what leads to one
 *   deny_set.c     setting them: check, remember, set, read again
 *   deny_lift.c    taking them off, and the list on disk
 *   deny_stalled.c what somebody keeps locked meanwhile
 *   deny_judge.c   what is trusted, and what is not
 *   deny_good.c    what was trusted where something else is now
 *   deny_say.c     entries and status */
#ifndef INTEGRITY_DENY_PRIV_H
#define INTEGRITY_DENY_PRIV_H

#include "integrity/preventing/deny.h"
#include "integrity/sensor/sensor_priv.h"
#include "integrity/why/frozen.h"

#include <sys/types.h>

enum {
        DENY_BATCH = 64,        /* flags set after one sync */
        DENY_NODES = 2048,      /* looked at in one turn */
        DENY_LIFTS = 256,       /* taken off in one turn */
        DENY_READS_MAX = 4096,  /* places that wait to be read: no more flags before they were */
        DENY_SWEEP = 2500,      /* flags looked at in one tick */
        DENY_AGAIN_MS = 250,    /* when a file could not be judged yet */
        DENY_STALLED_MS = 1000, /* when it was kept locked */
        DENY_FS_MAX = 32,       /* filesystems without a flag, remembered */
        DENY_WHY_MAX = 96,
        DENY_NAMED = 8,       /* paths in one entry */
        DENY_DEAD_MAX = 4096, /* lines of the list that are over, beyond those that are not */
        DENY_LOG_MAX = 64 << 20,
        DENY_DOUBTS = 64 << 10,    /* operations in one record of the journal */
        DENY_DOUBTS_MAX = 2 << 20, /* ... with the path that made it so many */
};

enum deny_step { DENY_REST, DENY_LIFT, DENY_SET };

/* A filesystem that has no such flag. */
struct deny_fs {
        uint64_t dev;
        uint64_t files;  /* of the last pass, that would be frozen */
        struct buf path; /* where it was met */
        char why[DENY_WHY_MAX];
};

/* The first few paths of a sort, each ended by a NUL. */
struct deny_names {
        uint64_t n;
        struct buf text;
};

struct deny_item {
        int fd;
        struct table_node *node;
        struct record was;
};

struct deny {
        struct frozen *frozen;
        int fd; /* of the list; -1: it cannot be written */
        off_t size;
        uint64_t dead;  /* lines that are over */
        struct buf log; /* of the list, not yet on disk */
        bool broken;    /* the list cannot be kept: no flag is set */

        enum deny_step step;
        bool any;    /* some profile denies */
        bool wanted; /* another pass is */
        bool judge;  /* what is trusted is to be compared first */
        bool judged; /* it was, once */
        bool suspended;
        int64_t again_ns;  /* monotonic: a pass is wanted then; -1: not */
        int64_t until_ns;  /* wall: the first temporary one ends; 0: there is none */
        uint64_t open_set; /* deny_open_set() of the last pass */
        size_t lift_at, sweep_at;
        struct buf cursor, path, encoded;
        struct buf doubts;  /* operations for the journal: what is in doubt now, or no more */
        struct table *good; /* NULL: nothing was in doubt yet */

        struct deny_item batch[DENY_BATCH];
        size_t n_batch;

        /* Of the pass that runs; withheld and foreign of the last one below. */
        struct deny_names set, lifted, withheld;
        uint64_t foreign, unable, stalled;
        uint64_t last_foreign, last_unable, last_withheld, last_stalled;
        uint64_t told_withheld;

        struct deny_fs fs[DENY_FS_MAX];
        size_t n_fs;
};

/* ---- deny_lift.c ---- */

/* Read the list; a sensor whose list is damaged sets no flags and says so. */
MUST_USE int deny_list_open(struct sensor *s, struct err *err);
void deny_list_close(struct deny *d);
/* Make d->log durable. */
MUST_USE int deny_list_sync(struct sensor *s);
/* Write the list anew when most of it is over. */
void deny_list_renew(struct sensor *s);
/* Take off what is not to be there, from d->lift_at downwards, at most max.  1: there is more. */
MUST_USE int deny_lift_some(struct sensor *s, size_t max);
/* Is it what the table has, but for the flag and the time of its change?  Else an event waits, and
 * the table is not to know better. */
bool deny_only_flag(const struct table_node *n, const struct record *is);
/* n's record with the flag, or without it, and this time of change: known, and not told. */
MUST_USE int deny_take_flag(struct sensor *s, struct table_node *n, struct span path, bool set,
                            int64_t ctime_ns);

/* ---- deny_stalled.c ---- */

/* Those who wait in the sensor's place. */
struct hands *deny_hands(const struct sensor *s);
/* The flag at path could not be set or taken off, for somebody keeps it locked: told once, and
 * tried again.  rc: which of the two it was. */
MUST_USE int deny_stalled(struct sensor *s, struct span path, int rc);
/* Does something at path wait yet?  Then again later. */
bool deny_waits(struct sensor *s, struct span path);
/* What was given up has been done since, or not: it is known what is so. */
MUST_USE int deny_stall_ended(struct sensor *s, struct frozen_file *x);

/* ---- deny_set.c ---- */

/* Set it on n, if it is to be there. */
MUST_USE int deny_consider(struct sensor *s, struct table_node *n);
/* Those that were considered. */
MUST_USE int deny_set_batch(struct sensor *s);
void deny_drop_batch(struct deny *d);

/* ---- deny_judge.c ---- */

MUST_USE int deny_compare(struct sensor *s);
/* Is a file in doubt, of whatever profile? */
bool deny_doubts_any(const struct sensor *s);

/* ---- deny_good.c ---- */

/* was is trusted and its place is not any more; an entry that is there stays. */
void deny_good_keep(struct sensor *s, struct span path, const struct record *was);
void deny_good_drop(struct sensor *s, struct span path);
void deny_good_clear(struct deny *d);
/* Is this what was trusted there, but for the inode and a flag of ours? */
bool deny_good_is(struct sensor *s, struct span path, const struct record *is);

/* ---- deny_say.c ---- */

void deny_name(struct deny_names *x, struct span path);
void deny_forget_names(struct deny_names *x);
/* An entry integrity.deny.  names NULL, until_ns 0: none. */
MUST_USE int deny_say(struct sensor *s, const char *event, const struct deny_names *names,
                      const char *reason, int64_t until_ns);
/* The same of one path. */
MUST_USE int deny_say_path(struct sensor *s, const char *event, struct span path,
                           const char *reason, int64_t until_ns);

#endif
