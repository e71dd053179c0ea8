/* SPDX-License-Identifier: Apache-2.0 */
/* late.h - what nothing explained, kept so that what comes afterwards can.  Floor 3, pure.
 *
 * Of each alert: every change that is counted under it, as far as an explanation looks at it.  An
 * alert is explained afterwards only when each of its changes is, one by one and as it was seen
 * then: what was put right since does not make it so.
 *
 * Bounded, and what is beyond is never explained here (`assay alert explain` still can): an alert
 * of more than LATE_CHANGES_MAX changes, or one whose changes are more than there is room for; of
 * more than LATE_ALERTS_MAX alerts or LATE_BYTES_MAX bytes the oldest are forgotten.  Over a
 * restart it is rebuilt from the ledger: late_past.h. */
#ifndef INTEGRITY_LATE_H
#define INTEGRITY_LATE_H

#include "base/base.h"
#include "integrity/why/sources.h"

struct late;

enum {
        LATE_ALERTS_MAX = 256,
        LATE_CHANGES_MAX = 4096, /* of one alert */
        LATE_BYTES_MAX = 8 << 20,
};

MUST_USE int late_new(struct late **ret, struct err *err);
struct late *late_free(struct late *l);
DEFINE_CLEANUP(struct late, late_free)

/* A change was counted under this alert.  Never fails: without room the alert is marked. */
void late_add(struct late *l, const char *id, const struct change *c);
/* Somebody explained it. */
void late_drop(struct late *l, const char *id);
size_t late_count(const struct late *l);

/* The same of what was told before a start, in its order.  c NULL: what was counted is not known
 * any more. */
void late_recall(struct late *l, const char *id, const struct source_change *c);
/* The alert was raised, for the change before. */
void late_recall_raised(struct late *l, const char *id);
/* That was all: an alert of which not everything is known, from its first change on, is forgotten.
 */
void late_recalled(struct late *l);

/* Does anything explain it? */
typedef bool late_fn(void *ctx, const struct source_change *c);
/* The next alert whose changes fn explains, all of them; it is forgotten.  *at begins with 0.
 * False: none is left.  ret_id has room for ALERT_ID_MAX + 1 bytes. */
bool late_next(struct late *l, late_fn *fn, void *ctx, size_t *at, char *ret_id);

#endif
