/* SPDX-License-Identifier: Apache-2.0 */
/* rate.h - how fast something may go, as a person writes it.  Floor 3, pure. */
#ifndef COMMAND_RATE_H
#define COMMAND_RATE_H

#include "base/base.h"
#include "base/err.h"

struct rate {
        uint64_t bytes_per_s, files_per_s; /* one of them; the other is 0 */
};

/* "500000", "20M", "1.5GiB/s" as bytes (K, M, G are powers of 1024); "1000files", "1000 files/s".
 * -EINVAL: neither, or nothing at all per second. */
MUST_USE int rate_parse(const char *text, struct rate *ret, struct err *err);

#endif
