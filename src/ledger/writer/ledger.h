/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.h - one host's append-only transparency log: the writer.  Floor 2.
 *
 * On disk a ledger is two directories:
 *   public   checkpoint, tile/..., rotation/, stamp/    a plain tlog-tiles tree any server can
 * serve private  wal/, signed, keys/, vault/, lock          never served; mode 0700
 *
 * Stage entries, commit them (one write, one fdatasync), then acknowledge.  Publishing (tiles,
 * checkpoint) is a job of its own that re-reads what is on disk and may run in another thread; see
 * publisher.h.
 *
 * One writer: the lock file is flocked for as long as the ledger is open.  */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"
#include "sys/io.h"
#include "wire/proof.h"

struct ledger;

enum {
        LEDGER_SEGMENT_MIN = 1024 * 1024,
        LEDGER_SEGMENT_DEFAULT = 8 * 1024 * 1024,
        LEDGER_SEGMENT_MAX = 64 * 1024 * 1024,
        LEDGER_BATCH_MAX = 512 * 1024, /* bytes of one batch in the WAL, records included */
        LEDGER_SEALED_MAX = 48 * 1024, /* sealed rows of one entry; 256 entries make a row file */
        LEDGER_WINDOW = 512,           /* unacknowledged sequences one writer may have */
        LEDGER_RUNS_MAX = 128,         /* writers remembered at a time */
};

struct ledger_options {
        const struct io *io;
        const struct clock *clock;
        uint32_t segment_bytes; /* of new segments; 0: the default */
};

/* Make an empty ledger in two existing empty directories: key, first segments, signed checkpoint of
 * size 0.  origin is also the key's name.  -EEXIST when there is one already, -ENOTEMPTY when there
 * are tiles of one. */
MUST_USE int ledger_create(int public_fd, int private_fd, const char *origin,
                           const struct ledger_options *o, struct err *err);

/* Open for writing, descriptors borrowed.  Repairs a torn tail (ledger_opened() says so).
 * -EBADMSG: damage or a rollback, with the place; nothing was changed and nothing may be appended.
 * -EWOULDBLOCK: another writer has it.  -ENOENT: no ledger there.  -EROFS: it was succeeded.
 * -ENODATA: a file of it is missing; err names it. */
MUST_USE int ledger_open(int public_fd, int private_fd, const struct ledger_options *o,
                         struct ledger **ret, struct err *err);
struct ledger *ledger_free(struct ledger *l);
DEFINE_CLEANUP(struct ledger, ledger_free)

/* The lock alone, for whoever mends: nobody opens the ledger until the descriptor is closed.
 * -EWOULDBLOCK: somebody has it open. */
MUST_USE int ledger_lock(int private_fd, int *ret_fd, struct err *err);

/* What opening found: for the entry the owner writes about it. */
struct ledger_opened {
        uint64_t size;        /* entries durable now */
        uint64_t signed_size; /* size of the last signed checkpoint */
        uint64_t torn_bytes;  /* cut from the tail, 0 usually */
        uint64_t torn_at;     /* offset in that segment */
        uint64_t segment;     /* its number */
};
const struct ledger_opened *ledger_opened(const struct ledger *l);

/* ---- appending ---- */

/* Who writes, for exactly-once: run 0 means "no sequence kept". */
struct ledger_writer_id {
        uint64_t run;
        uint64_t seq;
};

/* Copy one entry (and the sealed rows that belong to it, may be empty) into the open batch.
 * -ENOBUFS: the batch is full, or its segment while another is under way; commit first.  -E2BIG:
 * entry over 65,535 bytes. -EIO: a sync failed earlier; reopen.  -ENOSPC: full, see
 * ledger_is_full().  -EAGAIN: a segment that was ordered is not ready yet. -EPROTO: not the run's
 * next sequence.  -EUSERS: too many runs, forget one. */
MUST_USE int ledger_stage(struct ledger *l, struct span entry, struct span sealed,
                          struct ledger_writer_id id, uint64_t *ret_index, struct err *err);

/* Make the staged entries durable.  0: all of them are.  A failed write leaves the log as it was
 * and the batch dropped; a failed sync ends the log's life in this process (-EIO for ever). */
MUST_USE int ledger_commit(struct ledger *l, struct err *err);

/* The same in three steps, of which the one that waits for the disk may be taken in another thread:
 *
 *   begin   what is staged is the batch under way.  Staging goes on behind it.
 *   write   write and sync it: once, beside everything but begin, end and ledger_free().
 *   end     when write has returned: as ledger_commit().
 *
 * Only one is under way at a time.  Between begin and end its entries are not durable, so neither
 * ledger_size() nor ledger_position() counts them, ledger_staged() does.  When it fails, what was
 * staged behind it is dropped as well.  Where write was not called at all, end drops the batch and
 * says -ECANCELED. */

/* 1: a batch is under way; 0: nothing is staged; or as ledger_commit(), and none is. */
MUST_USE int ledger_commit_begin(struct ledger *l, struct err *err);
void ledger_commit_write(struct ledger *l);
MUST_USE int ledger_commit_end(struct ledger *l, struct err *err);

/* Drop what is staged, but not what is under way. */
void ledger_abandon(struct ledger *l);

uint64_t ledger_size(const struct ledger *l);               /* durable */
uint64_t ledger_staged(const struct ledger *l);             /* with the open batch, too */
void ledger_root(const struct ledger *l, struct hash *ret); /* of the durable size */
const char *ledger_origin(const struct ledger *l);

/* ---- exactly once ---- */

/* The last sequence held for a run, durable or staged; 0 when the run is unknown. */
uint64_t ledger_last_seq(const struct ledger *l, uint64_t run);
/* Index of (run, seq) if it is held and still in the window; of what the ledger before this one
 * holds, the index there.  -ENOENT: not held.  -ESTALE: held, but older than the window or
 * acknowledged. */
MUST_USE int ledger_find(const struct ledger *l, struct ledger_writer_id id, uint64_t *ret_index);
/* The writer has seen acknowledgements up to seq, which must be durable: those need not be
 * remembered. */
void ledger_acked(struct ledger *l, uint64_t run, uint64_t seq);
/* The highest run ever used. */
uint64_t ledger_last_run(const struct ledger *l);
/* Keep a place for a new run, forgetting the lowest one that in_use() does not claim if need be.
 * false: all are in use. */
bool ledger_begin_run(struct ledger *l, uint64_t run, bool (*in_use)(void *ctx, uint64_t run),
                      void *ctx);

/* Before the ledger is closed for good, with nothing staged: leave what is known of its writers as
 * "runs" in the private directory.  What lies as "previous_runs" in that of a new ledger is where
 * their runs go on, see succession_inherit(). */
MUST_USE int ledger_leave_runs(const struct ledger *l, struct err *err);

/* ---- room ----
 *
 * The segment in use is followed by a prepared one and a reserve, zeroed and synced beforehand, so
 * an append never needs the file system to find room.  When no new one can be made the log goes on
 * into the prepared one; once only the reserve is left, ledger_stage() says -ENOSPC. */

/* Only the reserve is left.  One last entry saying so may then be put with ledger_stage_reserved().
 */
bool ledger_is_full(const struct ledger *l);
MUST_USE int ledger_stage_reserved(struct ledger *l, struct span entry, struct ledger_writer_id id,
                                   uint64_t *ret_index, struct err *err);

/* Preparing a segment takes as long as writing it, so it can be done in another thread: when
 * ledger_wants_segment(), run segment_prepare() with *ret there and hand the result back here. */
struct segment_order {
        const struct io *io;
        int wal_fd;    /* borrowed from the ledger */
        char from[32]; /* a used segment to clear and use again; empty: make a new file */
        char to[32];
        uint32_t bytes;
        int result;
        struct err err;
};
bool ledger_wants_segment(struct ledger *l, struct segment_order *ret);
void segment_prepare(struct segment_order *o); /* any thread */
void ledger_segment_done(struct ledger *l, const struct segment_order *o);
/* The same without a thread. */
void ledger_tend(struct ledger *l);

/* ---- publishing ---- */

/* Where the durable log ends: what a publisher works towards. */
struct ledger_position {
        uint64_t segment;
        uint64_t offset;
        uint64_t size;
        struct hash root;
};
void ledger_position(const struct ledger *l, struct ledger_position *ret);

/* Entries below `index` are in full, synced bundles and the publisher is done with segments before
 * `segment`: those may be used again. */
void ledger_published(struct ledger *l, uint64_t index, uint64_t segment);
/* Remove all of those now, for a disk that is full, instead of keeping them to be used again. */
void ledger_make_room(struct ledger *l);
/* Bytes of the write-ahead log's segments that have entries from `published` on: what waits. */
uint64_t ledger_backlog(const struct ledger *l, uint64_t published);

#endif
