/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - compare the disk with a baseline once, without a sensor.  Floor 3, process assay.
 *
 * Reads files and writes nothing.  To see every file it must run as root. */
#ifndef INTEGRITY_CHECK_H
#define INTEGRITY_CHECK_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"
#include "integrity/trusted/pace.h"
#include "integrity/trusted/record.h"
#include "integrity/trusted/scan.h"
#include "integrity/trusted/snapshot.h"

/* Snapshot of the directories above what is watched, as they are trusted: record_keep_rights(). */
#define CHECK_ABOVE "above.trusted"

struct check_options {
        const char *state_dir; /* the sensor's: holds "baseline" */
        bool deep;             /* read all content again */
        unsigned workers;      /* 0: in this thread */
        struct pace_limits pace;
        const struct clock *clock;
        /* Now and then, in this thread; both count up to about their total, that of bytes is 0
         * where it is not known.  May be NULL. */
        void (*progress)(void *ctx, uint64_t files, uint64_t total_files, uint64_t bytes,
                         uint64_t total_bytes);
        /* One difference.  was NULL: added; is NULL: missing; differs: enum record_field.  Negative
         * ends the check with it. */
        int (*report)(void *ctx, struct span path, const struct record *was,
                      const struct record *is, unsigned differs);
        /* A path that could not be compared.  May be NULL. */
        void (*unreadable)(void *ctx, struct span path, int error);
        void *ctx;
};

struct check_result {
        struct snapshot_head baseline;
        struct scan_counts counts;
        uint64_t added, missing, changed;
        uint64_t unreadable; /* of those that could not be compared: told by unreadable() */
        uint64_t unhashed;   /* files without a hash in the baseline: their content is not known */
        enum verdict
                verdict; /* UNKNOWN: no difference seen, but not everything could be compared */
};

/* What cannot be read now is not different but unreadable: UNKNOWN, never FAIL.
 * -ENOENT: there is no baseline; -EBADMSG: it is damaged. */
MUST_USE int check_run(const struct check_options *o, struct check_result *ret, struct err *err);

/* Fill an empty table with what is there now, all content read: the walk a baseline is made of.
 * Content is kept where c is not NULL and a profile asks for it.  Of o, which may be NULL, workers,
 * pace, clock, progress and unreadable count. */
struct content;
MUST_USE int check_collect(const struct watchset *w, const struct check_options *o,
                           struct content *c, struct table *t, struct scan_counts *ret,
                           struct err *err);

#endif
