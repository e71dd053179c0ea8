/* SPDX-License-Identifier: Apache-2.0 */
/* publisher.h - from durable entries to tiles, bundles and a signed checkpoint.  Floor 2.
 *
 * The publisher never sees the writer's memory.  It reads the WAL again from the disk, hashes every
 * entry again and computes the root by its own route (tile by tile, where the writer keeps the
 * right edge of a binary tree); only when the two roots agree does it sign.  It shares nothing with
 * the writer and may run in another thread.
 *
 * Order on disk: tiles and bundles, sealed rows, directories, private "signed", public
 * "checkpoint". Never is a size signed that is not on disk. */
#ifndef LEDGER_PUBLISHER_H
#define LEDGER_PUBLISHER_H

#include "base/base.h"
#include "base/err.h"
#include "ledger/vault/vault.h"
#include "ledger/writer/ledger.h"
#include "sys/syncer.h"
#include "wire/entry.h"
#include "wire/tile.h"

struct publisher;

struct publisher_options {
        const struct io *io;
        struct vault *vault;    /* where sealed rows go; NULL: the log has none */
        struct syncer *syncer;  /* for many files at a time; may be NULL */
        uint64_t ballast_bytes; /* kept for a full disk, publisher_ballast(); 0: 1 MiB */
        bool rebuild; /* make every tile again from the bundles, comparing those there are */
};

/* Descriptors borrowed.  Brings the published tree in line with the last signed checkpoint first:
 * what is missing is made again from the WAL and the bundles, whose root is held against that
 * checkpoint before anything is written.
 * -EBADMSG: what is there is not what was signed.  -ENODATA: what is missing cannot be made again;
 * err names it.  -ENOENT: no ledger there. */
MUST_USE int publisher_open(int public_fd, int private_fd, const struct publisher_options *o,
                            struct publisher **ret, struct err *err);
struct publisher *publisher_free(struct publisher *p);
DEFINE_CLEANUP(struct publisher, publisher_free)

enum {
        /* Of a round: entries, and bytes of them, their rows and their tiles.  Its last batch may
         * go beyond, and it ends near the beginning of a bundle. */
        PUBLISHER_ROUND_ENTRIES = 32768,
        PUBLISHER_ROUND_BYTES = 8 * 1024 * 1024,
        PUBLISHER_BUNDLE_MAX = TILE_WIDTH * (2 + ENTRY_MAX),
};

/* What a full disk must have kept for whatever waits to be published, segments going away as it is
 * (ledger_make_room()): two segments, since one goes only when all of it is in full bundles; and a
 * round with the bundle at its end. */
static inline uint64_t publisher_ballast(uint64_t segment_bytes)
{
        return 2 * segment_bytes + PUBLISHER_ROUND_BYTES + PUBLISHER_BUNDLE_MAX;
}

/* Publish up to the durable position, in rounds of a bounded size; a checkpoint is signed after
 * each.  After a failure a first part may be signed, and the publisher is only good for
 * publisher_free(); open another to go on, which begins from the disk.
 * -EBADMSG: the second computation disagrees, or the disk holds something else; the log must stop.
 * -EIO: a sync failed; the log must stop.  -ENODATA: a file is missing; the log must stop.
 * -ENOSPC, -ENOMEM and others: try again later. */
MUST_USE int publisher_run(struct publisher *p, const struct ledger_position *target,
                           struct err *err);

/* One round of it, and how far that came is publisher_size(). */
MUST_USE int publisher_round(struct publisher *p, const struct ledger_position *target,
                             struct err *err);

uint64_t publisher_size(const struct publisher *p); /* last signed */
/* Tiles and bundles put in their places since it was opened, that included. */
uint64_t publisher_files_made(const struct publisher *p);
/* For ledger_published(). */
uint64_t publisher_covered(const struct publisher *p);
uint64_t publisher_segment(const struct publisher *p);

/* The key's change: first keys_generate() of "log.next", then this, then an entry
 * ledger.key_rotated with what.vkey of that key, alone in its batch, then publishing as ever.  The
 * checkpoint right behind the entry is signed by both keys and kept in rotation/<size>; from then
 * on the new key signs alone.  Nothing beyond it is published before, whatever fails: whoever opens
 * a publisher next finds keys/log.next and goes on.  -ENOENT: that is not there. */
MUST_USE int publisher_await_rotation(struct publisher *p, struct err *err);

#endif
