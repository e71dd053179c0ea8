/* SPDX-License-Identifier: Apache-2.0 */
/* registry.h - a directory of packages, of who approved them, and of what is deployed.  Floor 2.
 *
 * Until there is a hub this is where a host's gateways have their APIs from.  It is root's; who may
 * do what in it is decided before anything here is called.
 *
 *   registry.yaml            the operator's: registry.yaml(5)
 *   lock                     held by who changes something
 *   packages/<sha256>.assay  never changed
 *   names/<api>/<version>    the record of its push: that version is this package for good
 *   refs/<repository>        {"tips":[["refs/heads/main","<40 hex>"],...]}: where its protected
 *                            branches were last; they only go forward.  One that is gone, or not
 *                            protected any more, stays known, of those the last REGISTRY_KNOWN_MAX
 *   approvals/<sha256>-<n>.note                                          approval.h
 *   live/<n>, current        what is deployed: live.h
 *   deployments/<n>          the record of how generation n came to be
 *   pending                  the record of what is being done
 *
 * A record is one canonical object and a newline:
 *   {"by":0,"from":12,"kind":"api.deployed","origin":"h/ledger","sensitive":[["person:anna",
 *    "what.approver","anna"],...],"time":"...","what":{...}}
 * kind, sensitive and what are the entry's; by: user id of who did it; origin and from: the ledger
 * that it is in, at this index or behind it; an approval's record has "note" as well.
 *
 * Nothing happens here that is not in the ledger, and what is in the ledger happens:
 *
 *  1. What is changed is changed by an act: `pending` is written and synced, then the ledger is
 *     asked for the entry, then the files are put in place, then `pending` goes.  The last two are
 *     one rename where the record stays (names/, deployments/).
 *  2. Before its entry an act changes nothing that counts: a package that no name leads to is
 *     rubbish, and `pending` itself is nobody's to read but who settles.
 *  3. Whoever is to change something settles first: of a `pending` that is there the ledger is
 * asked whether it has that entry.  If so, the files are put in place, which may be done twice; if
 *     not, `pending` goes and nothing has happened.  While the ledger cannot tell, nothing is done.
 *     So an act that was killed anywhere is whole or gone once anything else has been done.
 *     Before there is an entry it is seen that nothing but the disk can be in the way.
 *  4. Putting in place depends on the record and on what counts only, and what counts does not
 *     change while there is a `pending`: the lock is held, or it is settled first.
 *  5. A version is one package for ever; a generation's number is used once; an approval is good
 *     for one generation, which its digest in deployments/ shows.
 *  6. deployments/<n> is there for each n up to the deployed one, but for the moment between
 *     `current` and the end of its act.
 *
 * SECURITY: files are root's own, and are read as if they were not. */
#ifndef PACKAGE_REGISTRY_H
#define PACKAGE_REGISTRY_H

#include "package/registry/approval.h"
#include "package/registry/live.h"
#include "package/registry/registry_record.h"
#include "sys/io.h"

enum { REGISTRY_KNOWN_MAX = 64 };

struct registry {
        const struct io *io;
        int fd;   /* of the directory */
        int lock; /* -1: not held */
};
#define REGISTRY_INIT                                                                              \
        {                                                                                          \
                .fd = -1, .lock = -1                                                               \
        }

/* -EACCES: it, or a directory in it, is not root's or ours, or others may write it. */
MUST_USE int registry_open(const char *path, const struct io *io, struct registry *ret,
                           struct err *err);
void registry_close(struct registry *r); /* fine on REGISTRY_INIT */

/* Until it is closed.  -EBUSY: somebody else has it. */
MUST_USE int registry_lock(struct registry *r, struct err *err);

/* ---- the ledger, as who opened the registry reaches it ---- */

struct registry_ledger {
        /* Its name, and an index that the next entry will not be below. */
        int (*position)(void *ctx, char origin[NOTE_NAME_MAX + 1], uint64_t *ret_from,
                        struct err *err);
        /* 0: the entry is durable.  Else it may be, or not. */
        int (*record)(void *ctx, const char *kind, struct span what, struct span sensitive,
                      struct err *err);
        /* Has it this entry, at this index or behind it?  All that is durable now counts. Negative:
         * cannot tell. */
        int (*find)(void *ctx, const char *origin, uint64_t from, const char *kind,
                    struct span what, bool *ret, struct err *err);
        void *ctx;
};

/* ---- acts: with the lock ---- */

enum registry_settled { REGISTRY_NOTHING, REGISTRY_FINISHED, REGISTRY_FORGOTTEN };

/* Invariant 3.  *ret_record (may be NULL) is what was finished or forgotten.  Negative: it could
 * not be told, or not be put in place; nothing else may be done before it can. */
MUST_USE int registry_settle(struct registry *r, const struct registry_ledger *l,
                             enum registry_settled *ret, struct registry_record *ret_record,
                             struct err *err);

/* An act: record->from and origin are set; the rest is the caller's, checked against what counts
 * (registry_judge.h).  On failure nothing has happened, or `pending` stays and the text says so. */
MUST_USE int registry_act(struct registry *r, const struct registry_ledger *l,
                          struct registry_record *record, struct err *err);

/* Only the entry: of what was refused. */
MUST_USE int registry_tell(const struct registry_ledger *l, const struct registry_record *record,
                           struct err *err);

/* Puts a package where pushes take it from.  One that is there and whole stays. */
MUST_USE int registry_put_package(struct registry *r, const struct package_file *f,
                                  struct span bytes, struct err *err);

/* ---- looking ---- */

/* -ENOENT: this version was not pushed.  -EBADMSG: its record is damaged. */
MUST_USE int registry_version(const struct registry *r, const char *api, const char *version,
                              struct registry_record *ret, struct err *err);
/* -ENOENT: there is no such generation, or not yet. */
MUST_USE int registry_deployment(const struct registry *r, uint64_t generation,
                                 struct registry_record *ret, struct err *err);
/* -ENOENT: nothing is pending. */
MUST_USE int registry_pending(const struct registry *r, struct registry_record *ret,
                              struct err *err);
/* Where a repository's branches were last; n 0: it was not seen. */
MUST_USE int registry_tips(const struct registry *r, const char *repository,
                           struct registry_tip ret[REGISTRY_KNOWN_MAX], size_t *ret_n,
                           struct err *err);

/* What is deployed.  Names are borrowed from text, which is malloc'd; n 0 and generation 0: nothing
 * ever was. */
struct registry_live {
        uint8_t *text;
        uint64_t generation;
        struct live_api api[LIVE_APIS_MAX];
        uint32_t n;
};
MUST_USE int registry_live(const struct registry *r, struct registry_live *ret, struct err *err);
void registry_live_done(struct registry_live *l);
/* NULL: it has none of this name. */
const struct live_api *registry_live_api(const struct registry_live *l, const char *api);

/* The package's bytes, *ret malloc'd; checked to be those that the name says and no others.
 * *ret_file borrows from them, its list lies in arena. */
MUST_USE int registry_package(const struct registry *r, const uint8_t sha256[PACKAGE_HASH],
                              uint8_t **ret, struct arena *arena, struct package_file *ret_file,
                              struct err *err);

/* The n-th approval (from 1) that lies there for a package; *ret malloc'd.  -ENOENT: not so many.
 */
MUST_USE int registry_approval(const struct registry *r, const uint8_t sha256[PACKAGE_HASH],
                               unsigned n, uint8_t **ret, size_t *ret_n, struct err *err);

/* Each version that was pushed, in no order. */
typedef int registry_version_fn(void *ctx, const struct registry_record *record, struct err *err);
MUST_USE int registry_versions(const struct registry *r, registry_version_fn *fn, void *ctx,
                               struct err *err);

#endif
