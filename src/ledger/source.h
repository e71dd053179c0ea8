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
        /* Call fn for every file with its path below the root; -EOPNOTSUPP when a source cannot list
         * (HTTP).  A negative result of fn ends the walk and is returned. */
        int (*list)(struct source *s, int (*fn)(void *ctx, const char *path), void *ctx,
                    struct err *err);
        struct source *(*free)(struct source *s);
        const char *name; /* for messages: "directory /x", "archive y.tar" */
};

/* dirfd is borrowed. */
MUST_USE int source_dir(int dirfd, const char *name, struct source **ret, struct err *err);

static inline struct source *source_free(struct source *s)
{
        return s ? s->free(s) : NULL;
}
DEFINE_CLEANUP(struct source, source_free)

#endif
