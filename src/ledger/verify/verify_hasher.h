/* SPDX-License-Identifier: Apache-2.0 */
/* verify_hasher.h - the hash pass' state.  Private to verify_hash.c and verify_points.c. */
#ifndef LEDGER_VERIFY_HASHER_H
#define LEDGER_VERIFY_HASHER_H

#include "ledger/verify/verify_priv.h"

struct level {
        struct hash node[TILE_WIDTH];
        unsigned n;
        uint64_t tile; /* that these nodes belong to */
};

struct bundle {
        struct buf file;
        char path[TILE_PATH_MAX];
        bool present;
        bool whole; /* as many entries as its width, and nothing behind */
        unsigned count;
        struct hash leaf[TILE_WIDTH];
        size_t at[TILE_WIDTH + 1]; /* where entries begin, length field included */
};

struct hasher {
        struct verify *v;
        struct level level[TILE_LEVEL_MAX + 2]; /* [0] unused: leaves are in bundle or tile */
        struct bundle bundle;
        struct bundle old; /* a superseded partial */
        struct buf tile;   /* tile/0/n or an upper tile, as read */
        char tile_path[TILE_PATH_MAX];
        struct buf parent; /* level-1 tile, for arbitration */
        uint64_t parent_n;
        bool lost; /* some hash is known from nowhere: no root any more */
        uint64_t missing;
        size_t next_rotation, next_stamp;
};

/* Root of everything so far and w more leaves. */
struct hash hasher_root_with(const struct hasher *h, const struct hash *leaf, unsigned w);

/* The leaves of one more bundle, which begins at entry `before`; NULL: not known. */
void hasher_points(struct hasher *h, const struct hash *leaf, uint64_t before, unsigned width);

#endif
