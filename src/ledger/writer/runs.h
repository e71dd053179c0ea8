/* SPDX-License-Identifier: Apache-2.0 */
/* runs.h - which writers a ledger knows, and the last sequences of each: exactly once.  Floor 2.
 *
 * A run is one life of one writer; its sequences start at 1 and have no gaps.  For each run the
 * table keeps the last sequence and the indices of those the writer has not yet seen acknowledged.
 * It is written whole into the first record of every WAL segment, so it survives the segments
 * before.
 *
 *   off len   state record, little-endian
 *     0   8   highest run ever used
 *     8   4   runs that follow
 *    12   .   each: run u64, last seq u64, base index u64, count u32, then count times u32: index -
 * base of sequences last-count+1 .. last
 *
 * A ledger that is succeeded leaves the next one what it knows.  Indices are those of the ledger
 * that holds the entry, so they may go down:
 *
 *   off len   what is left, little-endian
 *     0   8   highest run ever used
 *     8   4   runs that follow
 *    12   .   each: run u64, last seq u64, count u32, then count times u64: index of sequences
 * last-count+1 .. last
 *     .   4   CRC-32C of all that is before
 *
 * SECURITY: runs_load() and runs_inherit() read what a disk returns. */
#ifndef LEDGER_RUNS_H
#define LEDGER_RUNS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "ledger/writer/ledger.h"

struct run {
        uint64_t run; /* 0: free slot */
        uint64_t last_seq;
        uint32_t n;     /* remembered: sequences last_seq-n+1 .. last_seq */
        uint32_t start; /* ring index of the oldest */
        uint64_t index[LEDGER_WINDOW];
};

struct runs {
        uint64_t last_run;
        struct run slot[LEDGER_RUNS_MAX];
};

enum {
        RUNS_STATE_MAX = 12 + LEDGER_RUNS_MAX * (28 + LEDGER_WINDOW * 4),
        RUNS_LEFT_MAX = 12 + LEDGER_RUNS_MAX * (20 + LEDGER_WINDOW * 8) + 4,
};

/* NULL when unknown. */
struct run *runs_find(struct runs *t, uint64_t run);

/* Keep a place for a run that has written nothing yet; nothing when it is known.  -EUSERS: full. */
MUST_USE int runs_begin(struct runs *t, uint64_t run);
/* Note that (run, seq) has index.  -EPROTO: seq is not the next one.  -ENOBUFS: LEDGER_WINDOW are
 * unacknowledged.  -EUSERS: LEDGER_RUNS_MAX runs are known; the owner must forget one. */
MUST_USE int runs_add(struct runs *t, uint64_t run, uint64_t seq, uint64_t index);
/* Undo the newest runs_add of this run. */
void runs_undo(struct runs *t, uint64_t run);
/* Forget indices up to seq. */
void runs_acked(struct runs *t, uint64_t run, uint64_t seq);
/* See ledger_find(). */
MUST_USE int runs_index(struct runs *t, uint64_t run, uint64_t seq, uint64_t *ret);
void runs_forget(struct runs *t, uint64_t run);

void runs_save(const struct runs *t, struct buf *out);
MUST_USE int runs_load(struct runs *t, struct span s, struct err *err);

/* What t knows, and of the sequences that t does not remember what before did (NULL: nothing). */
void runs_leave(const struct runs *t, const struct runs *before, struct buf *out);
/* Read that, for runs_index() alone. */
MUST_USE int runs_inherit(struct runs *t, struct span s, struct err *err);
/* Of an empty t: its runs go on where those were. */
void runs_go_on(struct runs *t, const struct runs *before);

#endif
