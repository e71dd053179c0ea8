/* SPDX-License-Identifier: Apache-2.0 */
/* apt_sources.h - what apt is told to fetch from where, and whose keys vouch for it.  Floor 3,
 * process assay-sensor.
 *
 * Files of /etc/apt are read by the jobs "aptlist" and "aptsources"; this opens them and keyrings,
 * and keeps the answers. */
#ifndef INTEGRITY_APT_SOURCES_H
#define INTEGRITY_APT_SOURCES_H

#include "base/base.h"
#include "base/err.h"
#include "integrity/why/apt_lists.h"
#include "wire/source_fact.h"

enum { APT_SOURCES_MAX = 512, APT_KEYRINGS_MAX = 20, APT_PATH_MAX = 255 };

struct apt_source {
        char stem[APT_NAME_MAX + 1]; /* of its files (apt_lists.h) */
        bool doubted;                /* the owner's: the file that it stands in is APT_DOUBTED */
        struct source_fact fact;
};

struct apt_sources {
        struct apt_source **at;
        size_t n;
        size_t bad; /* lines that could not be understood: what is missing may be one of them */
};

/* Keys and sources are root's to write.  So a file says whose packages are believed only while
 * nothing was done to it that nothing explains. */
enum apt_standing {
        APT_STANDS,
        APT_UNWATCHED, /* nobody knows: it counts as far as what names it does */
        APT_DOUBTED,
};
struct apt_trust {
        enum apt_standing (*of)(void *ctx, const char *path); /* NULL: all of them stand */
        void *ctx;
        const char *etc; /* the path of etc_fd */
};
/* Of an open file: by the path that led to it, which may be below etc, and by its own. */
enum apt_standing apt_standing_of(const struct apt_trust *t, const char *path, int fd);

/* One fact of either job.  -EBADMSG, -ENOMEM; -E2BIG: more than APT_SOURCES_MAX. */
MUST_USE int apt_sources_add(struct apt_sources *s, struct span fact);
void apt_sources_done(struct apt_sources *s);

/* The first source the index is of; NULL: none says that apt should have it. */
const struct apt_source *apt_sources_find(const struct apt_sources *s, const struct apt_index *i);

struct apt_keyrings {
        int fd[APT_KEYRINGS_MAX];
        size_t n;
        char doubted[APT_PATH_MAX + 1]; /* the first that was left out, or whose key; "" */
};
/* The keyrings a source's signatures are checked with: its own, or all that apt trusts.  Those that
 * are not there are left out, and those that are doubted, or that only a doubted source names and
 * nobody watches.  On success the descriptors are the caller's to close.  -E2BIG: too many. */
MUST_USE int apt_source_keyrings(const struct apt_source *s, int etc_fd, const struct apt_trust *t,
                                 struct apt_keyrings *ret, struct err *err);

/* May a key with these fingerprints sign for it?  True where a source names no keys. */
bool apt_source_admits(const struct apt_source *s, const char *key, const char *primary);

/* Files of sources below an open /etc/apt, in apt's order, ended by NULL: "sources.list",
 * "sources.list.d/x.sources".  *ret is one allocation, for free(). */
MUST_USE int apt_sources_files(int etc_fd, char ***ret, struct err *err);
/* Which job reads it. */
const char *apt_sources_job(const char *file);

#endif
