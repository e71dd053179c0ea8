/* SPDX-License-Identifier: Apache-2.0 */
/* admit_host.h - a recorder without a socket or a loop: what one peer sends goes into a ledger of
 * its own, and nothing of it is committed.  A recorder that would stop crashes here. */
#ifndef TESTS_RECORDER_ADMIT_HOST_H
#define TESTS_RECORDER_ADMIT_HOST_H

#include "../ledger/fixture.h"
#include "recorder/recorder_priv.h"
#include "wire/entry.h"
#include "wire/kind.h"

#include <stdlib.h>

enum { ADMIT_RUN = 4 };

struct admit_host {
        struct fixture f;
        struct recorder_options options;
        struct recorder r;
        struct peer p;
        uint64_t begun; /* the ledger's size when the peer came */
};

static inline bool admit_nobody(void *ctx, uint64_t run)
{
        return false;
}

/* On h->f, which has a ledger and a vault. */
static inline void admit_host_start(struct admit_host *h)
{
        h->r = (struct recorder){ .o = &h->options,
                                  .clock = &h->f.clock,
                                  .public_fd = h->f.public_fd,
                                  .private_fd = h->f.private_fd,
                                  .host = "web1",
                                  .run = 1,
                                  .entry = BUF_INIT(2 * ENTRY_MAX),
                                  .rows = BUF_INIT(2 * MSG_MAX),
                                  .skeleton = BUF_INIT(ENTRY_MAX),
                                  .out = BUF_INIT(MSG_MAX) };
        newcomers_init(&h->r.newcomers, 0);
        h->r.ledger = fixture_open(&h->f);
        if (vault_open(h->f.private_fd, &io_kernel, true, &h->r.vault, NULL) < 0)
                abort();
}

static inline void admit_host_new(struct admit_host *h)
{
        memset(h, 0, sizeof *h);
        fixture_new(&h->f);
        admit_host_start(h);
}

/* A peer of this role connects, where nothing has been sent yet. */
static inline void admit_host_meet(struct admit_host *h, enum role_id role)
{
        for (size_t i = 0; i < h->p.n_answers; i++)
                free(h->p.answer[i].text);
        ledger_abandon(h->r.ledger);
        calls_done(&h->r.calls);
        h->begun = ledger_staged(h->r.ledger);
        h->r.total = (struct counters){ 0 };
        h->r.full = false;
        h->p = (struct peer){
                .r = &h->r, .state = PEER_OPEN, .fd = -1, .role = role, .run = ADMIT_RUN
        };
        if (!ledger_begin_run(h->r.ledger, recorder_wal_run(ADMIT_RUN, role), admit_nobody, NULL))
                abort();
}

/* But for h->f. */
static inline void admit_host_stop(struct admit_host *h)
{
        admit_host_meet(h, ROLE_SENSOR);
        vault_free(h->r.vault);
        ledger_free(h->r.ledger);
        buf_done(&h->r.entry);
        buf_done(&h->r.rows);
        buf_done(&h->r.skeleton);
        buf_done(&h->r.out);
}

static inline void admit_host_done(struct admit_host *h)
{
        admit_host_stop(h);
        fixture_done(&h->f);
}

/* The payload of an APPEND message. */
static inline void admit_host_hear(struct admit_host *h, struct span payload)
{
        struct err err = { 0 };
        struct msg_reader m = { .rest = payload, .offset = MSG_HEADER, .err = &err };

        admit_message(&h->p, &m);
}

/* Whatever was sent: each sequence has one answer, in order; what was taken last belongs to the
 * peer. */
static inline void admit_host_check(const struct admit_host *h)
{
        const struct recorder *r = &h->r;
        uint64_t answered = 0;
        struct entry e;

        assert(!r->stop_code && h->p.last == r->total.appended + r->total.refused);
        for (size_t i = 0; i < h->p.n_answers && r->total.resent == 0; i++) {
                assert(h->p.answer[i].seq == answered + 1);
                answered += h->p.answer[i].n ? h->p.answer[i].n : 1;
        }
        assert(r->total.resent || answered == h->p.last);
        assert(ledger_staged(r->ledger) - h->begun == h->p.last);
        if (h->p.last == 0 || r->total.resent)
                return;
        assert(json_check(buf_span(&r->entry), NULL) == 0 &&
               entry_parse(buf_span(&r->entry), &e, NULL) == 0);
        assert(span_eq_str(e.proc, role_of(h->p.role)->name) && span_eq_str(e.host, "web1"));
        assert(e.run == ADMIT_RUN && e.seq <= (int64_t)h->p.last + 1);
        if (!span_eq_str(e.kind, "ledger.refused"))
                assert(strcmp(kind_find(e.kind, e.v)->owner, role_of(h->p.role)->name) == 0);
}

#endif
