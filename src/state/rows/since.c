/* SPDX-License-Identifier: Apache-2.0 */
#include "state/rows/since.h"

#include "base/text.h"

/* The place is marked with the beginning of time: all times are of one length, so that it is
 * written over where it stands. */
static const char mark[] = "1970-01-01T00:00:00.000000000Z";
STATIC_ASSERT(sizeof mark == TEXT_TIME_LEN + 1, "a mark is as long as a time");

void state_since(struct state_out *o, const char *column)
{
        state_time(o, column, 0);
}

static bool plain_member(struct span row, const char *column, struct span *ret)
{
        struct json_value v;

        return json_get(json_value_of(row), column, &v) && json_value_plain(v, ret);
}

static void fill(struct rows *r, size_t i, const char *column, struct span old, const char *now)
{
        struct span here, before = SPAN_NONE;

        if (!plain_member(rows_row(r, i), column, &here) || !span_eq_str(here, mark))
                return;
        if (!plain_member(old, column, &before) || before.n != TEXT_TIME_LEN)
                before = span_str(now);
        memcpy(r->text.p + (here.p - r->text.p), before.p, TEXT_TIME_LEN);
}

static struct span key_of(const struct rows *r, size_t i)
{
        return span_of(r->keys.p + r->at[i].key, r->at[i].key_n);
}

static void fill_column(struct rows *r, const struct rows *old, const char *column, const char *now)
{
        size_t j = 0;

        for (size_t i = 0; i < r->n; i++) {
                struct span key = key_of(r, i);

                while (j < old->n && span_cmp(key_of(old, j), key) < 0)
                        j++;
                fill(r, i, column,
                     j < old->n && span_eq(key_of(old, j), key) ? rows_row(old, j) : SPAN("{}"),
                     now);
        }
}

void rows_keep_since(struct rows *r, const struct rows *old, const struct state_table *t,
                     int64_t wall_ns)
{
        const struct state_column *c = t->columns;
        char now[TEXT_TIME_LEN + 1];

        text_time(wall_ns, now);
        for (size_t i = 0; i < t->n_columns; i++)
                if (c[i].type == STATE_TIME && c[i].flags & STATE_LOOSE)
                        fill_column(r, old, c[i].name, now);
}
