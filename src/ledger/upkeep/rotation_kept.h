/* SPDX-License-Identifier: Apache-2.0 */
/* rotation_kept.h - the entries of key rotations outlive pruning.  Floor 2.
 *
 * rotation/pruned, beside the double-signed checkpoints: for each rotation whose entry went with
 * its bundle one line,
 *   <size> <entry>\n
 * the size as in rotation/<size>, ascending, and the bytes of entry size - 1, which names the next
 * key.  It needs no signature: the entry's hash is still in its level-0 tile, under the root.
 *
 * SECURITY: a reader takes it from strangers. */
#ifndef LEDGER_ROTATION_KEPT_H
#define LEDGER_ROTATION_KEPT_H

#include "base/base.h"
#include "base/err.h"
#include "sys/io.h"

#define ROTATION_KEPT_PATH "rotation/pruned"

enum {
        ROTATION_KEPT_FILE_MAX = 4 * 1024 * 1024,
        ROTATION_KEPT_MAX = 1024, /* rotations of one log */
};

struct rotation_kept {
        uint64_t size;
        struct span entry;
};

/* The next line of *rest.  1; 0 at the end; -EBADMSG: no such line, or not ascending from after. */
MUST_USE int rotation_kept_next(struct span *rest, uint64_t after, struct rotation_kept *ret);

/* Before the bundles below min_index go.  Idempotent.  -E2BIG: beyond the limits above, and nothing
 * may be dropped. */
MUST_USE int rotation_keep(int public_fd, const struct io *io, uint64_t min_index, struct err *err);

#endif
