/* SPDX-License-Identifier: Apache-2.0 */
/* sorted.h - the values of list columns whose order means nothing: sorted, so that an answer in
 * another order is no change, and cut where a row would become too long.  Floor 2. */
#ifndef STATE_SORTED_H
#define STATE_SORTED_H

#include "base/base.h"
#include "base/buf.h"
#include "state/rows/row.h"

enum { SORTED_BYTES_MAX = 32 * 1024 * 1024 };

struct sorted_at {
        size_t at;
        uint32_t n;
};

struct sorted {
        struct buf bytes;
        struct sorted_at *at;
        size_t n, max;
        bool failed; /* out of memory */
};

void sorted_init(struct sorted *s);
void sorted_done(struct sorted *s);
void sorted_clear(struct sorted *s);
void sorted_add(struct sorted *s, struct span text);
/* All of them into the column.  Above max bytes, what does not fit is told as one item more, with
 * how many there are and SHA-256 over them.  -ENOMEM. */
MUST_USE int sorted_put(struct sorted *s, struct state_out *o, const char *column, size_t max);

#endif
