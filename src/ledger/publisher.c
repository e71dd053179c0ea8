/* SPDX-License-Identifier: Apache-2.0 */
/* publisher.c - see publisher.h.
 *
 * Full tiles and bundles wait in `pending` until a root that covers them was found right; only then
 * are they written.
 *
 * SECURITY: reads the WAL and its own published files back from the disk. */
#include "ledger/publisher.h"

#include "crypto/sha256.h"
#include "ledger/filewriter.h"
#include "ledger/keys.h"
#include "ledger/ledger_priv.h"
#include "ledger/segment.h"
#include "ledger/source.h"
#include "ledger/tilestate.h"
#include "ledger/tree.h"
#include "ledger/wal.h"
#include "wire/entry.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        BUNDLE_MAX = TILE_WIDTH * (2 + ENTRY_MAX),
        /* A batch with its state record always fits into one read. */
        READ_CHUNK = 2 * 1024 * 1024,
        BATCH_BOUND = LEDGER_BATCH_MAX + RUNS_STATE_MAX + 4096,
        /* Verify and write once this much waits. */
        PENDING_SOFT = 4 * 1024 * 1024,
        PENDING_MAX = 4 * BUNDLE_MAX,
        PENDING_FILES = 65536,
        BALLAST_BYTES = 1024 * 1024,
};

STATIC_ASSERT(READ_CHUNK >= 2 * BATCH_BOUND, "a batch fits into half a read");

struct pending {
        struct tile tile;
        size_t at, n; /* in pending_bytes */
};

struct publisher {
        struct io io;
        struct vault *vault;
        int public_fd, private_fd; /* borrowed */
        int wal_fd;
        char origin[NOTE_NAME_MAX + 1];
        struct signer *key;
        struct filewriter *writer;
        uint64_t signed_size;

        /* Where reading goes on in the WAL; fd is -1 until that segment is opened. */
        uint64_t segment;
        uint64_t offset;
        int fd;
        uint32_t salt;
        uint64_t segment_end; /* of the opened one, its size */
        uint8_t *chunk;       /* READ_CHUNK */
        uint64_t skip_below;  /* entries of the WAL that are in full bundles already */

        struct tilestate state;
        struct buf bundle; /* the open bundle's bytes */
        struct buf rows;   /* its sealed rows, one after the other */
        struct vault_rows row[TILE_WIDTH];
        size_t row_at[TILE_WIDTH], n_rows;

        struct buf pending_bytes;
        struct pending *pending;
        size_t n_pending;
        struct tile *dropped; /* full tiles whose partials may go after the next checkpoint */
        size_t n_dropped;
};

uint64_t publisher_size(const struct publisher *p)
{
        return p->signed_size;
}

uint64_t publisher_covered(const struct publisher *p)
{
        return p->signed_size / TILE_WIDTH * TILE_WIDTH;
}

uint64_t publisher_segment(const struct publisher *p)
{
        return p->segment;
}

struct publisher *publisher_free(struct publisher *p)
{
        if (!p)
                return NULL;
        signer_free(p->key);
        filewriter_free(p->writer);
        fd_close(&p->wal_fd);
        fd_close(&p->fd);
        buf_done(&p->bundle);
        buf_done(&p->rows);
        buf_done(&p->pending_bytes);
        free(p->pending);
        free(p->dropped);
        free(p->chunk);
        free(p);
        return NULL;
}

/* ---- building ---- */

static int add_pending(struct publisher *p, struct tile t, struct span content)
{
        if (p->n_pending == PENDING_FILES)
                return -E2BIG;
        p->pending[p->n_pending] =
                (struct pending){ .tile = t, .at = p->pending_bytes.n, .n = content.n };
        buf_put(&p->pending_bytes, content);
        p->n_pending++;
        return buf_status(&p->pending_bytes);
}

static int tile_is_full(void *ctx, struct tile t, const struct hash h[TILE_WIDTH])
{
        return add_pending(ctx, t, span_of(h, TILE_BYTES));
}

/* Sealed rows of the open bundle. */
static int store_rows(struct publisher *p, uint64_t bundle, struct err *err)
{
        int r;

        if (!p->vault || p->n_rows == 0)
                return 0;
        for (size_t i = 0; i < p->n_rows; i++)
                p->row[i].rows.p = p->rows.p + p->row_at[i];
        r = vault_store(p->vault, bundle, p->row, p->n_rows, err);
        return r;
}

static int bundle_is_full(struct publisher *p, struct err *err)
{
        struct tile t = { .level = TILE_LEVEL_ENTRIES,
                          .n = p->state.size / TILE_WIDTH - 1,
                          .width = TILE_WIDTH };
        int r;

        r = add_pending(p, t, buf_span(&p->bundle));
        if (r < 0)
                return err_sys(err, r, "bundle %llu", (unsigned long long)t.n);
        r = store_rows(p, t.n, err);
        if (r < 0)
                return r;
        buf_clear(&p->bundle);
        buf_clear(&p->rows);
        p->n_rows = 0;
        return 0;
}

static int add_entry(struct publisher *p, struct span entry, struct err *err)
{
        struct hash leaf;
        int r;

        buf_put_byte(&p->bundle, (uint8_t)(entry.n >> 8));
        buf_put_byte(&p->bundle, (uint8_t)entry.n);
        buf_put(&p->bundle, entry);
        sha256_leaf(entry, leaf.b);
        r = tilestate_append(&p->state, &leaf, tile_is_full, p);
        if (r == 0)
                r = buf_status(&p->bundle);
        if (r < 0)
                return err_sys(err, r, "entry %llu", (unsigned long long)p->state.size - 1);
        return 0;
}

static int add_rows(struct publisher *p, uint64_t index, struct span rows, struct err *err)
{
        assert(p->n_rows < TILE_WIDTH);
        p->row_at[p->n_rows] = p->rows.n;
        p->row[p->n_rows] = (struct vault_rows){ .index = index, .rows = { NULL, rows.n } };
        buf_put(&p->rows, rows);
        if (buf_status(&p->rows) < 0)
                return err_sys(err, buf_status(&p->rows), "sealed rows of entry %llu",
                               (unsigned long long)index);
        p->n_rows++;
        return 0;
}

/* ---- writing ---- */

static int put_tile(struct publisher *p, struct tile t, struct span content, struct err *err)
{
        char path[TILE_PATH_MAX], dir[TILE_PATH_MAX];

        tile_path(t, path);
        tile_dir(t, dir);
        return filewriter_put(p->writer, dir, strrchr(path, '/') + 1, content, FILEWRITER_IMMUTABLE,
                              err);
}

static int write_pending(struct publisher *p, struct err *err)
{
        int r;

        for (size_t i = 0; i < p->n_pending; i++) {
                const struct pending *f = &p->pending[i];

                r = put_tile(p, f->tile, span_of(p->pending_bytes.p + f->at, f->n), err);
                if (r < 0)
                        return r;
                if (p->n_dropped < PENDING_FILES)
                        p->dropped[p->n_dropped++] = f->tile;
        }
        p->n_pending = 0;
        buf_clear(&p->pending_bytes);
        return 0;
}

static int write_partials(struct publisher *p, struct err *err)
{
        uint64_t size = p->state.size;
        int r;

        for (int level = TILE_LEVEL_ENTRIES; level <= TILE_LEVEL_MAX; level++) {
                struct tile t = { .level = level,
                                  .n = tile_full_count(size, level),
                                  .width = tile_partial_width(size, level) };
                struct span content;

                if (t.width == 0)
                        continue;
                content = level < 0 ? buf_span(&p->bundle)
                                    : span_of(p->state.slot[level], t.width * HASH_LEN);
                r = put_tile(p, t, content, err);
                if (r < 0)
                        return r;
        }
        return store_rows(p, size / TILE_WIDTH, err);
}

/* Everything up to the state's size, on disk and synced. */
static int write_tree(struct publisher *p, struct err *err)
{
        int r = write_pending(p, err);

        if (r == 0)
                r = write_partials(p, err);
        if (r == 0)
                r = filewriter_sync(p->writer, err);
        if (r == 0 && p->vault)
                r = vault_store_sync(p->vault, err);
        return r;
}

static void drop_partials(struct publisher *p)
{
        char dir[TILE_PATH_MAX];

        for (size_t i = 0; i < p->n_dropped; i++) {
                p->dropped[i].width = 1; /* any: the partial forms of a tile share a directory */
                tile_dir(p->dropped[i], dir);
                filewriter_drop_dir(p->writer, dir);
        }
        p->n_dropped = 0;
}

static int check_root(struct publisher *p, const struct hash *want, struct err *err)
{
        struct hash root;

        tilestate_root(&p->state, &root);
        if (hash_eq(&root, want))
                return 0;
        return err_set(err, -EBADMSG,
                       "size %llu: the root computed again from the disk is another; the log stops",
                       (unsigned long long)p->state.size);
}

/* ---- reading the WAL ---- */

static int open_segment(struct publisher *p, struct err *err)
{
        uint8_t header[WAL_SEGMENT_HEADER];
        char name[SEGMENT_NAME_MAX];
        struct wal_segment s;
        struct stat st;
        ssize_t n;
        int r;

        segment_name(p->segment, name);
        r = p->io.open(p->io.ctx, p->wal_fd, name, O_RDONLY, 0);
        if (r < 0)
                return err_sys(err, r, "wal/%s", name);
        p->fd = r;
        n = p->io.pread(p->io.ctx, p->fd, header, sizeof header, 0);
        if (n != sizeof header || fstat(p->fd, &st) < 0)
                return err_sys(err, n < 0 ? (int)n : -EIO, "wal/%s", name);
        r = wal_get_segment(span_of(header, sizeof header), &s, err);
        if (r < 0)
                return err_wrap(err, "wal/%s", name), -EBADMSG;
        if (r == 0 || s.number != p->segment)
                return err_set(err, -EBADMSG, "wal/%s: not that segment", name);
        p->salt = wal_salt(&s);
        p->segment_end = (uint64_t)st.st_size;
        p->offset = WAL_SEGMENT_HEADER;
        return 0;
}

static int take_batch(struct publisher *p, struct span chunk, const struct wal_batch *b,
                      struct err *err)
{
        struct wal_record rec;
        size_t at = b->at, len;
        int r;

        while (at < b->at + b->len) {
                r = wal_get_record(chunk, at, p->salt, &rec, &len, err);
                assert(r == 1); /* wal_get_batch has seen it */
                at += len;
                if (rec.index < p->skip_below || rec.type == WAL_STATE || rec.type == WAL_TRAILER)
                        continue;
                /* A full bundle waits for the rows of its last entry, which follow it. */
                if (rec.type == WAL_ENTRY && p->bundle.n && p->state.size % TILE_WIDTH == 0) {
                        r = bundle_is_full(p, err);
                        if (r < 0)
                                return r;
                }
                r = rec.type == WAL_ENTRY ? add_entry(p, rec.payload, err)
                                          : add_rows(p, rec.index, rec.payload, err);
                if (r < 0)
                        return r;
        }
        if (p->bundle.n && p->state.size % TILE_WIDTH == 0)
                return bundle_is_full(p, err);
        return 0;
}

/* Batches of one chunk, up to `size` entries; *ret_used: bytes consumed. */
static int take_chunk(struct publisher *p, struct span chunk, bool to_the_end, uint64_t size,
                      uint64_t *count, size_t *ret_used, struct err *err)
{
        struct wal_batch b;
        size_t at = 0, bad;
        int r;

        while (*count < size && (to_the_end || chunk.n - at >= BATCH_BOUND)) {
                r = wal_get_batch(chunk, at, p->salt, *count, &b, &bad, err);
                if (r < 0)
                        return err_wrap(err, "wal segment %llu from byte %llu",
                                        (unsigned long long)p->segment,
                                        (unsigned long long)p->offset),
                               -EBADMSG;
                if (r == 0)
                        break;
                if (b.size > size)
                        return err_set(err, -EBADMSG, "size %llu ends inside a batch",
                                       (unsigned long long)size);
                r = take_batch(p, chunk, &b, err);
                if (r < 0)
                        return r;
                *count = b.size;
                at = b.at + b.len;
                if (b.size >= p->skip_below && p->state.size == b.size &&
                    p->pending_bytes.n >= PENDING_SOFT) {
                        r = check_root(p, &b.root, err);
                        if (r == 0)
                                r = write_pending(p, err);
                        if (r < 0)
                                return r;
                }
        }
        *ret_used = at;
        return 0;
}

/* Consume the WAL until `size` entries of the log were seen; count: seen so far. */
static int consume(struct publisher *p, uint64_t count, uint64_t size, struct err *err)
{
        size_t used, want;
        ssize_t n;
        int r;

        while (count < size) {
                if (p->fd < 0) {
                        r = open_segment(p, err);
                        if (r < 0)
                                return r;
                }
                want = (size_t)MIN_OF((uint64_t)READ_CHUNK, p->segment_end - p->offset);
                n = p->io.pread(p->io.ctx, p->fd, p->chunk, want, (off_t)p->offset);
                if (n != (ssize_t)want)
                        return err_sys(err, n < 0 ? (int)n : -EIO, "wal segment %llu: read",
                                       (unsigned long long)p->segment);
                r = take_chunk(p, span_of(p->chunk, want), p->offset + want == p->segment_end, size,
                               &count, &used, err);
                if (r < 0)
                        return r;
                p->offset += used;
                if (used == 0) { /* zeros: this segment ends here */
                        fd_close(&p->fd);
                        p->segment++;
                }
        }
        return 0;
}

/* ---- signing ---- */

static int put_note(struct publisher *p, struct signer *second, struct buf *note, struct err *err)
{
        struct checkpoint c = { .size = p->state.size };
        size_t text;
        int r;

        memcpy(c.origin, p->origin, sizeof c.origin);
        tilestate_root(&p->state, &c.root);
        checkpoint_put(note, &c);
        text = note->n;
        buf_put_byte(note, '\n');
        r = signer_sign(p->key, span_of(note->p, text), 0, note, err);
        if (r == 0 && second)
                r = signer_sign(second, span_of(note->p, text), 0, note, err);
        if (r == 0 && buf_status(note) < 0)
                r = err_sys(err, buf_status(note), "checkpoint");
        return r;
}

/* The private copy first: the public one is never ahead of it. */
static int put_signed(struct publisher *p, struct span note, struct err *err)
{
        int r = io_replace_file(&p->io, p->private_fd, "signed", p->private_fd, 0600, note, err);

        if (r == 0)
                r = io_replace_file(&p->io, p->public_fd, "checkpoint", p->public_fd, 0644, note,
                                    err);
        return r;
}

static int sign(struct publisher *p, struct err *err)
{
        CLEANUP(buf_done) struct buf note = BUF_INIT(NOTE_MAX);
        int r;

        r = put_note(p, NULL, &note, err);
        if (r == 0)
                r = put_signed(p, buf_span(&note), err);
        if (r == 0)
                p->signed_size = p->state.size;
        return r;
}

/* ---- changing the key ---- */

static int keep_rotation(struct publisher *p, struct span note, struct err *err)
{
        CLEANUP_FD int dir = -1;
        char path[64];
        int r;

        r = io_make_dirs(&p->io, p->public_fd, "rotation", 0755, err);
        if (r < 0)
                return r;
        dir = p->io.open(p->io.ctx, p->public_fd, "rotation", O_RDONLY | O_DIRECTORY, 0);
        if (dir < 0)
                return err_sys(err, dir, "rotation");
        snprintf(path, sizeof path, "rotation/%llu", (unsigned long long)p->state.size);
        return io_replace_file(&p->io, p->public_fd, path, dir, 0644, note, err);
}

/* keys/log.next becomes keys/log, and the key in use. */
static int take_next_key(struct publisher *p, struct signer *next, struct err *err)
{
        CLEANUP_FD int dir =
                p->io.open(p->io.ctx, p->private_fd, "keys", O_RDONLY | O_DIRECTORY, 0);
        int r;

        if (dir < 0)
                return err_sys(err, dir, "keys");
        r = p->io.rename(p->io.ctx, dir, "log.next", "log");
        if (r < 0)
                return err_sys(err, r, "keys/log.next: rename");
        r = p->io.fsync(p->io.ctx, dir);
        if (r < 0)
                return err_set(err, -EIO, "keys: sync failed (%s)", strerror(-r));
        signer_free(p->key);
        p->key = next;
        return 0;
}

static int load_next_key(struct publisher *p, struct signer **ret, struct err *err)
{
        CLEANUP(signer_freep) struct signer *next = NULL;
        struct note_vkey vkey;
        int r = keys_load(p->private_fd, &p->io, "log.next", &next, err);

        if (r < 0)
                return r;
        signer_vkey(next, &vkey);
        if (strcmp(vkey.name, p->origin) != 0) /* nobody could open its checkpoints */
                return err_set(err, -EINVAL, "keys/log.next is a key of %s, not of this log",
                               vkey.name);
        *ret = next;
        next = NULL;
        return 0;
}

int publisher_rotate(struct publisher *p, const struct ledger_position *target, struct err *err)
{
        CLEANUP(buf_done) struct buf note = BUF_INIT(NOTE_MAX);
        CLEANUP(signer_freep) struct signer *next = NULL;
        int r;

        r = publisher_run(p, target, err);
        if (r == 0)
                r = load_next_key(p, &next, err);
        if (r == 0)
                r = put_note(p, next, &note, err);
        if (r == 0)
                r = keep_rotation(p, buf_span(&note), err);
        /* Signed by both, so whichever key a crash leaves in place can open it. */
        if (r == 0)
                r = put_signed(p, buf_span(&note), err);
        if (r == 0)
                r = take_next_key(p, next, err);
        if (r == 0)
                next = NULL; /* the publisher's now */
        return r;
}

/* ---- room ----
 *
 * A full disk must not keep the last entries (that it is full, for one) from being published: a
 * small file is given up then, and made again when there is room. */

static void make_ballast(struct publisher *p)
{
        struct segment_order o = { .io = &p->io, .wal_fd = p->private_fd, .bytes = BALLAST_BYTES };

        if (faccessat(p->private_fd, "ballast", F_OK, 0) == 0)
                return;
        snprintf(o.to, sizeof o.to, "ballast");
        segment_prepare(&o); /* without room there is none; the next run tries again */
}

static int write_and_sign(struct publisher *p, struct err *err)
{
        int r = write_tree(p, err);

        return r < 0 ? r : sign(p, err);
}

int publisher_run(struct publisher *p, const struct ledger_position *target, struct err *err)
{
        int r;

        assert(target->size >= p->state.size);
        if (target->size == p->state.size)
                return 0;
        r = consume(p, p->state.size, target->size, err);
        if (r == 0)
                r = check_root(p, &target->root, err);
        if (r < 0)
                return r;
        r = write_and_sign(p, err);
        if (r == -ENOSPC && p->io.unlink(p->io.ctx, p->private_fd, "ballast") == 0)
                r = write_and_sign(p, err);
        if (r < 0)
                return r;
        drop_partials(p);
        make_ballast(p);
        return 0;
}

/* ---- opening ---- */

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
                r = io_read_file(&p->io, p->public_fd, path, BUNDLE_MAX, &bytes, &len, err);
                if (r < 0)
                        return r;
                it = bundle_iter_of(span_of(bytes, len));
                while ((r = bundle_next(&it, &entry)) == 1) {
                        struct hash leaf;

                        sha256_leaf(entry, leaf.b);
                        r = tilestate_append(&p->state, &leaf, tile_is_full, p);
                        if (r < 0)
                                break;
                }
                free(bytes);
                if (r < 0 || p->state.size != (n + 1) * TILE_WIDTH)
                        return err_set(err, -EBADMSG, "%s: not a whole bundle", path);
                /* Tiles that are there are compared, so nothing unproven replaces anything. */
                r = write_pending(p, err);
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
        r = consume(p, first, c->size, err);
        if (r == 0)
                r = check_root(p, &c->root, err);
        if (r == 0)
                r = write_tree(p, err);
        return r;
}

static int allocate(struct publisher **ret)
{
        struct publisher *p = calloc(1, sizeof *p);

        if (!p)
                return -ENOMEM;
        p->fd = p->wal_fd = -1;
        p->bundle = BUF_INIT(BUNDLE_MAX);
        p->rows = BUF_INIT(BUNDLE_MAX);
        p->pending_bytes = BUF_INIT(PENDING_MAX);
        p->pending = calloc(PENDING_FILES, sizeof *p->pending);
        p->dropped = calloc(PENDING_FILES, sizeof *p->dropped);
        p->chunk = malloc(READ_CHUNK);
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
        p->public_fd = public_fd;
        p->private_fd = private_fd;
        p->wal_fd = p->io.open(p->io.ctx, private_fd, "wal", O_RDONLY | O_DIRECTORY, 0);
        if (p->wal_fd < 0)
                return err_sys(err, p->wal_fd, "wal");
        r = filewriter_new(public_fd, &p->io, 0644, 0755, &p->writer, err);
        if (r == 0)
                r = read_signed(p, &note, &c, err);
        if (r == 0)
                r = restore_tree(p, &c, o->rebuild, err);
        if (r == 0)
                r = copy_signed(p, buf_span(&note), err);
        if (r < 0)
                return r;
        p->signed_size = c.size;
        drop_partials(p);
        make_ballast(p);
        *ret = p;
        p = NULL;
        return 0;
}
