/* SPDX-License-Identifier: Apache-2.0 */
/* wal.h - the write-ahead log's bytes: segments, records, batches.  Floor 2, pure but for CRC.
 *
 * A segment is a file of fixed size, zeroed and synced before use, so that appending changes no
 * metadata.  All integers little-endian.
 *
 *   segment header              record header (8-aligned)
 *   off len                     off len
 *     0   8  "ASYWAL01"           0   4  CRC-32C of bytes 4.. to the payload's end, begun with a
 *     8   4  segment bytes               salt of log id and segment number
 *    12   4  0                    4   4  0x4C415700 | type
 *    16   8  number, from 1       8   4  payload bytes
 *    24   8  first index         12   4  batch number in this segment, from 1
 *    32  16  log id              16   8  index (trailer, state: the log's size)
 *    48  12  0                   24   8  run   } who wrote the entry, 0 when nobody keeps count
 *    60   4  CRC-32C of 0..59    32   8  seq   }
 *                                40   .  payload, then zeros up to a multiple of 8
 *
 * A batch is records and one trailer; its payload:
 *     0  32  root of the log at its size
 *    32   8  size before the batch
 *    40   4  bytes of the batch, trailer included
 *    44   4  0x444E4557: the batch may end a few bytes into a sector, and no single byte's damage
 *           shall make that sector look unwritten
 * A header of zeros ends a segment; everything behind it is zero too.
 *
 * SECURITY: reads what a disk returns after a crash; anything may be there. */
#ifndef LEDGER_WAL_H
#define LEDGER_WAL_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/proof.h"

enum wal_type {
        WAL_ENTRY = 1,
        WAL_SEALED = 2,  /* sealed rows of the entry before it; same index */
        WAL_STATE = 3,   /* first record of a segment: which writers are known, see runs.h */
        WAL_TRAILER = 4, /* ends a batch */
};

enum {
        WAL_SEGMENT_HEADER = 64,
        WAL_RECORD_HEADER = 40,
        WAL_TRAILER_PAYLOAD = 48,
        WAL_TRAILER_BYTES = WAL_RECORD_HEADER + WAL_TRAILER_PAYLOAD,
        WAL_LOG_ID = 16,
        WAL_SECTOR = 512, /* what a disk writes whole or not at all */
};

struct wal_segment {
        uint32_t bytes;
        uint64_t number;
        uint64_t first;
        uint8_t log_id[WAL_LOG_ID];
};

struct wal_record {
        enum wal_type type;
        uint32_t batch;
        uint64_t index;
        uint64_t run, seq;
        struct span payload;
};

struct wal_batch {
        size_t at, len;       /* in the segment, trailer included */
        uint64_t first, size; /* log size before and after */
        struct hash root;
};

/* Bytes a record takes, padding included. */
static inline size_t wal_record_len(size_t payload)
{
        return (WAL_RECORD_HEADER + payload + 7) & ~(size_t)7;
}

void wal_put_segment(uint8_t out[WAL_SEGMENT_HEADER], const struct wal_segment *s);
/* 1: a header; 0: all zeros (prepared, not begun); -EBADMSG. */
MUST_USE int wal_get_segment(struct span s, struct wal_segment *ret, struct err *err);

/* Start of every record CRC of this segment. */
uint32_t wal_salt(const struct wal_segment *s);

void wal_put_record(struct buf *b, uint32_t salt, const struct wal_record *r);
/* Append the trailer; the batch began at `begun` in b. */
void wal_put_trailer(struct buf *b, uint32_t salt, size_t begun, uint32_t batch, uint64_t first,
                     uint64_t size, const struct hash *root);

/* The record at offset `at`: 1 and its length with padding; 0: zeros, the end; -EBADMSG and what.
 */
MUST_USE int wal_get_record(struct span segment, size_t at, uint32_t salt, struct wal_record *ret,
                            size_t *ret_len, struct err *err);

/* The batch at `at`, every record of it checked: numbers, order, CRCs, trailer.  first: the log's
 * size so far.  1; 0: the end; -EBADMSG, and *ret_bad gets the offset of the record at fault. */
MUST_USE int wal_get_batch(struct span segment, size_t at, uint32_t salt, uint64_t first,
                           struct wal_batch *ret, size_t *ret_bad, struct err *err);

/* After wal_get_batch() failed on the log's last segment: is the batch at `at` torn, or damaged?
 *
 * A crash loses whole sectors, which then still hold the zeros they were prepared with; our
 * payloads contain no zero sector.  So a batch is torn when a sector of the record at `bad` is zero
 * (of the whole batch, when its trailer made it to the disk), and no later batch follows, which
 * would only have been begun after this one was synced.  Everything else is damage. */
bool wal_is_torn(struct span segment, size_t at, size_t bad, uint32_t salt);

/* Offset of the first byte from `at` on that is not zero, or SIZE_MAX. */
size_t wal_first_nonzero(struct span segment, size_t at);

#endif
