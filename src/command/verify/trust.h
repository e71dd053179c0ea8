/* SPDX-License-Identifier: Apache-2.0 */
/* trust.h - is this baseline the one the ledger says is trusted?  Floor 3.
 *
 * The file of a baseline proves nothing: root can put another in its place.  Its root stands in the
 * last entry integrity.baseline of the sensor, which is in a tree whose root is signed. */
#ifndef COMMAND_VERIFY_TRUST_H
#define COMMAND_VERIFY_TRUST_H

#include "command/command.h"
#include "wire/proof.h"

enum { TRUST_TEXT_MAX = 256 };

/* An entry that was passed while looking for the baseline's: the later first, and at the end those
 * that came meanwhile.  Where the baseline was told again in this ledger, on to where it was taken,
 * as far as that ledger is here. */
typedef void trust_entry_fn(void *ctx, uint64_t index, struct span entry);

struct trust_hearing {
        trust_entry_fn *fn; /* NULL: nobody hears */
        void *ctx;
        struct buf *entry; /* gets the entry that was found; NULL: nobody wants it */
};

struct trust {
        enum verdict verdict;   /* FAIL: the ledger's last baseline is another one */
        char why[ERR_TEXT_MAX]; /* not PASS, or not proven: the reason */

        /* The entry: */
        bool found;
        uint64_t index, size; /* of the ledger that it was found in, else the one read last */
        char root[2 * HASH_LEN + 1];
        char reason[TRUST_TEXT_MAX], comment[4 * TRUST_TEXT_MAX]; /* safe; "": none */
        int64_t wall_ns;
        bool included;    /* the way from it to the checkpoint's root was checked */
        bool is_signed;   /* the ledger's checkpoint, with this host's own key */
        bool before_this; /* in a ledger that this one succeeded: trust_chain.h */

        /* Not found, and nowhere else to look: the recorder has published all that is durable, and
         * the ledger and those that it succeeded were read to the first entry of the first.  The
         * sensor has no entry on its way either; or it says so: noted. */
        bool none, noted;

        trust_entry_fn *hear; /* private, as the next */
        void *hear_ctx;
        struct buf *entry;
        bool taken;                    /* when it was taken is known */
        bool published;                /* all that is durable */
        char before[2 * HASH_LEN + 1]; /* root of the ledger that the one read last has succeeded,
                                        * which is not read; "": none */
};

/* Never fails: what cannot be told is UNKNOWN.  An entry that is only on its way is waited for a
 * little while.  root NULL: there is no baseline; UNKNOWN, and found says whether there was one. */
void trust_check(const struct invocation *in, const struct hash *root, struct trust *ret);
/* The same, and hear what happened since the last baseline. */
void trust_check_hearing(const struct invocation *in, const struct hash *root,
                         const struct trust_hearing *h, struct trust *ret);

/* Does the recorder live?  Else what was durable may not be published, and is not found. */
bool trust_has_recorder(const struct invocation *in);

/* Of what follows each entry is proven, as trust_chain.h has it.  A negative errno: not all could
 * be read. */

/* The digests (what.digest) of all entries of this kind that this host's sensor told the ledger, or
 * the one that it succeeded, in hexadecimal, one after the other.  Not that of an approved change
 * whose end was told since: only its end's. */
MUST_USE int trust_digests(const struct invocation *in, const char *kind, struct buf *ret,
                           struct err *err);

/* Which of n contents, by SHA-256 and ascending, does the ledger, or one that it succeeded, say
 * that an explained change brought?  told begins with false; those after a failure may be missing.
 */
MUST_USE int trust_contents(const struct invocation *in, const uint8_t (*sha256)[HASH_LEN],
                            bool *told, size_t n, struct err *err);

/* The entries of the ledger, the latest first.  Until fn says false, `most` were walked or those
 * before are pruned. */
typedef bool trust_walk_fn(void *ctx, struct span entry);
MUST_USE int trust_walk(const struct invocation *in, uint64_t most, trust_walk_fn *fn, void *ctx,
                        struct err *err);
/* The same of the ledger and so many of those that it succeeded, as far as they are here. */
MUST_USE int trust_walk_back(const struct invocation *in, unsigned ledgers, trust_walk_fn *fn,
                             void *ctx, struct err *err);

/* Is this SHA-256, in hexadecimal, one of the last two that the ledger, or the one that it
 * succeeded, has of what the sensor keeps of logins? */
MUST_USE int trust_sessions(const struct invocation *in, const char *hex, bool *ret,
                            struct err *err);

/* Lines "ledger   ..." for people; members of an object for programs. */
void trust_put_text(const struct screen *s, const struct trust *t, struct buf *out);
void trust_put_json(const struct trust *t, struct buf *out);

#endif
