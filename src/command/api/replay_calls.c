/* SPDX-License-Identifier: Apache-2.0 */
/* replay_calls.c - see replay_calls.h. */
#include "command/api/replay_calls.h"

#include <stdlib.h>

#include "base/text.h"

static struct replayed *replayed_free(struct replayed *r)
{
        if (r)
                arena_done(&r->arena);
        free(r);
        return NULL;
}
DEFINE_CLEANUP(struct replayed, replayed_free)

static void put_ledger(struct replaying *x, const struct replay_ledger *l)
{
        struct buf *out = &x->walk.out;

        if (x->ledgers.n == 1 || x->told == l)
                return;
        x->told = l;
        buf_put_str(out, "in ");
        text_put_safe(out, span_str(l->name));
        buf_put_byte(out, '\n');
}

static void count(struct replay_tally *t, const struct replayed *r)
{
        t->calls++;
        if (r->change < REPLAY_CANNOT_TELL)
                t->otherwise++;
        else if (r->change == REPLAY_CANNOT_TELL || r->policies_open || r->reads_open)
                t->open++;
        else
                t->same++;
}

/* It is known all that will be. */
static void tell(struct replaying *x, struct replayed *r)
{
        struct replay_ledger *ledger = x->ledgers.at[r->ledger];
        struct buf *out = &x->walk.out;

        replay_add(&x->sum, r);
        count(&ledger->tally, r);
        if (x->all || r->change < REPLAY_CANNOT_TELL) {
                if (x->in->json) {
                        replay_put_json(r, ledger->name, out);
                } else {
                        put_ledger(x, ledger);
                        replay_put_text(&x->in->out, r, out);
                }
        }
        replayed_free(r);
}

static void tell_waiting(struct replaying *x, size_t i)
{
        tell(x, x->waiting[i]);
        x->n_waiting--;
        memmove(&x->waiting[i], &x->waiting[i + 1], (x->n_waiting - i) * sizeof(struct replayed *));
}

/* The oldest; its outcome was not met. */
static void tell_late(struct replaying *x, const char *why)
{
        x->waiting[0]->late = why;
        replay_judge(x->waiting[0]);
        tell_waiting(x, 0);
}

static void say_broken(struct replaying *x, const struct err *err)
{
        x->sum.broken++;
        if (x->ledgers.n > 1)
                complain(x->in, STATUS_UNSURE, "%s: %s", x->ledgers.at[x->at]->name, err_text(err));
        else
                complain(x->in, STATUS_UNSURE, "%s", err_text(err));
}

static int replay_call(struct replaying *x, struct err *err)
{
        CLEANUP(replayed_freep) struct replayed *r = calloc(1, sizeof *r);
        int rc;

        if (!r)
                return err_sys(err, -ENOMEM, "replaying a call");
        r->arena = ARENA_INIT(REPLAY_CALL_BYTES_MAX);
        r->ledger = x->at;
        rc = replay_check_kind(&x->walk.view, err);
        if (rc == 0)
                rc = replay_read_call(r, &x->walk.view, x->package->file.sha256, err);
        if (rc == 0 && r->has_judge && !r->call.same_package)
                r->call.judged = replay_judged_by(&x->judged, r->judge);
        if (rc == 0)
                rc = replay_decide(x->package, x->bench, &r->call, &r->arena, &r->result, err);
        if (rc < 0)
                return rc;
        replay_judge(r);
        if (!r->allowed || r->result.decision != REPLAY_ALLOWED) {
                tell(x, r);
                r = NULL;
                return 0;
        }
        if (x->n_waiting == REPLAY_WAITING_MAX)
                tell_late(x, "the outcome came behind too many other calls");
        x->waiting[x->n_waiting++] = r;
        r = NULL;
        return 0;
}

static bool find_waiting(struct replaying *x, size_t *ret)
{
        struct arena arena = ARENA_INIT(4096);
        struct span id = replay_text(&x->walk.view, "what.call", &arena);
        size_t i = x->n_waiting;

        while (i > 0 && !span_eq_str(id, x->waiting[i - 1]->id))
                i--;
        arena_done(&arena);
        *ret = i - 1;
        return i > 0;
}

static int end_call(struct replaying *x, bool has_reads, struct err *err)
{
        struct replayed *r;
        size_t at;
        int rc;

        if (!find_waiting(x, &at))
                return 0;
        r = x->waiting[at];
        rc = replay_check_kind(&x->walk.view, err);
        if (rc == 0 && has_reads)
                rc = replay_read_outcome(r, &x->walk.view, x->package->api, err);
        if (rc < 0) {
                r->n_seen = r->n_unmet = 0;
                r->late = "what the ledger has as its outcome is none";
                r->unread = true;
        }
        replay_judge(r);
        tell_waiting(x, at);
        return rc;
}

static bool is_of_api(const struct replaying *x)
{
        struct json_value v;
        struct span name;

        return view_field(&x->walk.view, "what.api", &v) == FIELD_CLEAR &&
               json_value_plain(v, &name) && span_eq(name, x->api);
}

static int replay_denied(struct replaying *x, struct err *err)
{
        struct replay_sum *sum = &x->sum;
        struct arena arena = ARENA_INIT(1 << 20);
        struct span reason;
        uint64_t n, more = 0;
        int rc = 0;

        switch (replay_telling_of(&x->walk.view, x->api, &arena, &n, &reason)) {
        case REPLAY_TELLS_NOTHING:
                break;
        case REPLAY_TELLS_ONE:
                rc = replay_call(x, err);
                break;
        case REPLAY_TELLS_ANY:
                sum->folded_any += n;
                sum->folded += n;
                break;
        case REPLAY_TELLS_COUNTED:
                sum->folded += n;
                break;
        default:
                sum->not_judged += n;
                replay_count(sum->reasons, &sum->n_reasons, &more, reason, n);
        }
        arena_done(&arena);
        return rc;
}

int replay_take(struct walk *w)
{
        struct replaying *x = w->ctx;
        const struct span kind = w->view.entry.kind, proc = w->view.entry.proc;
        const bool late = x->has_until && w->view.wall_ns >= x->until_ns;
        struct err err = { 0 };
        int rc = 0;

        if (span_eq(kind, SPAN("api.unknown")) && span_eq(proc, SPAN("recorder")))
                rc = end_call(x, false, &err);
        else if (!span_eq(proc, SPAN("gateway")))
                return 0; /* anybody may append entries of any kind */
        else if (span_eq(kind, SPAN("api.outcome")))
                rc = end_call(x, true, &err);
        else if (!late && is_of_api(x) && span_eq(kind, SPAN("api.intent")))
                rc = replay_call(x, &err);
        else if (!late && span_eq(kind, SPAN("api.denied")))
                rc = replay_denied(x, &err);
        if (rc == -ENOMEM)
                return rc;
        if (rc < 0)
                say_broken(x, &err);
        return 0;
}

void replay_tell_rest(struct replaying *x)
{
        while (x->n_waiting)
                tell_late(x, "the outcome is not in the ledger, or not yet");
}

void replay_drop_rest(struct replaying *x)
{
        while (x->n_waiting)
                replayed_free(x->waiting[--x->n_waiting]);
}
