/* SPDX-License-Identifier: Apache-2.0 */
/* stored.h - tables on disk: <state>/monitor/<table>, root only.  Floor 2.
 *
 * Text: one canonical JSON object, then the sorted rows, one a line.
 *   {"assay_state":1,"changed":"<time>","columns":"<digest>","digest":"<digest>","faults":0,
 *    "rows":2,"table":"users"}
 * columns is SHA-256 over the table's columns, so that a table whose definition has changed is not
 * compared row by row.  A file <table>.next is one whose entries are on their way to the ledger;
 * its object has besides: "told":{"first":17,"n":3,"run":5} the sequences of its entries in that
 * run of the recorder's, so that after a crash none is told twice. */
#ifndef STATE_STORED_H
#define STATE_STORED_H

#include "base/base.h"
#include "base/err.h"
#include "crypto/sha256.h"
#include "state/rows/rows.h"
#include "sys/io.h"

#define STORED_NEXT ".next"

struct stored_head {
        uint64_t faults;
        int64_t changed_ns; /* wall, when it became what it is */
        uint8_t digest[SHA256_LEN];
        uint8_t columns[SHA256_LEN];
        uint64_t run, first, n; /* of told; run 0: there is none */
};

/* SHA-256 over names, types and flags of the columns. */
void stored_columns(const struct state_table *t, uint8_t ret[SHA256_LEN]);

/* name: the table's, with its target.  Replaces it durably. */
MUST_USE int stored_write(const struct io *io, int dirfd, const char *name,
                          const struct stored_head *h, const struct rows *r, struct err *err);
/* -ENOENT: there is none.  -EBADMSG: not what was written.  -ESTALE: of other columns. */
MUST_USE int stored_read(const struct io *io, int dirfd, const char *name,
                         const struct state_table *t, struct stored_head *ret,
                         struct rows *ret_rows, struct err *err);

#endif
