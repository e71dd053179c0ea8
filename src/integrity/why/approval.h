/* SPDX-License-Identifier: Apache-2.0 */
/* approval.h - approved changes: what may change, by whom, when, and into what.  Floor 3, pure.
 *
 * One is a canonical JSON object, members always these:
 *
 *   {"actors":[{"auid":1000},{"exe":"/usr/bin/apt*"},{"uid":0,"unit":"deploy.service"}],
 *    "from":"2026-11-21T18:00:00.000000000Z",
 *    "hashes":[["/etc/hosts","<64 hex digits>"],["/etc/old.conf",null]],
 *    "id":"CHG-17","paths":["/etc/nginx","/srv/www"],"reason":"new vhost","source":"local",
 *    "until":"2026-11-21T20:00:00.000000000Z"}
 *
 * A change fits when it was seen in the window (and, where a scan has found it, was not made
 * before, as far as the file's ctime tells), when one of the actors fits (all members of one do,
 * see actor.h; an executable may be a parent's; no actors: anybody), and when its path is named: in
 * hashes, then the content must be that and nothing else may change (owner, mode, access list,
 * capabilities), or gone where null stands, or below a pattern of paths (patterns as in watch.yaml;
 * "!" leaves out).  A name in hashes that is not UTF-8 cannot be written.
 *
 * A change that is in the window and in the paths and yet does not fit is unexplained all the same,
 * and the entry says by how little it failed.
 *
 * SECURITY: what is parsed was written by root or verified to be signed; nothing in it is trusted
 * to be well formed. */
#ifndef INTEGRITY_APPROVAL_H
#define INTEGRITY_APPROVAL_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "integrity/watching/watchset.h"

struct actor_files;
struct change;

enum {
        APPROVALS_MAX = 256, /* known at once, ended ones not counted */
        APPROVAL_ID_MAX = 64,
        APPROVAL_REASON_MAX = 1024,
        APPROVAL_ACTORS_MAX = 32,
        APPROVAL_PATHS_MAX = 256,
        APPROVAL_HASHES_MAX = 65536,
        APPROVAL_BYTES_MAX = 16 << 20, /* of one, as text */
        APPROVAL_GRACE_MS = 1000,      /* a notice is read after what it tells of has happened */
};

struct approval_actor {
        bool has_uid, has_auid;
        uint32_t uid, auid;
        struct span exe, unit; /* empty: any */
};

struct approval_hash {
        struct span path;
        bool gone;
        uint8_t sha256[32];
};

struct approval {
        struct arena arena; /* holds all of it */
        struct span id, reason, source;
        int64_t from_ns, until_ns; /* wall time; until_ns is the first moment outside */
        struct approval_actor actors[APPROVAL_ACTORS_MAX];
        size_t n_actors;
        struct watchset paths;
        struct approval_hash *hashes; /* ascending by path */
        size_t n_hashes;
        int64_t ends_mono_ns; /* monotonic: approval_begin() */
        bool told_over;       /* the owner's: its end is in the ledger */
        bool closed;          /* the owner's: all notices of before until_ns were read by then */
};

/* -EINVAL names the member; -E2BIG; -ENOMEM. */
MUST_USE int approval_parse(struct span json, struct approval **ret, struct err *err);
struct approval *approval_free(struct approval *a);
DEFINE_CLEANUP(struct approval, approval_free)
/* The order of hashes, for qsort(3) and bsearch(3). */
int approval_hash_cmp(const void *x, const void *y);
void approval_print(const struct approval *a, struct buf *out);

/* How near a change comes to being allowed by one; the greater, the nearer. */
enum approval_fit {
        APPROVAL_ELSEWHERE,    /* another path */
        APPROVAL_NOT_NOW,      /* outside the window */
        APPROVAL_NOT_WHO,      /* another actor, or the actor is not known */
        APPROVAL_NOT_SURE_WHO, /* the executable or the unit that it names, but not for sure:
                                  actor.h */
        APPROVAL_NOT_WHAT,     /* another content than the one it names */
        APPROVAL_NOT_MORE,     /* the content is right, and more than the content changed */
        APPROVAL_FITS,
};
enum approval_fit approval_judge(const struct approval *a, const struct change *c,
                                 const struct actor_files *files);
const char *approval_fit_text(enum approval_fit f);

/* ---- those that allow much ---- */

enum {
        APPROVAL_WIDE_S = 7 * 24 * 3600,
        APPROVAL_WIDE_PROFILES = 3,
        APPROVAL_WIDE_MAX = 4, /* reasons */
        APPROVAL_WIDE_TEXT = 128,
};

/* Reasons to look twice at one: it lasts longer than a week, anybody may do it, a pattern of it is
 * of the root directory or of one right below it, it covers more profiles of what is watched than
 * APPROVAL_WIDE_PROFILES.  How many; *ret_profiles is how many profiles it covers. */
size_t approval_wide(const struct approval *a, const struct watchset *watched,
                     char ret[APPROVAL_WIDE_MAX][APPROVAL_WIDE_TEXT], size_t *ret_profiles);

/* ---- all that are known ---- */

struct approvals {
        struct approval *of[APPROVALS_MAX];
        size_t n;
};

void approvals_done(struct approvals *s);
/* Takes a.  -EEXIST: the id is taken; -ENOSPC. */
MUST_USE int approvals_add(struct approvals *s, struct approval *a, struct err *err);
struct approval *approvals_find(const struct approvals *s, struct span id);
/* Takes it out again; it is the caller's then. */
void approvals_remove(struct approvals *s, const struct approval *a);
/* It is known from now on: whoever sets the clock back does not make it last longer. */
void approval_begin(struct approval *a, int64_t wall_ns, int64_t mono_ns);
/* Has its time passed, whatever the clock says? */
bool approval_ran_out(const struct approval *a, int64_t mono_ns);
/* Nothing fits it from now on, and it is over. */
void approval_end(struct approval *a);
/* Can nothing fit it any more? */
bool approval_is_over(const struct approval *a, int64_t wall_ns);
/* Forget those that are over. */
void approvals_expire(struct approvals *s, int64_t wall_ns);
/* The first that fits, else the one that comes nearest; NULL when all are elsewhere. */
const struct approval *approvals_judge(const struct approvals *s, const struct change *c,
                                       const struct actor_files *files, enum approval_fit *ret);

/* One whose window is open and that names this path; NULL: none. */
const struct approval *approvals_owner(const struct approvals *s, struct span path,
                                       int64_t wall_ns);

/* Does one whose window is open name the content that is to be at this path? */
bool approvals_expect(const struct approvals *s, struct span path, int64_t wall_ns);

/* One a line.  On failure what came before is there. */
MUST_USE int approvals_parse(struct approvals *s, const char *name, struct span text,
                             struct err *err);
void approvals_print(const struct approvals *s, struct buf *out);

#endif
