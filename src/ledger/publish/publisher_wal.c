/* SPDX-License-Identifier: Apache-2.0 */
/* publisher_wal.c - what was committed, read back from the disk.
 *
 * SECURITY: reads what a disk returns. */
#include "ledger/publish/publisher_priv.h"
#include "ledger/writer/runs.h"
#include "ledger/writer/segment.h"
#include "ledger/writer/wal.h"

#include <fcntl.h>
#include <sys/stat.h>

enum {
        /* A batch with its state record always fits into one read. */
        BATCH_BOUND = LEDGER_BATCH_MAX + RUNS_STATE_MAX + 4096,
};

STATIC_ASSERT(PUBLISHER_CHUNK >= 2 * BATCH_BOUND, "a batch fits into half a read");

static int open_segment(struct publisher *p, struct err *err)
{
        uint8_t header[WAL_SEGMENT_HEADER];
        char name[SEGMENT_NAME_MAX];
        struct wal_segment s;
        struct stat st;
        ssize_t n;
        int r;

        segment_name(p->segment, name);
        r = p->io.open(p->io.ctx, p->wal_fd, name, O_RDONLY | O_NONBLOCK, 0);
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
                        r = publisher_close_bundle(p, err);
                        if (r < 0)
                                return r;
                }
                r = rec.type == WAL_ENTRY ? publisher_add_entry(p, rec.payload, err)
                                          : publisher_add_rows(p, rec.index, rec.payload, err);
                if (r < 0)
                        return r;
                if (rec.type == WAL_ENTRY && publisher_is_rotation(p, rec.payload))
                        p->rotate_at = p->state.size;
        }
        /* Whoever changes a key commits the entry alone; in the midst of others it is not ours. */
        if (p->rotate_at != p->state.size)
                p->rotate_at = 0;
        if (p->bundle.n && p->state.size % TILE_WIDTH == 0)
                return publisher_close_bundle(p, err);
        return 0;
}

/* Not in the middle of a large bundle, which would be written in part and then whole. */
static bool round_is_over(const struct publisher *p)
{
        return p->rotate_at || (p->round_left == 0 && p->bundle.n <= LEDGER_BATCH_MAX);
}

/* Batches of one chunk, as publisher_consume() says; *ret_used: bytes consumed. */
static int take_chunk(struct publisher *p, struct span chunk, bool to_the_end, uint64_t enough,
                      uint64_t size, uint64_t *count, size_t *ret_used, struct err *err)
{
        struct wal_batch b;
        size_t at = 0, bad;
        int r;

        while (*count < enough && !round_is_over(p) &&
               (to_the_end || chunk.n - at >= BATCH_BOUND)) {
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
                p->root = b.root;
                at = b.at + b.len;
                if (b.size >= p->skip_below && p->state.size == b.size && publisher_is_laden(p)) {
                        r = publisher_check_root(p, &b.root, err);
                        if (r == 0)
                                r = publisher_write_pending(p, err);
                        if (r < 0)
                                return r;
                }
        }
        *ret_used = at;
        return 0;
}

/* Whatever was signed is in segments that are there. */
static int ends_early(const struct publisher *p, uint64_t count, uint64_t size, struct err *err)
{
        char name[SEGMENT_NAME_MAX];

        segment_name(p->segment, name);
        return err_set(err, -ENOENT,
                       "rollback: the log ends at %llu entries and %llu were signed, or wal/%s was "
                       "lost",
                       (unsigned long long)count, (unsigned long long)size, name);
}

int publisher_consume(struct publisher *p, uint64_t count, uint64_t enough, uint64_t size,
                      struct err *err)
{
        size_t used, want;
        ssize_t n;
        int r;

        assert(enough <= size);
        while (count < enough && !round_is_over(p)) {
                if (p->fd < 0) {
                        r = open_segment(p, err);
                        if (r < 0)
                                return r == -ENOENT ? ends_early(p, count, size, err) : r;
                }
                want = (size_t)MIN_OF((uint64_t)PUBLISHER_CHUNK, p->segment_end - p->offset);
                n = p->io.pread(p->io.ctx, p->fd, p->chunk, want, (off_t)p->offset);
                if (n != (ssize_t)want)
                        return err_sys(err, n < 0 ? (int)n : -EIO, "wal segment %llu: read",
                                       (unsigned long long)p->segment);
                r = take_chunk(p, span_of(p->chunk, want), p->offset + want == p->segment_end,
                               enough, size, &count, &used, err);
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
