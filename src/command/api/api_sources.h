/* SPDX-License-Identifier: Apache-2.0 */
/* api_sources.h - the sources of a package, from a directory.  Floor 3.
 *
 * Files are read, not looked into.  Hidden ones (.git) are passed over; what is no part of a
 * package (package/build.h) or no plain file is an error of lint, symbolic links too: what is built
 * is what lies in the directory. */
#ifndef COMMAND_API_API_SOURCES_H
#define COMMAND_API_API_SOURCES_H

#include "base/arena.h"
#include "base/err.h"
#include "package/build.h"

struct api_sources {
        struct arena arena;
        struct package_source at[PACKAGE_SOURCES_MAX]; /* ascending by path */
        uint32_t n;
        size_t bytes; /* of their texts */
};

/* Of the directory; all of it lies in the arena of s, paths of faults too.  Errors name the
 * directory or the file: what open() and read() say; -EFBIG: more than a package may hold;
 * -EINVAL: it has files, and none is a package's. */
MUST_USE int api_sources_read(const char *dir, struct api_sources *s, struct lint *l,
                              struct err *err);
void api_sources_done(struct api_sources *s);

#endif
