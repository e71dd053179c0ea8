/* SPDX-License-Identifier: Apache-2.0 */
/* fold.h - changes of one user that come faster than they are worth an entry each.  Floor 3, pure.
 *
 * A user, a profile and a sort of change have a rate of their own.  What is above it is kept here
 * and told as one entry, integrity.folded, when its window is over:
 *
 *                 the first             more than FOLD_BURST in FOLD_WINDOW_S,
 *                                       or than FOLD_LONG in FOLD_LONG_S
 *         (none) ----------> COUNTING --------------------------------------> FOLDING
 *            ^                |    ^                                           |   |
 *            '--- quiet ------'    '-------- a window with no more than that --'   '- folds_due():
 *                                                                                     told, goes on
 *
 * Sorts are apart so that thousands of new files do not hide one that was there and is another now,
 * one that is gone, or one that got rights.  root is never folded, nor what anybody else touched as
 * well, nor what nobody was seen doing: a fold speaks of one user and hides nobody else's doing.
 * Any process of root can take a user's name and keep its rights, so what was done with root's
 * rights is root's, a set-uid program's too, and what the user could not have done himself
 * (fold_in_reach()) is told whoever it was.  What he does with the rights of a third one is apart.
 *
 * What an entry has: how many, of which words, what differed, whose, the first and last moment, the
 * first paths by name, and the SHA-256 over all paths - each once, in byte order, each with a NUL
 * behind it.  The list itself is fold_facts.list, for whoever keeps it under that digest.
 *
 * Bounded: FOLDS_MAX, the quietest one makes room, told first; FOLD_LIST_MAX bytes of paths each,
 * then it is told early.  Nothing is dropped at either. */
#ifndef INTEGRITY_FOLD_H
#define INTEGRITY_FOLD_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

struct change;
struct folds;
struct record;
struct who;

enum {
        FOLD_WINDOW_S = 10,
        FOLD_BURST = 200,
        FOLD_LONG_S = 3600,
        FOLD_LONG = 2000,
        FOLDS_MAX = 64,
        FOLD_LIST_MAX = 512 * 1024,
        FOLD_OPS_MAX = 256 * 1024,
        FOLD_NAMED = 16,     /* paths that stand in the entry itself */
        FOLD_NAME_MAX = 256, /* bytes of one */
        FOLD_PROGRAMS = 8,
        FOLD_PROFILE_MAX = 255,  /* bytes of a profile's name */
        FOLD_NAMESPACED = 65536, /* uids from here on are no login's own */
};

enum fold_sort { FOLD_NEW, FOLD_CHANGED, FOLD_GONE, FOLD_RIGHTS, FOLD_SORTS };

MUST_USE int folds_new(struct folds **ret, struct err *err);
struct folds *folds_free(struct folds *f);
DEFINE_CLEANUP(struct folds, folds_free)

struct fold_whose {
        uint32_t uid;  /* of a user namespace's users, whose login it is */
        uint32_t euid; /* another one: by a set-uid program of that user's, never root's */
};

/* May it be folded at all?  Then one user alone did it, who is not root and had none of root's
 * rights, and *ret is he. */
bool fold_may(const struct change *c, struct fold_whose *ret);
/* Could its author have done it without more rights than his user's own?  By owner and mode: of his
 * groups nothing is known, so what the group may write he may, but for group 0; and so for an
 * access list.  Files of user namespaces (FOLD_NAMESPACED) are in reach of everybody who is not
 * root.  dir: the directory it is in, from_dir: where a rename took it from; NULL: not known.
 * c->who is there. */
bool fold_in_reach(const struct change *c, const struct record *dir, const struct record *from_dir);
enum fold_sort fold_sort_of(const struct change *c);

/* One of them: a user's in a profile. */
struct fold;

/* Count this change.  NULL: it is to be told as ever.  Else it is to be put there (fold_put()).
 * -ENOMEM leaves it to be told, too.  Where there is no room for one more user and profile,
 * *ret_full is one that has to be told first (and is then as new), or NULL. */
struct fold *folds_count(struct folds *f, const struct change *c, int64_t now_ns,
                         struct fold **ret_full);

/* Is there room for it?  Else tell what is there first. */
bool fold_has_room(const struct fold *x, const struct change *c, struct span ops);
/* ops are kept in order where the change is a rename, as what they lead to depends on it.
 * -ENOMEM: then nothing was put. */
MUST_USE int fold_put(struct fold *x, const struct change *c, struct span ops, int64_t now_ns);

/* Has it to be told that this one began?  Once, until it is over. */
bool fold_is_news(struct fold *x, const struct change *c);

/* One whose window is over, or any with something in it when at_once; NULL: none. */
struct fold *folds_due(struct folds *f, int64_t now_ns, bool at_once);
bool folds_any(const struct folds *f);
/* How many changes were folded since the start, and how many users and profiles are folded now. */
uint64_t folds_count_all(const struct folds *f);
size_t folds_folding(const struct folds *f);

/* What was put there. */
struct fold_facts {
        struct span list; /* paths in order, each once, each with its NUL */
        uint8_t digest[32];
        uint64_t paths;
        struct span moves; /* journal operations, in their order */
};
/* Sorts and digests; spans of *ret are valid until the next fold_put() or fold_told(). */
MUST_USE int fold_close(struct fold *x, struct fold_facts *ret);
/* Its entry.  kept: the list is kept; brief: without names and author, where it is too long. */
void fold_write(const struct fold *x, const struct fold_facts *f, int64_t wall_ns, bool kept,
                bool brief, struct buf *out);
uint32_t fold_uid(const struct fold *x);
struct who *fold_who(const struct fold *x); /* of the first; borrowed */
/* Was it a directory that this path's rename moved?  Then all below it has moved. */
bool fold_moved_tree(const struct fold *x, struct span path);
/* It is told: empty again. */
void fold_told(struct fold *x);

#endif
