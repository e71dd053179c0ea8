/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/publish/tilestate.h"

#include "crypto/sha256.h"

void tilestate_fold(const struct hash *h, size_t n, struct hash *ret)
{
        struct hash row[TILE_WIDTH + 1];

        assert(n > 0 && n <= ARRAY_LEN(row));
        memcpy(row, h, n * sizeof *h);
        /* Pair neighbours; an odd last one goes up as it is, which is RFC 6962's split. */
        while (n > 1) {
                size_t half = n / 2;

                for (size_t i = 0; i < half; i++)
                        sha256_node(row[2 * i].b, row[2 * i + 1].b, row[i].b);
                if (n % 2)
                        row[half] = row[n - 1];
                n = half + n % 2;
        }
        *ret = row[0];
}

int tilestate_append_tree(struct tilestate *s, int level, const struct hash *tree,
                          tilestate_full_fn *full, void *ctx)
{
        struct hash h = *tree;
        int r;

        assert(s->size % (UINT64_C(1) << (level * TILE_HEIGHT)) == 0);
        s->size += UINT64_C(1) << (level * TILE_HEIGHT);
        for (; level <= TILE_LEVEL_MAX; level++) {
                uint64_t nodes = tile_nodes(s->size, level);
                unsigned at = (unsigned)((nodes - 1) % TILE_WIDTH);

                s->slot[level][at] = h;
                if (at != TILE_WIDTH - 1)
                        return 0;
                r = full(ctx,
                         (struct tile){
                                 .level = level, .n = nodes / TILE_WIDTH - 1, .width = TILE_WIDTH },
                         s->slot[level]);
                if (r < 0)
                        return r;
                tilestate_fold(s->slot[level], TILE_WIDTH, &h);
        }
        return 0;
}

int tilestate_append(struct tilestate *s, const struct hash *leaf, tilestate_full_fn *full,
                     void *ctx)
{
        return tilestate_append_tree(s, 0, leaf, full, ctx);
}

void tilestate_root(const struct tilestate *s, struct hash *ret)
{
        struct hash row[TILE_WIDTH + 1], tail;
        bool have_tail = false;

        if (s->size == 0) {
                memcpy(ret->b, sha256_empty, HASH_LEN);
                return;
        }
        for (int level = 0; level <= TILE_LEVEL_MAX; level++) {
                unsigned n = tile_partial_width(s->size, level);

                if (n == 0)
                        continue;
                memcpy(row, s->slot[level], n * sizeof *row);
                if (have_tail)
                        row[n++] = tail;
                tilestate_fold(row, n, &tail);
                have_tail = true;
        }
        assert(have_tail);
        *ret = tail;
}
