/* SPDX-License-Identifier: Apache-2.0 */
/* bundle.h - gathered sources as one run of bytes, from who may open them to who may read them.
 * Floor 2, pure.
 *
 *   "assay bundle 1\n", then parts until the end, numbers least significant byte first:
 *   off len
 *    0   4  status: 0, an errno (EINVAL: not a regular file), or of a program that ended badly 256
 * + its exit status 4   4  mode as st_mode; 0: not known 8   4  user 12   4  group 16   8  time of
 * the last modification, ns since 1970, two's complement 24   8  size as stat(2) says 32   4  n:
 * bytes of the name 36   4  m: bytes of the content 40   n  name: the path, or the program and its
 * arguments m  content; of a symbolic link its target */
#ifndef STATE_BUNDLE_H
#define STATE_BUNDLE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

enum {
        BUNDLE_MAX = 96 * 1024 * 1024,
        BUNDLE_PARTS_MAX = 50000,
        BUNDLE_NAME_MAX = 4096,
        BUNDLE_FILE_MAX = 64 * 1024 * 1024, /* content of one part */
        BUNDLE_PROGRAM_FAILED = 256,
};

struct state_part {
        uint32_t status;
        uint32_t mode, uid, gid;
        int64_t mtime_ns;
        uint64_t size;
        struct span name, bytes;
};

void bundle_begin(struct buf *out);
/* Name and content within their ceilings (asserted). */
void bundle_put(struct buf *out, const struct state_part *p);

/* Parts in order. */
struct state_in {
        struct span all, rest;
};

/* -EBADMSG: not a bundle, cut, or over a ceiling; the byte is named.  All of it is checked here, so
 * that what follows cannot fail. */
MUST_USE int bundle_open(struct span bytes, struct state_in *ret, struct err *err);
/* The next one; false at the end. */
bool state_next(struct state_in *in, struct state_part *ret);
/* From the first one on again. */
void state_again(struct state_in *in);
/* The one of this name, wherever it is; false: none. */
bool state_part_named(const struct state_in *in, struct span name, struct state_part *ret);

/* What a status says: "No such file or directory", "ended with status 3". */
void state_put_status(struct buf *out, uint32_t status);

#endif
