/* SPDX-License-Identifier: Apache-2.0 */
/* filewriter.h - many small files, durable together.  Floor 2.
 *
 * Each file: temporary beside its place, write, fsync, rename; then the directory is synced, whose
 * descriptor is held open.  The steps are taken for all files of a round at once: a file system
 * puts the syncs of many files into few commits of its journal, but not when a rename stands
 * between them (160 files: 10 ms against 500 ms, docs/decisions/0004-syncing-tiles.md). Of a round
 * every file is synced by itself, but several at a time (docs/decisions/0007-publisher-lag.md). */
#ifndef LEDGER_FILEWRITER_H
#define LEDGER_FILEWRITER_H

#include "base/base.h"
#include "base/err.h"
#include "sys/io.h"
#include "sys/syncer.h"

struct filewriter;

enum { FILEWRITER_PATH_MAX = 96 };

enum filewriter_mode {
        FILEWRITER_IMMUTABLE, /* what is there already is compared: -EBADMSG when it differs */
        FILEWRITER_REPLACE,
};

/* root_fd and syncer (may be NULL) are borrowed.  Files and directories are made with these modes.
 */
MUST_USE int filewriter_new(int root_fd, const struct io *io, struct syncer *syncer,
                            mode_t file_mode, mode_t dir_mode, struct filewriter **ret,
                            struct err *err);
struct filewriter *filewriter_free(struct filewriter *w);
DEFINE_CLEANUP(struct filewriter, filewriter_free)

/* Write the temporary of dir/name, both below the root; dir may be ".".  It is in its place only
 * after filewriter_sync().  On failure this file is not written and those put before wait on. */
MUST_USE int filewriter_put(struct filewriter *w, const char *dir, const char *name,
                            struct span content, enum filewriter_mode mode, struct err *err);

/* Sync, rename, sync directories.  -EIO: a sync failed.  After a failure the writer is only good
 * for filewriter_free(). */
MUST_USE int filewriter_sync(struct filewriter *w, struct err *err);

/* How many were put in their places so far; those that were there already do not count. */
uint64_t filewriter_files(const struct filewriter *w);

/* From now on files of directories that are dropped are put aside in dir, below dirfd, and become
 * new ones (ledger/files/spares.h).  dirfd is borrowed only for this call. */
void filewriter_keep_spares(struct filewriter *w, int dirfd, const char *dir);

/* Remove a directory and the files in it, as far as possible; its place may hold none. */
void filewriter_drop_dir(struct filewriter *w, const char *dir);
/* Remove temporaries a crash left in a directory. */
void filewriter_clean_dir(struct filewriter *w, const char *dir);

#endif
