/* SPDX-License-Identifier: Apache-2.0 */
/* journal.h - what happened to the state since its snapshot, written before it is told.  Floor 3.
 *
 * File: "ASSAYJN1", u64 generation, then records: u32 bytes, u32 CRC-32C of them, the bytes:
 *
 *   off len
 *    0   1  type
 *   RUN     1   8  run: sequences that follow are of this run
 *   CHANGE  1   8  sequence of the entry that tells of it; 0: not told (nothing worth an entry)
 *           9   4  bytes of the entry's skeleton, then the skeleton
 *               .  operations until the end:
 *                    u8 op  u32 bytes  path  u32 bytes  argument
 *                    SET the record at path to argument; DROP it (no argument); MOVE the node at
 * path with all below it to the path argument; EXCHANGE two such nodes; DOUBT it, or no more: TRUST
 * (no argument; TABLE_DOUBT) ACKED   1   8  sequence up
 * to which everything is in the ledger ALIVE   1   8  wall time in ns, signed 9   1  1: the sensor
 * stops in good order
 *
 * Invariant: an entry is in the journal before a byte of it is sent.  So after any crash each
 * change is in one of three places: in the journal and in the ledger; in the journal only (sent
 * again under its old sequence); or still only on the disk (found by the scan at start).
 *
 * Sensitive values are not in the journal: no clear value touches a disk.  An entry sent again goes
 * without them.
 *
 * A record that does not check ends the journal: behind it is what a crash left half written.
 *
 * SECURITY: only root can write the file; the reader trusts nothing in it all the same. */
#ifndef INTEGRITY_JOURNAL_H
#define INTEGRITY_JOURNAL_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "integrity/trusted/table.h"

#include <sys/types.h>

struct io;

enum {
        JOURNAL_HEAD = 16,
        JOURNAL_FILE_MAX = 256 << 20,
        JOURNAL_RECORD_MAX = 4 << 20,
};

enum journal_type { JOURNAL_RUN = 1, JOURNAL_CHANGE, JOURNAL_ACKED, JOURNAL_ALIVE };
enum journal_op_type {
        JOURNAL_SET = 1,
        JOURNAL_DROP,
        JOURNAL_MOVE,
        JOURNAL_EXCHANGE,
        JOURNAL_DOUBT,
        JOURNAL_TRUST,
        JOURNAL_OP_END
};

/* ---- reading ---- */

struct journal_record {
        enum journal_type type;
        uint64_t number;      /* run or sequence */
        int64_t wall_ns;      /* ALIVE */
        bool stopping;        /* ALIVE */
        struct span skeleton; /* CHANGE */
        struct span ops;      /* CHANGE: checked */
};

struct journal_op {
        enum journal_op_type op;
        struct span path, argument;
};

/* The head; *ret is what follows it.  -EBADMSG. */
MUST_USE int journal_open(struct span file, uint64_t *ret_generation, struct span *ret,
                          struct err *err);
/* 1 with a record, whose spans point into *rest; 0 at the end; -EBADMSG: half written from here. */
MUST_USE int journal_next(struct span *rest, struct journal_record *ret);
/* The next operation of a record that journal_next() gave; false at the end. */
bool journal_next_op(struct span *ops, struct journal_op *ret);
/* Do it to the table.  What does not fit it (a move of nothing) is skipped: the scan that follows
 * finds the truth.  -ENOMEM. */
MUST_USE int journal_apply(struct table *t, struct span ops);

/* ---- writing ---- */

struct journal {
        const struct io *io;
        int fd; /* -1: closed */
        uint64_t generation;
        off_t size;     /* flushed */
        struct buf buf; /* not yet flushed */
        bool dirty;     /* flushed, but not synced */
};

/* "journal.<generation>". */
enum { JOURNAL_NAME_MAX = 32 };
void journal_name(uint64_t generation, char out[JOURNAL_NAME_MAX]);

/* A new file, which must not hold anything yet. */
MUST_USE int journal_create(struct journal *j, const struct io *io, int dirfd, uint64_t generation,
                            struct err *err);
void journal_close(struct journal *j);

void journal_put_run(struct journal *j, uint64_t run);
void journal_put_acked(struct journal *j, uint64_t seq);
void journal_put_alive(struct journal *j, int64_t wall_ns, bool stopping);
void journal_put_change(struct journal *j, uint64_t seq, struct span skeleton, struct span ops);
/* Operations are put into a buf of the caller's first. */
void journal_op_put(struct buf *ops, enum journal_op_type op, struct span path,
                    struct span argument);

/* Hand what was put to the kernel: it outlives the process. */
MUST_USE int journal_flush(struct journal *j, struct err *err);

#endif
