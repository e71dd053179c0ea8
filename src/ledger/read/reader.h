/* SPDX-License-Identifier: Apache-2.0 */
/* reader.h - a published ledger for showing and for following: its checkpoint and entries by index.
 * Floor 2.
 *
 * Each entry is checked against its leaf hash, and with reader_bind() its leaf against the
 * checkpoint's root; assay verify judges the whole. */
#ifndef LEDGER_READER_H
#define LEDGER_READER_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "ledger/read/source.h"
#include "ledger/read/tree.h"
#include "wire/note.h"

struct reader {
        int fd; /* of the directory; 0: it is none */
        struct source *source;
        struct tree *tree;
        struct checkpoint checkpoint;
        uint64_t pruned;             /* entries below this may be gone, as the ledger says */
        struct buf note;             /* the checkpoint's bytes */
        const struct note_vkey *key; /* must have signed the checkpoint; NULL: not judged */
        uint64_t bound;              /* 1 + the bundle that reader_bind() has proven; 0: none */
};

/* Open the ledger published in a directory and read its checkpoint.  -ENOENT: no ledger there. */
MUST_USE int reader_open(const char *dir, struct reader *ret, struct err *err);
void reader_done(struct reader *r); /* fine on a zeroed one */

/* Read the checkpoint again. */
MUST_USE int reader_refresh(struct reader *r, struct err *err);

/* Go on to what was signed and has no public checkpoint yet.  -EBADMSG: the tree does not reach so
 * far, or has another root; r is as it was. */
MUST_USE int reader_advance(struct reader *r, const struct checkpoint *to, struct err *err);

/* Is another ledger published in this directory now: was this one succeeded? */
bool reader_is_succeeded(const struct reader *r, const char *dir);

static inline uint64_t reader_size(const struct reader *r)
{
        return r->checkpoint.size;
}

/* Valid until the next call.  -ENODATA: pruned.  -ENOMSG: missing, and nobody has pruned it.
 * -EBADMSG: damaged, with the place. */
MUST_USE int reader_entry(struct reader *r, uint64_t index, struct span *ret, struct err *err);

/* Do the leaf hashes of the entry's bundle lead to the checkpoint's root?  -EBADMSG: they do not.
 * One proof stands for the bundle: its path is made of all of them. */
MUST_USE int reader_bind(struct reader *r, uint64_t index, struct err *err);

/* Append a .tlog-proof of an entry; extra (may be empty) goes in unauthenticated.  The proof is
 * checked against the checkpoint before it is handed out.  As reader_entry(). */
MUST_USE int reader_prove(struct reader *r, uint64_t index, struct span extra, struct buf *out,
                          struct err *err);

#endif
