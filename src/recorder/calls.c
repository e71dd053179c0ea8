/* SPDX-License-Identifier: Apache-2.0 */
/* SECURITY: the names of calls are a gateway's, which is less trusted. */
#include "recorder/calls.h"

#include "base/clock.h"
#include "base/hash.h"
#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- calls ---- */

/* Whoever chooses ids to meet in one bucket slows down its own gateway. */
static size_t bucket_of(struct span id)
{
        uint64_t h = hash_add(HASH_BEGIN, id);

        return (size_t)((h ^ h >> 32) % CALLS_BUCKETS);
}

static struct call *find_call(const struct calls *c, struct span id)
{
        struct call *call = c->bucket ? c->bucket[bucket_of(id)] : NULL;

        while (call && !span_eq_str(id, call->id))
                call = call->next;
        return call;
}

static struct call *new_call(struct calls *c)
{
        struct call *call = c->spare;

        if (!c->bucket)
                c->bucket = calloc(CALLS_BUCKETS, sizeof(struct call *));
        if (!c->bucket)
                return NULL;
        if (!call)
                return malloc(sizeof *call);
        c->spare = NULL;
        return call;
}

/* One is kept for the next. */
static void free_call(struct calls *c, struct call *call)
{
        if (c->spare)
                free(call);
        else
                c->spare = call;
}

static void link_call(struct calls *c, struct call *call)
{
        struct call **bucket = &c->bucket[bucket_of(span_str(call->id))];
        struct calls_run *run = call->run;

        call->next = *bucket;
        *bucket = call;
        call->newer = NULL;
        call->older = run->newest;
        if (run->newest)
                run->newest->newer = call;
        else
                run->oldest = call;
        run->newest = call;
        c->n++;
}

static void unlink_call(struct calls *c, struct call *call)
{
        struct call **link = &c->bucket[bucket_of(span_str(call->id))];
        struct calls_run *run = call->run;

        while (*link != call)
                link = &(*link)->next;
        *link = call->next;
        *(call->older ? &call->older->newer : &run->oldest) = call->newer;
        *(call->newer ? &call->newer->older : &run->newest) = call->older;
        c->n--;
}

static void close_call(struct calls *c, struct call *call)
{
        unlink_call(c, call);
        free_call(c, call);
}

/* ---- runs ---- */

static struct calls_run *find_run(const struct calls *c, uint64_t run)
{
        struct calls_run *r = c->runs;

        while (r && r->run != run)
                r = r->next;
        return r;
}

static struct calls_run *have_run(struct calls *c, uint64_t run)
{
        struct calls_run *r = find_run(c, run);

        if (r)
                return r;
        r = calloc(1, sizeof *r);
        if (!r)
                return NULL;
        r->run = run;
        r->next = c->runs;
        c->runs = r;
        return r;
}

static void drop_run(struct calls *c, struct calls_run **link)
{
        struct calls_run *r = *link;

        while (r->oldest)
                close_call(c, r->oldest);
        *link = r->next;
        free(r);
}

void calls_done(struct calls *c)
{
        while (c->runs)
                drop_run(c, &c->runs);
        free(c->spare);
        free(c->bucket);
        *c = (struct calls){ 0 };
}

void calls_forget(struct calls *c, bool (*known)(void *ctx, uint64_t run), void *ctx)
{
        struct calls_run **link = &c->runs;

        while (*link) {
                struct calls_run *r = *link;

                if (r->connections == 0 && !r->oldest && (!r->n_refused || !known(ctx, r->run)))
                        drop_run(c, link);
                else
                        link = &r->next;
        }
}

int calls_met(struct calls *c, uint64_t run)
{
        struct calls_run *r = have_run(c, run);

        if (!r)
                return -ENOMEM;
        r->connections++;
        r->left = false;
        return 0;
}

void calls_left(struct calls *c, uint64_t run, bool good_bye, int64_t now_ns)
{
        struct calls_run *r = find_run(c, run);

        if (!r || r->connections == 0 || --r->connections > 0)
                return;
        r->left = good_bye;
        r->away_ns = now_ns;
}

/* ---- entries ---- */

static int read_id(struct span skeleton, struct span *ret, struct err *err)
{
        struct json_value v;

        if (!json_get_path(json_value_of(skeleton), "what.call", &v) || !json_value_plain(v, ret) ||
            ret->n == 0 || ret->n > CALLS_ID_MAX)
                return err_set(err, -EINVAL, "what.call: 1 to %d plain characters", CALLS_ID_MAX);
        return 0;
}

static int judge_intent(struct calls *c, struct calls_run *run, struct span id,
                        struct calls_change *ret, struct err *err)
{
        struct call *call;

        if (find_call(c, id))
                return err_set(err, -EINVAL, "what.call: this call is open already");
        if (c->n >= CALLS_MAX)
                return err_set(err, -EBUSY, "%d calls are open: no more", CALLS_MAX);
        call = run ? new_call(c) : NULL;
        if (!call)
                return err_set(err, -EBUSY, "no memory for a call");
        memcpy(call->id, id.p, id.n);
        call->id[id.n] = 0;
        call->run = run;
        ret->opens = call;
        return 0;
}

static int judge_outcome(struct calls *c, const struct calls_run *run, struct span id,
                         struct calls_change *ret, struct err *err)
{
        struct call *call = find_call(c, id);

        if (!call || call->run != run)
                return err_set(err, -EINVAL,
                               "what.call: no such call of this writer is open; one whose writer "
                               "was away was closed as unknown");
        ret->closes = call;
        return 0;
}

int calls_judge(struct calls *c, uint64_t run, struct span skeleton, struct calls_change *ret,
                struct err *err)
{
        bool intent, outcome;
        struct json_value v;
        struct span kind, id;
        int rc;

        *ret = (struct calls_change){ 0 };
        if (!json_get(json_value_of(skeleton), "k", &v) || !json_value_plain(v, &kind))
                return 0;
        intent = span_eq_str(kind, "api.intent");
        outcome = span_eq_str(kind, "api.outcome");
        if (!intent && !outcome)
                return 0;
        rc = read_id(skeleton, &id, err);
        if (rc < 0)
                return rc;
        return intent ? judge_intent(c, have_run(c, run), id, ret, err)
                      : judge_outcome(c, find_run(c, run), id, ret, err);
}

void calls_commit(struct calls *c, const struct calls_change *change, uint64_t index,
                  const char *id, int64_t now_ns)
{
        struct call *call = change->opens;

        if (change->closes)
                close_call(c, change->closes);
        if (!call)
                return;
        snprintf(call->intent, sizeof call->intent, "%s", id);
        call->index = index;
        call->begun_ns = now_ns;
        link_call(c, call);
}

void calls_abandon(struct calls *c, const struct calls_change *change)
{
        if (change->opens)
                free_call(c, change->opens);
}

int calls_open(struct calls *c, uint64_t run, struct span id, struct span intent, uint64_t index,
               int64_t now_ns)
{
        struct calls_run *r = have_run(c, run);
        struct calls_change change = { 0 };
        char text[ENTRY_ID_MAX + 1];
        struct err err = { 0 };
        int rc;

        if (id.n == 0 || id.n > CALLS_ID_MAX || intent.n > ENTRY_ID_MAX)
                return -EINVAL;
        memcpy(text, intent.p, intent.n);
        text[intent.n] = 0;
        rc = judge_intent(c, r, id, &change, &err);
        if (rc < 0)
                return rc == -EBUSY && c->n < CALLS_MAX ? -ENOMEM : rc;
        r->away_ns = now_ns;
        calls_commit(c, &change, index, text, now_ns);
        return 0;
}

void calls_close_id(struct calls *c, struct span id)
{
        struct call *call = find_call(c, id);

        if (call)
                close_call(c, call);
}

/* ---- what was refused ---- */

int calls_expect(struct calls *c, uint64_t run)
{
        return have_run(c, run) ? 0 : -ENOMEM;
}

int calls_refuse(struct calls *c, uint64_t run, uint64_t seq, int code)
{
        struct calls_run *r = have_run(c, run);

        if (!r)
                return -ENOMEM;
        if (r->n_refused == LEDGER_WINDOW) /* nobody sends what is that old again */
                memmove(r->refused, r->refused + 1, --r->n_refused * sizeof *r->refused);
        r->refused[r->n_refused++] = (struct calls_refused){ seq, code };
        return 0;
}

void calls_acked(struct calls *c, uint64_t run, uint64_t acked)
{
        struct calls_run *r = find_run(c, run);
        size_t gone = 0;

        while (r && gone < r->n_refused && r->refused[gone].seq <= acked)
                gone++;
        if (gone == 0)
                return;
        r->n_refused -= gone;
        memmove(r->refused, r->refused + gone, r->n_refused * sizeof *r->refused);
}

bool calls_was_refused(const struct calls *c, uint64_t run, uint64_t seq, int *ret_code)
{
        const struct calls_run *r = find_run(c, run);

        for (size_t i = 0; r && i < r->n_refused; i++)
                if (r->refused[i].seq == seq) {
                        *ret_code = r->refused[i].code;
                        return true;
                }
        return false;
}

/* ---- closing ---- */

static const char *reason_of(const struct calls_run *r, int64_t now_ns, int64_t grace_ns)
{
        if (r->connections == 0 && r->left)
                return "stopped";
        if (r->connections == 0 && now_ns - r->away_ns >= grace_ns)
                return "gone";
        return now_ns - r->oldest->begun_ns >= CALLS_OVERDUE_S * NS_PER_S ? "overdue" : NULL;
}

const struct call *calls_due(const struct calls *c, int64_t now_ns, int64_t grace_ns,
                             const char **ret_reason)
{
        for (const struct calls_run *r = c->runs; r; r = r->next) {
                *ret_reason = r->oldest ? reason_of(r, now_ns, grace_ns) : NULL;
                if (*ret_reason)
                        return r->oldest;
        }
        return NULL;
}

const struct call *calls_any(const struct calls *c)
{
        const struct calls_run *r = c->runs;

        while (r && !r->oldest)
                r = r->next;
        return r ? r->oldest : NULL;
}

void calls_close(struct calls *c, const struct call *call)
{
        struct call *found = find_call(c, span_str(call->id));

        assert(found == call);
        close_call(c, found);
}
