/* SPDX-License-Identifier: Apache-2.0 */
/* line_state.c - what became of a row of the host's state, in words. */
#include "command/log/line_priv.h"

#include "base/text.h"

enum { COLUMNS_SHOWN = 6, VALUE_SHOWN = 60 };

/* The row's side: in the leaf, or in the value that the vault has. */
static bool side_of(const struct view *v, const char *which, struct json_value *ret)
{
        const char *path = *which == 'n' ? "what.new" : "what.old";
        struct json_value row;

        if (line_is_readable(view_field(v, path, ret)))
                return ret->type == JSON_ARRAY;
        return line_is_readable(view_field(v, "what.row", &row)) && row.type == JSON_OBJECT &&
               json_get(row, which, ret) && ret->type == JSON_ARRAY;
}

/* [column, value, ...]; a ledger may be anybody's, and hold something else. */
static bool pair_of(struct json_value pair, struct span *ret_column, struct json_value *ret)
{
        struct json_value column;
        struct json_iter it;

        if (pair.type != JSON_ARRAY)
                return false;
        it = json_iter_of(pair);
        return json_next(&it, NULL, &column) && json_value_plain(column, ret_column) &&
               json_next(&it, NULL, ret);
}

static bool column_of(struct json_value pairs, struct span name, struct json_value *ret)
{
        struct json_iter it = json_iter_of(pairs);
        struct json_value pair;
        struct span text;

        while (json_next(&it, NULL, &pair))
                if (pair_of(pair, &text, ret) && span_eq(text, name))
                        return true;
        return false;
}

static void put_value(struct json_value v, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(LINE_TEXT_MAX);
        CLEANUP(buf_done) struct buf safe = BUF_INIT(LINE_TEXT_MAX);

        if (!json_value_text(v, &text))
                buf_put(&text, v.raw);
        text_put_safe(&safe, buf_span(&text));
        if (safe.n <= VALUE_SHOWN) {
                buf_put(out, safe.n ? buf_span(&safe) : SPAN("\"\""));
                return;
        }
        safe.n = VALUE_SHOWN;
        while (safe.n && !text_is_utf8(buf_span(&safe), NULL))
                safe.n--;
        buf_put(out, buf_span(&safe));
        buf_put_str(out, "...");
}

/* "; shell /bin/sh → /bin/bash" for each column that differs. */
static void put_differences(const struct view *v, struct json_value old, struct json_value new,
                            struct buf *out)
{
        struct json_value list, name, value;
        struct json_iter it;
        struct span column;

        if (!line_is_readable(view_field(v, "what.differs", &list)) || list.type != JSON_ARRAY)
                return;
        it = json_iter_of(list);
        for (int n = 0; n < COLUMNS_SHOWN && json_next(&it, NULL, &name); n++) {
                if (!json_value_plain(name, &column))
                        continue;
                buf_put_str(out, n ? ", " : ": ");
                text_put_safe(out, column);
                buf_put_byte(out, ' ');
                if (column_of(old, column, &value))
                        put_value(value, out);
                else
                        buf_put_str(out, "none");
                buf_put_str(out, " → ");
                if (column_of(new, column, &value))
                        put_value(value, out);
                else
                        buf_put_str(out, "none");
        }
}

/* "; uid 1000, shell /bin/sh" of a row that came or went. */
static void put_columns(struct json_value row, struct buf *out)
{
        struct json_iter it = json_iter_of(row);
        struct json_value pair, value;
        struct span text;

        for (int n = 0; n < COLUMNS_SHOWN && json_next(&it, NULL, &pair); n++) {
                if (!pair_of(pair, &text, &value))
                        continue;
                buf_put_str(out, n ? ", " : ": ");
                text_put_safe(out, text);
                buf_put_byte(out, ' ');
                put_value(value, out);
        }
}

void line_put_state(const struct screen *s, const struct view *v, struct buf *out)
{
        struct json_value old, new, row, key, cause;
        bool has_old = side_of(v, "old", &old), has_new = side_of(v, "new", &new);

        if (line_is_readable(view_field(v, "what.row", &row)) && row.type == JSON_OBJECT &&
            json_get(row, "key", &key)) {
                buf_put_byte(out, ' ');
                put_value(key, out);
        }
        if (has_old && has_new)
                put_differences(v, old, new, out);
        else if (has_old || has_new)
                put_columns(has_new ? new : old, out);
        if (view_field(v, "what.cause", &cause) != FIELD_ABSENT)
                line_put_author(s, v, out);
}
