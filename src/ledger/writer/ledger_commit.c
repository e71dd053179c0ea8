/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_commit.c - from staged to durable.  Invariants in ledger_priv.h.
 *
 *            begin              write             end
 *   staged --------> under way ------> (synced) -------> durable
 */
#include "ledger/writer/ledger_priv.h"

static int is_broken(struct err *err)
{
        return err_set(err, -EIO, "the log stopped after a failed write or sync");
}

int ledger_commit_begin(struct ledger *l, struct err *err)
{
        struct ledger_under *u = &l->under;
        struct buf emptied = u->bytes;
        struct hash root;
        int r;

        assert(!u->on);
        if (l->broken)
                return is_broken(err);
        if (l->n_staged == 0)
                return 0;
        ledger_assert_valid(l);
        ledger_root_of(&l->staged, &root);
        wal_put_trailer(&l->batch, l->salt, 0, l->batch_number, l->durable.size, l->staged.size,
                        &root);
        r = buf_status(&l->batch);
        if (r < 0) {
                ledger_abandon(l);
                return err_sys(err, r, "batch");
        }
        u->on = true;
        u->n = l->n_staged;
        u->at = l->offset;
        u->io = &l->io;
        u->fd = l->fd;
        u->has_header = l->header_pending;
        if (u->has_header)
                wal_put_segment(u->header, &l->segment);
        u->has_state = l->state_staged;
        u->root = root;
        u->state = UNDER_UNTOUCHED;
        u->bytes = l->batch;
        buf_clear(&emptied);
        l->batch = emptied;
        l->begun = l->staged;
        l->n_staged = 0;
        l->offset += u->bytes.n;
        l->batch_number++;
        if (u->has_state)
                l->run_forgotten = false;
        ledger_assert_valid(l);
        return 1;
}

static int write_batch(const struct ledger_under *u)
{
        ssize_t n = 0;

        if (u->has_header)
                n = u->io->pwrite(u->io->ctx, u->fd, u->header, sizeof u->header, 0);
        if (n >= 0)
                n = u->io->pwrite(u->io->ctx, u->fd, u->bytes.p, u->bytes.n, (off_t)u->at);
        return (int)MIN_OF(n, (ssize_t)0);
}

void ledger_commit_write(struct ledger *l)
{
        struct ledger_under *u = &l->under;

        assert(u->on && u->state == UNDER_UNTOUCHED);
        u->state = UNDER_WRITE_FAILED;
        u->code = write_batch(u);
        if (u->code < 0)
                return;
        u->code = u->io->fdatasync(u->io->ctx, u->fd);
        u->state = u->code < 0 ? UNDER_SYNC_FAILED : UNDER_DONE;
}

/* As it was before begin, but that the entries are gone: those under way and all behind them. */
static void take_back(struct ledger *l)
{
        struct ledger_under *u = &l->under;

        l->n_staged += u->n; /* so that their writers' sequences are taken back as well */
        u->n = 0;
        u->on = false;
        l->begun = l->durable;
        ledger_abandon(l);
        l->offset = u->at;
        l->batch_number--;
        l->run_forgotten |= u->has_state;
}

/* A write failed half way: the bytes behind `offset` must be zeros again, or a later, shorter batch
 * would leave rubbish behind itself. */
static int undo_write(struct ledger *l, struct err *err)
{
        struct err second = { 0 };

        err_sys(err, l->under.code, "wal: write");
        if (segment_clear(&l->io, l->fd, l->offset, l->under.bytes.n, &second) < 0) {
                l->broken = true;
                err_wrap(err, "the log stopped (%s)", err_text(&second));
        }
        return l->under.code;
}

static int fail(struct ledger *l, struct err *err)
{
        take_back(l);
        switch (l->under.state) {
        case UNDER_WRITE_FAILED:
                return undo_write(l, err);
        case UNDER_SYNC_FAILED:
                /* The kernel may have marked the pages clean: asking again would lie. */
                l->broken = true;
                return err_set(err, -EIO, "wal: sync failed (%s); the log stopped",
                               strerror(-l->under.code));
        default:
                return err_set(err, -ECANCELED, "the batch was not written");
        }
}

int ledger_commit_end(struct ledger *l, struct err *err)
{
        struct ledger_under *u = &l->under;
        struct err scratch = { 0 };

        assert(u->on);
        if (u->state != UNDER_DONE)
                return fail(l, err ? err : &scratch);
        if (u->has_header)
                l->header_pending = false;
        memmove(l->staged_runs, l->staged_runs + u->n, l->n_staged * sizeof *l->staged_runs);
        l->durable = l->begun;
        l->root = u->root;
        u->n = 0;
        u->on = false;
        ledger_assert_valid(l);
        return 0;
}

int ledger_commit(struct ledger *l, struct err *err)
{
        int r = ledger_commit_begin(l, err);

        if (r <= 0)
                return r;
        ledger_commit_write(l);
        return ledger_commit_end(l, err);
}
