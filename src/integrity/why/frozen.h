/* SPDX-License-Identifier: Apache-2.0 */
/* frozen.h - which immutable flags are Assay's, so that exactly those are taken off again.  Floor
 * 3, pure.
 *
 * The file "frozen" of the state directory is a log, made durable before a flag is touched:
 *
 *   assay frozen 1                            the first line
 *   + <inode> <born> <until> <path base64>    the flag is ours from here on, or about to be set
 *   ~ <path base64>                           it is about to be taken off
 *   - <path base64>                           it is no longer ours
 *
 * Numbers are decimal; inode 0 is whichever file a restore puts there; born is the time of birth in
 * ns (0: the filesystem keeps none), until the wall time in ns at which it is to go (0: when its
 * profile does).  So after any crash a flag that Assay has set stands in the log, and one that
 * stands there may not be set yet.  A flag that an administrator has set stands in no line.
 *
 * SECURITY: only root can write the file; what is read of it is checked all the same. */
#ifndef INTEGRITY_FROZEN_H
#define INTEGRITY_FROZEN_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

enum {
        FROZEN_MAX = 262144,       /* flags at once */
        FROZEN_PATH_MAX = 1 << 19, /* bytes; what lies deeper is not frozen */
        FROZEN_FILE_MAX = 256 << 20,
};

#define FROZEN_FILE "frozen"
#define FROZEN_HEAD "assay frozen 1\n"

struct frozen_file {
        struct frozen_file *next, *ino_next; /* private, as the next */
        size_t at;
        uint64_t ino, born_ns, until_ns;
        int64_t cleared_ns; /* the owner's: when somebody else first took the flag off, monotonic */
        unsigned cleared;   /* the owner's: how often since */
        bool lifting;
        bool stalled; /* the owner's: it was kept locked when the flag was to be set or taken off */
        size_t path_n;
        uint8_t path[];
};

static inline struct span frozen_path(const struct frozen_file *f)
{
        return span_of(f->path, f->path_n);
}

struct frozen;

MUST_USE int frozen_new(struct frozen **ret, struct err *err);
struct frozen *frozen_free(struct frozen *f);
DEFINE_CLEANUP(struct frozen, frozen_free)

size_t frozen_count(const struct frozen *f);
/* NULL: none.  Borrowed until it is removed. */
struct frozen_file *frozen_find(const struct frozen *f, struct span path);
/* Those with this inode on any filesystem, one after the other: begin with after = NULL. */
struct frozen_file *frozen_by_inode(const struct frozen *f, uint64_t ino,
                                    const struct frozen_file *after);
/* In no order; at below frozen_count().  The last takes the place of one that is removed. */
struct frozen_file *frozen_at(const struct frozen *f, size_t at);
/* Adds it, or gives the one that is there these numbers, not lifting.  -ENOSPC, -ENAMETOOLONG,
 * -ENOMEM. */
MUST_USE int frozen_add(struct frozen *f, struct span path, uint64_t ino, uint64_t born_ns,
                        uint64_t until_ns);
void frozen_remove(struct frozen *f, struct frozen_file *x);

/* ---- the file ---- */

/* All lines, into an empty f.  A last line without its end was never durable and does not count;
 * *ret_torn says that there was one.  -EBADMSG names the line. */
MUST_USE int frozen_parse(struct frozen *f, struct span text, bool *ret_torn, struct err *err);
/* The file anew, with nothing in it that is over. */
void frozen_print(const struct frozen *f, struct buf *out);
void frozen_put_set(const struct frozen_file *x, struct buf *out);
void frozen_put_lifting(struct span path, struct buf *out);
void frozen_put_gone(struct span path, struct buf *out);

#endif
