/* SPDX-License-Identifier: Apache-2.0 */
/* upkeep.h - what happens to a log over the years: stamps, pruning, succession.  Floor 2.
 *
 * Each of these is an entry first; the caller appends, commits and publishes it, then calls here.
 * All are idempotent, so that a crash is mended by doing them again. */
#ifndef LEDGER_UPKEEP_H
#define LEDGER_UPKEEP_H

#include "base/base.h"
#include "base/err.h"
#include "sys/io.h"
#include "wire/note.h"

/* ---- RFC 3161 stamps: stamp/<size>.note and stamp/<size>.tsr in the public directory ---- */

MUST_USE int stamp_store(int public_fd, const struct io *io, uint64_t size, struct span note,
                         struct span reply, struct err *err);

/* ---- pruning: the file `pruned` holds the minimum index, decimal and a newline ---- */

/* 0 where nothing was pruned. */
MUST_USE int prune_read(int public_fd, const struct io *io, uint64_t *ret_min, struct err *err);
/* What such a file says; -EBADMSG. */
MUST_USE int prune_parse(struct span file, uint64_t *ret_min, struct err *err);

/* Say the new minimum index (a multiple of 256, not below the old one), then drop bundles wholly
 * below it, and the sealed rows of those entries.  Tiles stay, level 0 too: without them nobody
 * could tell whether the log still goes on from a checkpoint of an earlier size.  So do the entries
 * that changed the key, see rotation_kept.h. */
MUST_USE int prune_below(int public_fd, int private_fd, const struct io *io, uint64_t min_index,
                         struct err *err);

/* The same bundle by bundle, in any thread: begin says the new minimum index; then prune_bundle()
 * of each n below .bundles, in any order; end makes it durable.  Descriptors and io are borrowed.
 */
struct pruning {
        const struct io *io;
        int public_fd, private_fd, rows_fd;
        uint64_t bundles;
};
MUST_USE int prune_begin(int public_fd, int private_fd, const struct io *io, uint64_t min_index,
                         struct pruning *ret, struct err *err);
MUST_USE int prune_bundle(const struct pruning *p, uint64_t n, struct err *err);
MUST_USE int prune_end(const struct pruning *p, struct err *err);
void pruning_done(struct pruning *p);

/* ---- succession ---- */

/* The next ledger's name where a name ends in its year: "x/2026" and 2027 give "x/2027".  false:
 * the name has no year at its end, or it is not over yet. */
bool succession_due(const char *origin, int64_t now_ns, char ret_next[NOTE_NAME_MAX + 1]);

/* Close a ledger for good: ledger_open() then refuses it with -EROFS.  next is for people. */
MUST_USE int succession_close(int private_fd, const struct io *io, const char *next,
                              struct err *err);

/* What the first entry of the next ledger cites, left as "previous" in its private directory:
 * {"previous_origin","previous_root","previous_size","previous_vkey"}. */
MUST_USE int succession_cite(int next_private_fd, const struct io *io, struct span previous,
                             struct err *err);

/* What the closed ledger's private directory has for the next one, where it has it: "runs" becomes
 * "previous_runs", see ledger_leave_runs(), and "calls_left" becomes "calls", which is the
 * recorder's.  Before the next one has an entry. */
MUST_USE int succession_inherit(int private_fd, int next_private_fd, const struct io *io,
                                struct err *err);

/* In the directory parent_fd, where NAME.private was closed and NAME.next waits: NAME becomes
 * NAME.<n> (the first free number), NAME.next becomes NAME, their private directories alike. Nobody
 * may have them open.  0 also when there is nothing to do; *ret_n (may be NULL) is 0 then.  What a
 * crash cut off is gone on with. */
MUST_USE int succession_install(int parent_fd, const char *name, const struct io *io,
                                unsigned *ret_n, struct err *err);

#endif
