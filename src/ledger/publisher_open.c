/* SPDX-License-Identifier: Apache-2.0 */
/* publisher_open.c - the published tree as the last signed checkpoint says, made whole where it is
 * not.
 *
 * SECURITY: reads the WAL and its own published files back from the disk. */
#include "crypto/sha256.h"
#include "ledger/keys.h"
#include "ledger/publisher_priv.h"
#include "ledger/segment.h"
#include "ledger/source.h"
#include "ledger/tree.h"
#include "ledger/wal.h"

#include <fcntl.h>
#include <stdlib.h>

enum {
        PENDING_MAX = 4 * PUBLISHER_BUNDLE_MAX,
        ROWS_MAX = TILE_WIDTH * LEDGER_SEALED_MAX, /* what is acknowledged can be published */
};

/* The public checkpoint may be older than the private copy, or gone. */
static int copy_signed(struct publisher *p, struct span note, struct err *err)
{
        uint8_t *bytes;
        bool same;
        size_t n;
        int r;

        r = io_read_file(&p->io, p->public_fd, "checkpoint", NOTE_MAX, &bytes, &n, err);
        if (r == 0) {
                same = span_eq(span_of(bytes, n), note);
                free(bytes);
                if (same)
                        return 0;
        } else if (r != -ENOENT) {
                return r;
        }
        return io_replace_file(&p->io, p->public_fd, "checkpoint", p->public_fd, 0644, note, err);
}

static int read_signed(struct publisher *p, struct buf *note, struct checkpoint *ret,
                       struct err *err)
{
        struct note_vkey vkey;
        uint8_t *bytes;
        size_t n;
        int r;

        r = keys_load(p->private_fd, &p->io, "log", &p->key, err);
        if (r < 0)
                return r;
        signer_vkey(p->key, &vkey);
        memcpy(p->origin, vkey.name, sizeof p->origin);
        r = io_read_file(&p->io, p->private_fd, "signed", NOTE_MAX, &bytes, &n, err);
        if (r < 0)
                return r;
        buf_put(note, span_of(bytes, n));
        free(bytes);
        if (buf_status(note) < 0)
                return err_sys(err, buf_status(note), "signed");
        return verifier_open_checkpoint(&vkey, buf_span(note), ret, err);
}

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
        fd = p->io.open(p->io.ctx, p->wal_fd, name, O_RDONLY, 0);
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

/* Every tile below `size` again, from the bundles. */
static int rebuild_edge(struct publisher *p, uint64_t size, struct err *err)
{
        memset(&p->state, 0, sizeof p->state);
        for (uint64_t n = 0; n < size / TILE_WIDTH; n++) {
                struct tile t = { .level = TILE_LEVEL_ENTRIES, .n = n, .width = TILE_WIDTH };
                char path[TILE_PATH_MAX];
                struct bundle_iter it;
                struct span entry;
                uint8_t *bytes;
                size_t len;
                int r;

                tile_path(t, path);
                r = io_read_file(&p->io, p->public_fd, path, PUBLISHER_BUNDLE_MAX, &bytes, &len,
                                 err);
                if (r < 0)
                        return r;
                it = bundle_iter_of(span_of(bytes, len));
                while ((r = bundle_next(&it, &entry)) == 1) {
                        struct hash leaf;

                        sha256_leaf(entry, leaf.b);
                        r = publisher_add_leaf(p, &leaf);
                        if (r < 0)
                                break;
                }
                free(bytes);
                if (r < 0 || p->state.size != (n + 1) * TILE_WIDTH)
                        return err_set(err, -EBADMSG, "%s: not a whole bundle", path);
                /* Tiles that are there are compared, so nothing unproven replaces anything. */
                r = publisher_write_pending(p, err);
                if (r < 0)
                        return r;
        }
        return 0;
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

/* The published tree as the last signed checkpoint says, made whole where it is not. */
static int restore_tree(struct publisher *p, const struct checkpoint *c, bool rebuild,
                        struct err *err)
{
        uint64_t first = 0, edge;
        int r;

        r = wal_begin(p, &first, err);
        if (r < 0)
                return r;
        edge = (first + TILE_WIDTH - 1) / TILE_WIDTH * TILE_WIDTH;
        if (edge > c->size)
                return err_set(err, -EBADMSG, "wal begins at entry %llu, behind what was published",
                               (unsigned long long)first);
        clean_temporaries(p, c->size);
        r = rebuild ? -ENOENT : load_edge(p, edge, c->size, err);
        if (r == -ENOENT)
                r = rebuild_edge(p, edge, err);
        if (r < 0)
                return r;
        p->skip_below = edge;
        r = publisher_consume(p, first, c->size, c->size, err);
        if (r == 0)
                r = publisher_check_root(p, &c->root, err);
        if (r == 0)
                r = publisher_write_tree(p, err);
        return r;
}

static int allocate(struct publisher **ret)
{
        struct publisher *p = calloc(1, sizeof *p);

        if (!p)
                return -ENOMEM;
        p->fd = p->wal_fd = -1;
        p->bundle = BUF_INIT(PUBLISHER_BUNDLE_MAX);
        p->rows = BUF_INIT(ROWS_MAX);
        p->pending_bytes = BUF_INIT(PENDING_MAX);
        p->pending = calloc(PUBLISHER_FILES_MAX, sizeof *p->pending);
        p->dropped = calloc(PUBLISHER_FILES_MAX, sizeof *p->dropped);
        p->chunk = malloc(PUBLISHER_CHUNK);
        if (!p->pending || !p->dropped || !p->chunk) {
                publisher_free(p);
                return -ENOMEM;
        }
        *ret = p;
        return 0;
}

int publisher_open(int public_fd, int private_fd, const struct publisher_options *o,
                   struct publisher **ret, struct err *err)
{
        CLEANUP(publisher_freep) struct publisher *p = NULL;
        CLEANUP(buf_done) struct buf note = BUF_INIT(NOTE_MAX);
        struct checkpoint c;
        int r;

        r = allocate(&p);
        if (r < 0)
                return err_sys(err, r, "publisher");
        p->io = *o->io;
        p->vault = o->vault;
        p->syncer = o->syncer;
        p->public_fd = public_fd;
        p->private_fd = private_fd;
        p->wal_fd = p->io.open(p->io.ctx, private_fd, "wal", O_RDONLY | O_DIRECTORY, 0);
        if (p->wal_fd < 0)
                return err_sys(err, p->wal_fd, "wal");
        r = filewriter_new(public_fd, &p->io, o->syncer, 0644, 0755, &p->writer, err);
        if (r == 0)
                r = read_signed(p, &note, &c, err);
        if (r == 0)
                r = restore_tree(p, &c, o->rebuild, err);
        if (r == 0)
                r = copy_signed(p, buf_span(&note), err);
        if (r < 0)
                return r;
        p->signed_size = c.size;
        p->opened = true;
        publisher_drop_partials(p);
        publisher_make_ballast(p);
        *ret = p;
        p = NULL;
        return 0;
}
