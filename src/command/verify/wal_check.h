/* SPDX-License-Identifier: Apache-2.0 */
/* wal_check.h - the private half of a ledger against its published one.  Floor 3.
 *
 * Reads every byte of the write-ahead log: its batches must hold together, and each entry that is
 * published must be the one that was published.  A recorder may be writing meanwhile. */
#ifndef COMMAND_VERIFY_WAL_CHECK_H
#define COMMAND_VERIFY_WAL_CHECK_H

#include "base/base.h"
#include "base/err.h"
#include "command/log/reader.h"

struct wal_check {
        uint64_t segments, batches, entries, bytes;
        uint64_t waiting; /* entries durable and not yet published */
        uint64_t ahead;   /* entries signed beyond the checkpoint: a crash came between the two */
        bool unfinished;  /* the last batch is being written, or a crash cut it off */
};

/* dir is the published half, r is it opened; it ends where the last signature does.  -EBADMSG:
 * damaged; the text names segment and byte.
 */
MUST_USE int wal_check(const char *dir, struct reader *r, struct wal_check *ret, struct err *err);

#endif
