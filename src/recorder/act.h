/* SPDX-License-Identifier: Apache-2.0 */
/* act.h - what an administrator asks for and takes long: a slice at a time in a worker, so that who
 * appends does not wait.  Floor 3.
 *
 *          slices               everything       entry signed        slices
 *   LOOK ---------> RECORD --- is published ---> SIGN ---------> WORK ---------> (told, gone)
 *
 * LOOK and WORK go through bundles, in a worker; where that is not to be beside publishing, the two
 * take turns.  RECORD is the entry, in the loop.  Before it nothing has happened; after it the
 * promise in pending/ stays until the end, so that a crash is mended at the next start. */
#ifndef RECORDER_ACT_H
#define RECORDER_ACT_H

#include "base/base.h"
#include "base/err.h"
#include "loop/pool.h"
#include "wire/json.h"

struct act;
struct peer;
struct recorder;

struct act_ops {
        const char *verb;
        bool alone; /* never beside publishing: both write row files */
        /* In the loop, everything published: judge the arguments; what to look at is a->next up to
         * a->limit.  What it allocates is a->own. */
        int (*begin)(struct recorder *r, struct act *a, struct json_value args, struct err *err);
        /* In a worker, of one bundle. */
        int (*look)(struct recorder *r, struct act *a, uint64_t bundle, struct err *err);
        bool follows; /* bundles that become full meanwhile are looked at too */
        /* In the loop, everything published and the worker at rest: the promise, the entry, what
         * must be done at once.  a->next and a->limit say what to work through. */
        int (*record)(struct recorder *r, struct act *a, const struct peer *by, struct err *err);
        /* In a worker: at the beginning and end of a slice, and of one bundle between. */
        int (*settle)(struct recorder *r, struct act *a, bool last, struct err *err);
        int (*work)(struct recorder *r, struct act *a, uint64_t bundle, struct err *err);
        /* In the loop: the last of it, and members of the reply. */
        int (*end)(struct recorder *r, struct act *a, struct json_writer *w, struct err *err);
        void (*done)(struct act *a); /* frees own */
};

enum act_state { ACT_LOOK, ACT_RECORD, ACT_SIGN, ACT_WORK };

struct act {
        struct pool_job job; /* first */
        struct recorder *r;
        const struct act_ops *ops; /* NULL: none is under way */
        enum act_state state;
        bool running;    /* a slice is with the worker */
        struct peer *by; /* NULL: went away, or we go on after a restart */
        void *own;
        uint64_t next, limit;  /* bundles */
        bool recorded;         /* there is an entry of it */
        uint64_t signed_size;  /* that a checkpoint must have before the work */
        int64_t waiting_since; /* monotonic, in RECORD */
        int result;
        struct err err;
};

/* Begin; p is told at the end, or now that it failed. */
void act_begin(struct recorder *r, const struct act_ops *ops, struct peer *p,
               struct json_value args);
/* In the loop's turn: what is for the loop to do; then, when publishing had its turn, a slice. */
void act_step(struct recorder *r);
void act_slice(struct recorder *r);
/* All of it now, before the loop runs. */
MUST_USE int act_now(struct recorder *r, const struct act_ops *ops, struct json_value args,
                     struct json_writer *w, struct err *err);
/* Publishing fails: what was not recorded yet is not going to be. */
void act_fail(struct recorder *r, int code, const char *text);
void act_forget_peer(struct recorder *r, const struct peer *p);
void act_drop(struct recorder *r);

#endif
