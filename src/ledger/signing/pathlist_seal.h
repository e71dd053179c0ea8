/* SPDX-License-Identifier: Apache-2.0 */
/* pathlist_seal.h - signing a list of paths, and judging one.  Floor 2.  The form is in
 * wire/pathlist.h. */
#ifndef LEDGER_PATHLIST_SEAL_H
#define LEDGER_PATHLIST_SEAL_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "ledger/signing/signer.h"
#include "wire/pathlist.h"

/* The whole file into out: header's body and entries are those of `entries`, lines made by
 * pathlist_put_entry() in order, n of them.  A list that could not be parsed again is -EINVAL. */
MUST_USE int pathlist_seal(const struct pathlist_header *header, struct span entries, uint32_t n,
                           const struct signer *signer, struct buf *out, struct err *err);

/* Parse it and see that one of the keys has signed it, that the entries are those it signed, and
 * that it says something at that time.  -EBADMSG: damaged or forged; -ENOKEY: signed by none of
 * these keys; -ESTALE: expired, or from the future.  *ret points into file and is spoilt on
 * failure; *ret_key (may be NULL): which key. */
MUST_USE int pathlist_unseal(struct span file, const struct note_vkey *keys, size_t n_keys,
                             int64_t now_ns, struct pathlist *ret, size_t *ret_key,
                             struct err *err);

#endif
