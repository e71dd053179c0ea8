/* SPDX-License-Identifier: Apache-2.0 */
/* gpgv.h - what gpgv says on its status descriptor.  Floor 3, pure.
 *
 * "[GNUPG:] KEYWORD ARGUMENT...", GnuPG's doc/DETAILS.  Each NEWSIG begins a signature:
 *   GOODSIG, EXPSIG, EXPKEYSIG, REVKEYSIG, BADSIG  <long key ID or fingerprint> <user>
 *   ERRSIG <key ID> <key type> <hash> <class> <time> <reason> [<fingerprint>], reason 9: no key,
 *     4: a sort of key, 5: a hash that gpgv does not take
 *   VALIDSIG <fingerprint> <day> <time> <expires> <version> - <key type> <hash> <class> <primary>
 * VALIDSIG comes behind expired and revoked ones, too; only GOODSIG makes it count. */
#ifndef JOB_GPGV_H
#define JOB_GPGV_H

#include "base/base.h"
#include "base/err.h"
#include "wire/signature_fact.h"

enum { GPGV_SIGS_MAX = 32 };

struct gpgv_status {
        struct signature sig[GPGV_SIGS_MAX];
        size_t n;
        unsigned texts; /* that were shown */
        bool error;     /* something gpgv itself could not go on with */
};

/* -EBADMSG: a line that says less than it has to, or more signatures than GPGV_SIGS_MAX. */
MUST_USE int gpgv_parse(struct span status, struct gpgv_status *ret, struct err *err);

/* What all of them together are worth: one bad one spoils the rest, one good one is enough. */
enum signature_status gpgv_judge(const struct gpgv_status *g);

#endif
