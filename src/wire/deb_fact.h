/* SPDX-License-Identifier: Apache-2.0 */
/* deb_fact.h - what the job "deb" tells of a package file (job/deb.h has the form), for those who
 * start it.  Floor 1, pure.
 *
 * A consumer believes facts when the job has ended well, and then all of them: they are about the
 * bytes whose hash the last one, DEB_FACT_WHOLE, tells.
 *
 * SECURITY: facts come from a process that has read hostile bytes. */
#ifndef WIRE_DEB_FACT_H
#define WIRE_DEB_FACT_H

#include "base/base.h"
#include "base/err.h"
#include "wire/json.h"

enum {
        DEB_FACT_PATH_MAX = 4095,
        DEB_FACT_NAME_MAX = 256,
        DEB_FACT_HASH = 32,
};

enum deb_fact_kind {
        DEB_FACT_PACKAGE,  /* package, version, architecture */
        DEB_FACT_CONTROL,  /* name, sha256, size: becomes /var/lib/dpkg/info/PACKAGE.NAME */
        DEB_FACT_CONFFILE, /* path, remove */
        DEB_FACT_FILE,     /* path, type and what that type has */
        DEB_FACT_WHOLE,    /* sha256, size, files */
};

enum deb_type { DEB_FILE, DEB_DIR, DEB_SYMLINK, DEB_FIFO, DEB_CHAR, DEB_BLOCK, DEB_TYPES };

struct deb_fact {
        enum deb_fact_kind kind;
        char package[DEB_FACT_NAME_MAX + 1];
        char version[DEB_FACT_NAME_MAX + 1];
        char architecture[DEB_FACT_NAME_MAX + 1];
        char name[DEB_FACT_NAME_MAX + 1];
        bool script; /* of a CONTROL: one that dpkg or debconf runs */
        bool remove; /* of a CONFFILE: no longer part of the package */
        enum deb_type type;
        char path[DEB_FACT_PATH_MAX + 1]; /* absolute, no "." or "..", no slash at its end */
        char link[DEB_FACT_PATH_MAX + 1]; /* another path of the package with the same inode; "" */
        char target[DEB_FACT_PATH_MAX + 1]; /* of a symbolic link, as it is written */
        uint32_t mode;                      /* permission bits, set-id and sticky included */
        uint32_t uid, gid;
        char user[DEB_FACT_NAME_MAX + 1]; /* dpkg prefers a user of this name to uid; "" */
        char group[DEB_FACT_NAME_MAX + 1];
        uint32_t major, minor;
        uint64_t size; /* of a CONTROL, a WHOLE, a FILE of type DEB_FILE, as sha256 */
        uint8_t sha256[DEB_FACT_HASH];
        uint32_t files; /* of a WHOLE: how many FILE facts there were */
};

/* -EBADMSG and the member.  *ret is untouched then. */
MUST_USE int deb_fact_parse(struct span fact, struct deb_fact *ret, struct err *err);

/* ---- merged /usr ---- */

/* Directories at the root that are symbolic links into /usr on a host. */
enum deb_merged {
        DEB_MERGED_BIN = 1u << 0,
        DEB_MERGED_SBIN = 1u << 1,
        DEB_MERGED_LIB = 1u << 2,
        DEB_MERGED_LIB32 = 1u << 3,
        DEB_MERGED_LIB64 = 1u << 4,
        DEB_MERGED_LIBX32 = 1u << 5,
};

/* "bin" and the like: its bit, 0 for any other name. */
unsigned deb_merged_bit(struct span name);

/* Where a path of a package lies on a host with these links: "/bin/ls" is "/usr/bin/ls".  The
 * directory itself ("/bin") stays what it is: there it is the link.  -ENAMETOOLONG. */
MUST_USE int deb_merged_path(const char *path, unsigned merged, char out[DEB_FACT_PATH_MAX + 1]);

#endif
