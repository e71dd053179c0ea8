/* SPDX-License-Identifier: Apache-2.0 */
/* tile.h - C2SP tlog-tiles: names and arithmetic of tiles and entry bundles.  Floor 1, pure.
 *
 * Height 8.  Tile n at level L holds, in slot i, MTH(D[(n*256+i)*256^L : (n*256+i+1)*256^L]).
 *   tile/<L>/<N>[.p/<W>]        hashes, 32 bytes each
 *   tile/entries/<N>[.p/<W>]    entries, u16be length then bytes, each
 * N in groups of three digits, all but the last prefixed x.  Source: c2sp.org/tlog-tiles. */
#ifndef WIRE_TILE_H
#define WIRE_TILE_H

#include "base/base.h"
#include "base/err.h"

enum {
        TILE_HEIGHT = 8,
        TILE_WIDTH = 256,
        TILE_HASH = 32,
        TILE_BYTES = TILE_WIDTH * TILE_HASH,
        TILE_LEVEL_MAX = 7,      /* enough for 2^63 entries */
        TILE_LEVEL_ENTRIES = -1, /* an entry bundle */
        TILE_PATH_MAX = 64,
};

struct tile {
        int level; /* 0..TILE_LEVEL_MAX, or TILE_LEVEL_ENTRIES */
        uint64_t n;
        unsigned width; /* 1..256; 256 = full */
};

/* The path below the log's prefix, terminated; always fits. */
void tile_path(struct tile t, char out[TILE_PATH_MAX]);

/* The directory part of that path ("tile/0/x001", "tile/0/005.p"), terminated. */
void tile_dir(struct tile t, char out[TILE_PATH_MAX]);

/* Strict inverse of tile_path: -EINVAL for any other spelling. */
MUST_USE int tile_parse(struct span path, struct tile *ret);

/* How many nodes level L (bundles count as level 0) has at this size, and what is left over. */
static inline uint64_t tile_nodes(uint64_t size, int level)
{
        int l = level < 0 ? 0 : level;

        return l * TILE_HEIGHT >= 64 ? 0 : size >> (l * TILE_HEIGHT);
}

static inline uint64_t tile_full_count(uint64_t size, int level)
{
        return tile_nodes(size, level) / TILE_WIDTH;
}

static inline unsigned tile_partial_width(uint64_t size, int level)
{
        return (unsigned)(tile_nodes(size, level) % TILE_WIDTH);
}

/* The tile that holds node `index` of a level at this tree size, with the width it has then.
 * Asserts that the node exists. */
struct tile tile_of(int level, uint64_t index, uint64_t size);

/* Entry bundles: walk over one. */
struct bundle_iter {
        struct span rest;
        size_t offset; /* of the next length field */
};

static inline struct bundle_iter bundle_iter_of(struct span bundle)
{
        return (struct bundle_iter){ .rest = bundle };
}

/* 1 with an entry, 0 at a clean end, -EBADMSG when the length runs past the end. */
MUST_USE int bundle_next(struct bundle_iter *it, struct span *ret_entry);

#endif
