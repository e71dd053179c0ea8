/* SPDX-License-Identifier: Apache-2.0 */
/* cursor.h - how far a sink has got, on disk.  Floor 3, process assay-uplink.
 *
 * <state>/uplink/<sink>/cursor is one canonical JSON object:
 *
 *   {"delivered":12,"missed":0,"next":4711,"origin":"example.com/web1/2026","refused":0}
 *
 * and while the sink is down besides "down_index", "down_origin", "down_since" and "told".
 *
 * 1. What is below next was accepted by the sink, or told in the ledger to be refused or missed, or
 *    is not for it.
 * 2. The file is replaced whole or not at all, after the sink has accepted: after a crash a sink
 *    gets an entry again, and never one too few. */
#ifndef FLEET_CURSOR_H
#define FLEET_CURSOR_H

#include "base/base.h"
#include "base/err.h"
#include "sys/io.h"
#include "wire/note.h"

struct cursor {
        char origin[NOTE_NAME_MAX + 1]; /* of the ledger; "": none was there yet */
        uint64_t next;
        uint64_t delivered, refused, missed; /* entries, ever */
        int64_t down_since_ns;               /* 0: it is not down */
        uint64_t down_index;                 /* of the first entry that waited */
        char down_origin[NOTE_NAME_MAX + 1];
        bool told; /* the ledger says that it is down */
};

/* -ENOENT: a new sink.  -EBADMSG: not what cursor_store() writes. */
MUST_USE int cursor_load(int dirfd, struct cursor *ret, struct err *err);
/* -ENOSPC and the like: the file stays as it was. */
MUST_USE int cursor_store(int dirfd, const struct io *io, const struct cursor *c, struct err *err);

/* The file's content. */
MUST_USE int cursor_parse(struct span text, struct cursor *ret, struct err *err);
void cursor_put(const struct cursor *c, struct buf *out);

#endif
