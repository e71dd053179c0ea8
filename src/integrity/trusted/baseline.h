/* SPDX-License-Identifier: Apache-2.0 */
/* baseline.h - the trusted state on disk: how one takes the place of another.  Floor 3.
 *
 *   baseline             what is trusted (snapshot.h)
 *   baseline.new         the next one, whole and durable, until it is renamed
 *   baseline.note        the entry integrity.baseline that tells of what is in place
 *   baseline.<16 hex>    earlier ones, by the beginning of their root; BASELINE_EARLIER at most
 *
 * Invariants:
 *  1. The note is durable before the baseline is in place, and goes when its entry is in the
 * ledger: so after any crash a baseline was told, or is told at the next start.
 *  2. A note whose root is not that of the baseline in place was of one that never came there: both
 *     go.
 *  3. Content that a baseline here refers to stays (content.h).
 *
 * What is trusted and what the sensor has last seen are two things: this file is the first, the
 * sensor's table the second. */
#ifndef INTEGRITY_BASELINE_H
#define INTEGRITY_BASELINE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "integrity/trusted/snapshot.h"

struct content;
struct io;

enum {
        BASELINE_EARLIER = 4,
        BASELINE_NOTE_MAX = 64 * 1024,
        BASELINE_ENTRY_MAX = 2 * BASELINE_NOTE_MAX, /* with what the recorder adds */
        BASELINE_NAME_MAX = 32,
};

/* ---- one after the other ---- */

/* baseline.new (snapshot_end()) of this root takes its place; note is the skeleton of its entry. */
MUST_USE int baseline_place(const struct io *io, int dirfd, const struct hash *root,
                            struct span note, struct err *err);

/* 1 and the note, where an entry is still to be told; 0: none is, and leftovers are gone. */
MUST_USE int baseline_note(const struct io *io, int dirfd, struct buf *ret, struct err *err);
/* Its entry is in the ledger. */
void baseline_told(const struct io *io, int dirfd);

/* Names of the baseline and all earlier ones that are here, newest first. */
struct baseline_name {
        char name[BASELINE_NAME_MAX];
        struct snapshot_head head;
};
MUST_USE int baseline_list(const struct io *io, int dirfd,
                           struct baseline_name ret[BASELINE_EARLIER + 1], size_t *ret_n,
                           struct err *err);

/* Remove content that none of them refers to, nor any state in also (baseline_put_change()).
 * Nothing goes when the baseline cannot be read. */
MUST_USE int baseline_sweep(const struct io *io, int dirfd, struct content *c, struct span also,
                            uint64_t *ret_removed, struct err *err);
/* All that is kept to put this state back stays. */
struct content_sweep;
void baseline_mark(struct content_sweep *s, const struct record *r);

/* ---- comparing, and making the next ---- */

/* Where the table and the baseline have other bytes for a path that w watches, in the order of
 * paths: was or is is empty where there is no record.  A negative result of fn ends it. */
typedef int baseline_diff_fn(void *ctx, struct span path, struct span was, struct span is);
/* The same with one of baseline_list(). */
MUST_USE int baseline_diff_with(const struct io *io, int dirfd, const char *name,
                                const struct watchset *w, struct table *t, baseline_diff_fn *fn,
                                void *ctx, struct err *err);
MUST_USE int baseline_diff(const struct io *io, int dirfd, const struct watchset *w,
                           struct table *t, baseline_diff_fn *fn, void *ctx, struct err *err);

/* A list of such differences, ascending: u32 bytes of path, u32 bytes of record, both. */
void baseline_put_change(struct buf *list, struct span path, struct span is);
bool baseline_next_change(struct span *list, struct span *ret_path, struct span *ret_is);

struct baseline_sums {
        uint64_t files, bytes, unreadable, skipped;
};
void baseline_count(struct baseline_sums *s, const struct record *r);

/* All of the table as baseline.new; sorts t. */
MUST_USE int baseline_write(const struct io *io, int dirfd, const struct watchset *w,
                            struct table *t, struct snapshot_head *head, struct baseline_sums *ret,
                            struct err *err);

/* The baseline with these changes, of what w watches, as baseline.new; head->taken_ns is the
 * caller's. */
MUST_USE int baseline_rewrite(const struct io *io, int dirfd, const struct watchset *w,
                              struct span changes, struct snapshot_head *head,
                              struct baseline_sums *ret, struct err *err);

#endif
