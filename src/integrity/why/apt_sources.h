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

enum { APT_SOURCES_MAX = 512, APT_KEYRINGS_MAX = 20 };

struct apt_source {
        char stem[APT_NAME_MAX + 1]; /* of its files (apt_lists.h) */
        struct source_fact fact;
};

struct apt_sources {
        struct apt_source **at;
        size_t n;
        size_t bad; /* lines that could not be understood: what is missing may be one of them */
};

/* One fact of either job.  -EBADMSG, -ENOMEM; -E2BIG: more than APT_SOURCES_MAX. */
MUST_USE int apt_sources_add(struct apt_sources *s, struct span fact);
void apt_sources_done(struct apt_sources *s);

/* The first source the index is of; NULL: none says that apt should have it. */
const struct apt_source *apt_sources_find(const struct apt_sources *s, const struct apt_index *i);

/* The keyrings a source's signatures are checked with: its own, or all that apt trusts.  Opens at
 * most APT_KEYRINGS_MAX; those that are not there are left out.  fds are the caller's to close. */
MUST_USE int apt_source_keyrings(const struct apt_source *s, int etc_fd, int fds[APT_KEYRINGS_MAX],
                                 size_t *ret_n, struct err *err);

/* May a key with these fingerprints sign for it?  True where a source names no keys. */
bool apt_source_admits(const struct apt_source *s, const char *key, const char *primary);

/* Files of sources below an open /etc/apt, in apt's order, ended by NULL: "sources.list",
 * "sources.list.d/x.sources".  *ret is one allocation, for free(). */
MUST_USE int apt_sources_files(int etc_fd, char ***ret, struct err *err);
/* Which job reads it. */
const char *apt_sources_job(const char *file);

#endif
