/* SPDX-License-Identifier: Apache-2.0 */
/* replay_sum.c - calls that assay api replay has told of, summed up for people.  Floor 3.
 * SECURITY: all that is out of an entry goes through text_put_safe(). */
#include "command/api/replay.h"

#include "base/text.h"

/* ---- counted ---- */

void replay_count(struct replay_count *list, uint32_t *n, uint64_t *more, struct span text,
                  uint64_t times)
{
        uint32_t i = 0;

        text.n = MIN_OF(text.n, sizeof list->text - 1);
        while (i < *n && !span_eq_str(text, list[i].text))
                i++;
        if (i == REPLAY_MISSING_MAX) {
                *more += times;
                return;
        }
        if (i == *n) {
                memcpy(list[i].text, text.p, text.n);
                list[i].text[text.n] = 0;
                list[i].n = 0;
                ++*n;
        }
        list[i].n += times;
}

static void miss(struct replay_sum *sum, struct span what)
{
        replay_count(sum->missing, &sum->n_missing, &sum->missing_more, what, 1);
}

static void count_missing(struct replay_sum *sum, const struct replay_unknown *on, uint32_t n)
{
        for (uint32_t i = 0; i < n; i++) {
                CLEANUP(buf_done) struct buf text = BUF_INIT(4096);

                replay_put_on(&on[i], &text);
                miss(sum, buf_span(&text));
        }
}

static void count_policies_open(struct replay_sum *sum, const struct replayed *r)
{
        sum->policies_open++;
        count_missing(sum, r->result.policies_on, r->result.n_policies_on);
        if (replay_is_cut(r))
                miss(sum, SPAN(REPLAY_ENTRY_IS_CUT));
}

void replay_add(struct replay_sum *sum, const struct replayed *r)
{
        const char *why = replay_why_open(r);

        sum->n++;
        sum->by_change[r->change]++;
        if (r->change == REPLAY_CANNOT_TELL && why)
                miss(sum, span_str(why));
        else if (r->change == REPLAY_CANNOT_TELL)
                count_missing(sum, r->result.on, r->result.n_on);
        sum->other_package +=
                r->allowed && r->result.decision == REPLAY_ALLOWED && !r->call.same_package;
        if (r->policies_open)
                count_policies_open(sum, r);
        if (!r->reads_open)
                return;
        sum->reads_open++;
        if (r->late)
                miss(sum, span_str(r->late));
        count_missing(sum, r->result.reads_on, r->result.n_reads_on);
        for (uint32_t i = 0; i < r->n_seen; i++)
                if (r->seen[i].gone)
                        miss(sum, SPAN("a data class is not in the document any more"));
        for (uint32_t i = 0; i < r->n_unmet; i++) {
                CLEANUP(buf_done) struct buf text = BUF_INIT(4096);

                replay_put_unmet(r->unmet[i], &text);
                miss(sum, buf_span(&text));
        }
}

/* ---- told ---- */

static void put_counts(const struct replay_count *list, uint32_t n, struct buf *out)
{
        for (uint32_t i = 0; i < n; i++) {
                buf_put_str(out, i ? ", " : "");
                text_put_safe(out, span_str(list[i].text));
                buf_put_byte(out, ' ');
                screen_put_count(out, list[i].n);
        }
}

/* One that may have to be broken; cleared. */
static void put_sentence(const struct screen *s, struct buf *text, struct buf *out)
{
        screen_put_wrapped(s, out, buf_cstr(text), 0, 8);
        buf_put_byte(out, '\n');
        buf_clear(text);
}

static void put_changes(const struct screen *s, const struct replay_sum *sum, struct buf *out)
{
        static const struct {
                enum replay_change change;
                const char *one, *more;
                enum style style;
        } rows[] = {
                { REPLAY_SAME, "would be decided as it was", "would be decided as they were",
                  STYLE_NONE },
                { REPLAY_NOW_DENIED, "was allowed and would be denied",
                  "were allowed and would be denied", STYLE_BAD },
                { REPLAY_NOW_ALLOWED, "was denied and would be allowed",
                  "were denied and would be allowed", STYLE_WARN },
                { REPLAY_OTHER_READS, "would be shown other data", "would be shown other data",
                  STYLE_WARN },
                { REPLAY_OTHER_POLICIES, "would be decided alike, by other policies",
                  "would be decided alike, by other policies", STYLE_WARN },
                { REPLAY_CANNOT_TELL, "cannot be told", "cannot be told", STYLE_WARN },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const uint64_t n = sum->by_change[rows[i].change];

                if (n == 0)
                        continue;
                buf_put_str(out, "  ");
                screen_put_count(out, n);
                buf_put_byte(out, ' ');
                screen_put(s, out, rows[i].style, n == 1 ? rows[i].one : rows[i].more);
                buf_put_byte(out, '\n');
        }
}

static void put_of_these(const char *what, uint64_t n, struct buf *out)
{
        if (n == 0)
                return;
        buf_put_str(out, "  of these, ");
        buf_put_str(out, what);
        buf_put_str(out, " cannot be told of ");
        screen_put_count(out, n);
        buf_put_byte(out, '\n');
}

static void put_missing(const struct screen *s, const struct replay_sum *sum, struct buf *text,
                        struct buf *out)
{
        for (uint32_t i = 0; i < sum->n_missing; i++) {
                buf_put_str(out, i ? "        " : "because ");
                text_put_safe(text, span_str(sum->missing[i].text));
                buf_put_str(text, " (");
                screen_put_count(text, sum->missing[i].n);
                buf_put_byte(text, ')');
                screen_put_wrapped(s, out, buf_cstr(text), 8, 10);
                buf_put_byte(out, '\n');
                buf_clear(text);
        }
        if (sum->missing_more)
                buf_put_str(out, "        and more that are not told apart\n");
}

static void begin_not_judged(uint64_t n, struct buf *text)
{
        buf_put_str(text, "not judged again: ");
        screen_put_count(text, n);
}

static void put_not_judged(const struct screen *s, const struct replay_sum *sum, struct buf *text,
                           struct buf *out)
{
        if (sum->not_judged) {
                begin_not_judged(sum->not_judged, text);
                buf_put_str(text, " refused by what policies and values have no part in: ");
                put_counts(sum->reasons, sum->n_reasons, text);
                put_sentence(s, text, out);
        }
        if (sum->folded) {
                begin_not_judged(sum->folded, text);
                buf_put_str(text, " refused in such numbers that the ledger has them only counted");
                if (sum->folded_any) {
                        buf_put_str(text, "; of whatever API ");
                        screen_put_count(text, sum->folded_any);
                }
                put_sentence(s, text, out);
        }
        if (sum->other_package) {
                buf_put_str(text, "not judged again: which places of an answer have which data "
                                  "class, of ");
                screen_put_count(text, sum->other_package);
                buf_put_str(text, sum->other_package == 1 ? " call" : " calls");
                buf_put_str(text, " that another package has judged");
                put_sentence(s, text, out);
        }
}

void replay_put_sum(const struct screen *s, const struct replay_sum *sum, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 16);

        screen_put_count(out, sum->n);
        buf_put_str(out, sum->n == 1 ? " call\n" : " calls\n");
        put_changes(s, sum, out);
        put_of_these("by which policies", sum->policies_open, out);
        put_of_these("what data would be shown", sum->reads_open, out);
        put_missing(s, sum, &text, out);
        put_not_judged(s, sum, &text, out);
}
