/* SPDX-License-Identifier: Apache-2.0 */
/* publisher_restore.c - the published tree as the last signed checkpoint says, made whole where it
 * is not.
 *
 * SECURITY: reads the WAL and its own published files back from the disk. */
#include "crypto/sha256.h"
#include "ledger/publish/publisher_priv.h"
#include "ledger/read/source.h"
#include "ledger/read/tree.h"
#include "ledger/upkeep/upkeep.h"
#include "ledger/writer/segment.h"
#include "ledger/writer/wal.h"

#include <fcntl.h>
#include <stdlib.h>

/* Where the WAL begins, to be read from there on. */
static int wal_begin(struct publisher *p, uint64_t *ret_first, struct err *err)
{
        uint8_t header[WAL_SEGMENT_HEADER];
        uint64_t *numbers = NULL;
        char name[SEGMENT_NAME_MAX];
        CLEANUP_FD int fd = -1;
        struct wal_segment s;
        size_t n = 0;
        int r;

        r = segment_list(&p->io, p->wal_fd, false, &numbers, &n, err);
        if (r < 0)
                return r;
        p->segment = n ? numbers[0] : 1;
        free(numbers);
        segment_name(p->segment, name);
        fd = p->io.open(p->io.ctx, p->wal_fd, name, O_RDONLY | O_NONBLOCK, 0);
        if (fd < 0)
                return err_sys(err, fd, "wal/%s", name);
        if (p->io.pread(p->io.ctx, fd, header, sizeof header, 0) != sizeof header)
                return err_set(err, -EBADMSG, "wal/%s: cut short", name);
        r = wal_get_segment(span_of(header, sizeof header), &s, err);
        if (r < 0)
                return r;
        *ret_first = r ? s.first : 0; /* a header of zeros: the log's first segment, still empty */
        return 0;
}

/* The open tiles at `size`, a multiple of 256, from the published tree. */
static int load_edge(struct publisher *p, uint64_t size, uint64_t signed_size, struct err *err)
{
        CLEANUP(source_freep) struct source *source = NULL;
        CLEANUP(tree_freep) struct tree *tree = NULL;
        int r;

        r = source_dir(p->public_fd, "public directory", &source, err);
        if (r == 0)
                r = tree_new(source, signed_size, 64, &tree, err);
        for (int level = 1; level <= TILE_LEVEL_MAX && r == 0; level++) {
                uint64_t nodes = tile_nodes(size, level);
                uint64_t from = nodes / TILE_WIDTH * TILE_WIDTH;
                unsigned shift = (unsigned)level * TILE_HEIGHT;

                for (uint64_t i = from; i < nodes && r == 0; i++)
                        r = tree_range(tree, (struct proof_range){ i << shift, (i + 1) << shift },
                                       &p->state.slot[level][i - from], err);
        }
        if (r == 0)
                p->state.size = size;
        return r;
}

/* ---- making it again ---- */

/* Pruned away: of such a bundle only its hash is left, in a tile of level 1. */
static int add_pruned(struct publisher *p, struct tree *tree, uint64_t bundle, struct err *err)
{
        struct proof_range all = { bundle * TILE_WIDTH, (bundle + 1) * TILE_WIDTH };
        struct hash h;
        int r = tree_range(tree, all, &h, err);

        return r < 0 ? r : publisher_add_bundle_hash(p, &h);
}

static int add_bundle(struct publisher *p, uint64_t bundle, struct err *err)
{
        struct tile t = { .level = TILE_LEVEL_ENTRIES, .n = bundle, .width = TILE_WIDTH };
        char path[TILE_PATH_MAX];
        struct bundle_iter it;
        struct span entry;
        struct hash leaf;
        uint8_t *bytes;
        size_t len;
        int r;

        tile_path(t, path);
        r = io_read_file(&p->io, p->public_fd, path, PUBLISHER_BUNDLE_MAX, &bytes, &len, err);
        if (r < 0)
                return r;
        it = bundle_iter_of(span_of(bytes, len));
        while ((r = bundle_next(&it, &entry)) == 1) {
                sha256_leaf(entry, leaf.b);
                r = publisher_add_leaf(p, &leaf);
                if (r < 0)
                        break;
        }
        free(bytes);
        if (r < 0 || p->state.size != (bundle + 1) * TILE_WIDTH)
                return err_set(err, -EBADMSG, "%s: not a whole bundle", path);
        return 0;
}

/* Every tile below `size`, from the bundles. */
static int rebuild_edge(struct publisher *p, uint64_t size, uint64_t signed_size, struct err *err)
{
        CLEANUP(source_freep) struct source *source = NULL;
        CLEANUP(tree_freep) struct tree *tree = NULL;
        int r;

        r = source_dir(p->public_fd, "public directory", &source, err);
        if (r == 0)
                r = tree_new(source, signed_size, 64, &tree, err);
        for (uint64_t n = 0; n < size / TILE_WIDTH && r == 0; n++) {
                r = n < p->pruned / TILE_WIDTH ? add_pruned(p, tree, n, err)
                                               : add_bundle(p, n, err);
                if (r == 0)
                        r = publisher_write_pending(p, err);
        }
        return r;
}

static void clean_temporaries(struct publisher *p, uint64_t size)
{
        char dir[TILE_PATH_MAX];

        for (int level = TILE_LEVEL_ENTRIES; level <= TILE_LEVEL_MAX; level++) {
                struct tile t = { level, tile_full_count(size, level), TILE_WIDTH };

                tile_dir(t, dir);
                filewriter_clean_dir(p->writer, dir);
                t.width = 1;
                tile_dir(t, dir);
                filewriter_clean_dir(p->writer, dir);
        }
}

typedef int edge_fn(struct publisher *p, uint64_t size, uint64_t signed_size, struct err *err);

/* Once through everything that was signed: up to where the WAL begins as `edge` has it, from there
 * on from the WAL.  Ends at the signed root, or fails. */
static int read_signed_log(struct publisher *p, const struct checkpoint *c, edge_fn *edge,
                           struct err *err)
{
        uint64_t first = 0, size;
        int r;

        fd_close(&p->fd);
        buf_clear(&p->bundle);
        buf_clear(&p->rows);
        p->n_rows = 0;
        memset(&p->state, 0, sizeof p->state);
        r = wal_begin(p, &first, err);
        if (r < 0)
                return r;
        size = (first + TILE_WIDTH - 1) / TILE_WIDTH * TILE_WIDTH;
        if (size > c->size)
                return err_set(err, -EBADMSG, "wal begins at entry %llu, behind what was published",
                               (unsigned long long)first);
        p->skip_below = size;
        r = edge(p, size, c->size, err);
        if (r == 0)
                r = publisher_consume(p, first, c->size, c->size, err);
        return r < 0 ? r : publisher_check_root(p, &c->root, err);
}

int publisher_restore(struct publisher *p, const struct checkpoint *c, bool rebuild,
                      struct err *err)
{
        int r;

        p->round_left = UINT64_MAX;
        r = prune_read(p->public_fd, &p->io, &p->pruned, err);
        if (r < 0)
                return r;
        clean_temporaries(p, c->size);
        r = rebuild ? -ENOENT : read_signed_log(p, c, load_edge, err);
        if (r == -ENOENT) {
                /* The root first: bundles that are not what was signed must give no tile a place.
                 */
                p->only_reading = true;
                r = read_signed_log(p, c, rebuild_edge, err);
                p->only_reading = false;
                if (r == 0)
                        r = read_signed_log(p, c, rebuild_edge, err);
        }
        return r < 0 ? r : publisher_write_tree(p, err);
}
