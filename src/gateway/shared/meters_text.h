/* SPDX-License-Identifier: Apache-2.0 */
/* meters_text.h - what is counted, as a text that monitoring reads.  Floor 3, pure.
 *
 * Source: OpenMetrics 1.0.  Families begin with "assay_gateway_"; docs/operator.md has what they
 * mean.  Counters begin with the shared memory, whose beginning is
 * assay_gateway_start_time_seconds; there is no "_created" beside each. */
#ifndef GATEWAY_METERS_TEXT_H
#define GATEWAY_METERS_TEXT_H

#include "base/buf.h"
#include "gateway/shared/cache.h"
#include "gateway/shared/limits.h"
#include "gateway/shared/meters.h"

#define METERS_MEDIA "application/openmetrics-text; version=1.0.0; charset=utf-8"

enum { METERS_TEXT_MAX = 4 << 20, METERS_KEYS_MAX = 64 };

struct meters_keys {
        struct span issuer; /* once each */
        int64_t age_s;      /* since they were had from the issuer; -1: never were */
};

/* What is not in the meters. */
struct meters_now {
        int64_t now_ms; /* of the clock of meters_say() */
        struct cache_counts cache;
        size_t cache_bytes; /* of the memory for it */
        struct limits_use limits;
        const struct meters_keys *keys;
        uint32_t n_keys;
};

/* Appends.  -ENOMEM, -E2BIG of out. */
MUST_USE int meters_text(const struct meters *m, const struct meters_now *now, struct buf *out);

#endif
