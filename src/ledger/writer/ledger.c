/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.c - stage, look up.  One thread.  Invariants in ledger_priv.h. */
#include "crypto/sha256.h"
#include "ledger/writer/ledger_priv.h"
#include "wire/entry.h"

#include <stdlib.h>
#include <unistd.h>

void ledger_node_hash(const struct hash *a, const struct hash *b, struct hash *out)
{
        sha256_node(a->b, b->b, out->b);
}

void ledger_root_of(const struct frontier *f, struct hash *ret)
{
        if (f->size == 0)
                memcpy(ret->b, sha256_empty, HASH_LEN);
        else
                frontier_root(f, ledger_node_hash, ret);
}

void ledger_assert_valid(const struct ledger *l)
{
        assert(l->begun.size == l->durable.size + l->under.n);
        assert(l->staged.size == l->begun.size + l->n_staged);
        assert(l->under.on || l->under.n == 0);
        assert(l->n_segments > 0);
        assert(l->segments[l->n_segments - 1].number == l->segment.number);
        assert(l->offset >= WAL_SEGMENT_HEADER && l->offset <= l->segment.bytes);
        assert(l->n_staged == 0 || l->offset + l->batch.n + WAL_TRAILER_BYTES <= l->segment.bytes);
}

struct ledger *ledger_free(struct ledger *l)
{
        if (!l)
                return NULL;
        buf_done(&l->batch);
        buf_done(&l->under.bytes);
        free(l->staged_runs);
        free(l->segments);
        free(l->before);
        fd_close(&l->fd);
        fd_close(&l->wal_fd);
        fd_close(&l->lock_fd); /* the lock goes with it */
        free(l);
        return NULL;
}

/* ---- staging ---- */

static struct wal_record record_of(const struct ledger *l, enum wal_type type, struct span payload)
{
        return (struct wal_record){
                .type = type,
                .batch = l->batch_number,
                .index = l->staged.size,
                .payload = payload,
        };
}

static void begin_batch(struct ledger *l)
{
        CLEANUP(buf_done) struct buf state = BUF_INIT(RUNS_STATE_MAX);
        struct wal_record r;

        buf_clear(&l->batch);
        l->state_staged = l->offset == WAL_SEGMENT_HEADER || l->run_forgotten;
        if (!l->state_staged)
                return;
        runs_save(&l->runs, &state);
        if (buf_status(&state) < 0) {
                l->batch.status = buf_status(&state);
                return;
        }
        r = record_of(l, WAL_STATE, buf_span(&state));
        wal_put_record(&l->batch, l->salt, &r);
}

static bool fits(const struct ledger *l, size_t more)
{
        return l->offset + l->batch.n + more + WAL_TRAILER_BYTES <= l->segment.bytes;
}

/* Room for `more` bytes of records in the open batch, beginning one and rotating where needed. */
static int make_room(struct ledger *l, size_t more, bool may_use_reserve, struct err *err)
{
        int r;

        if (l->n_staged > 0) {
                if (l->batch.n + more > LEDGER_BATCH_MAX || !fits(l, more) ||
                    l->n_staged == LEDGER_STAGED_MAX || (l->run_forgotten && !l->state_staged))
                        return err_set(err, -ENOBUFS, "the batch is full");
                return 0;
        }
        begin_batch(l);
        if (fits(l, more))
                return 0;
        if (l->under.on)
                return err_set(err, -ENOBUFS, "the segment is full");
        r = ledger_rotate(l, may_use_reserve, err);
        if (r < 0)
                return r;
        begin_batch(l);
        assert(fits(l, more));
        return 0;
}

static int stage(struct ledger *l, struct span entry, struct span sealed,
                 struct ledger_writer_id id, bool may_use_reserve, uint64_t *ret_index,
                 struct err *err)
{
        uint64_t index = l->staged.size;
        struct wal_record rec;
        struct hash leaf;
        size_t need;
        int r;

        if (l->broken)
                return err_set(err, -EIO, "the log stopped after a failed write or sync");
        if (entry.n > ENTRY_MAX)
                return err_set(err, -E2BIG, "an entry of %zu bytes, at most %d fit", entry.n,
                               ENTRY_MAX);
        if (sealed.n > LEDGER_SEALED_MAX)
                return err_set(err, -E2BIG, "sensitive values of %zu bytes sealed, at most %d fit",
                               sealed.n, LEDGER_SEALED_MAX);
        need = wal_record_len(entry.n) + (sealed.n ? wal_record_len(sealed.n) : 0);
        r = make_room(l, need, may_use_reserve, err);
        if (r < 0)
                return r;
        if (id.run) {
                r = runs_add(&l->runs, id.run, id.seq, index);
                if (r < 0)
                        return err_set(err, r, "run %llu: sequence %llu cannot follow %llu",
                                       (unsigned long long)id.run, (unsigned long long)id.seq,
                                       (unsigned long long)ledger_last_seq(l, id.run));
        }
        rec = record_of(l, WAL_ENTRY, entry);
        rec.run = id.run;
        rec.seq = id.seq;
        wal_put_record(&l->batch, l->salt, &rec);
        if (sealed.n) {
                rec = record_of(l, WAL_SEALED, sealed);
                wal_put_record(&l->batch, l->salt, &rec);
        }
        if (buf_status(&l->batch) < 0) {
                r = err_sys(err, buf_status(&l->batch), "batch");
                if (id.run)
                        runs_undo(&l->runs, id.run);
                ledger_abandon(l); /* half a record may stand in the buffer */
                return r;
        }
        sha256_leaf(entry, leaf.b);
        frontier_append(&l->staged, &leaf, ledger_node_hash);
        l->staged_runs[l->under.n + l->n_staged++] = id.run;
        *ret_index = index;
        return 0;
}

int ledger_stage(struct ledger *l, struct span entry, struct span sealed,
                 struct ledger_writer_id id, uint64_t *ret_index, struct err *err)
{
        return stage(l, entry, sealed, id, false, ret_index, err);
}

int ledger_stage_reserved(struct ledger *l, struct span entry, struct ledger_writer_id id,
                          uint64_t *ret_index, struct err *err)
{
        return stage(l, entry, SPAN_NONE, id, true, ret_index, err);
}

void ledger_abandon(struct ledger *l)
{
        while (l->n_staged > 0) {
                uint64_t run = l->staged_runs[l->under.n + --l->n_staged];

                if (run && runs_find(&l->runs, run)) /* not forgotten meanwhile */
                        runs_undo(&l->runs, run);
        }
        l->staged = l->begun;
        buf_clear(&l->batch);
}

/* ---- looking up ---- */

uint64_t ledger_size(const struct ledger *l)
{
        return l->durable.size;
}

uint64_t ledger_staged(const struct ledger *l)
{
        return l->staged.size;
}

void ledger_root(const struct ledger *l, struct hash *ret)
{
        *ret = l->root;
}

const char *ledger_origin(const struct ledger *l)
{
        return l->origin;
}

const struct ledger_opened *ledger_opened(const struct ledger *l)
{
        return &l->opened;
}

void ledger_position(const struct ledger *l, struct ledger_position *ret)
{
        ret->segment = l->segment.number;
        ret->offset = l->under.on ? l->under.at : l->offset;
        ret->size = l->durable.size;
        ret->root = l->root;
}

uint64_t ledger_last_seq(const struct ledger *l, uint64_t run)
{
        const struct run *r = runs_find((struct runs *)&l->runs, run);

        return r ? r->last_seq : 0;
}

int ledger_find(const struct ledger *l, struct ledger_writer_id id, uint64_t *ret_index)
{
        int r = runs_index((struct runs *)&l->runs, id.run, id.seq, ret_index);

        if (r == -ESTALE && l->before && runs_index(l->before, id.run, id.seq, ret_index) == 0)
                return 0;
        return r;
}

void ledger_acked(struct ledger *l, uint64_t run, uint64_t seq)
{
        runs_acked(&l->runs, run, seq);
        if (l->before)
                runs_acked(l->before, run, seq);
}

int ledger_leave_runs(const struct ledger *l, struct err *err)
{
        CLEANUP(buf_done) struct buf left = BUF_INIT(RUNS_LEFT_MAX);

        assert(l->staged.size == l->durable.size);
        runs_leave(&l->runs, l->before, &left);
        if (buf_status(&left) < 0)
                return err_sys(err, buf_status(&left), "runs");
        return io_replace_file(&l->io, l->private_fd, "runs", l->private_fd, 0600, buf_span(&left),
                               err);
}

uint64_t ledger_last_run(const struct ledger *l)
{
        return l->runs.last_run;
}

bool ledger_begin_run(struct ledger *l, uint64_t run, bool (*in_use)(void *ctx, uint64_t run),
                      void *ctx)
{
        uint64_t lowest = 0;

        if (runs_begin(&l->runs, run) == 0)
                return true;
        for (size_t i = 0; i < LEDGER_RUNS_MAX; i++) {
                uint64_t known = l->runs.slot[i].run;

                if ((lowest == 0 || known < lowest) && !in_use(ctx, known))
                        lowest = known;
        }
        if (lowest == 0)
                return false;
        runs_forget(&l->runs, lowest);
        l->run_forgotten = true;
        l->state_staged = false;
        return runs_begin(&l->runs, run) == 0;
}
