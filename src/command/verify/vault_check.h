/* SPDX-License-Identifier: Apache-2.0 */
/* vault_check.h - the sealed values of a ledger against the digests in its entries.  Floor 3. */
#ifndef COMMAND_VERIFY_VAULT_CHECK_H
#define COMMAND_VERIFY_VAULT_CHECK_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"
#include "command/log/reader.h"

struct vault_check {
        bool checked;     /* there is a vault */
        uint64_t entries; /* with digests */
        uint64_t values;  /* disclosed, each under its digest */
        uint64_t erased;  /* entries of which a subject was erased */
};

/* dir is the published half, r is it opened; waiting entries are in the log and not signed yet.
 * -EBADMSG: values are wrong, or are gone and nobody erased their subject, or it was erased and no
 * entry says so; the text names the first entry.  -EAGAIN: that entry may still wait. */
MUST_USE int vault_check(const char *dir, struct reader *r, const struct clock *clock,
                         uint64_t waiting, struct vault_check *ret, struct err *err);

#endif
