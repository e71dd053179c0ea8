/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_open.c - open a ledger, which means: prove the disk right before appending.
 *
 * Opening reads every segment again, hashes every entry in it, compares each batch's root and the
 * last signed checkpoint, and only then decides about the tail.
 *
 * SECURITY: reads files that a crash or a person may have changed. */
#include "crypto/sha256.h"
#include "ledger/files/missing.h"
#include "ledger/read/source.h"
#include "ledger/read/tree.h"
#include "ledger/signing/keys.h"
#include "ledger/writer/ledger_priv.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int read_checkpoint(const struct io *io, int dirfd, const char *name,
                           const struct note_vkey *key, struct checkpoint *ret, struct err *err)
{
        uint8_t *bytes;
        size_t n;
        int r;

        r = io_read_file(io, dirfd, name, NOTE_MAX, &bytes, &n, err);
        if (r < 0)
                return r;
        r = verifier_open_checkpoint(key, span_of(bytes, n), ret, err);
        free(bytes);
        if (r < 0) {
                err_wrap(err, "%s", name);
                return r == -ENOMEM ? r : -EBADMSG; /* without memory nothing is known of it */
        }
        return 0;
}

/* The last signed checkpoint is kept twice; the private copy is written first. */
static int load_signed(struct ledger *l, struct checkpoint *ret, struct err *err)
{
        CLEANUP(signer_freep) struct signer *key = NULL;
        struct checkpoint published;
        struct note_vkey vkey;
        int r;

        r = keys_load(l->private_fd, &l->io, "log", &key, err);
        if (r < 0)
                return r;
        signer_vkey(key, &vkey);
        memcpy(l->origin, vkey.name, sizeof l->origin);
        r = read_checkpoint(&l->io, l->private_fd, "signed", &vkey, ret, err);
        if (r < 0)
                return r;
        r = read_checkpoint(&l->io, l->public_fd, "checkpoint", &vkey, &published, err);
        if (r == -ENOENT)
                return 0; /* the publisher writes it again */
        if (r < 0)
                return r;
        return verifier_compare(&published, ret, err);
}

/* The right edge of the tree where the oldest segment begins, from the published tiles. */
static int load_frontier(struct ledger *l, uint64_t first, uint64_t signed_size, struct err *err)
{
        CLEANUP(source_freep) struct source *source = NULL;
        CLEANUP(tree_freep) struct tree *tree = NULL;
        struct proof_range part[PROOF_MAX];
        struct frontier f = { .size = first };
        int r;

        if (first > signed_size)
                return err_set(err, -EBADMSG,
                               "wal begins at entry %llu, the last checkpoint has size %llu",
                               (unsigned long long)first, (unsigned long long)signed_size);
        if (first > 0) {
                r = source_dir(l->public_fd, "public directory", &source, err);
                if (r == 0)
                        r = tree_new(source, signed_size, 64, &tree, err);
                if (r < 0)
                        return r;
                f.n = (unsigned)proof_perfect_parts((struct proof_range){ 0, first }, part);
                for (unsigned i = 0; i < f.n && r == 0; i++)
                        r = tree_range(tree, part[i], &f.node[i], err);
                if (r == -ENOENT)
                        err_wrap(err, "the tree before it (see \"assay ledger rebuild\")");
                if (r < 0)
                        return r;
        }
        l->durable = l->begun = l->staged = f;
        ledger_root_of(&l->durable, &l->root);
        return 0;
}

static int replay_entry(struct ledger *l, const struct wal_record *rec, struct err *err)
{
        struct hash leaf;
        struct run *run;
        int r;

        sha256_leaf(rec->payload, leaf.b);
        frontier_append(&l->durable, &leaf, ledger_node_hash);
        if (rec->run == 0)
                return 0;
        /* What writers saw acknowledged is not in the log, so the window may be full of that. */
        run = runs_find(&l->runs, rec->run);
        if (run && run->n == LEDGER_WINDOW)
                runs_acked(&l->runs, rec->run, run->last_seq - LEDGER_WINDOW + 1);
        r = runs_add(&l->runs, rec->run, rec->seq, rec->index);
        if (r < 0)
                return err_set(err, -EBADMSG,
                               "entry %llu: run %llu: sequence %llu cannot follow %llu",
                               (unsigned long long)rec->index, (unsigned long long)rec->run,
                               (unsigned long long)rec->seq,
                               (unsigned long long)(run ? run->last_seq : 0));
        return 0;
}

static int replay_batch(struct ledger *l, struct span segment, const struct wal_batch *b,
                        struct err *err)
{
        struct wal_record rec;
        size_t at = b->at, len;
        int r;

        while (at < b->at + b->len) {
                r = wal_get_record(segment, at, l->salt, &rec, &len, err);
                assert(r == 1); /* wal_get_batch has seen it */
                if (rec.type == WAL_STATE && at != b->at)
                        return err_set(err, -EBADMSG, "byte %zu: writers' state in mid-batch", at);
                r = 0;
                if (rec.type == WAL_STATE)
                        r = runs_load(&l->runs, rec.payload, err);
                else if (rec.type == WAL_ENTRY)
                        r = replay_entry(l, &rec, err);
                if (r < 0)
                        return r;
                l->batch_number = rec.batch + 1;
                at += len;
        }
        ledger_root_of(&l->durable, &l->root);
        if (!hash_eq(&l->root, &b->root))
                return err_set(err, -EBADMSG,
                               "byte %zu: entries %llu to %llu do not give the batch's root", b->at,
                               (unsigned long long)b->first, (unsigned long long)b->size - 1);
        return 0;
}

static int check_signed(const struct ledger *l, const struct checkpoint *s, uint64_t before,
                        struct err *err)
{
        if (s->size < before || s->size > l->durable.size)
                return 0;
        if (s->size < l->durable.size && s->size > before)
                return err_set(err, -EBADMSG, "the checkpoint of size %llu ends inside a batch",
                               (unsigned long long)s->size);
        if (s->size == l->durable.size && !hash_eq(&s->root, &l->root))
                return err_set(err, -EBADMSG,
                               "the log at size %llu is not what the signed checkpoint says",
                               (unsigned long long)s->size);
        return 0;
}

/* Everything behind the last good batch of the last segment. */
static int judge_tail(struct ledger *l, struct span segment, size_t at, size_t bad,
                      const struct checkpoint *s, struct err *err)
{
        char name[SEGMENT_NAME_MAX];
        size_t end = segment.n;

        segment_name(l->segment.number, name);
        if (!wal_is_torn(segment, at, bad, l->salt)) {
                err_wrap(err, "wal/%s is damaged, nothing may be appended", name);
                return -EBADMSG;
        }
        if (l->durable.size < s->size) {
                err_wrap(err, "wal/%s: entries below the signed size %llu are gone", name,
                         (unsigned long long)s->size);
                return -EBADMSG;
        }
        while (end > at && segment.p[end - 1] == 0)
                end--;
        l->opened.torn_bytes = end - at;
        l->opened.torn_at = at;
        l->opened.segment = l->segment.number;
        return 0;
}

/* Batches of one segment.  Its header is read already; l->offset is where to begin. */
static int replay_batches(struct ledger *l, struct span segment, bool last,
                          const struct checkpoint *s, struct err *err)
{
        struct err why = { 0 };
        struct wal_batch b;
        uint64_t before;
        size_t bad = 0;
        int r;

        for (;;) {
                r = wal_get_batch(segment, l->offset, l->salt, l->durable.size, &b, &bad, &why);
                if (r == 0 && wal_first_nonzero(segment, l->offset) == SIZE_MAX)
                        return 0;
                if (r <= 0) {
                        if (r == 0)
                                err_set(&why, -EBADMSG, "byte %zu: zeros in mid-log", bad);
                        if (err)
                                *err = why;
                        if (last)
                                return judge_tail(l, segment, l->offset, bad, s, err);
                        err_wrap(err, "wal/%012llu is damaged, nothing may be appended",
                                 (unsigned long long)l->segment.number);
                        return -EBADMSG;
                }
                before = l->durable.size;
                r = replay_batch(l, segment, &b, err);
                if (r == 0)
                        r = check_signed(l, s, before, err);
                if (r < 0) {
                        err_wrap(err, "wal/%012llu", (unsigned long long)l->segment.number);
                        return r;
                }
                l->offset = b.at + b.len;
        }
}

static int read_header(struct ledger *l, struct span segment, uint64_t number, bool oldest,
                       bool last, struct wal_segment *ret, struct err *err)
{
        struct wal_segment h = { 0 };
        uint8_t log_id[WAL_LOG_ID];
        int r = wal_get_segment(segment, &h, err);

        if (r < 0)
                return r;
        ledger_log_id(l->origin, log_id);
        if (r == 0) {
                /* Renamed, but its first batch did not reach the disk, or not whole. */
                if (!last || wal_first_nonzero(span_of(segment.p, WAL_SECTOR), 0) != SIZE_MAX ||
                    (oldest && number != 1))
                        return err_set(err, -EBADMSG, "the segment has no header");
                h.number = number;
                h.first = l->durable.size;
                h.bytes = (uint32_t)segment.n;
                memcpy(h.log_id, log_id, WAL_LOG_ID);
                l->header_pending = true;
        } else if (h.number != number || h.bytes != segment.n ||
                   memcmp(h.log_id, log_id, WAL_LOG_ID) != 0) {
                return err_set(err, -EBADMSG, "the header is that of another log, segment or size");
        }
        *ret = h;
        return 0;
}

static int begin_segment(struct ledger *l, const struct wal_segment *h, bool oldest,
                         const struct checkpoint *s, struct err *err)
{
        int r = 0;

        if (oldest)
                r = load_frontier(l, h->first, s->size, err);
        else if (h->first != l->durable.size)
                r = err_set(err, -EBADMSG, "it begins at entry %llu where %llu is due",
                            (unsigned long long)h->first, (unsigned long long)l->durable.size);
        if (r < 0)
                return r;
        l->segment = *h;
        l->salt = wal_salt(h);
        l->offset = WAL_SEGMENT_HEADER;
        l->batch_number = 1;
        l->segments[l->n_segments++] =
                (struct ledger_segment){ .number = h->number, .first = h->first };
        return check_signed(l, s, l->durable.size, err);
}

static int replay_segment(struct ledger *l, uint64_t number, bool oldest, bool last,
                          const struct checkpoint *s, struct err *err)
{
        struct wal_segment h;
        uint8_t *bytes;
        size_t n;
        int r;

        r = segment_read(&l->io, l->wal_fd, number, &bytes, &n, err);
        if (r < 0)
                return r;
        r = read_header(l, span_of(bytes, n), number, oldest, last, &h, err);
        if (r == 0)
                r = begin_segment(l, &h, oldest, s, err);
        if (r == 0) {
                r = replay_batches(l, span_of(bytes, n), last, s, err);
                l->segments[l->n_segments - 1].end = l->durable.size;
        } else {
                err_wrap(err, "wal/%012llu", (unsigned long long)number);
        }
        free(bytes);
        return r;
}

static int replay(struct ledger *l, const struct checkpoint *s, struct err *err)
{
        uint64_t *numbers = NULL;
        size_t n = 0;
        int r;

        r = segment_list(&l->io, l->wal_fd, true, &numbers, &n, err);
        if (r < 0)
                return r;
        if (n == 0)
                r = err_set(err, -EBADMSG, "wal: there is no segment");
        for (size_t i = 0; i < n && r == 0; i++)
                r = replay_segment(l, numbers[i], i == 0, i == n - 1, s, err);
        free(numbers);
        if (r == 0 && l->durable.size < s->size)
                r = err_set(err, -EBADMSG,
                            "rollback: the log has %llu entries, a checkpoint of %llu was signed",
                            (unsigned long long)l->durable.size, (unsigned long long)s->size);
        return r;
}

/* Take the segment in use and cut what was torn. */
static int begin_writing(struct ledger *l, struct err *err)
{
        char name[SEGMENT_NAME_MAX];
        int r;

        segment_name(l->segment.number, name);
        l->fd = l->io.open(l->io.ctx, l->wal_fd, name, O_RDWR, 0);
        if (l->fd < 0)
                return err_sys(err, l->fd, "wal/%s", name);
        if (l->opened.torn_bytes) {
                r = segment_clear(&l->io, l->fd, l->offset, l->opened.torn_bytes, err);
                if (r < 0)
                        return r;
        }
        l->begun = l->staged = l->durable;
        l->opened.size = l->durable.size;
        l->have_next = faccessat(l->wal_fd, SEGMENT_NEXT, F_OK, 0) == 0;
        l->have_reserve = faccessat(l->wal_fd, SEGMENT_RESERVE, F_OK, 0) == 0;
        return 0;
}

static int allocate(const struct ledger_options *o, struct ledger **ret)
{
        struct ledger *l = calloc(1, sizeof *l);

        if (!l)
                return -ENOMEM;
        l->fd = l->wal_fd = l->lock_fd = -1;
        l->io = *o->io;
        l->clock = o->clock;
        l->segment_bytes = ledger_segment_bytes(o);
        l->batch = l->under.bytes =
                BUF_INIT(LEDGER_BATCH_MAX + RUNS_STATE_MAX + WAL_TRAILER_BYTES + WAL_RECORD_HEADER);
        l->segments = calloc(SEGMENTS_MAX, sizeof *l->segments);
        l->staged_runs = calloc(2 * LEDGER_STAGED_MAX, sizeof *l->staged_runs);
        if (!l->segments || !l->staged_runs) {
                ledger_free(l);
                return -ENOMEM;
        }
        *ret = l;
        return 0;
}

/* Runs go on where the ledger before this one had them.  From the first batch on its state says so;
 * what their writers may send again is there alone. */
static int load_before(struct ledger *l, struct err *err)
{
        uint8_t *bytes;
        size_t n;
        int r = io_read_file(&l->io, l->private_fd, "previous_runs", RUNS_LEFT_MAX, &bytes, &n,
                             err);

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        l->before = calloc(1, sizeof *l->before);
        r = l->before ? runs_inherit(l->before, span_of(bytes, n), err)
                      : err_set(err, -ENOMEM, "no memory");
        free(bytes);
        if (r < 0)
                return err_wrap(err, "previous_runs"), r;
        if (l->durable.size == 0)
                runs_go_on(&l->runs, l->before);
        return 0;
}

static int open_all(struct ledger *l, struct err *err)
{
        struct checkpoint s;
        int r;

        l->wal_fd = l->io.open(l->io.ctx, l->private_fd, "wal", O_RDONLY | O_DIRECTORY, 0);
        if (l->wal_fd < 0)
                return err_sys(err, l->wal_fd, "wal");
        r = load_signed(l, &s, err);
        if (r == 0)
                r = replay(l, &s, err);
        if (r == 0)
                r = load_before(l, err);
        if (r == 0)
                r = begin_writing(l, err);
        if (r == 0)
                l->opened.signed_size = s.size;
        return r;
}

int ledger_open(int public_fd, int private_fd, const struct ledger_options *o, struct ledger **ret,
                struct err *err)
{
        CLEANUP(ledger_freep) struct ledger *l = NULL;
        int r;

        if (faccessat(private_fd, "signed", F_OK, 0) < 0)
                return err_set(err, -ENOENT,
                               faccessat(public_fd, "checkpoint", F_OK, 0) < 0
                                       ? "there is no ledger here"
                                       : "signed is gone from the private half: what was signed "
                                         "last is not known; restore it from a backup");
        if (faccessat(private_fd, "succeeded", F_OK, 0) == 0)
                return err_set(err, -EROFS,
                               "another ledger has succeeded this one; where that was cut off, "
                               "\"assay ledger succeed\" goes on");
        r = allocate(o, &l);
        if (r < 0)
                return err_sys(err, r, "ledger");
        l->public_fd = public_fd;
        l->private_fd = private_fd;
        r = ledger_lock(private_fd, &l->lock_fd, err);
        if (r == 0)
                r = open_all(l, err);
        if (r < 0)
                return missing(r, err);
        ledger_assert_valid(l);
        *ret = l;
        l = NULL;
        return 0;
}
