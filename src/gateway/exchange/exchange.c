/* SPDX-License-Identifier: Apache-2.0 */
/* exchange.c - one call, step by step.  Floor 3.
 *
 *   JUDGING -> READING -> JUDGING             the body is wanted
 *   JUDGING -> INTENT | CACHED | DENIED       a cached answer is known at once
 *   JUDGING -> ANSWERED                       a refusal that is counted with others
 *   READING -> DENIED | ANSWERED              the owner refuses
 *   INTENT  -> CALLING | OUTCOME | ANSWERED   OUTCOME: cached meanwhile; ANSWERED: not recorded
 *   CALLING -> OUTCOME | ANSWERED             ANSWERED: no memory for the outcome
 *   INTENT  | CACHED -> DENIED                its caller has made too many subjects
 *   OUTCOME | CACHED | DENIED -> ANSWERED */
#include <stdlib.h>

#include "base/clock.h"
#include "gateway/exchange/exchange_priv.h"

/* ---- states ---- */

void exchange_assert_valid(const struct exchange *x)
{
        const struct exchange_private *p = x->priv;
        const enum exchange_state s = p->state;
        const bool recording = s == X_INTENT || s == X_CACHED || s == X_OUTCOME || s == X_DENIED;

        assert(s < X_STATES);
        assert(recording == (x->records.n > 0));
        assert((s == X_CALLING) == (x->outgoing.target.n > 0));
        assert((s == X_ANSWERED) == (x->reply.status > 0));
        /* 1. nothing is asked of a back-end before policies permitted it and that is recorded */
        assert(!p->intent_recorded || (p->permitted && x->package && p->route.operation));
        assert((s != X_CALLING && s != X_OUTCOME) || p->intent_recorded);
        assert(s != X_CACHED || (p->permitted && !p->intent_recorded && !x->asked));
        /* 2. a refusal that is recorded as one was never an intent */
        assert(s != X_DENIED || (!p->intent_recorded && p->refusal.reason != REFUSED_NOT));
        /* 3. nothing of a back-end's is shown before its outcome is recorded */
        assert(!p->outcome_recorded || (p->intent_recorded && s == X_ANSWERED));
        assert(s != X_ANSWERED || !p->of_backend || p->outcome_recorded);
        assert(!p->of_backend || p->refusal.reason == REFUSED_NOT);
}

static void set_state(struct exchange *x, enum exchange_state to)
{
        static const unsigned from[X_STATES] = {
                [X_JUDGING] = 1u << X_READING,
                [X_READING] = 1u << X_JUDGING,
                [X_INTENT] = 1u << X_JUDGING,
                [X_CACHED] = 1u << X_JUDGING,
                [X_CALLING] = 1u << X_INTENT,
                [X_OUTCOME] = 1u << X_INTENT | 1u << X_CALLING,
                [X_DENIED] = 1u << X_JUDGING | 1u << X_READING | 1u << X_INTENT | 1u << X_CACHED,
                [X_ANSWERED] = 1u << X_JUDGING | 1u << X_READING | 1u << X_INTENT | 1u << X_CACHED |
                               1u << X_CALLING | 1u << X_OUTCOME | 1u << X_DENIED,
        };

        assert(from[to] >> x->priv->state & 1);
        x->priv->state = to;
        if (to != X_INTENT && to != X_CACHED && to != X_OUTCOME && to != X_DENIED)
                x->records = (struct records){ 0 };
        x->outgoing = to == X_CALLING ? x->priv->outgoing : (struct outgoing){ 0 };
        if (to == X_ANSWERED)
                x->reply = x->priv->reply;
        exchange_assert_valid(x);
}

/* ---- replies ---- */

/* What the caller is told instead of an answer.  Told of another refusal than at first, where the
 * request ends is in doubt as it was. */
static void set_problem(struct exchange *x)
{
        struct exchange_private *p = x->priv;
        const bool close = p->reply.close;

        p->of_backend = false;
        if (problem_reply(&p->refusal, x->id, &p->route, p->again_ns, &x->arena, &p->reply) < 0)
                p->reply = problem_no_memory;
        p->reply.close = p->reply.close || close;
}

static enum exchange_step answer(struct exchange *x)
{
        set_state(x, X_ANSWERED);
        return EXCHANGE_ANSWER;
}

/* What cannot be recorded is not served. */
static enum exchange_step answer_unrecorded(struct exchange *x, const char *why)
{
        (void)refuse(&x->priv->refusal, REFUSED_RECORDER, "%s", why);
        set_problem(x);
        return answer(x);
}

/* ---- refused before the back-end was asked ---- */

static enum exchange_step deny(struct exchange *x)
{
        struct exchange_private *p = x->priv;
        struct record_fold *fold = p->gateway->fold;
        struct err err = { 0 };

        set_problem(x);
        if (fold && !record_fold_one(fold, &p->record, &p->refusal)) {
                p->folded = true;
                return answer(x);
        }
        if (record_denied(&p->record, &p->refusal, 1, &x->arena, &x->records, &err) < 0)
                return answer_unrecorded(x, err_text(&err));
        set_state(x, X_DENIED);
        return EXCHANGE_RECORD;
}

static void refuse_busy(struct exchange *x)
{
        (void)refuse(&x->priv->refusal, REFUSED_BUSY, "%s",
                     x->arena.full ? "the call takes more memory than its caps allow for"
                                   : "no memory");
        x->arena.max += EXCHANGE_TELLING_MAX; /* or it could not be told where it is full */
}

/* ---- outcomes ---- */

static int put_outcome(struct exchange *x, struct records *ret, struct err *err)
{
        struct exchange_private *p = x->priv;
        const bool refused = p->refusal.reason != REFUSED_NOT;
        struct record_outcome o = { .answer = refused ? NULL : &p->answer,
                                    .refusal = refused ? &p->refusal : NULL,
                                    .backend_status = p->backend_status,
                                    .backend_ns = p->backend_ns };

        if (refused)
                set_problem(x);
        else if (exchange_show_answer(x) < 0)
                return -ENOMEM;
        p->of_backend = !refused;
        o.status = p->reply.status;
        o.n_body = (uint32_t)p->reply.body.n;
        return record_outcome(&p->record, &o, &x->arena, ret, err);
}

/* What cannot be told of is not shown, and that is told.  -ENOMEM, -E2BIG: nothing can be. */
static int make_outcome(struct exchange *x, int64_t now_ns, struct records *ret, struct err *err)
{
        struct exchange_private *p = x->priv;
        int rc;

        p->record.now_ns = now_ns;
        rc = put_outcome(x, ret, err);
        if (rc == 0)
                return 0;
        if (rc == -ENOMEM)
                refuse_busy(x);
        else
                (void)refuse(&p->refusal, REFUSED_RECORDER, "%s", err_text(err));
        return put_outcome(x, ret, err);
}

/* backend_ns: -1: it was not asked. */
static enum exchange_step finish(struct exchange *x, int64_t now_ns, int64_t backend_ns)
{
        struct err err = { 0 };

        x->priv->backend_ns = backend_ns;
        if (make_outcome(x, now_ns, &x->records, &err) < 0)
                return answer_unrecorded(x, err_text(&err));
        set_state(x, X_OUTCOME);
        return EXCHANGE_RECORD;
}

/* ---- not recorded ---- */

/* What the ledger has, or may come to have, has a beginning and an end, and an end that is so. */
static int make_afterwards(struct exchange *x, enum record_fate fate, uint16_t shown,
                           struct err *err)
{
        const struct exchange_private *p = x->priv;
        const enum exchange_state s = p->state;
        const bool perhaps = fate == RECORD_PERHAPS || fate == RECORD_DONE;

        if (s == X_DENIED || (s == X_INTENT && !perhaps) ||
            (s == X_CACHED && fate == RECORD_NOTHING))
                return 0;
        x->arena.max += EXCHANGE_TELLING_MAX;
        if (perhaps && s != X_INTENT)
                return record_unshown(&p->record, shown, &x->arena, &x->afterwards, err);
        return put_outcome(x, &x->afterwards, err);
}

static void tell_afterwards(struct exchange *x, enum record_fate fate, uint16_t shown,
                            int64_t now_ns)
{
        struct err err = { 0 };

        x->priv->record.now_ns = now_ns;
        set_problem(x);
        if (make_afterwards(x, fate, shown, &err) < 0) /* the recorder ends it, in time */
                x->afterwards = (struct records){ 0 };
}

enum exchange_step exchange_unrecorded(struct exchange *x, enum record_fate fate, int64_t now_ns)
{
        assert(x->records.n > 0 && fate != RECORD_DONE);
        (void)refuse(&x->priv->refusal, REFUSED_RECORDER, "the recorder does not take it");
        tell_afterwards(x, fate, refusal_about(REFUSED_RECORDER)->status, now_ns);
        return answer(x);
}

bool exchange_is_intent(const struct exchange *x)
{
        return x->priv->state == X_INTENT || x->priv->state == X_CACHED;
}

enum exchange_step exchange_limited(struct exchange *x, int64_t now_ns)
{
        const int64_t hour_ns = 3600 * NS_PER_S;
        struct exchange_private *p = x->priv;

        assert(exchange_is_intent(x));
        p->record.now_ns = now_ns;
        p->again_ns = hour_ns - now_ns % hour_ns;
        (void)refuse(&p->refusal, REFUSED_OBJECTS,
                     "the caller has asked about too many new objects in this hour");
        return deny(x);
}

void exchange_left(struct exchange *x, enum record_fate fate, int64_t now_ns)
{
        assert(x->records.n > 0);
        (void)refuse(&x->priv->refusal, REFUSED_BACKEND, "the connection ended before");
        tell_afterwards(x, fate, 0, now_ns);
        (void)answer(x);
}

/* ---- judged good, or not ---- */

/* Both into one, the second behind the first. */
static bool join(struct records *first, const struct records *second, struct arena *arena)
{
        struct record *at = arena_alloc(arena, (first->n + second->n) * sizeof *at);

        if (!at)
                return false;
        memcpy(at, first->at, first->n * sizeof *at);
        memcpy(at + first->n, second->at, second->n * sizeof *at);
        *first = (struct records){ at, first->n + second->n };
        return true;
}

/* Is there an answer that is kept?  Then what comes of the call is known before it is recorded that
 * it begins, and that is one thing.  1; 0: there is none; -ENOMEM, -E2BIG. */
static int answer_cached(struct exchange *x)
{
        struct exchange_private *p = x->priv;
        struct records outcome = { 0 };
        struct err err = { 0 };
        struct answer_raw cached;
        int rc;

        if (!exchange_find_cached(x, p->raw->now_ns, &cached))
                return 0;
        if (exchange_check_answer(x, &cached) == -ENOMEM)
                refuse_busy(x);
        rc = make_outcome(x, p->raw->now_ns, &outcome, &err);
        if (rc == 0 && !join(&x->records, &outcome, &x->arena))
                rc = -ENOMEM;
        return rc < 0 ? rc : 1;
}

static enum exchange_step begin(struct exchange *x)
{
        struct exchange_private *p = x->priv;
        int rc;

        p->record.decision = NULL; /* the bench is the next one's */
        rc = answer_cached(x);
        if (rc < 0) {
                x->records = (struct records){ 0 };
                refuse_busy(x);
                return deny(x);
        }
        set_state(x, rc ? X_CACHED : X_INTENT);
        return EXCHANGE_RECORD;
}

/* rc: of what judged it. */
static enum exchange_step judged(struct exchange *x, int rc)
{
        struct exchange_private *p = x->priv;
        struct err err = { 0 };

        if (rc == 0 && record_intent(&p->record, &x->arena, &x->records, &err) < 0) {
                x->records = (struct records){ 0 };
                rc = err.code == -ENOMEM
                             ? -ENOMEM
                             : refuse(&p->refusal, REFUSED_RECORDER, "%s", err_text(&err));
        }
        if (rc == -ENOMEM)
                refuse_busy(x);
        return rc < 0 ? deny(x) : begin(x);
}

/* ---- answered, or not ---- */

static int64_t since(int64_t then, int64_t now)
{
        return now > then ? now - then : 0; /* the clock may go back */
}

static enum exchange_step ask_backend(struct exchange *x, int64_t now_ns)
{
        struct exchange_private *p = x->priv;
        struct answer_raw cached;
        int rc;

        p->called_ns = now_ns;
        if (!exchange_find_cached(x, now_ns, &cached)) {
                x->asked = true;
                set_state(x, X_CALLING);
                return EXCHANGE_CALL;
        }
        rc = exchange_check_answer(x, &cached);
        if (rc == -ENOMEM)
                refuse_busy(x);
        return finish(x, now_ns, -1);
}

/* ---- the owner's ---- */

static struct exchange *new_exchange(struct gateway *g, struct serving *s,
                                     const struct request_raw *raw)
{
        struct arena arena = kept_take(g->kept, EXCHANGE_BASE_MAX);
        struct exchange *x = arena_alloc(&arena, sizeof *x);
        struct exchange_private *p = arena_alloc(&arena, sizeof *p);
        uint8_t random[10];

        if (!x || !p) {
                arena_done(&arena);
                return NULL;
        }
        g->random(random, sizeof random);
        record_id(raw->now_ns, random, x->id);
        x->arena = arena;
        x->serving = s ? serving_ref(s) : NULL;
        x->priv = p;
        p->gateway = g;
        p->raw = raw;
        p->call.body_schema = API_NONE;
        p->backend_ns = -1;
        p->record = (struct record_call){ .id = x->id,
                                          .now_ns = raw->now_ns,
                                          .generation = s ? s->generation->number : 0,
                                          .raw = raw };
        return x;
}

int exchange_begin(struct gateway *g, struct serving *s, const struct request_raw *raw,
                   struct exchange **ret, enum exchange_step *ret_step)
{
        struct exchange *x = new_exchange(g, s, raw);
        int rc;

        *ret = x;
        if (!x)
                return -ENOMEM;
        rc = exchange_judge_head(x);
        x->priv->reply.close = rc == -ENOMEM; /* nobody may have looked at its framing */
        if (rc == 0 && x->priv->request.has_body) {
                set_state(x, X_READING);
                *ret_step = EXCHANGE_READ;
                return 0;
        }
        if (rc == 0)
                rc = exchange_judge_rest(x);
        *ret_step = judged(x, rc);
        return 0;
}

struct exchange *exchange_free(struct exchange *x)
{
        struct arena arena;
        struct kept *kept;

        if (!x)
                return NULL;
        if (x->priv->state == X_CALLING)
                exchange_wrote(x);
        exchange_forget_cached(x);
        serving_unref(x->serving);
        arena = x->arena; /* x lies in it */
        kept = x->priv->gateway->kept;
        kept_give(kept, arena);
        return NULL;
}

enum exchange_step exchange_body(struct exchange *x, struct span body)
{
        struct exchange_private *p = x->priv;

        set_state(x, X_JUDGING);
        p->body_text = body;
        p->record.n_body = (uint32_t)body.n;
        p->request.length = body.n;
        p->request.length_known = true;
        if (body.n > x->body_max)
                return judged(x, refuse(&p->refusal, REFUSED_SIZE, "body: more than %zu bytes",
                                        x->body_max));
        return judged(x, exchange_judge_rest(x));
}

enum exchange_step exchange_recorded(struct exchange *x, int64_t now_ns)
{
        struct exchange_private *p = x->priv;

        switch (p->state) {
        case X_INTENT:
                p->intent_recorded = true;
                return ask_backend(x, now_ns);
        case X_CACHED:
                p->intent_recorded = true;
                p->outcome_recorded = true;
                return answer(x);
        case X_OUTCOME:
                p->outcome_recorded = true;
                return answer(x);
        default:
                assert(p->state == X_DENIED);
                return answer(x);
        }
}

enum exchange_step exchange_answered(struct exchange *x, const struct answer_raw *raw,
                                     int64_t now_ns)
{
        struct exchange_private *p = x->priv;
        int rc;

        assert(p->state == X_CALLING);
        exchange_wrote(x);
        p->backend_status = raw->status;
        rc = exchange_check_answer(x, raw);
        if (rc == 0)
                exchange_keep(x, raw, now_ns);
        else if (rc == -ENOMEM)
                refuse_busy(x);
        return finish(x, now_ns, since(p->called_ns, now_ns));
}

enum exchange_step exchange_refuse(struct exchange *x, enum refusal_reason reason, const char *text,
                                   int64_t now_ns)
{
        struct exchange_private *p = x->priv;

        assert(p->state == X_READING || p->state == X_CALLING);
        (void)refuse(&p->refusal, reason, "%s", text);
        if (p->state == X_READING)
                return deny(x);
        exchange_wrote(x);
        return finish(x, now_ns, since(p->called_ns, now_ns));
}

static enum meters_result result_of(const struct exchange_private *p)
{
        if (p->state == X_ANSWERED && p->refusal.reason == REFUSED_NOT)
                return p->caching.hit ? METERS_CACHED : METERS_ANSWERED;
        return p->intent_recorded ? METERS_FAILED : METERS_REFUSED;
}

static struct meters_place place_of(const struct exchange *x)
{
        const struct exchange_private *p = x->priv;

        if (!p->api)
                return (struct meters_place){ 0 };
        return p->route.operation ? p->api->places[p->route.operation - x->package->api->operations]
                                  : p->api->place;
}

struct meters_call exchange_count(const struct exchange *x, int64_t now_ns)
{
        const struct exchange_private *p = x->priv;
        const enum meters_result result = result_of(p);
        const bool answered = result == METERS_ANSWERED || result == METERS_CACHED;

        return (struct meters_call){ .place = place_of(x),
                                     .result = result,
                                     .reason = p->refusal.reason,
                                     .total_ns = since(p->raw->now_ns, now_ns),
                                     .backend_ns = p->backend_ns,
                                     .findings = answered ? p->answer.n_findings : 0,
                                     .folded = p->folded,
                                     .cache = !p->caching.rule ? METERS_NOT_KEPT
                                              : p->caching.hit ? METERS_HIT
                                                               : METERS_MISS };
}
