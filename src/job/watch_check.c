/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns that contradict each other.  Which of two profiles has a path must not depend on which
 * came first, and a pattern that does nothing is a mistake somebody made. */
#include "job/watch.h"

static void check_within(struct watch_file *w, const struct watch_pattern *p,
                         const struct watch_pattern *q)
{
        if (p->exclude != q->exclude && span_eq(p->text, q->text))
                watch_fault(w, p->mark, "both watched and left out: see line %u",
                            (unsigned)q->mark.line);
        else if (p->exclude == q->exclude && span_eq(p->text, q->text))
                watch_fault(w, p->mark, "is there twice, first in line %u", (unsigned)q->mark.line);
}

static void check_between(struct watch_file *w, const struct watch_pattern *p,
                          const struct watch_pattern *q)
{
        if (p->exclude || q->exclude || pattern_rank_cmp(&p->pattern.rank, &q->pattern.rank) != 0 ||
            !pattern_meets(&p->pattern, &q->pattern))
                return;
        if (span_eq(p->text, q->text))
                watch_fault(w, p->mark, "profile %.*s watches it too, in line %u",
                            SHOWN(w->section[q->profile].name), (unsigned)q->mark.line);
        else
                watch_fault(w, p->mark,
                            "says no more than \"%.*s\" of profile %.*s (line %u), and a path may "
                            "be of both",
                            SHOWN(q->text), SHOWN(w->section[q->profile].name),
                            (unsigned)q->mark.line);
}

/* Patterns of p's profile, of the other sort. */
static void check_effect(struct watch_file *w, const struct watch_pattern *p)
{
        bool meets = false;

        for (size_t i = 0; i < w->n_patterns; i++) {
                const struct watch_pattern *q = w->pattern[i];

                if (q->profile != p->profile || q->exclude == p->exclude)
                        continue;
                meets = meets || pattern_meets(&p->pattern, &q->pattern);
                if (!p->exclude && !span_eq(q->text, p->text) &&
                    pattern_includes(&q->pattern, &p->pattern)) {
                        watch_fault(w, p->mark, "is left out as a whole by \"%.*s\", line %u",
                                    SHOWN(q->text), (unsigned)q->mark.line);
                        return;
                }
        }
        if (p->exclude && !meets)
                watch_fault(w, p->mark, "leaves nothing out: the profile watches nothing there");
}

void watch_check(struct watch_file *w)
{
        for (size_t i = 0; i < w->n_patterns; i++) {
                const struct watch_pattern *p = w->pattern[i];

                check_effect(w, p);
                for (size_t k = 0; k < i; k++)
                        if (w->pattern[k]->profile == p->profile)
                                check_within(w, p, w->pattern[k]);
                        else
                                check_between(w, p, w->pattern[k]);
        }
}
