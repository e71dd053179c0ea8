/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_priv.h - snapshot.c (writing) and snapshot_read.c (reading) to each other.  Floor 3. */
#ifndef INTEGRITY_SNAPSHOT_PRIV_H
#define INTEGRITY_SNAPSHOT_PRIV_H

#include "crypto/sha256.h"
#include "integrity/trusted/snapshot.h"

enum {
        SNAPSHOT_HEAD = 72,
        SNAPSHOT_PIECE = 256 * 1024, /* one read or write */
        SNAPSHOT_RULES_MAX = 8 * WATCH_TEXT_MAX,
};

#define SNAPSHOT_MAGIC "ASSAYSN1"

static inline void snapshot_node(const struct hash *l, const struct hash *r, struct hash *out)
{
        sha256_node(l->b, r->b, out->b);
}

static inline void snapshot_tree_root(const struct frontier *f, struct hash *ret)
{
        if (f->size)
                frontier_root(f, snapshot_node, ret);
        else
                memcpy(ret->b, sha256_empty, HASH_LEN);
}

#endif
