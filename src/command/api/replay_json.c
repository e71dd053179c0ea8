/* SPDX-License-Identifier: Apache-2.0 */
/* replay_json.c - what assay api replay says, for programs.  Floor 3.  SECURITY: all that is out of
 * an entry goes through text_put_safe(). */
#include "command/api/replay.h"
#include "command/api/replay_ledgers.h"

#include "base/text.h"

static void json_safe(struct json_writer *w, const char *key, struct span s)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 16);

        text_put_safe(&text, s);
        json_member_text(w, key, buf_cstr(&text));
}

static void json_item(struct json_writer *w, struct span s)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 16);

        text_put_safe(&text, s);
        json_put_string(w, span_str(buf_cstr(&text)));
}

static void json_names(struct json_writer *w, const char *key, const struct span *names, uint32_t n)
{
        json_put_key(w, key);
        json_begin_array(w);
        for (uint32_t i = 0; i < n; i++)
                json_item(w, names[i]);
        json_end_array(w);
}

static void json_policies(struct json_writer *w, const char *key,
                          const struct replay_policies *list)
{
        json_put_key(w, key);
        json_begin_array(w);
        for (uint32_t i = 0; i < list->n; i++)
                json_item(w, replay_policy_name(list->at[i]));
        json_end_array(w);
}

static void json_on(struct json_writer *w, const char *key, const struct replay_unknown *on,
                    uint32_t n)
{
        json_put_key(w, key);
        json_begin_array(w);
        for (uint32_t i = 0; i < n; i++) {
                json_begin_object(w);
                json_safe(w, "place", on[i].place);
                json_member_text(w, "why", replay_known_text(on[i].known));
                json_end_object(w);
        }
        json_end_array(w);
}

static void json_now(struct json_writer *w, const struct replayed *r)
{
        static const char *const names[] = {
                [REPLAY_ALLOWED] = "allowed", [REPLAY_DENIED] = "denied",
                [REPLAY_REFUSED] = "refused", [REPLAY_GONE] = "gone",
                [REPLAY_OPEN] = "unknown",
        };

        json_put_key(w, "now");
        json_begin_object(w);
        json_member_text(w, "decision", names[r->result.decision]);
        if (r->result.err.sure)
                json_policies(w, "faults", &r->result.err);
        if (r->result.n_on)
                json_on(w, "on", r->result.on, r->result.n_on);
        if (r->result.decide.sure)
                json_policies(w, "policies", &r->result.decide);
        if (r->result.why)
                json_safe(w, "why", span_str(r->result.why));
        json_end_object(w);
}

static void json_reads(struct json_writer *w, const struct replayed *r)
{
        json_put_key(w, "reads");
        json_begin_array(w);
        for (uint32_t i = 0; i < r->n_seen; i++) {
                json_begin_object(w);
                json_safe(w, "class", r->seen[i].class);
                json_member_text(w, "now",
                                 r->seen[i].gone ? "gone" : replay_read_word(r->seen[i].now));
                json_member_text(w, "was", replay_read_word(r->seen[i].was));
                json_end_object(w);
        }
        json_end_array(w);
}

void replay_put_json(const struct replayed *r, const char *ledger, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_text(&w, "call", r->id);
        json_member_text(&w, "change", replay_change_name(r->change));
        json_member_u64(&w, "index", r->index);
        command_put_json_text(&w, "ledger", ledger);
        json_now(&w, r);
        json_safe(&w, "operation", r->call.operation);
        if (r->policies_open)
                json_on(&w, "policies_on", r->result.policies_on, r->result.n_policies_on);
        json_reads(&w, r);
        if (r->reads_open)
                json_on(&w, "reads_on", r->result.reads_on, r->result.n_reads_on);
        json_member_time(&w, "time", r->wall_ns);
        if (r->n_unmet)
                json_names(&w, "unmet", r->unmet, r->n_unmet);
        json_put_key(&w, "was");
        json_begin_object(&w);
        json_member_text(&w, "decision", r->allowed ? "allowed" : "denied");
        json_names(&w, "faults", r->faults, r->n_faults);
        json_names(&w, "policies", r->policies, r->n_policies);
        if (!r->allowed)
                json_safe(&w, "reason", r->reason);
        json_end_object(&w);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static void json_counts(struct json_writer *w, const char *key, const struct replay_count *list,
                        uint32_t n)
{
        json_put_key(w, key);
        json_begin_array(w);
        for (uint32_t i = 0; i < n; i++) {
                json_begin_object(w);
                json_member_u64(w, "calls", list[i].n);
                json_safe(w, "what", span_str(list[i].text));
                json_end_object(w);
        }
        json_end_array(w);
}

void replay_put_sum_json(struct json_writer *w, const struct replay_sum *sum,
                         const struct replay_ledgers *ledgers)
{
        json_member_u64(w, "calls", sum->n);
        json_put_key(w, "changes");
        json_begin_object(w);
        json_member_u64(w, "cannot_tell", sum->by_change[REPLAY_CANNOT_TELL]);
        json_member_u64(w, "now_allowed", sum->by_change[REPLAY_NOW_ALLOWED]);
        json_member_u64(w, "now_denied", sum->by_change[REPLAY_NOW_DENIED]);
        json_member_u64(w, "other_policies", sum->by_change[REPLAY_OTHER_POLICIES]);
        json_member_u64(w, "other_reads", sum->by_change[REPLAY_OTHER_READS]);
        json_member_u64(w, "policies_open", sum->policies_open);
        json_member_u64(w, "reads_open", sum->reads_open);
        json_member_u64(w, "same", sum->by_change[REPLAY_SAME]);
        json_end_object(w);
        json_member_u64(w, "folded", sum->folded);
        json_member_u64(w, "folded_any", sum->folded_any);
        replay_ledgers_put_json(ledgers, w);
        json_counts(w, "missing", sum->missing, sum->n_missing);
        json_member_u64(w, "not_judged", sum->not_judged);
        json_member_u64(w, "other_package", sum->other_package);
        json_counts(w, "reasons", sum->reasons, sum->n_reasons);
}
