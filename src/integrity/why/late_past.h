/* SPDX-License-Identifier: Apache-2.0 */
/* late_past.h - what the ledger says of alerts that nobody has explained yet, so that what comes
 * afterwards can, also over a restart (late.h).  Floor 3, pure.
 *
 * An alert of before is known again when all of its changes are: its alert.raised was heard, the
 * change that it was raised for before that, and of each change everything that an explanation
 * looks at.  An entry says most of that anyway; the rest is its why.late, in words:
 *
 *   is 0644           the permission bits of what is there; "was 0644": of what is gone; "gone":
 *                     nothing is known of it
 *   rights            capabilities or an access list give more than those, or may
 *   fresh, moved_on   as in struct source_change
 *   mode, uid, ...    what differs from before, also what no profile asks for (record_field_name)
 *
 * An entry without it (its names were cut, or an older sensor wrote it), and a link whose target it
 * does not say in full, make its alert one that only `assay alert explain` ends.
 *
 * SECURITY: late_past_hear() reads entries of the ledger, late_past_hear_waiting() what lies in the
 * sensor's own files.  Neither can explain anything; at worst an alert is compared with a change
 * that was not, and stays. */
#ifndef INTEGRITY_LATE_PAST_H
#define INTEGRITY_LATE_PAST_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

struct change;
struct late;

enum {
        LATE_PAST_ENTRIES = 100000, /* the last ones of the ledger: older alerts are not recalled */
        LATE_PAST_BYTES_MAX = 16 << 20,
        LATE_WORDS_MAX = 512,
};

/* Appends the words of why.late. */
void late_words_put(const struct change *c, struct buf *out);

struct late_past {
        struct buf kept;
        uint64_t low_run, low_seq; /* the earliest that is kept */
        bool full;
        bool unsure; /* something later than that was lost: nothing is recalled */
};

#define LATE_PAST_INIT ((struct late_past){ .kept = BUF_INIT(LATE_PAST_BYTES_MAX) })
void late_past_done(struct late_past *p);

/* An entry of the ledger, the latest first.  False: there is no room for earlier ones. */
bool late_past_hear(struct late_past *p, struct span entry);
/* The skeleton of one that is not there yet. */
void late_past_hear_waiting(struct late_past *p, uint64_t run, uint64_t seq, struct span skeleton);

/* All of it, in the order in which the sensor told it; *l was empty.  -ENOMEM. */
MUST_USE int late_past_apply(struct late_past *p, struct late *l, struct err *err);

#endif
