/* SPDX-License-Identifier: Apache-2.0 */
#include "state/rows/alerting.h"

#include "base/buf.h"
#include "state/rows/row.h"
#include "wire/json.h"

static bool next_word(struct span *rest, struct span *ret)
{
        const uint8_t *end = rest->n ? memchr(rest->p, ' ', rest->n) : NULL;

        *ret = span_of(rest->p, end ? (size_t)(end - rest->p) : rest->n);
        if (rest->n == 0)
                return false;
        *rest = span_from(*rest, end ? ret->n + 1 : rest->n);
        return true;
}

bool state_alert_word_ok(const struct state_table *t, struct span word)
{
        return span_eq_str(word, "added") || span_eq_str(word, "removed") ||
               state_column_by_name(t, word);
}

bool state_alert_rule_ok(const struct state_table *t, struct span rule)
{
        struct span word;

        if (rule.n == 0 || rule.n > STATE_ALERT_MAX)
                return false;
        if (span_eq_str(rule, "yes") || span_eq_str(rule, "no"))
                return true;
        while (next_word(&rule, &word))
                if (!state_alert_word_ok(t, word))
                        return false;
        return true;
}

static bool has_word(const char *rule, struct span want)
{
        struct span rest = span_str(rule), word;

        while (next_word(&rest, &word))
                if (span_eq(word, want))
                        return true;
        return false;
}

static bool differs_in_one(const struct state_table *t, const char *rule, struct span old,
                           struct span new)
{
        CLEANUP(buf_done) struct buf names = BUF_INIT(STATE_ROW_MAX);
        struct json_writer w;
        struct json_value v;
        struct json_iter it;
        struct span name;

        json_writer_init(&w, &names);
        json_begin_array(&w);
        (void)!state_row_differs(t, json_value_of(old), json_value_of(new), &w);
        json_end_array(&w);
        if (buf_status(&names) < 0)
                return true; /* rather too much */
        for (it = json_iter_of(json_value_of(buf_span(&names))); json_next(&it, NULL, &v);)
                if (json_value_plain(v, &name) && has_word(rule, name))
                        return true;
        return false;
}

bool state_alerts(const struct state_table *t, const char *rule, struct span old, struct span new)
{
        if (!rule || strcmp(rule, "no") == 0)
                return false;
        if (strcmp(rule, "yes") == 0)
                return true;
        if (old.n == 0)
                return has_word(rule, SPAN("added"));
        if (new.n == 0)
                return has_word(rule, SPAN("removed"));
        return differs_in_one(t, rule, old, new);
}
