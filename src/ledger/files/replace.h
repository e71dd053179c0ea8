/* SPDX-License-Identifier: Apache-2.0 */
/* replace.h - a small file that is replaced over and over, without a new inode each time.  Floor 2.
 *
 * A file that takes another's place deletes that, and a file system may look long for an inode for
 * a new one where many were deleted lately (ext4 without a journal passes over those of some
 * minutes, one by one: docs/decisions/0019).  So the file that was replaced is kept as a spare,
 * which gets the next content and is exchanged for what is there then. */
#ifndef LEDGER_REPLACE_H
#define LEDGER_REPLACE_H

#include "base/base.h"
#include "base/err.h"
#include "sys/io.h"

/* Of one user; the directory of the spare is nobody's else. */
struct replace {
        int dirfd;
        const char *path;
        int spare_dirfd;
        const char *spare; /* not worth a backup; may be missing */
        mode_t mode;
};

/* As io_replace_file(): path gets content, durably, or stays as it was.  Nobody sees a file change
 * that he has open: a spare that somebody has, or by another name, is left to him, and whoever has
 * looked path up and is late to open it has one whole content or the other: while the spare is
 * written he waits, or has EAGAIN with O_NONBLOCK (ledger/files/spares.h).  Both files have the
 * mode, so it opens for him as it would have in time.  Where two files cannot be exchanged it is
 * io_replace_file().
 *
 * The caller syncs spare_dirfd between two calls where that is another directory: what the disk
 * knows as path must not be what is written to next. */
MUST_USE int replace_file(const struct io *io, const struct replace *p, struct span content,
                          struct err *err);

#endif
