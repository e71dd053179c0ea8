/* SPDX-License-Identifier: Apache-2.0 */
/* replay_judge.c - what was decided against what would be, for assay api replay.  Floor 3. */
#include "command/api/replay.h"

#include <stdlib.h>

const char *replay_change_name(enum replay_change c)
{
        static const char *const names[] = {
                [REPLAY_NOW_DENIED] = "now_denied",   [REPLAY_NOW_ALLOWED] = "now_allowed",
                [REPLAY_OTHER_READS] = "other_reads", [REPLAY_OTHER_POLICIES] = "other_policies",
                [REPLAY_CANNOT_TELL] = "cannot_tell", [REPLAY_SAME] = "same",
        };

        assert(c < ARRAY_LEN(names));
        return names[c];
}

bool replay_is_judged(struct span reason)
{
        return span_eq(reason, SPAN("policy")) || span_eq(reason, SPAN("parameter")) ||
               span_eq(reason, SPAN("body"));
}

/* ---- policies ---- */

struct span replay_policy_name(const struct cedar_policy *p)
{
        struct span name;

        return cedar_policy_annotation(p, "id", &name) && name.n ? name : p->id;
}

/* Names in entries are safe to show: what was not has a "?", and what was long is cut. */
static bool is_same_name(struct span entry, struct span name)
{
        enum { CUT = 150 };

        if (entry.n > name.n || (entry.n < name.n && entry.n < CUT))
                return false;
        for (size_t i = 0; i < entry.n; i++)
                if (entry.p[i] != name.p[i] && entry.p[i] != '?')
                        return false;
        return true;
}

enum likeness { LIKE, LIKE_OPEN, LIKE_NOT };

/* Those of the entry, as far as it has them. */
struct named {
        const struct span *at;
        uint32_t n;
        uint64_t left_out;
};

static uint32_t count_now(const struct replay_policies *now, struct span entry)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < now->n; i++)
                n += is_same_name(entry, replay_policy_name(now->at[i]));
        return n;
}

/* All that surely do, so those of the entry in any order: another package may have them in another.
 */
static enum likeness compare_all(const struct replay_policies *now, const struct named *was)
{
        if (now->n != was->n + was->left_out)
                return LIKE_NOT;
        for (uint32_t i = 0; i < was->n; i++) {
                const uint32_t there = count_now(now, was->at[i]);
                uint32_t here = 0;

                for (uint32_t k = 0; k < was->n; k++)
                        here += is_same_name(was->at[k], was->at[i]);
                if (there < here || (was->left_out == 0 && there != here))
                        return LIKE_NOT;
        }
        return was->left_out ? LIKE_OPEN : LIKE;
}

/* Others may besides: only that one of these is not in the entry can be told. */
static enum likeness compare_some(const struct replay_policies *now, const struct named *was)
{
        uint64_t unnamed = 0;

        if (now->n > was->n + was->left_out)
                return LIKE_NOT;
        for (uint32_t i = 0; i < now->n; i++) {
                const struct span name = replay_policy_name(now->at[i]);
                uint32_t here = 0, there = 0;

                for (uint32_t k = 0; k < was->n; k++)
                        here += is_same_name(was->at[k], name);
                for (uint32_t k = 0; k < now->n; k++)
                        there += span_eq(replay_policy_name(now->at[k]), name);
                unnamed += here == 0;
                if (unnamed > was->left_out || (here < there && was->left_out == 0))
                        return LIKE_NOT;
        }
        return LIKE_OPEN;
}

static enum likeness compare(const struct replay_policies *now, const struct span *was, uint32_t n,
                             uint64_t left_out)
{
        const struct named named = { was, n, left_out };

        return now->sure ? compare_all(now, &named) : compare_some(now, &named);
}

/* It comes out as it did; by the same policies? */
static void judge_policies(struct replayed *r)
{
        const struct replay_result *now = &r->result;
        const enum likeness decide = compare(&now->decide, r->policies, r->n_policies,
                                             r->policies_left_out),
                            err = compare(&now->err, r->faults, r->n_faults, r->faults_left_out);

        r->change = REPLAY_SAME;
        if (decide == LIKE_NOT || err == LIKE_NOT)
                r->change = REPLAY_OTHER_POLICIES;
        else
                r->policies_open = decide == LIKE_OPEN || err == LIKE_OPEN;
}

/* ---- both kinds ---- */

static void judge_reads(struct replayed *r)
{
        r->reads_open = r->n_unmet || r->unread || (r->late && r->result.n_reads);
        for (uint32_t i = 0; i < r->n_seen; i++)
                if (r->seen[i].gone || r->seen[i].now == REPLAY_READ_OPEN)
                        r->reads_open = true;
                else if (r->seen[i].now != r->seen[i].was)
                        r->change = REPLAY_OTHER_READS;
}

static void judge_allowed(struct replayed *r)
{
        switch (r->result.decision) {
        case REPLAY_OPEN:
                r->change = REPLAY_CANNOT_TELL;
                break;
        case REPLAY_ALLOWED:
                judge_policies(r);
                judge_reads(r);
                break;
        default:
                r->change = REPLAY_NOW_DENIED;
        }
}

static void judge_denied(struct replayed *r)
{
        const bool by_policy = span_eq(r->reason, SPAN("policy"));

        switch (r->result.decision) {
        case REPLAY_OPEN:
                /* The same document refuses what it has refused. */
                r->change = !by_policy && r->call.same_package ? REPLAY_SAME : REPLAY_CANNOT_TELL;
                break;
        case REPLAY_ALLOWED:
                r->change = by_policy              ? REPLAY_NOW_ALLOWED
                            : r->call.same_package ? REPLAY_SAME
                                                   : REPLAY_CANNOT_TELL;
                break;
        case REPLAY_DENIED:
                r->change = REPLAY_SAME;
                if (by_policy)
                        judge_policies(r);
                break;
        default:
                r->change = REPLAY_SAME;
        }
}

void replay_judge(struct replayed *r)
{
        r->reads_open = r->policies_open = false;
        if (r->allowed)
                judge_allowed(r);
        else
                judge_denied(r);
}
