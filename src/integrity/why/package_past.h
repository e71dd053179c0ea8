/* SPDX-License-Identifier: Apache-2.0 */
/* package_past.h - what the ledger says of dpkg's own directory: which of its files were changed,
 * and nothing explained it.  Floor 3, pure.
 *
 * The sensor forgets that when it ends, and its own files prove nothing to it.  So the entries
 * since the last baseline are heard when it starts: the last one about the content of a file
 * decides. */
#ifndef INTEGRITY_PACKAGE_PAST_H
#define INTEGRITY_PACKAGE_PAST_H

#include "base/base.h"
#include "base/buf.h"

/* An entry of the ledger, in any order, or the skeleton of one that is not there yet; what it says
 * is kept in out, whose status tells when there was no room. */
void package_past_hear(struct buf *out, uint64_t index, struct span entry, bool is_skeleton);

/* All of it, in the order of the ledger.  changed: nothing explained it; else the content is
 * explained.  -ENOMEM. */
typedef void package_past_fn(void *ctx, struct span path, bool changed);
MUST_USE int package_past_apply(struct span kept, package_past_fn *fn, void *ctx);

#endif
