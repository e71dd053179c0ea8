/* SPDX-License-Identifier: Apache-2.0 */
/* quarantine_part.h - what is kept of a file that is not kept whole: its first data, and where they
 * lay.  Floor 3.
 *
 * A file's owner chooses its size, and a hole costs nothing: evidence has a ceiling, and reaching
 * it must not keep anything from being put back.  Holes take no room here, so a small program that
 * somebody has made a terabyte long is still kept with all that it has.
 *
 * SECURITY: contents are hostile bytes, copied and hashed; the file may change while it is read. */
#ifndef INTEGRITY_QUARANTINE_PART_H
#define INTEGRITY_QUARANTINE_PART_H

#include "base/base.h"
#include "base/err.h"
#include "crypto/sha256.h"

enum { QUARANTINE_EXTENTS_MAX = 64 };
#define QUARANTINE_PART_MAX (UINT64_C(16) << 20)

struct observe_calls;

struct quarantine_part {
        bool all;                   /* nothing but holes is missing */
        uint64_t bytes;             /* of all extents */
        uint8_t sha256[SHA256_LEN]; /* of them, one after the other */
        unsigned n;
        struct {
                uint64_t at, bytes;
        } extent[QUARANTINE_EXTENTS_MAX]; /* ascending, none empty, none in another */
};

/* Copy the first data of one file to the beginning of another, empty one: at most so many extents
 * and QUARANTINE_PART_MAX bytes.  from is read and searched by calls, which may be NULL. */
MUST_USE int quarantine_part_take(int from, const struct observe_calls *calls, int to,
                                  struct quarantine_part *ret);

/* The other way: each piece of from to where it lay.  Where nothing but holes was missing, to is
 * size bytes long then. */
MUST_USE int quarantine_part_lay_out(const struct quarantine_part *p, int from, uint64_t size,
                                     int to, struct err *err);

#endif
