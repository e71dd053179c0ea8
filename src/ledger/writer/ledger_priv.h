/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_priv.h - the writer's inside, shared by ledger.c, ledger_commit.c, ledger_open.c and
 * ledger_room.c.
 *
 * Invariants (ledger_assert_valid() executes them)
 *  1. Bytes of the segment in use before `offset` are whole batches, and synced but for the one
 *     under way, which is the last; from `offset` on zeros.  So a batch is written only when those
 *     before it are synced, and what a crash can leave is what it could leave without `under`.
 *  2. durable.size counts exactly the entries of the synced ones; root is the root at that size.
 *     begun equals durable plus the entries of the one under way.
 *  3. staged equals begun plus the entries in `batch`, in order; n_staged of them.
 *  4. The batch fits behind `offset`, trailer included.
 *  5. A segment's first batch begins with the state of the writers, and so does the next one after
 *     a writer was forgotten: reading the log again must not bring it back.
 *  6. Once broken, nothing is written any more.
 *  7. Segments are numbered without holes; the last listed one is the one in use, and stays it
 *     while a batch is under way.
 *  8. While one is, `under` but its first three members belongs to whoever runs
 *     ledger_commit_write(). */
#ifndef LEDGER_LEDGER_PRIV_H
#define LEDGER_LEDGER_PRIV_H

#include "base/buf.h"
#include "ledger/writer/ledger.h"
#include "ledger/writer/runs.h"
#include "ledger/writer/segment.h"
#include "ledger/writer/wal.h"
#include "wire/note.h"

enum { LEDGER_STAGED_MAX = LEDGER_BATCH_MAX / (WAL_RECORD_HEADER + 8) };

struct ledger_segment {
        uint64_t number;
        uint64_t first,
                end; /* log sizes where it begins and ends; end counts when it is not in use */
        bool free;   /* published whole, may be cleared and used again */
};

/* The batch under way: between ledger_commit_begin() and ledger_commit_end(). */
struct ledger_under {
        bool on;
        size_t n;    /* its entries; 0 unless on */
        uint64_t at; /* where it begins in the segment */
        const struct io *io;
        int fd; /* the segment in use; borrowed */
        bool has_header, has_state;
        uint8_t header[WAL_SEGMENT_HEADER];
        struct buf bytes;
        struct hash root;
        enum { UNDER_UNTOUCHED, UNDER_WRITE_FAILED, UNDER_SYNC_FAILED, UNDER_DONE } state;
        int code; /* of what failed */
};

struct ledger {
        struct io io;
        const struct clock *clock;
        int public_fd, private_fd; /* borrowed */
        int wal_fd, lock_fd;
        char origin[NOTE_NAME_MAX + 1];
        uint32_t segment_bytes;
        bool broken;
        struct ledger_opened opened;

        struct ledger_segment *segments; /* SEGMENTS_MAX of room */
        size_t n_segments;
        bool have_next, have_reserve, ordered, full;
        int64_t order_failed_ns; /* mono time of the last order that failed, 0: none */

        int fd; /* the segment in use */
        struct wal_segment segment;
        bool header_pending;
        uint32_t salt;
        uint64_t offset;
        uint32_t batch_number;

        struct frontier durable, begun, staged;
        struct hash root; /* of durable */
        struct buf batch;
        struct runs runs;
        struct runs *before;   /* what the ledger before knew; NULL: nothing */
        bool run_forgotten;    /* since the last state that is durable */
        bool state_staged;     /* the open batch begins with a state that knows of it */
        uint64_t *staged_runs; /* run of each entry under way, then of each staged one */
        size_t n_staged;
        struct ledger_under under;
};

void ledger_assert_valid(const struct ledger *l);
void ledger_node_hash(const struct hash *a, const struct hash *b, struct hash *out);
void ledger_root_of(const struct frontier *f, struct hash *ret);

/* ledger_room.c: go on into the next prepared segment; -ENOSPC when there is none to be had. */
MUST_USE int ledger_rotate(struct ledger *l, bool may_use_reserve, struct err *err);

/* ledger_create.c */
uint32_t ledger_segment_bytes(const struct ledger_options *o);
void ledger_log_id(const char *origin, uint8_t out[WAL_LOG_ID]);

#endif
