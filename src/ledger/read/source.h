/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - where the files of a published log are read from.  Floor 2.
 *
 * A log is a tree of files; verification and proofs read it through this table and do not care
 * whether it is a directory, an archive or a web server. */
#ifndef LEDGER_SOURCE_H
#define LEDGER_SOURCE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

struct source {
        /* Whole file, appended to out (the caller cleared it).  -ENOENT when it is not there. */
        int (*read)(struct source *s, const char *path, struct buf *out, struct err *err);
        /* Call fn for every file with its path below the root; -EOPNOTSUPP when a source cannot
         * list (HTTP).  A negative result of fn ends the walk and is returned. */
        int (*list)(struct source *s, int (*fn)(void *ctx, const char *path), void *ctx,
                    struct err *err);
        struct source *(*free)(struct source *s);
        const char *name; /* for messages: "directory /x", "archive y.tar" */
};

/* dirfd is borrowed. */
MUST_USE int source_dir(int dirfd, const char *name, struct source **ret, struct err *err);

/* A file without a name in the directory tmp (NULL: $TMPDIR, else /tmp), to unpack an archive of
 * that name into: *ret is the caller's. */
MUST_USE int source_tar_room(const char *name, const char *tmp, int *ret, struct err *err);

/* A tar archive, plain or packed with gzip, bzip2, xz or zstd.  It is unpacked into room, of which
 * nothing stays; the log is where the file `checkpoint` lies least deep.  Takes no right: a process
 * may give them away between both.  -ENOENT: not an archive, or no checkpoint in it.  -EBADMSG: a
 * damaged one, or one with links, devices or paths that leave it.  -EFBIG: more than
 * SOURCE_TAR_FILES files, a file over SOURCE_FILE_MAX, or more than max_bytes in all (0:
 * SOURCE_TAR_BYTES).  fd is borrowed, room is taken, on failure too. */
enum {
        SOURCE_TAR_FILES = 4 * 1024 * 1024,
        SOURCE_FILE_MAX = 17 * 1024 * 1024, /* a bundle has 256 * 65,537 bytes at most */
};
#define SOURCE_TAR_BYTES (UINT64_C(64) << 30)
MUST_USE int source_tar(int fd, const char *name, int room, uint64_t max_bytes, struct source **ret,
                        struct err *err);

/* Below an http or https URL.  Never follows a redirect to another host; gives up on a silent
 * server; reads no more of a file than out->max.  Cannot list. */
MUST_USE int source_http(const char *url, struct source **ret, struct err *err);

static inline struct source *source_free(struct source *s)
{
        return s ? s->free(s) : NULL;
}
DEFINE_CLEANUP(struct source, source_free)

#endif
