/* SPDX-License-Identifier: Apache-2.0 */
/* package.h - a transaction of the package manager: what its packages hold, and which changes that
 * explains.  Floor 3, pure.
 *
 *   what the package files hold, as the job "deb" told of their bytes      -.
 *   whether those bytes chain to a signed Release, as apt_chain.h found     --+--> verdict
 *   what dpkg listed as the old packages' before it began                   -'
 *
 * What is left at a path is explained when it is what a signed package holds there, in content,
 * type, mode and owner, and nobody else touched it.  What dpkg itself does on the way there, its
 * work files and the paths that it takes away, is explained by who it is; the verdict then says so,
 * for that is the weaker proof (docs/decisions/0008-package-transactions.md).
 *
 * Paths are those of a host whose /bin, /lib and so on lead into /usr, where it has them so.
 *
 * SECURITY: facts come from jobs that have read hostile bytes, names from root's hook. */
#ifndef INTEGRITY_PACKAGE_H
#define INTEGRITY_PACKAGE_H

#include "base/base.h"
#include "base/err.h"
#include "integrity/why/actor.h"
#include "integrity/why/why.h"

#include <sys/types.h>

struct change;
struct chain_result;
struct deb_fact;
struct packages;
struct watchset;
struct who;

enum {
        PACKAGES_MAX = 4096,           /* of one transaction */
        PACKAGES_PATHS_MAX = 1 << 18,  /* watched ones, known of them */
        PACKAGES_BYTES_MAX = 24 << 20, /* of names */
        PACKAGE_FIELD_MAX = 255,
        PACKAGE_PATH_MAX = 4095,
        PACKAGE_WHY_MAX = 255,
};

enum package_action {
        PACKAGE_INSTALL,
        PACKAGE_REINSTALL,
        PACKAGE_UPGRADE,
        PACKAGE_DOWNGRADE,
        PACKAGE_REMOVE,
        PACKAGE_CONFIGURE,
        PACKAGE_ACTIONS,
};
const char *package_action_name(enum package_action a);
int package_action_by_name(struct span name); /* negative: none */

enum package_trust {
        PACKAGE_UNREAD,   /* nothing is known of it yet */
        PACKAGE_SIGNED,   /* its bytes chain to a signed Release */
        PACKAGE_UNPROVED, /* they do not, or could not be read: why says it */
};

struct package { /* texts are the transaction's; "" where there is none */
        enum package_action action;
        const char *name, *arch, *from, *to, *path;
        enum package_trust trust;
        bool has_file;       /* it is unpacked from a package file */
        bool has_hash;       /* of that file */
        bool trusted_anyway; /* by trusted=yes: apt did not care */
        bool expired;        /* the Release was good until a time that is over */
        bool doubted;        /* packages_doubt() */
        bool listed;         /* what dpkg listed of it before is known */
        uint8_t sha256[32];
        uint32_t files;             /* in the package file */
        uint32_t watched;           /* of them, that are known here */
        const char *chain, *reason; /* apt_chain.h's names; NULL: it did not come to that */
        const char *release, *suite, *codename, *fingerprint, *why;
};

/* merged: enum deb_merged.  watch is borrowed: only paths that it covers are kept.  root is the
 * process that runs dpkg; 0: not known, then nobody is of the transaction. */
MUST_USE int packages_new(pid_t root, unsigned merged, const struct watchset *watch,
                          struct packages **ret, struct err *err);
struct packages *packages_free(struct packages *p);
DEFINE_CLEANUP(struct packages, packages_free)
/* An older transaction, which is asked where this one explains nothing; borrowed. */
void packages_set_older(struct packages *p, struct packages *older);

/* Says whether somebody changed this file below /var/lib/dpkg/info, and nothing explained that;
 * without one, nobody ever did. */
typedef bool package_changed_fn(void *ctx, struct span path);
void packages_set_changed(struct packages *p, package_changed_fn *fn, void *ctx);

/* ---- filling ---- */

/* One more; names are copied.  -EINVAL: a name that is none; -E2BIG; -ENOMEM. */
struct package_name {
        enum package_action action;
        struct span name, arch, from, to, path;
};
MUST_USE int packages_add(struct packages *p, const struct package_name *n, struct err *err);
size_t packages_count(const struct packages *p);
struct package *packages_at(struct packages *p, size_t i);

/* One fact of the package's file.  -EBADMSG: it is of another package than its name says; -E2BIG:
 * no room.  What was told counts when packages_read() says that the job ended well. */
MUST_USE int packages_fact(struct packages *p, size_t i, const struct deb_fact *f);
/* why NULL: all facts of package i are there, else it explains nothing. */
void packages_read(struct packages *p, size_t i, const char *why);
/* The chain's word on a package file. */
void packages_chained(struct packages *p, const struct chain_result *r);
/* The chain was not asked, or gave no word: nothing explains anything that is not signed. */
void packages_unchained(struct packages *p, const char *why);
/* A path that dpkg listed as package i's before the transaction.  -E2BIG; -ENOMEM. */
MUST_USE int packages_listed(struct packages *p, size_t i, const char *path);

/* ---- asking ---- */

enum package_actor { /* the later, the nearer */
                     PACKAGE_BY_OTHER,
                     PACKAGE_BY_UNKNOWN, /* nobody was seen */
                     PACKAGE_BY_APT,     /* the process that runs dpkg, and what it begins */
                     PACKAGE_BY_SCRIPT,  /* a maintainer script that dpkg begins, and what it begins
                                          */
                     PACKAGE_BY_DPKG,
};
enum package_actor packages_actor(const struct packages *p, const struct who *w);
/* The path of the maintainer script, of one by a script; else empty. */
struct span package_script_of(const struct packages *p, const struct who *w);
/* The farthest of all who touched it, of whom one is of this transaction.  Who is of an older or a
 * newer one whose packages are all signed counts as what he is there: one may begin before it was
 * looked at what the other did. */
enum package_actor packages_actors(const struct packages *p, const struct change *c);

/* Are all packages signed whose files are unpacked, and none of them doubted? */
bool packages_all_signed(const struct packages *p);
/* Nothing explained this.  When it is dpkg that left something else at a package's path than was
 * read of its file, another one was unpacked: its scripts are not the signed ones either. */
void packages_doubt(struct packages *p, const struct change *c);

/* ---- asking of it and of the older ones; p may be NULL ---- */

/* Is this one a maintainer script that the dpkg of a transaction has begun whose packages are all
 * signed, or begun by one, and the script a package's?  Else how near it comes: dpkg and the script
 * have to be plain (actor.h), and the script's PATH a usual one of root's, or it may find other
 * programs there than the package's author meant.  That comes before whether the packages are
 * signed and the script is theirs. */
enum actor_fit packages_began(const struct packages *p, const struct who *w);

/* Does the transaction account for this change?  Fills *ret; when not, its detail says what came
 * nearest. */
bool packages_explain(const struct packages *p, const struct change *c, struct why *ret);

/* Is this path, or what a work file of dpkg is for, one of a signed package's or listed as one
 * before?  What the transaction does to it is not to be put back while that runs. */
bool packages_have(const struct packages *p, struct span path);

/* The paths that dpkg is going to write or to remove for one transaction: *at is 0 at first. false:
 * there are no more. */
bool packages_next_path(const struct packages *p, size_t *at, struct span *ret_path,
                        const struct package **ret);

/* What dpkg puts behind names while it works, and for what it leaves beside a conffile. */
enum package_work {
        PACKAGE_WORK_NONE,
        PACKAGE_WORK_NEW,  /* .dpkg-new: what is to be renamed to the name */
        PACKAGE_WORK_TMP,  /* .dpkg-tmp: what was there, until the new one is */
        PACKAGE_WORK_OLD,  /* .dpkg-old: a conffile that was replaced */
        PACKAGE_WORK_DIST, /* .dpkg-dist: one that was not installed */
};
/* Of the last name of path that has it; *ret is path without it, in any of its names.  A path that
 * does not fit into out has none. */
enum package_work package_work_name(struct span path, char out[PACKAGE_PATH_MAX + 1],
                                    struct span *ret);

#endif
