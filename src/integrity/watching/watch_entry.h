/* SPDX-License-Identifier: Apache-2.0 */
/* watch_entry.h - what has changed in what is watched, and the entries integrity.watch that tell
 * it.  Floor 3, pure.
 *
 * From these entries alone it is known at every moment which patterns were watched, and how: the
 * first one has all, each later one what came, went or is another now.  One that would be too long
 * is told in parts, of one digest. */
#ifndef INTEGRITY_WATCH_ENTRY_H
#define INTEGRITY_WATCH_ENTRY_H

#include "base/base.h"
#include "base/buf.h"
#include "integrity/watching/config.h"

struct watch_facts {
        int64_t wall_ns;
        const struct config *config;
        const struct watchset *before; /* NULL: nothing was */
        const char *event;             /* set, changed, unchanged or refused */
        const char *reason;            /* NULL: none */
        uint64_t dropped;              /* records that are not watched any more */
};

/* Calls tell with each entry's skeleton; its first negative result is the answer, else 0 or
 * -ENOMEM. */
typedef int watch_tell_fn(void *ctx, struct span skeleton);
MUST_USE int watch_entries(const struct watch_facts *f, watch_tell_fn *tell, void *ctx);

#endif
