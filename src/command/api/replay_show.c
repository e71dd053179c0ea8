/* SPDX-License-Identifier: Apache-2.0 */
/* replay_show.c - what assay api replay says, for people.  Floor 3.  SECURITY: all
 * that is out of an entry goes through text_put_safe(). */
#include "command/api/replay.h"

#include "base/text.h"

#include <stdio.h>

enum { NAMES_SHOWN = 4, ON_SHOWN = 6 };

const char *replay_read_word(enum replay_read r)
{
        static const char *const words[] = { [REPLAY_CLEAR] = "clear",
                                             [REPLAY_MASKED] = "masked",
                                             [REPLAY_WITHHELD] = "withheld",
                                             [REPLAY_READ_OPEN] = "unknown" };

        return words[r];
}

void replay_put_on(const struct replay_unknown *u, struct buf *out)
{
        text_put_safe(out, u->place);
        buf_put_str(out, span_eq(u->place, SPAN("principal in")) ? " a group " : " ");
        buf_put_str(out, replay_known_text(u->known));
}

void replay_put_unmet(struct span class, struct buf *out)
{
        buf_put_str(out, "no data of class ");
        text_put_safe(out, class);
        buf_put_str(out, " was known to be in an answer");
}

/* What a replayed refusal lacks. */
const char *replay_why_open(const struct replayed *r)
{
        if (r->result.why)
                return r->result.why;
        return r->allowed || span_eq(r->reason, SPAN("policy"))
                       ? NULL
                       : "the document had refused it, and not all of the request was recorded";
}

/* An entry that names not all of the policies says nothing of the others. */
bool replay_is_cut(const struct replayed *r)
{
        return r->policies_left_out || r->faults_left_out;
}

/* ---- one call, for people ---- */

/* "\"a\", \"b\" and 3 more" */
static void put_names(const struct span *names, uint32_t n, uint64_t more, struct buf *out)
{
        for (uint32_t i = 0; i < MIN_OF(n, (uint32_t)NAMES_SHOWN); i++) {
                buf_put_str(out, i ? ", " : "");
                text_put_quoted(out, names[i]);
        }
        if (n > NAMES_SHOWN)
                more += n - NAMES_SHOWN;
        if (more)
                buf_printf(out, " and %llu more", (unsigned long long)more);
}

static void put_policies(const struct replay_policies *list, struct buf *out)
{
        struct span names[NAMES_SHOWN] = { 0 };
        const uint32_t n = MIN_OF(list->n, (uint32_t)NAMES_SHOWN);

        for (uint32_t i = 0; i < n; i++)
                names[i] = replay_policy_name(list->at[i]);
        put_names(names, n, list->n - n, out);
        if (!list->sure)
                buf_put_str(out, n ? ", and perhaps others" : "policies that cannot be told");
}

static void put_was(const struct replayed *r, struct buf *out)
{
        const bool by_policy = span_eq(r->reason, SPAN("policy"));

        if (r->allowed || (by_policy && r->n_policies)) {
                buf_put_str(out, r->allowed ? "was allowed by " : "was denied by ");
                put_names(r->policies, r->n_policies, r->policies_left_out, out);
        } else if (by_policy && !r->n_faults) {
                buf_put_str(out, "was denied: no policy permitted it");
        } else {
                buf_put_str(out, "was denied: ");
                text_put_safe(out, r->detail.n ? r->detail : r->reason);
        }
        if (r->n_faults) {
                buf_put_str(out, ", while ");
                put_names(r->faults, r->n_faults, r->faults_left_out, out);
                buf_put_str(out, " erred");
        }
}

/* "context.body.to was not recorded; principal is erased; and 3 more" */
static void put_all_on(const struct replay_unknown *on, uint32_t n, struct buf *out)
{
        for (uint32_t i = 0; i < MIN_OF(n, (uint32_t)ON_SHOWN); i++) {
                buf_put_str(out, i ? "; " : "");
                replay_put_on(&on[i], out);
        }
        if (n > ON_SHOWN)
                buf_printf(out, "; and %u more", n - ON_SHOWN);
}

static void put_open(const struct replayed *r, struct buf *out)
{
        const char *why = replay_why_open(r);

        buf_put_str(out, "cannot be told: ");
        if (why)
                text_put_safe(out, span_str(why));
        else
                put_all_on(r->result.on, r->result.n_on, out);
}

static void put_now(const struct replayed *r, struct buf *out)
{
        const struct replay_result *now = &r->result;

        switch (now->decision) {
        case REPLAY_ALLOWED:
                buf_put_str(out, "would be allowed by ");
                put_policies(&now->decide, out);
                break;
        case REPLAY_DENIED:
                buf_put_str(out, "would be denied");
                if (now->decide.n && now->decide.at[0]->effect == CEDAR_FORBID) {
                        buf_put_str(out, " by ");
                        put_policies(&now->decide, out);
                } else if (!now->err.n) {
                        buf_put_str(out, ": no policy permits it");
                }
                break;
        default:
                buf_put_str(out, "would be refused: ");
                text_put_safe(out, span_str(now->why ? now->why : ""));
                return;
        }
        if (now->err.n) {
                buf_put_str(out, ", while ");
                put_policies(&now->err, out);
                buf_put_str(out, " would err");
        }
}

/* Below a call's own line. */
static void put_line(const struct screen *s, struct buf *text, struct buf *out)
{
        buf_put_str(out, "      ");
        screen_put_wrapped(s, out, buf_cstr(text), 6, 8);
        buf_put_byte(out, '\n');
        buf_clear(text);
}

static void put_reads(const struct screen *screen, const struct replayed *r, struct buf *text,
                      struct buf *out)
{
        for (uint32_t i = 0; i < r->n_seen; i++) {
                const struct replay_seen *s = &r->seen[i];

                if (!s->gone && s->now == s->was)
                        continue;
                text_put_safe(text, s->class);
                buf_printf(text, ": was %s, ", replay_read_word(s->was));
                if (s->gone)
                        buf_put_str(text, "is not a data class of the operation any more");
                else if (s->now == REPLAY_READ_OPEN)
                        buf_put_str(text, "what it would be cannot be told");
                else
                        buf_printf(text, "would be %s", replay_read_word(s->now));
                put_line(screen, text, out);
        }
        if (r->late && r->reads_open) {
                buf_put_str(text, r->late);
                put_line(screen, text, out);
        }
        for (uint32_t i = 0; i < r->n_unmet; i++) {
                replay_put_unmet(r->unmet[i], text);
                put_line(screen, text, out);
        }
        for (uint32_t i = 0; i < MIN_OF(r->result.n_reads_on, (uint32_t)ON_SHOWN) && r->reads_open;
             i++) {
                replay_put_on(&r->result.reads_on[i], text);
                put_line(screen, text, out);
        }
}

static void put_policies_open(const struct screen *screen, const struct replayed *r,
                              struct buf *text, struct buf *out)
{
        const uint32_t n = r->result.n_policies_on;

        buf_put_str(text, "by which policies cannot be told: ");
        put_all_on(r->result.policies_on, n, text);
        if (replay_is_cut(r))
                buf_put_str(text, n ? "; " REPLAY_ENTRY_IS_CUT : REPLAY_ENTRY_IS_CUT);
        put_line(screen, text, out);
}

static void put_who(const struct replayed *r, struct buf *out)
{
        const struct replay_call *c = &r->call;

        if (c->object_type.n) {
                buf_put_byte(out, ' ');
                text_put_safe(out, c->object_type);
        }
        if (c->object_type.n && c->known.object == REPLAY_KNOWN) {
                buf_put_byte(out, ' ');
                text_put_safe(out, c->object_id);
        }
        if (c->known.caller == REPLAY_KNOWN) {
                buf_put_str(out, "  by ");
                text_put_safe(out, c->caller);
        }
}

void replay_put_text(const struct screen *s, const struct replayed *r, struct buf *out)
{
        static const struct {
                const char *sign;
                enum style style;
        } signs[] = {
                [REPLAY_NOW_DENIED] = { "-", STYLE_BAD },
                [REPLAY_NOW_ALLOWED] = { "+", STYLE_WARN },
                [REPLAY_OTHER_READS] = { "~", STYLE_WARN },
                [REPLAY_OTHER_POLICIES] = { "~", STYLE_NONE },
                [REPLAY_CANNOT_TELL] = { "?", STYLE_NONE },
                [REPLAY_SAME] = { "=", STYLE_DIM },
        };
        CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 16);
        const bool open = r->change == REPLAY_SAME && (r->policies_open || r->reads_open);
        const enum replay_change sign = open ? REPLAY_CANNOT_TELL : r->change;

        buf_put_str(out, "  ");
        screen_put(s, out, signs[sign].style, signs[sign].sign);
        buf_printf(out, " %llu  ", (unsigned long long)r->index);
        screen_put_time(s, out, r->wall_ns);
        buf_put_str(out, "  ");
        text_put_safe(&text, r->call.operation);
        screen_put(s, out, STYLE_BOLD, buf_cstr(&text));
        buf_clear(&text);
        put_who(r, out);
        buf_put_byte(out, '\n');
        if (r->policies_open)
                put_policies_open(s, r, &text, out);
        if (r->change == REPLAY_SAME && !r->reads_open)
                return;
        if (r->change != REPLAY_OTHER_READS && r->change != REPLAY_SAME) {
                put_was(r, &text);
                put_line(s, &text, out);
                if (r->change == REPLAY_CANNOT_TELL)
                        put_open(r, &text);
                else
                        put_now(r, &text);
                put_line(s, &text, out);
        }
        put_reads(s, r, &text, out);
}
