/* SPDX-License-Identifier: Apache-2.0 */
/* package_info.h - what dpkg keeps of each package in /var/lib/dpkg/info, and its scripts, which
 * root runs.  Floor 3, pure.
 *
 *   PACKAGE.WHAT, or PACKAGE:ARCH.WHAT of one that may be there for several architectures
 *
 *   postinst, triggers, md5sums, ...   as they are in control.tar of the package file: proved by
 *                                      its hash
 *   list, and md5sums where control.tar has none   dpkg's own: explained by who it is (weaker)
 *   what is removed                    by dpkg, with its package or a newer one (weaker)
 *
 * Format: dpkg's infodb, version 1 (dpkg's lib/dpkg/db-infodb.c says so nowhere else). */
#ifndef INTEGRITY_PACKAGE_INFO_H
#define INTEGRITY_PACKAGE_INFO_H

#include "integrity/why/package.h"

#define PACKAGE_INFO_DIR "/var/lib/dpkg/info/"
#define PACKAGE_NEXT_DIR "/var/lib/dpkg/tmp.ci/" /* control.tar of the one that is unpacked */

enum { PACKAGE_INFO_MAX = 1024 };

struct package_info {
        struct span name, arch, what; /* of the path that was parsed; arch empty: not said */
        char path[PACKAGE_INFO_MAX];  /* without the architecture; a string */
};

/* Is it a path of a package's file in there?  *ret is untouched when not. */
bool package_info_parse(struct span path, struct package_info *ret);

/* As packages_explain(), of one transaction and such a path. */
bool package_info_explain(const struct packages *p, const struct package_info *n,
                          const struct change *c, struct why *ret);
/* The same, of the one file that is no package's. */
bool package_info_format(const struct packages *p, const struct change *c, struct why *ret);
/* As packages_doubt(). */
void package_info_doubt(struct packages *p, const struct package_info *n, const struct change *c);
/* As packages_have(), of one transaction. */
bool package_info_is_of(const struct packages *p, const struct package_info *n);

/* Is the script that this one is, or was begun by, one of a package's that is unpacked now, or what
 * is kept of it what nobody changed unexplained?  All packages are signed. */
bool package_script_counts(const struct packages *p, const struct who *w);
/* Is what dpkg listed as the package's before what nobody changed unexplained? */
bool package_list_counts(const struct packages *p, const struct package *x);

#endif
