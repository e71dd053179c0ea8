/* SPDX-License-Identifier: Apache-2.0 */
/* deep_position.h - how far the background scan is, on disk.  Floor 3, pure.
 *
 *   off len
 *    0   8  "ASSAYDP1"
 *    8   4  CRC-32C of the rest
 *   12   4  number of lanes
 *        .  lanes, ascending by period: u64 period in s, u64 wall time in ns when its pass began
 *           (signed), u64 cost done, u64 files, u64 bytes, u64 found, u64 unread of this pass,
 *           u32 bytes of path, path: the last one that was read; empty: none yet
 *
 * Little-endian.  SECURITY: only root can write it; the reader trusts nothing in it all the same.
 */
#ifndef INTEGRITY_DEEP_POSITION_H
#define INTEGRITY_DEEP_POSITION_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

enum {
        DEEP_LANES = 16,
        DEEP_PATH_MAX = 1 << 20,
        DEEP_POSITION_MAX = 16 + DEEP_LANES * (60 + DEEP_PATH_MAX),
};

struct deep_position {
        uint64_t period_s;
        int64_t began_ns;
        uint64_t done, files, bytes, found, unread;
        struct span path; /* borrowed */
};

/* At most DEEP_LANES, periods ascending: asserted. */
void deep_position_put(const struct deep_position *p, size_t n, struct buf *out);
/* -EBADMSG and what.  Paths point into s. */
MUST_USE int deep_position_get(struct span s, struct deep_position ret[DEEP_LANES], size_t *ret_n,
                               struct err *err);

#endif
