/* SPDX-License-Identifier: Apache-2.0 */
/* observe.h - read one file's state from the disk.  Floor 3.
 *
 * What is not a regular file is never opened for reading.  A regular file is opened once, without
 * following links, waiting or touching its access time; the descriptor must be the file that was
 * seen, content and attributes are read through it, and the state is compared before and after: a
 * file that kept changing has no hash but says so.
 *
 * Between the look at the type and the open, someone who may create device nodes in that directory
 * could put one there; it is opened without blocking, recognised and closed unread.
 *
 * SECURITY: names, contents and attributes are hostile bytes; nothing here interprets them. */
#ifndef INTEGRITY_OBSERVE_H
#define INTEGRITY_OBSERVE_H

#include "base/base.h"
#include "base/err.h"
#include "integrity/trusted/record.h"
#include "integrity/trusted/table.h"

#include <stdatomic.h>
#include <sys/types.h>

#define OBSERVE_HASH_MAX   ((uint64_t)1 << 30)  /* bytes of a file whose content is read */
#define OBSERVE_SPARSE_MAX ((uint64_t)16 << 20) /* above, one that is mostly holes is not */

struct content;
struct observer;
struct pace;

/* One per thread: holds buffers and a hash. */
MUST_USE int observer_new(struct observer **ret, struct err *err);
struct observer *observer_free(struct observer *o);
DEFINE_CLEANUP(struct observer, observer_free)

/* Opens an absolute path's directory for reading; no part of it may be a symbolic link.  Paths
 * longer than the kernel takes at once are fine.  A descriptor, or a negative errno. */
MUST_USE int observe_open_dir(struct span path);

/* The same, each piece of the path, from a directory or AT_FDCWD on, opened by fn. */
typedef int observe_piece_fn(void *ctx, int dirfd, const char *piece);
MUST_USE int observe_open_dir_by(struct span path, observe_piece_fn *fn, void *ctx);

/* Only what stat() tells: hash skipped, link and attributes empty; *ret_handle as below, but only
 * of files with several names. */
MUST_USE int observe_stat(int dirfd, const char *name, struct record *ret,
                          struct table_handle *ret_handle);

/* Of an open descriptor, O_PATH included. */
MUST_USE int observe_stat_fd(int fd, struct record *ret);

/* Of one that is O_PATH, with a handle as above. */
MUST_USE int observe_stat_path(int fd, struct record *ret, struct table_handle *ret_handle);

/* How files are opened, read and searched for holes where that is to wait for nobody's lock; each
 * returns what its call does, or a negative errno.  NULL, as a whole or one of them: by the calls
 * of that name. */
struct observe_calls {
        int (*open)(void *ctx, int dirfd, const char *name, int flags);
        ssize_t (*read)(void *ctx, int fd, void *to, size_t n, off_t at);
        off_t (*seek)(void *ctx, int fd, off_t at, int whence);
        void *ctx;
};
/* One of them, or the call of that name; c may be NULL. */
int observe_call_open(const struct observe_calls *c, int dirfd, const char *name, int flags);
ssize_t observe_call_read(const struct observe_calls *c, int fd, void *to, size_t n, off_t at);
off_t observe_call_seek(const struct observe_calls *c, int fd, off_t at, int whence);
/* Borrowed. */
void observer_set_calls(struct observer *o, const struct observe_calls *c);

/* How fast content is read (NULL: as it goes), a counter of what was read, and a flag that ends
 * reading with -ECANCELED when another thread sets it.  Borrowed. */
void observer_set_pace(struct observer *o, struct pace *p);
void observer_set_counter(struct observer *o, atomic_uint_fast64_t *read);
void observer_set_ended(struct observer *o, const atomic_bool *ended);

/* Files above this many bytes are not read but skipped as too large; OBSERVE_HASH_MAX at most. */
void observer_set_max(struct observer *o, uint64_t max);

/* Where content that was hashed is kept from now on (NULL: nowhere), and up to which size (0: any
 * that it takes). */
void observer_keep(struct observer *o, struct content *c, uint64_t max_size);

/* Everything.  Spans of *ret point into o until the next call.  -ENOENT: there is none.  -EMFILE,
 * -ENFILE, -ENOMEM: we could not, for now.
 * *ret_handle, if not NULL, gets its handle when it is a directory or has several names, else (or
 * where there are none) n = 0. */
MUST_USE int observe(struct observer *o, int dirfd, const char *name, struct record *ret,
                     struct table_handle *ret_handle);

/* The same in pieces, for whoever may not be away for long: begin, then more of at most about max
 * bytes until it no longer returns 1, then the result (or, below 0, none: -EAGAIN says that the
 * file has changed since).  Between two pieces pause closes the file, so that it keeps no
 * filesystem from being unmounted, and resume opens it again.  Abandon ends it anywhere. */
MUST_USE int observe_begin(struct observer *o, int dirfd, const char *name);
MUST_USE int observe_more(struct observer *o, uint64_t max);
void observe_result(const struct observer *o, struct record *ret, struct table_handle *ret_handle);
void observe_pause(struct observer *o);
MUST_USE int observe_resume(struct observer *o, int dirfd, const char *name);
void observe_abandon(struct observer *o);

/* Is this directory on a filesystem of the kernel's own inventions (proc, sysfs, ...), which holds
 * no files worth watching? */
bool observe_invented(int dirfd);

/* The handle of an open directory; -EOPNOTSUPP where there are none. */
MUST_USE int observe_handle(int fd, struct table_handle *ret);

#endif
