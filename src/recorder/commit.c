/* SPDX-License-Identifier: Apache-2.0 */
/* commit.c - staged entries become durable, and their writers hear of it.
 *
 * A commit waits for the disk longer than for anything else, so a thread of its own does that while
 * the loop reads, checks and seals the entries of the next one.  At most one is under way:
 *
 *   commit_start -> begin -> write_and_sync (in the thread, or here) -> finish -> answers
 *
 * Where few entries wait, a hand-over to a thread and back would cost their writers more than the
 * loop has to do meanwhile. */
#include "recorder/recorder_priv.h"

enum { FEW_ENTRIES = 32 };

/* ---- answers ---- */

/* What is queued now goes with the commit that begins. */
static void mark_answers(struct recorder *r)
{
        for (struct peer *p = r->peers; p; p = p->next) {
                p->n_begun = p->n_answers;
                p->begun = p->last;
        }
}

static void answer_all(struct recorder *r)
{
        for (struct peer *p = r->peers; p; p = p->next) {
                p->durable = p->begun;
                p->n_durable = p->n_begun;
                if (p->n_durable && p->state == PEER_OPEN)
                        peer_send_answers(p);
        }
}

/* ---- one commit ---- */

/* A subject's slot before an entry that is sealed under its key. */
static void write_and_sync(struct pool_job *job)
{
        struct commit_job *c = (struct commit_job *)job;

        c->flushed = c->slots ? vault_sync_flush(c->r->vault) : 0;
        if (c->flushed == 0 && c->entries)
                ledger_commit_write(c->r->ledger);
}

static int end_both(struct commit_job *c, struct err *err)
{
        struct err dropped = { 0 };
        int rc = c->slots ? vault_sync_end(c->r->vault, c->flushed, err) : 0;

        if (rc < 0 && c->entries && ledger_commit_end(c->r->ledger, &dropped) < 0)
                return rc;
        return rc == 0 && c->entries ? ledger_commit_end(c->r->ledger, err) : rc;
}

static void finish(struct pool_job *job)
{
        struct commit_job *c = (struct commit_job *)job;
        struct recorder *r = c->r;
        struct err err = { 0 };
        int rc = end_both(c, &err);

        c->on = false;
        if (rc < 0) {
                recorder_stop(r, rc, "commit", &err);
                return;
        }
        r->total.batches += c->entries;
        ledger_acked(r->ledger, recorder_wal_run(r->run, ROLE_RECORDER), c->own_seq);
        publishing_committed(r);
        if (!r->stop_code) /* else they hear that, and come again */
                answer_all(r);
}

/* The longer way is worth it where there is something to do meanwhile. */
static bool goes_to_the_thread(const struct recorder *r)
{
        return r->committer && ledger_staged(r->ledger) - ledger_size(r->ledger) > FEW_ENTRIES;
}

static int begin(struct recorder *r, bool beside)
{
        struct commit_job *c = &r->commit;
        struct err err = { 0 };
        int rc;

        assert(!c->on);
        if (r->stop_code)
                return r->stop_code;
        rc = ledger_commit_begin(r->ledger, &err);
        if (rc < 0) {
                recorder_stop(r, rc, "commit", &err);
                return rc;
        }
        *c = (struct commit_job){
                .job = { .run = write_and_sync, .done = finish },
                .r = r,
                .on = true,
                .entries = rc > 0,
                .slots = vault_sync_begin(r->vault),
                .own_seq = r->seq,
        };
        mark_answers(r);
        if (beside && pool_submit(r->committer, &c->job) == 0)
                return 0;
        write_and_sync(&c->job);
        finish(&c->job);
        return r->stop_code;
}

int commit_start(struct recorder *r)
{
        if (r->stop_code || r->commit.on)
                return r->stop_code;
        return begin(r, goes_to_the_thread(r));
}

int commit_await(struct recorder *r)
{
        if (r->commit.on)
                pool_drain(r->committer);
        return r->stop_code;
}

int recorder_commit(struct recorder *r)
{
        int rc = commit_await(r);

        return rc == 0 ? begin(r, false) : rc;
}

/* ---- staging ---- */

/* Where a batch is full: 1 when there is room for another entry now, 0 when that was not it. */
static int make_room(struct recorder *r)
{
        int rc;

        if (!r->commit.on && ledger_staged(r->ledger) == ledger_size(r->ledger))
                return 0;
        rc = r->commit.on ? commit_await(r) : begin(r, goes_to_the_thread(r));
        return rc < 0 ? rc : 1;
}

/* A round of publishing waits for the end of a batch here. */
static int cut(struct recorder *r)
{
        int rc = commit_await(r);

        return rc == 0 && ledger_staged(r->ledger) == r->cut_at ? begin(r, goes_to_the_thread(r))
                                                                : rc;
}

int recorder_stage(struct recorder *r, struct span entry, struct span rows, uint64_t run,
                   uint64_t seq, uint64_t *ret_index, struct err *err)
{
        struct ledger_writer_id id = { run, seq };
        bool own = (run & 15) == ROLE_RECORDER;
        int rc;

        if (r->full && !own)
                return -ENOSPC;
        rc = r->cut_at && ledger_staged(r->ledger) == r->cut_at ? cut(r) : 0;
        if (rc < 0)
                return rc;
        for (;;) {
                rc = ledger_stage(r->ledger, entry, rows, id, ret_index, err);
                if (rc == -ENOBUFS) {
                        int made = make_room(r);

                        if (made <= 0)
                                return made < 0 ? made : rc;
                } else if (rc == -EAGAIN) {
                        room_await_segment(r);
                } else {
                        break;
                }
        }
        if (rc == -ENOSPC && !own)
                room_enter_full(r);
        return rc;
}

int recorder_stage_reserved(struct recorder *r, struct span entry, uint64_t seq, struct err *err)
{
        struct ledger_writer_id id = { recorder_wal_run(r->run, ROLE_RECORDER), seq };
        uint64_t index;
        int rc, made = 1;

        do {
                rc = ledger_stage_reserved(r->ledger, entry, id, &index, err);
                if (rc == -ENOBUFS)
                        made = make_room(r);
        } while (rc == -ENOBUFS && made > 0);
        return made < 0 ? made : rc;
}
