/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.h - a table of files as a file: the baseline, and the sensor's state.  Floor 3.
 *
 *   off len
 *    0   8  "ASSAYSN1"
 *    8   8  generation (of the journal that goes on from here; 0 in a baseline)
 *   16   8  when it was taken, ns since 1970
 *   24   8  number of records
 *   32  32  root: RFC 6962 tree hash, each leaf one record exactly as it stands below
 *   64   4  bytes of rules
 *   68   4  CRC-32C of bytes 0 to 67 and the rules
 *   72   .  rules: what was watched, as watchset_print() writes it
 *           records: u32 bytes of path, u32 bytes of record, path, record (record.h)
 *
 * Little-endian.  Paths are absolute and ascend: part by part, by byte, a directory before what is
 * in it.  The file ends with the last record.  It is written beside and renamed into place.
 *
 * SECURITY: only root can write these files; the reader trusts nothing in them all the same. */
#ifndef INTEGRITY_SNAPSHOT_H
#define INTEGRITY_SNAPSHOT_H

#include "base/base.h"
#include "base/err.h"
#include "integrity/table.h"
#include "integrity/watchset.h"
#include "wire/proof.h"

struct io;

struct snapshot_head {
        uint64_t generation;
        int64_t taken_ns;
        uint64_t count;
        struct hash root;
};

/* Count the records of t and hash them.  Sorts t. */
void snapshot_root(struct table *t, uint64_t *ret_count, struct hash *ret_root);

/* Fills head->count and head->root; head->generation and head->taken_ns are the caller's.  On
 * failure the file that was there is still there. */
MUST_USE int snapshot_write(const struct io *io, int dirfd, const char *name,
                            const struct watchset *w, struct table *t, struct snapshot_head *head,
                            struct err *err);

/* Into an empty watchset and table.  -ENOENT; -EBADMSG and where.  On failure both hold what came
 * before the damage: throw them away. */
MUST_USE int snapshot_read(const struct io *io, int dirfd, const char *name, struct watchset *w,
                           struct table *t, struct snapshot_head *ret, struct err *err);

/* The head alone, and the rules when w is not NULL; the records are not looked at. */
MUST_USE int snapshot_read_head(const struct io *io, int dirfd, const char *name,
                                struct watchset *w, struct snapshot_head *ret, struct err *err);

#endif
