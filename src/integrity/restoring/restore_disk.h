/* SPDX-License-Identifier: Apache-2.0 */
/* restore_disk.h - one path made again what it was: the system calls, in a worker.  Floor 3.
 *
 *   look at what is there; is it what was judged? -- no --> AGAIN
 *   quarantine it, or what there is room for -- cannot --> FAILED, nothing was touched; with
 *                                                          discard the entry is all that is kept
 *   write beside it, attributes, sync        -- cannot --> FAILED, nothing was touched
 *   exchange the two names at once
 *   is what came out what was judged?        -- no ------> exchanged back: AGAIN
 *   sync the directory, remove what came out
 *
 * What waits for a lock that somebody else may have, a file's or its directory's, is done by hands
 * (restore_reach.c, restore_name.c): does it not come back, the task ends STALLED, and what was
 * given up may yet be done.
 *
 * Everything is done by the descriptor of the directory, which is opened without following a link.
 * The name beside is the caller's, not to be guessed, and made with O_EXCL.  Where a filesystem
 * exchanges no names, what is there is compared once more and renamed over: then there is a moment
 * in which another writer's file could be lost unseen; "note" says so.
 *
 * restore_run() reads and writes files only; it knows no table, and tells nobody.
 *
 * SECURITY: what is there is hostile, and may be changed at every step. */
#ifndef INTEGRITY_RESTORE_DISK_H
#define INTEGRITY_RESTORE_DISK_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "integrity/restoring/quarantine_item.h"
#include "integrity/restoring/restore_plan.h"
#include "integrity/trusted/observe.h"
#include "integrity/trusted/table.h"
#include "sys/hands.h"

struct content;
struct quarantine;

enum restore_result {
        RESTORE_SAME,   /* it was as it should be */
        RESTORE_DONE,   /* it is now */
        RESTORE_AGAIN,  /* what is there is not what was judged */
        RESTORE_PARENT, /* the directory it was in is not there */
        RESTORE_FAILED, /* err says why; what is there was not touched, unless raced */
};

enum {
        RESTORE_TEMP = 32,        /* bytes of the name beside, with its NUL */
        RESTORE_TAKEN_MAX = 4096, /* items that one task puts away */
        RESTORE_NOTE_MAX = 256,
        RESTORE_DEPTH_MAX = 64, /* directories below each other that one task removes */
};

struct restore_task {
        /* Asked; borrowed. */
        struct span path;
        struct span good;     /* encoded record; empty: nothing is to be there */
        struct span judged;   /* the same of what was seen there; empty: nothing */
        struct span moved_to; /* where it may have been renamed to; empty: nowhere */
        unsigned fields;      /* enum record_field that count */
        bool insist;          /* whatever is there goes, judged or not */
        bool discard;         /* also where nothing of it can be kept */
        bool freeze;          /* with the immutable flag, from the moment it is there */
        bool late;            /* what a hand was stuck with may have been done since */
        bool alone;           /* not while somebody else has it open */
        int64_t wall_ns;
        char temp[RESTORE_TEMP];

        /* What came of it. */
        enum restore_result result;
        enum restore_act act;
        unsigned differs; /* what was put back of what was there */
        unsigned left;    /* what could not be */
        bool undone;      /* somebody changed it again before it was looked at */
        bool frozen;      /* it has the flag, and its name */
        bool moved;       /* it was at moved_to, and is here again */
        bool stalled;     /* FAILED, for somebody keeps it locked, or its directory */
        bool raced;       /* so, and only when its name changed: that may yet be done */
        bool halfway;     /* so, after its name had changed: what it is now is not known */
        bool beside;      /* something is still at the name beside, or may yet be */
        uint64_t others;  /* other names of what was replaced or removed */
        uint64_t bytes;   /* written */
        struct buf now;   /* encoded: what is there in the end; empty: nothing */
        struct table_handle handle;
        struct buf taken; /* of each item: struct restore_taken, path, record */
        unsigned n_taken;
        struct buf holders; /* who has what was removed open, or runs it; text */
        char note[RESTORE_NOTE_MAX];
        struct err err;
};

struct restore_taken {
        char id[24]; /* "": there was no room for an item; the entry is all that is kept */
        char reason[24];
        bool moment;
        uint8_t kept; /* enum quarantine_kept: of its content */
        uint64_t bytes;
        uint8_t sha256[32];               /* of what is kept, where that is not all */
        char why[QUARANTINE_WHY_MAX + 1]; /* it is not */
        uint32_t path_n, record_n;
};

void restore_task_init(struct restore_task *t);
/* For the next one; keeps memory. */
void restore_task_clear(struct restore_task *t);
void restore_task_done(struct restore_task *t);
/* Walk t->taken: false at the end. */
bool restore_next_taken(struct span *rest, struct restore_taken *ret, struct span *ret_path,
                        struct span *ret_record);

/* What it works with; all borrowed. */
struct restorer {
        struct content *content;
        struct quarantine *quarantine;
        struct observer *observer;
        struct hands *hands; /* what may wait is done by them; NULL: here */
        uint64_t key;        /* of the path, for hands_is_stuck() */
        unsigned group;      /* whose doing is put back */
        unsigned wait_ms;    /* for one call; 0: HANDS_WAIT_MS */
        struct buf value;    /* of an attribute */

        /* Of one run. */
        struct restore_task *task;
        struct observe_calls calls;
        bool stuck, locked; /* a call did not come back; one that waits for a directory */
};

void restore_run(struct restorer *r, struct restore_task *t);

/* Another run begins, or, without a task, what is done apart from one. */
void restore_begin(struct restorer *r, struct restore_task *t);

/* Read the state of what is at a path, and keep its content where its observer is told to. */
void restore_observe(struct restorer *r, struct span path);
/* As observe_open_dir(), openat(2) and observe_stat(), waiting for nobody for long: -ETIMEDOUT,
 * -EUSERS, with the task's err, where somebody keeps the directory locked. */
MUST_USE int restore_open_dir(struct restorer *r, struct span path);
MUST_USE int restore_open(struct restorer *r, int dirfd, const char *name, int flags);
MUST_USE int restore_stat(struct restorer *r, int dirfd, const char *name, struct record *ret,
                          struct table_handle *ret_handle);

/* What a crash left at the name beside is put away (t->taken) and gone.  0 also when there is
 * nothing. */
MUST_USE int restore_sweep_temp(struct restorer *r, struct restore_task *t, struct err *err);

/* ---- restore_attrs.c ---- */

/* Give an open file (O_PATH included) all that good has of what is known of it, but for its inode
 * flags.  Returns what could not be set: enum record_field. */
unsigned restore_attrs(struct restorer *r, int fd, const struct record *good);
/* The inode flags, last of all: nothing can be done to an immutable file. */
unsigned restore_flags(struct restorer *r, int fd, const struct record *good);
/* Take the flags off that stand in the way; *ret_had gets them (enum fs_attr). */
MUST_USE int restore_lift(struct restorer *r, int fd, unsigned *ret_had);

/* ---- restore_holders.c ---- */

/* Who has this file (its device and inode) open, mapped or runs it: "pid 12 (vim) has it open",
 * several with ", "; looks for no longer than a few milliseconds, and says when it did not see
 * all. */
void restore_holders(uint64_t dev, uint64_t ino, struct buf *out);
/* The same of who keeps it locked: in which call, and where in the kernel that waits. */
void restore_stalled_by(uint64_t dev, uint64_t ino, struct buf *out);

#endif
