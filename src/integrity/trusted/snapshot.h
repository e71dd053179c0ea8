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
 * in it.  The file ends with the last record.  It is written beside (<name>.new), synced and
 * renamed into place.
 *
 * Read and written record by record, so that two of them can be compared, or one be made of
 * another, without either being in memory.
 *
 * SECURITY: only root can write these files; the reader trusts nothing in them all the same. */
#ifndef INTEGRITY_SNAPSHOT_H
#define INTEGRITY_SNAPSHOT_H

#include "base/base.h"
#include "base/err.h"
#include "integrity/trusted/table.h"
#include "integrity/watching/watchset.h"
#include "wire/proof.h"

struct io;

enum { SNAPSHOT_PATH_MAX = 1 << 20 };

struct snapshot_head {
        uint64_t generation;
        int64_t taken_ns;
        uint64_t count;
        struct hash root;
        /* Not in the file: of the records that were read. */
        uint64_t file_bytes; /* of regular files */
        uint64_t unhashed;   /* regular files whose content is not known */
};

/* The order of paths. */
int snapshot_path_cmp(struct span a, struct span b);

/* ---- record by record ---- */

struct snapshot_writer;

/* name is borrowed until the end. */
MUST_USE int snapshot_writer_new(const struct io *io, int dirfd, const char *name,
                                 const struct watchset *w, struct snapshot_writer **ret,
                                 struct err *err);
/* Ascending: asserted.  A failure sticks and is told by the end. */
void snapshot_put(struct snapshot_writer *w, struct span path, struct span record);
/* Fills head->count and head->root; head->generation and head->taken_ns are the caller's.
 * <name>.new is whole and durable then, and snapshot_place() puts it in the place of <name>. */
MUST_USE int snapshot_end(struct snapshot_writer *w, struct snapshot_head *head, struct err *err);
/* Also removes a file that did not come to its end. */
struct snapshot_writer *snapshot_writer_free(struct snapshot_writer *w);
DEFINE_CLEANUP(struct snapshot_writer, snapshot_writer_free)

MUST_USE int snapshot_place(const struct io *io, int dirfd, const char *name, struct err *err);

struct snapshot_reader;

/* Reads the head, and the rules into an empty watchset when w is not NULL.  name is borrowed.
 * -ENOENT; -EBADMSG and where. */
MUST_USE int snapshot_open(const struct io *io, int dirfd, const char *name, struct watchset *w,
                           struct snapshot_reader **ret, struct err *err);
const struct snapshot_head *snapshot_head(const struct snapshot_reader *r);
/* 1 and a record, valid until the next call; 0 after the last, when all of them lead to the root;
 * -EBADMSG and where. */
MUST_USE int snapshot_next(struct snapshot_reader *r, struct span *ret_path,
                           struct span *ret_record, struct err *err);
struct snapshot_reader *snapshot_close(struct snapshot_reader *r);
DEFINE_CLEANUP(struct snapshot_reader, snapshot_close)

/* ---- whole tables ---- */

/* Sorts t.  On failure the file that was there is still there. */
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
