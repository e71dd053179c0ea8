/* SPDX-License-Identifier: Apache-2.0 */
/* segment.h - WAL segments as files: names, listing, reading what is really on the disk.  Floor 2.
 */
#ifndef LEDGER_SEGMENT_H
#define LEDGER_SEGMENT_H

#include "base/base.h"
#include "base/err.h"
#include "ledger/writer/ledger.h"
#include "ledger/writer/wal.h"

enum { SEGMENT_NAME_MAX = 32, SEGMENTS_MAX = 4096 };

#define SEGMENT_NEXT    "next"    /* zeroed, synced, waiting */
#define SEGMENT_RESERVE "reserve" /* the same, kept for when the disk is full */

void segment_name(uint64_t number, char out[SEGMENT_NAME_MAX]);

/* Numbers of the segments in a wal directory, ascending and without a hole (-EBADMSG names it).
 * *ret is malloc'd.  Left-over temporary files are removed when `clean`. */
MUST_USE int segment_list(const struct io *io, int wal_fd, bool clean, uint64_t **ret,
                          size_t *ret_n, struct err *err);

/* A whole segment in memory, read around the page cache where the file system allows: after a
 * failed sync the cache may hold what the disk does not.  *ret is aligned memory for free(). */
MUST_USE int segment_read(const struct io *io, int wal_fd, uint64_t number, uint8_t **ret,
                          size_t *ret_n, struct err *err);

/* Overwrite [at, at+n) with zeros and sync. */
MUST_USE int segment_clear(const struct io *io, int fd, uint64_t at, uint64_t n, struct err *err);

#endif
