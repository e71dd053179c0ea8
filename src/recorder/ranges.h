/* SPDX-License-Identifier: Apache-2.0 */
/* ranges.h - entries of a subject, as ranges of their indices.  Floor 3, pure.
 *
 * At the ceiling neighbours are taken together, nearest first: then `others` entries lie within the
 * ranges that are not of the subject.  Nothing that is of it is ever left out. */
#ifndef RECORDER_RANGES_H
#define RECORDER_RANGES_H

#include "base/base.h"

enum { RANGES_MAX = 1 << 20 }; /* 16 MiB of them */

struct ranges {
        uint64_t (*at)[2]; /* first and last, ascending */
        size_t n, cap;
        size_t max;   /* RANGES_MAX, less in tests; at least 2 */
        uint64_t gap; /* entries between two that are taken together; 0 at first */
        uint64_t rows, entries, others;
};

#define RANGES_INIT(ceiling)                                                                       \
        {                                                                                          \
                .max = (ceiling)                                                                   \
        }
void ranges_done(struct ranges *t);

/* index is above all before it.  -ENOMEM. */
MUST_USE int ranges_add(struct ranges *t, uint64_t index, size_t rows);

#endif
