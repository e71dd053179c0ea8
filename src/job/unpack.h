/* SPDX-License-Identifier: Apache-2.0 */
/* unpack.h - hostile archives and compressed files by libarchive, streamed, under ceilings.
 * Floor 3.
 *
 * Nothing is sought and nothing is read twice: what was hashed is what was understood.  A format or
 * compression is switched on only where its name says so, so libarchive guesses nothing and starts
 * no programs. */
#ifndef JOB_UNPACK_H
#define JOB_UNPACK_H

#include "base/base.h"
#include "base/err.h"
#include "crypto/sha256.h"

#include <archive.h>
#include <archive_entry.h>

enum { UNPACK_BLOCK = 64 * 1024 };

/* ---- the file: every byte of it is hashed once, in order ---- */

struct file_in {
        int fd; /* borrowed; its offset does not matter and does not move */
        uint64_t at, max;
        struct sha256_ctx *sha;
        uint8_t block[UNPACK_BLOCK];
        struct span have; /* read, not taken yet */
};

/* -EINVAL: no regular file; -EFBIG: larger than max; -ENOMEM; file_in_done() is
 * fine after each. */
MUST_USE int file_in_init(struct file_in *f, int fd, uint64_t max, struct err *err);
void file_in_done(struct file_in *f);

/* At most `want` bytes, at least one but at the end of the file; valid until the next call. */
MUST_USE int file_in_take(struct file_in *f, size_t want, struct span *ret, struct err *err);
/* Exactly n (at most UNPACK_BLOCK) bytes, copied.  -EBADMSG: the file ends before. */
MUST_USE int file_in_read(struct file_in *f, void *to, size_t n, struct err *err);
/* Skip n bytes, UINT64_MAX: all there are.  -EBADMSG likewise, but for all. */
MUST_USE int file_in_skip(struct file_in *f, uint64_t n, struct err *err);
/* Of the bytes so far; call once, after everything was skipped. */
void file_in_hash(struct file_in *f, uint8_t ret[SHA256_LEN]);

/* ---- what is in it ---- */

enum unpack_form { UNPACK_TAR, UNPACK_PLAIN };

struct unpack {
        struct file_in *from;
        uint64_t left;     /* bytes of `from` that belong to it */
        uint64_t out_left; /* bytes that may still come out */
        uint64_t pos;      /* in the entry at hand */
        struct archive *a;
        struct archive_entry *entry; /* the one at hand */
        struct err read_err;         /* what a callback met */
};

/* Read the next n bytes of f (UINT64_MAX: to its end) as a tar or plain file behind the compression
 * that suffix names: "", ".gz", ".xz", ".zst", ".bz2", ".lzma" or ".lz4".  out_max bounds what
 * comes out of all entries together.  -EPROTONOSUPPORT: another suffix. */
MUST_USE int unpack_open(struct unpack *u, struct file_in *f, uint64_t n, struct span suffix,
                         enum unpack_form form, uint64_t out_max, struct err *err);
/* Fine on a zeroed one.  Bytes that belong to it and were not read are left in f: skip u->left. */
void unpack_done(struct unpack *u);

/* u->entry is the next.  1, 0 at the end, -EBADMSG for what is no archive or ends too early. */
MUST_USE int unpack_next(struct unpack *u, struct err *err);
/* The next piece of the entry's content; an empty one at its end.  Holes are -EBADMSG; more than
 * may come out -EFBIG. */
MUST_USE int unpack_data(struct unpack *u, struct span *ret, struct err *err);

/* libarchive's conversions of names look at a file the first time; let them do so before rights are
 * given away. */
void unpack_prepare(void);

#endif
