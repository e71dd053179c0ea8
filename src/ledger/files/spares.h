/* SPDX-License-Identifier: Apache-2.0 */
/* spares.h - files whose content nobody needs any more, to be written anew instead of new ones.
 * Floor 2.
 *
 * A file system may look long for the inode of a new file where many were deleted lately (ext4
 * without a journal passes over those of some minutes, one by one: docs/decisions/0019).  So what
 * would be deleted is put aside in a directory of its own, and the oldest of it becomes the next
 * new file.
 *
 * Whoever opens a name may be held up on the way: it is looked up, and is another file's spare by
 * the time that it is opened.  He never sees what is half written: until the writer is done he
 * waits (or has EAGAIN, with O_NONBLOCK), and from the moment that he has it open it is left to
 * him.  But what he has then may be what became of the file: with another name's content, so he
 * looks whether the name still leads to it (ledger/read/source_dir.c). */
#ifndef LEDGER_SPARES_H
#define LEDGER_SPARES_H

#include "base/base.h"
#include "base/err.h"
#include "sys/io.h"

enum { SPARES_MAX = 64 };

struct spares {
        struct io io;
        int fd; /* of the directory; -1: none are kept */
        mode_t mode;
        uint64_t given, taken; /* file n has the name n modulo SPARES_MAX */
};

/* dir, below dirfd, is made where it is missing, and what a life before left in it is deleted: of
 * that nobody knows what the disk still has other names for.  Files with another mode than this
 * are not kept.  Where it cannot be made, or files cannot be moved, none are kept and that is no
 * error. */
void spares_open(struct spares *s, const struct io *io, int dirfd, const char *dir, mode_t mode);
void spares_close(struct spares *s);

/* Is fd, open for writing, a file of ours with one name, that mode, and open nowhere else?  Whoever
 * has one open, or by another name, must not see it change.  Then nobody else's open() of it ends
 * before fd is closed: before it gets the name that it is for, or who comes by that waits, too. */
bool spares_hold(int fd, mode_t mode);

/* dirfd/name goes out of there; false: it is still there.  Before it may be taken dirfd must be
 * synced: what the disk knows by that name must not be what is written to. */
bool spares_give(struct spares *s, int dirfd, const char *name);
/* That sync failed. */
void spares_drop_last(struct spares *s, size_t n);

/* The oldest becomes dirfd/name: empty, open for writing, held, and what was there is replaced.
 * -ENOENT: none is left that could. */
MUST_USE int spares_take(struct spares *s, int dirfd, const char *name);

#endif
