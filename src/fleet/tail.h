/* SPDX-License-Identifier: Apache-2.0 */
/* tail.h - this host's entries one after the other, from one ledger into the next.  Floor 3,
 * process assay-uplink.
 *
 * Follows <dir>/ledger, and through the numbered ones beside it (ledger.1, ...) that it succeeded.
 * What cannot be had any more is said as a gap, never passed over. */
#ifndef FLEET_TAIL_H
#define FLEET_TAIL_H

#include "base/base.h"
#include "base/err.h"
#include "ledger/read/reader.h"

#include <limits.h>

struct tail {
        const char *dir; /* borrowed; holds ledger */
        char origin[NOTE_NAME_MAX + 1];
        uint64_t next;
        bool whole; /* a ledger that is met first is read from its beginning */
        bool open;
        struct reader reader;
        int watch; /* inotify on the ledger's directory; -1: none */
};

/* Go on at this entry.  origin "": no ledger was met yet; then, unless `whole`, the end of the one
 * that is there now, and the beginning of one that comes later. */
void tail_init(struct tail *t, const char *dir, const char *origin, uint64_t next, bool whole);
void tail_done(struct tail *t);

enum tail_found { TAIL_NOTHING, TAIL_ENTRY, TAIL_GAP };

struct tail_item {
        struct span entry; /* valid until the next call; index and origin are its */
        uint64_t index;    /* of the entry, or the gap's first */
        uint64_t until;    /* of a gap; 0: nobody knows */
        char origin[NOTE_NAME_MAX + 1];
        char reason[ERR_TEXT_MAX]; /* of a gap; safe to show */
};

/* One of enum tail_found; the position is behind what was found.  A negative errno: it cannot be
 * said now; try again. */
MUST_USE int tail_next(struct tail *t, struct tail_item *ret, struct err *err);

/* Entries of the ledger that is read now which were not found yet. */
uint64_t tail_behind(const struct tail *t);
/* Readable when tail_next() may find more; forget that. */
void tail_drain(struct tail *t);

#endif
