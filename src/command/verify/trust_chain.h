/* SPDX-License-Identifier: Apache-2.0 */
/* trust_chain.h - this host's ledger and those that it succeeded, each proven by the next. Floor 3.
 *
 *   the ledger     its checkpoint is signed with this host's own key
 *   one before     its checkpoint has the root that the first entry of the one after it cites,
 *                  whoever signed it and whatever its directory's number is
 *   an entry       the leaf hashes of its bundle lead to that checkpoint's root
 *
 * A directory beside the ledger that is called like one and that none of them cites proves nothing,
 * and is not asked.
 *
 * SECURITY: root can write all of these files.  What does not fit is -EBADMSG. */
#ifndef COMMAND_VERIFY_TRUST_CHAIN_H
#define COMMAND_VERIFY_TRUST_CHAIN_H

#include "command/command.h"
#include "command/log/reader.h"
#include "command/places.h"
#include "wire/proof.h"

struct trust_chain {
        const struct invocation *in;
        struct reader reader; /* of the one that is read */
        unsigned depth;       /* how many ledgers there are after it; 0: it is the ledger */
        bool is_signed;       /* the ledger, by this host's key: else that may not be read */
        char before[2 * HASH_LEN + 1]; /* root that it cites, once trust_chain_entry() has read its
                                        * first entry; "": none */
        struct note_vkey key;          /* private */
};

/* The ledger.  -ENOENT: there is none.  With must_be_signed a key that cannot be read is an error
 * too.  Borrows in; *c stays where it is until trust_chain_done(). */
MUST_USE int trust_chain_open(const struct invocation *in, bool must_be_signed,
                              struct trust_chain *c, struct err *err);
/* An entry of the one that is read; valid until the next call.  As reader_entry(). */
MUST_USE int trust_chain_entry(struct trust_chain *c, uint64_t index, struct span *ret,
                               struct err *err);
/* Go on to the one that it succeeded: 1.  0: it cites none, or that one is not here; then before
 * tells them apart, and the one that is read stays. */
MUST_USE int trust_chain_before(struct trust_chain *c, struct err *err);
void trust_chain_done(struct trust_chain *c); /* fine on a zeroed one */

#endif
