/* SPDX-License-Identifier: Apache-2.0 */
/* tlogproof.h - C2SP .tlog-proof files.  Floor 1, pure.
 *
 *   c2sp.org/tlog-proof@v1\n [extra <base64>\n] index <n>\n <base64 hash>\n* \n <checkpoint>
 * "extra" is not authenticated; we carry the entry's disclosures there, one a line. */
#ifndef WIRE_TLOGPROOF_H
#define WIRE_TLOGPROOF_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/proof.h"

enum {
        TLOG_PROOF_MAX = 1024 * 1024,
        TLOG_PROOF_EXTRA_MAX = 512 * 1024,
};

struct tlog_proof {
        bool has_extra;
        struct span extra; /* decoded; the parser puts it into the caller's buf */
        uint64_t index;
        size_t n;
        struct hash hash[PROOF_MAX];
        struct span checkpoint; /* the whole note */
};

/* extra: receives the decoded extra (cleared first).  -EBADMSG and the line. */
MUST_USE int tlog_proof_parse(struct span s, struct buf *extra, struct tlog_proof *ret,
                              struct err *err);
void tlog_proof_put(struct buf *out, const struct tlog_proof *p);

#endif
