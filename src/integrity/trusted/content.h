/* SPDX-License-Identifier: Apache-2.0 */
/* content.h - the content of trusted files, by SHA-256, to put them back from.  Floor 3.
 *
 *   <state>/content/ab/cdef...   mode 0600: one zstd frame; its content's SHA-256 is abcdef...
 *   <state>/content/ab/tmp.N     being written; one that a crash left goes at the next start
 *
 * Written beside, synced, renamed within its directory (who renames from one to another waits for
 * all who do so on that filesystem); read with its hash checked.  Invariants:
 *  1. A name that is there has all of its content: what a crash cut off is still a tmp.N.
 *  2. What a baseline on disk refers to was synced before it (content_sync()), or was not kept,
 *     which is counted and told.
 *  3. What no baseline refers to goes, and only that (sweep).
 *
 * A file that is too large, or finds no room, is not kept: its hash is in the record all the same,
 * and so is every change of it; it cannot be put back from here.
 *
 * content_keep() may be called by many threads at once; everything else belongs to one.
 *
 * SECURITY: content is hostile bytes, compressed and hashed, never interpreted.  The directory is
 * root's alone. */
#ifndef INTEGRITY_CONTENT_H
#define INTEGRITY_CONTENT_H

#include "base/base.h"
#include "base/err.h"
#include "crypto/sha256.h"

#include <sys/types.h>

struct content;
struct io;

struct content_limits {
        uint64_t file_max;  /* bytes of one file; 0: CONTENT_FILE_MAX */
        uint64_t total_max; /* compressed bytes of all; 0: CONTENT_TOTAL_MAX */
        uint64_t free_min;  /* bytes of the filesystem that stay free; 0: CONTENT_FREE_MIN */
};

enum { CONTENT_FILES_MAX = 1 << 20 };
#define CONTENT_FILE_MAX  (UINT64_C(64) << 20)
#define CONTENT_TOTAL_MAX (UINT64_C(2) << 30)
#define CONTENT_FREE_MIN  (UINT64_C(256) << 20)

struct content_counts {
        uint64_t files, bytes; /* what is there: compressed */
        /* Since content_count_anew(): what content_keep() came to. */
        uint64_t kept, had, too_large, no_room, failed;
};

/* Below dirfd (borrowed for the store's life): the directory is made when it is missing, and what a
 * crash left half written is removed.  Where there is no room to make it nothing is kept, as on any
 * full disk, and content_count_anew(), with no other call under way, tries again. */
MUST_USE int content_open(const struct io *io, int dirfd, const struct content_limits *limits,
                          struct content **ret, struct err *err);
struct content *content_free(struct content *c);
DEFINE_CLEANUP(struct content, content_free)

/* Keep what fd has from its beginning on, size bytes as far as is known and at most max, if its
 * SHA-256 is this one.  0: kept, or not for a reason that is counted.  -EAGAIN: it is not this
 * content (any more).
 */
MUST_USE int content_keep(struct content *c, int fd, const uint8_t sha256[SHA256_LEN],
                          uint64_t size, uint64_t max);

/* The same of what fn reads: bytes, or a negative errno. */
typedef ssize_t content_read_fn(void *ctx, void *to, size_t n, uint64_t at);
MUST_USE int content_keep_by(struct content *c, content_read_fn *fn, void *ctx,
                             const uint8_t sha256[SHA256_LEN], uint64_t size, uint64_t max);

/* Keep a value of these bytes, whose SHA-256 this is: an attribute.  0: it is there.  Counted among
 * what is there, not among files that were kept. */
MUST_USE int content_keep_value(struct content *c, struct span value,
                                const uint8_t sha256[SHA256_LEN]);

bool content_has(const struct content *c, const uint8_t sha256[SHA256_LEN]);
/* Is it the store below this directory, still? */
bool content_is_at(const struct content *c, int dirfd);

/* Write it to out_fd from its position on.  -ENOENT: not kept; -EBADMSG: damaged (what was written
 * is not to be used). */
MUST_USE int content_copy(const struct content *c, const uint8_t sha256[SHA256_LEN], int out_fd,
                          struct err *err);

/* Many at once: until content_sync() what is kept may not outlive a power cut.  One thread's. */
void content_sync_later(struct content *c);
/* What was kept so far outlives a power cut.  Also gives memory back. */
MUST_USE int content_sync(struct content *c, struct err *err);

struct content_counts content_counts(struct content *c);
void content_count_anew(struct content *c);

/* ---- without opening it for writing ---- */

/* Fills files and bytes.  -ENOENT: there is no store below dirfd. */
MUST_USE int content_count(int dirfd, struct content_counts *ret);
/* As content_copy(). */
MUST_USE int content_copy_from(int dirfd, const uint8_t sha256[SHA256_LEN], int out_fd,
                               struct err *err);
bool content_is_kept(int dirfd, const uint8_t sha256[SHA256_LEN]);

/* ---- forgetting ---- */

/* begin, mark all that is referred to, end: what is not marked is removed.  Nothing may be kept in
 * between. */
struct content_sweep;
MUST_USE int content_sweep_begin(struct content *c, struct content_sweep **ret, struct err *err);
void content_sweep_mark(struct content_sweep *s, const uint8_t sha256[SHA256_LEN]);
/* How many were removed. */
uint64_t content_sweep_end(struct content_sweep *s);
/* Without removing anything. */
struct content_sweep *content_sweep_free(struct content_sweep *s);
DEFINE_CLEANUP(struct content_sweep, content_sweep_free)

#endif
