/* SPDX-License-Identifier: Apache-2.0 */
/* apt_lists.h - the files of /var/lib/apt/lists: which index of packages belongs to which Release
 * and to which source.  Floor 3, process assay-sensor.
 *
 * apt names a file after where it came from, without scheme and password, odd bytes as %xx and then
 * each '/' as '_' (apt's URItoFileName):
 *
 *   http://example.org/debian/dists/a_b/main/binary-amd64/Packages
 *          example.org_debian_dists_a%5fb_main_binary-amd64_Packages[.lz4]
 *          example.org_debian_dists_a%5fb_InRelease       or _Release, _Release.gpg
 *
 * Everything before "InRelease" or "Release" is the stem that a repository's files share. */
#ifndef INTEGRITY_APT_LISTS_H
#define INTEGRITY_APT_LISTS_H

#include "base/base.h"
#include "base/err.h"

enum {
        APT_NAME_MAX = 255,
        APT_LISTED_MAX = 512,
        APT_FILES_MAX = 4096, /* in that directory */
};

enum apt_signing {
        APT_NO_RELEASE,
        APT_UNSIGNED, /* a Release alone */
        APT_INLINE,   /* InRelease */
        APT_DETACHED, /* Release and Release.gpg */
};

struct apt_index {
        char name[APT_NAME_MAX + 1];
        const char *suffix; /* "", ".lz4", ...: static */
        enum apt_signing signing;
        char release[APT_NAME_MAX + 1];   /* InRelease or Release; "" */
        char signature[APT_NAME_MAX + 1]; /* Release.gpg; "" */
        char listed[APT_LISTED_MAX + 1];  /* its name in the Release, without suffix; "" */
};

struct apt_lists {
        struct apt_index *index; /* sorted by release, then name */
        size_t n;
};

/* Pair what belongs together; names in any order.  -ENOMEM. */
MUST_USE int apt_lists_pair(const char *const *names, size_t n, struct apt_lists *ret,
                            struct err *err);
/* The same for an open directory. */
MUST_USE int apt_lists_read(int dirfd, struct apt_lists *ret, struct err *err);
void apt_lists_done(struct apt_lists *l); /* fine on a zeroed one */

/* The stem of a source's repository: "http://example.org/debian" and "stable" or, flat, "./".
 * -EINVAL: no URI; -ENAMETOOLONG. */
MUST_USE int apt_source_stem(const char *uri, const char *suite, char ret[APT_NAME_MAX + 1]);

/* Does the index come from the repository with this stem? */
bool apt_index_of(const struct apt_index *i, const char *stem);

#endif
