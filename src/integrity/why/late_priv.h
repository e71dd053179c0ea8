/* SPDX-License-Identifier: Apache-2.0 */
/* late_priv.h - a change in bytes that never leave this process.  Shared by late.c and late_past.c.
 *
 * Little-endian:
 *   u32 bytes of path   u32 bytes of from   u32 bytes of record, 0: none   u32 what differs, fresh
 * in the highest bit, and in the next two: the record is of what is gone; moved on   i64 wall time
 * path   from   record (record_encode) */
#ifndef INTEGRITY_LATE_PRIV_H
#define INTEGRITY_LATE_PRIV_H

#include "base/base.h"
#include "base/buf.h"
#include "integrity/why/sources.h"

/* Appends it; record has room for RECORD_MAX bytes, and is overwritten.  A buf's status. */
MUST_USE int late_change_put(const struct source_change *c, struct buf *record, struct buf *out);
/* The first of them, and how long it is; *ret points into rest and to *is. */
size_t late_change_get(struct span rest, struct source_change *ret, struct record *is);

#endif
