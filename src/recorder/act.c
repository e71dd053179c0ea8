/* SPDX-License-Identifier: Apache-2.0 */
/* act.c - commands that take long, a slice at a time. */
#include "loop/log.h"
#include "recorder/command_priv.h"
#include "wire/tile.h"

enum {
        SLICE_MS = 40,
        FEW_BUNDLES = 16, /* may be left for the loop to look at */
};

void act_drop(struct recorder *r)
{
        struct act *a = &r->act;

        assert(!a->running);
        if (a->ops)
                a->ops->done(a);
        *a = (struct act){ 0 };
}

/* Who heard that it failed, before there was an entry, must not have it done at the next start. */
static int let_promise_go(struct recorder *r, const struct act *a, int rc, struct err *err)
{
        struct err second = { 0 };

        if (rc < 0 && a->recorded)
                return rc;
        if (command_keep(r, a->ops->verb, &second) < 0 && rc == 0)
                return err_set(err, second.code, "%s", err_text(&second));
        return rc;
}

static void finish(struct recorder *r, int rc)
{
        CLEANUP(buf_done) struct buf body = BUF_INIT(COMMAND_REPLY_MAX);
        struct act *a = &r->act;
        struct json_writer w;

        json_writer_init(&w, &body);
        json_begin_object(&w);
        if (rc == 0 && commit_await(r) < 0) /* the end may sync what that does */
                rc = err_set(&a->err, r->stop_code, "the recorder stops");
        if (rc == 0)
                rc = a->ops->end(r, a, &w, &a->err);
        rc = let_promise_go(r, a, rc, &a->err);
        json_end_object(&w);
        command_answer(r, a->by, a->ops->verb, rc, &body, &a->err);
        act_drop(r);
}

/* ---- in a worker ---- */

static void run_until(struct act *a, int64_t end_ns)
{
        struct recorder *r = a->r;
        bool works = a->state == ACT_WORK;

        a->result = works ? a->ops->settle(r, a, false, &a->err) : 0;
        while (a->result == 0 && a->next < a->limit && clock_mono(r->clock) < end_ns) {
                a->result = (works ? a->ops->work : a->ops->look)(r, a, a->next, &a->err);
                if (a->result == 0)
                        a->next++;
        }
        if (a->result == 0 && works)
                a->result = a->ops->settle(r, a, a->next == a->limit, &a->err);
}

static void slice_run(struct pool_job *job)
{
        struct act *a = (struct act *)job;

        run_until(a, clock_mono(a->r->clock) + SLICE_MS * NS_PER_MS);
}

/* ---- in the loop ---- */

/* After a slice; 0: go on. */
static int after_look(struct recorder *r, struct act *a)
{
        uint64_t full = r->published / TILE_WIDTH;

        if (a->result < 0 || a->next < a->limit)
                return a->result;
        if (a->ops->follows && full > a->next + FEW_BUNDLES) {
                a->limit = full;
                return 0;
        }
        a->state = ACT_RECORD;
        a->waiting_since = clock_mono(r->clock);
        return 0;
}

static void slice_done(struct pool_job *job)
{
        struct act *a = (struct act *)job;
        struct recorder *r = a->r;

        a->running = false;
        if (a->state == ACT_LOOK) {
                if (after_look(r, a) < 0)
                        finish(r, a->result);
        } else if (a->result < 0 || a->next == a->limit) {
                finish(r, a->result);
        }
}

static int record(struct recorder *r, struct act *a)
{
        uint64_t size = ledger_size(r->ledger);
        int rc = a->ops->record(r, a, a->by, &a->err);

        a->state = ACT_SIGN;
        a->signed_size = ledger_size(r->ledger);
        a->recorded = a->signed_size != size;
        return rc;
}

void act_step(struct recorder *r)
{
        struct act *a = &r->act;
        int rc = 0;

        if (!a->ops || a->running || r->stop_code)
                return;
        if (a->state == ACT_RECORD && command_may_run(r))
                /* Nobody there to be told, and nothing done: as if it had not been asked for. */
                rc = a->by ? record(r, a) : err_set(&a->err, -EPIPE, "whoever asked has gone");
        if (rc < 0)
                finish(r, rc);
        else if (a->state == ACT_SIGN && r->published >= a->signed_size)
                a->state = ACT_WORK;
}

void act_slice(struct recorder *r)
{
        struct act *a = &r->act;

        if (!a->ops || a->running || (r->publishing && a->ops->alone) || r->stop_code ||
            (a->state != ACT_LOOK && a->state != ACT_WORK))
                return;
        a->job.run = slice_run;
        a->job.done = slice_done;
        a->running = pool_submit(r->pool, &a->job) == 0; /* or in a later turn */
}

static int begin(struct recorder *r, const struct act_ops *ops, struct peer *p,
                 struct json_value args, struct err *err)
{
        struct act *a = &r->act;
        int rc;

        *a = (struct act){ .r = r, .by = p };
        rc = ops->begin(r, a, args, err);
        if (rc < 0) {
                ops->done(a);
                return rc;
        }
        a->ops = ops;
        return 0;
}

void act_begin(struct recorder *r, const struct act_ops *ops, struct peer *p,
               struct json_value args)
{
        struct err err = { 0 };
        int rc = begin(r, ops, p, args, &err);

        if (rc < 0)
                command_answer(r, p, ops->verb, rc, NULL, &err);
}

int act_now(struct recorder *r, const struct act_ops *ops, struct json_value args,
            struct json_writer *w, struct err *err)
{
        struct act *a = &r->act;
        int rc = begin(r, ops, NULL, args, err);

        if (rc < 0)
                return rc;
        run_until(a, INT64_MAX);
        rc = a->result < 0 ? a->result : record(r, a);
        if (rc == 0)
                rc = publishing_now(r, &a->err);
        if (rc == 0) {
                a->state = ACT_WORK;
                run_until(a, INT64_MAX);
                rc = a->result;
        }
        if (rc == 0)
                rc = ops->end(r, a, w, &a->err);
        if (rc < 0 && err)
                *err = a->err;
        act_drop(r);
        return rc;
}

void act_fail(struct recorder *r, int code, const char *text)
{
        struct act *a = &r->act;

        if (!a->ops || a->running || (a->state != ACT_LOOK && a->state != ACT_RECORD))
                return;
        err_set(&a->err, code, "%s", text);
        finish(r, code);
}

void act_forget_peer(struct recorder *r, const struct peer *p)
{
        if (r->act.by == p)
                r->act.by = NULL;
}
