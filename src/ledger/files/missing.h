/* SPDX-License-Identifier: Apache-2.0 */
/* missing.h - a file that a ledger lacks is not "no ledger here".  Floor 2.
 *
 * Callers take -ENOENT from opening a ledger to mean that there is none, and may then make one.
 * Whatever is missing inside a ledger that is there becomes -ENODATA; the text names it. */
#ifndef LEDGER_MISSING_H
#define LEDGER_MISSING_H

#include "base/base.h"
#include "base/err.h"

static inline int missing(int r, struct err *err)
{
        if (r != -ENOENT)
                return r;
        if (err && err->code < 0) {
                err_wrap(err, "the ledger is not whole");
                err->code = -ENODATA;
        }
        return -ENODATA;
}

#endif
