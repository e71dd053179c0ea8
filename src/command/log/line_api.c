/* SPDX-License-Identifier: Apache-2.0 */
/* line_api.c - data of a call, in words: classes that it writes and reads, and how; findings. */
#include "command/log/line_priv.h"

#include "base/text.h"

enum { ITEMS_SHOWN = 12, PARTS = 3 };

static void put_part(struct json_value part, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(LINE_TEXT_MAX);

        if (!json_value_text(part, &text))
                buf_put(&text, part.raw);
        text_put_safe(out, buf_span(&text));
}

/* [name, count] and perhaps a word: "pii.ssn masked (2)".  A ledger may hold anything else, which
 * is shown as it is. */
static void put_class(struct json_value item, struct buf *out)
{
        struct json_value part[PARTS];
        bool three = json_value_items(item, part, PARTS);

        if (!three && !json_value_items(item, part, PARTS - 1)) {
                text_put_safe(out, item.raw);
                return;
        }
        put_part(part[0], out);
        if (three) {
                buf_put_byte(out, ' ');
                put_part(part[2], out);
        }
        buf_put_str(out, " (");
        put_part(part[1], out);
        buf_put_byte(out, ')');
}

/* [kind, place, count]: "card at /accounts/[]/note (2)". */
static void put_finding(struct json_value item, struct buf *out)
{
        struct json_value part[PARTS];

        if (!json_value_items(item, part, PARTS)) {
                text_put_safe(out, item.raw);
                return;
        }
        put_part(part[0], out);
        buf_put_str(out, " at ");
        put_part(part[1], out);
        buf_put_str(out, " (");
        put_part(part[2], out);
        buf_put_byte(out, ')');
}

/* [policy, what went wrong] */
static void put_fault(struct json_value item, struct buf *out)
{
        struct json_value part[2];

        if (!json_value_items(item, part, 2)) {
                text_put_safe(out, item.raw);
                return;
        }
        put_part(part[0], out);
        buf_put_str(out, ": ");
        put_part(part[1], out);
}

static void put_items(const struct screen *s, const struct view *v, enum style style,
                      const char *path, const char *before,
                      void (*put)(struct json_value item, struct buf *out), struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(LINE_TEXT_MAX);
        struct json_value list, item;
        struct json_iter it;
        size_t n = 0;

        if (!line_is_readable(view_field(v, path, &list)) || list.type != JSON_ARRAY)
                return;
        for (it = json_iter_of(list); json_next(&it, NULL, &item); n++) {
                if (n >= ITEMS_SHOWN)
                        continue;
                buf_put_str(&text, n ? ", " : before);
                put(item, &text);
        }
        if (n > ITEMS_SHOWN)
                buf_printf(&text, " and %zu more", n - ITEMS_SHOWN);
        if (n)
                screen_put(s, out, style, buf_cstr(&text));
}

/* Nobody has said who it was: where from is known all the same. */
static void put_caller(const struct screen *s, const struct view *v, struct buf *out)
{
        struct json_value value;

        if (view_field(v, "who.user", &value) == FIELD_ABSENT)
                line_put_phrase(s, v, STYLE_NAME, "[  from {who.address}]", out);
        else
                line_put_author(s, v, out);
}

void line_put_call(const struct screen *s, const struct view *v, struct buf *out)
{
        put_items(s, v, STYLE_WARN, "what.faults", "  erred: ", put_fault, out);
        put_items(s, v, STYLE_NONE, "what.writes", "  writes ", put_class, out);
        put_items(s, v, STYLE_NONE, "what.reads", "  reads ", put_class, out);
        put_items(s, v, STYLE_NONE, "what.classes", "  of ", put_class, out);
        put_items(s, v, STYLE_WARN, "what.findings", "  looks personal: ", put_finding, out);
        put_caller(s, v, out);
}
